// RUN: ladon-opt %s --attn-canonicalize-masks --split-input-file | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
!heads = tensor<?x8x?x64xf32>

// Negations move to the comparisons, |x| <= 5 is two bounds, j stands alone on
// the left: not (|i - j| > 5 or i < j) is j >= i - 5 and j <= i, since the
// bound j <= i + 5 follows from j <= i.
// CHECK-LABEL: func.func @window
// CHECK: mask(%{{[^:]*}}: i32, %{{[^:]*}}: i32, %[[I:[^:]*]]: i32, %[[J:[^:]*]]: i32) {
// CHECK-DAG: %[[FIRST:.*]] = arith.addi %[[I]], %{{.*}} : i32
// CHECK-DAG: %[[LOWER:.*]] = arith.cmpi sge, %[[J]], %[[FIRST]]
// CHECK-DAG: %[[UPPER:.*]] = arith.cmpi sle, %[[J]], %[[I]]
// CHECK: %[[BOTH:.*]] = arith.andi %[[LOWER]], %[[UPPER]]
// CHECK-NEXT: attn.yield %[[BOTH]]
func.func @window(%q: !heads, %k: !heads, %v: !heads, %init: !heads) -> !heads {
  %o = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%q, %k, %v : !heads, !heads, !heads) outs(%init : !heads)
      maps [#q, #k, #v, #out]
      mask(%b: i32, %h: i32, %i: i32, %j: i32) {
        %true = arith.constant true
        %five = arith.constant 5 : i32
        %distance = arith.subi %i, %j : i32
        %away = math.absi %distance : i32
        %far = arith.cmpi sgt, %away, %five : i32
        %future = arith.cmpi slt, %i, %j : i32
        %hidden = arith.ori %far, %future : i1
        %visible = arith.xori %hidden, %true : i1
        attn.yield %visible : i1
      } -> !heads
  return %o : !heads
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
!heads = tensor<?x8x?x64xf32>

// What the domain says goes: 0 <= j, j < T (by name, read off another tensor),
// h < 8. The rest is one bound.
// CHECK-LABEL: func.func @domain
// CHECK: mask(%{{[^:]*}}: i32, %{{[^:]*}}: i32, %[[I:[^:]*]]: i32, %[[J:[^:]*]]: i32, %{{.*}}: i32) {
// CHECK-NEXT: %[[VISIBLE:.*]] = arith.cmpi slt, %[[J]], %[[I]]
// CHECK-NEXT: attn.yield %[[VISIBLE]]
func.func @domain(%memory: tensor<?x4xf32> {attn.param = #attn.param<input memory: f32[T, 4]>}, %q: !heads,
                  %k: !heads {attn.param = #attn.param<input k: f32[B, 8, T, 64]>}, %v: !heads,
                  %init: !heads) -> !heads {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %memory, %c0 : tensor<?x4xf32>
  %keys = arith.index_cast %t : index to i32
  %o = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%q, %k, %v : !heads, !heads, !heads) captures(%keys : i32) outs(%init : !heads)
      maps [#q, #k, #v, #out]
      mask(%b: i32, %h: i32, %i: i32, %j: i32, %n: i32) {
        %zero = arith.constant 0 : i32
        %seven = arith.constant 7 : i32
        %natural = arith.cmpi sge, %j, %zero : i32
        %below = arith.cmpi slt, %j, %n : i32
        %head = arith.cmpi sle, %h, %seven : i32
        %before = arith.cmpi sgt, %i, %j : i32
        %0 = arith.andi %natural, %below : i1
        %1 = arith.andi %0, %head : i1
        %2 = arith.andi %1, %before : i1
        attn.yield %2 : i1
      } -> !heads
  return %o : !heads
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
!heads = tensor<?x8x?x64xf32>

// With a side given at run time, i - left could wrap: the distance stays. Nor
// is j - n < 3 the same as j < n + 3 for all n.
// CHECK-LABEL: func.func @wraps
// CHECK: mask(%{{[^:]*}}: i32, %{{[^:]*}}: i32, %[[I:[^:]*]]: i32, %[[J:[^:]*]]: i32, %[[N:.*]]: i32) {
// CHECK-DAG: %[[THREE:.*]] = arith.constant 3 : i32
// CHECK-DAG: %[[BEFORE:.*]] = arith.subi %[[I]], %[[J]]
// CHECK-DAG: %[[IN:.*]] = arith.cmpi sle, %[[BEFORE]], %[[N]]
// CHECK-DAG: %[[FROM:.*]] = arith.subi %[[J]], %[[N]]
// CHECK-DAG: %[[NEAR:.*]] = arith.cmpi slt, %[[FROM]], %[[THREE]]
// CHECK: arith.andi %[[IN]], %[[NEAR]]
func.func @wraps(%q: !heads, %k: !heads, %v: !heads, %init: !heads, %left: i32) -> !heads {
  %o = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%q, %k, %v : !heads, !heads, !heads) captures(%left : i32) outs(%init : !heads)
      maps [#q, #k, #v, #out]
      mask(%b: i32, %h: i32, %i: i32, %j: i32, %n: i32) {
        %three = arith.constant 3 : i32
        %before = arith.subi %i, %j : i32
        %in = arith.cmpi sle, %before, %n : i32
        %from = arith.subi %j, %n : i32
        %near = arith.cmpi slt, %from, %three : i32
        %visible = arith.andi %in, %near : i1
        attn.yield %visible : i1
      } -> !heads
  return %o : !heads
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
!heads = tensor<?x8x?x64xf32>

// Disjunctions keep the weaker bound; a remainder of natural numbers is not
// negative; a negated comparison of floats stays true for NaN.
// CHECK-LABEL: func.func @others
// CHECK: mask(%{{[^:]*}}: i32, %{{[^:]*}}: i32, %[[I:[^:]*]]: i32, %[[J:[^:]*]]: i32, %[[F:.*]]: f32) {
// CHECK-DAG: %[[FOUR:.*]] = arith.constant 4 : i32
// CHECK-DAG: %[[TWO:.*]] = arith.constant 2 : i32
// CHECK-DAG: %[[FALSE:.*]] = arith.constant false
// CHECK-DAG: %[[REST:.*]] = arith.remsi %[[J]], %[[FOUR]]
// CHECK-DAG: arith.select %[[FALSE]], %{{.*}}, %[[REST]]
// CHECK-DAG: %[[LAST:.*]] = arith.addi %[[I]], %[[TWO]]
// CHECK-DAG: %[[BOUND:.*]] = arith.cmpi sle, %[[J]], %[[LAST]]
// CHECK-DAG: %[[LESS:.*]] = arith.cmpf olt, %[[F]], %[[F]]
// CHECK-DAG: %[[NOT:.*]] = arith.xori %[[LESS]], %true
// CHECK: attn.yield
func.func @others(%q: !heads, %k: !heads, %v: !heads, %init: !heads, %f: f32) -> !heads {
  %o = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%q, %k, %v : !heads, !heads, !heads) captures(%f : f32) outs(%init : !heads)
      maps [#q, #k, #v, #out]
      mask(%b: i32, %h: i32, %i: i32, %j: i32, %c: f32) {
        %true = arith.constant true
        %zero = arith.constant 0 : i32
        %two = arith.constant 2 : i32
        %four = arith.constant 4 : i32
        %rest = arith.remsi %j, %four : i32
        %negative = arith.cmpi slt, %rest, %zero : i32
        %moved = arith.addi %rest, %four : i32
        %mod = arith.select %negative, %moved, %rest : i32
        %even = arith.cmpi eq, %mod, %zero : i32
        %narrow = arith.cmpi sle, %j, %i : i32
        %last = arith.addi %i, %two : i32
        %wide = arith.cmpi sle, %j, %last : i32
        %less = arith.cmpf olt, %c, %c : f32
        %notless = arith.xori %less, %true : i1
        %0 = arith.ori %narrow, %wide : i1
        %1 = arith.andi %0, %even : i1
        %2 = arith.andi %1, %notless : i1
        attn.yield %2 : i1
      } -> !heads
  return %o : !heads
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
!heads = tensor<?x8x?x64xf32>

// What a call decides cannot be and not be.
// CHECK-LABEL: func.func @opposites
// CHECK: mask(
// CHECK-NEXT: %[[FALSE:.*]] = arith.constant false
// CHECK-NEXT: attn.yield %[[FALSE]]
func.func @opposites(%q: !heads, %k: !heads, %v: !heads, %init: !heads, %f: f32) -> !heads {
  %o = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%q, %k, %v : !heads, !heads, !heads) captures(%f : f32) outs(%init : !heads)
      maps [#q, #k, #v, #out]
      mask(%b: i32, %h: i32, %i: i32, %j: i32, %c: f32) {
        %true = arith.constant true
        %zero = arith.constant 0.0 : f32
        %less = arith.cmpf olt, %c, %zero : f32
        %notless = arith.xori %less, %true : i1
        %causal = arith.cmpi sle, %j, %i : i32
        %0 = arith.andi %less, %causal : i1
        %1 = arith.andi %0, %notless : i1
        attn.yield %1 : i1
      } -> !heads
  return %o : !heads
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
!heads = tensor<?x8x?x64xf32>

// A bound that leaves a difference no zero implies that it is none.
// CHECK-LABEL: func.func @unequal
// CHECK: mask(%{{[^:]*}}: i32, %{{[^:]*}}: i32, %[[I:[^:]*]]: i32, %[[J:[^:]*]]: i32) {
// CHECK-NEXT: %[[BEFORE:.*]] = arith.cmpi slt, %[[J]], %[[I]]
// CHECK-NEXT: attn.yield %[[BEFORE]]
func.func @unequal(%q: !heads, %k: !heads, %v: !heads, %init: !heads) -> !heads {
  %o = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%q, %k, %v : !heads, !heads, !heads) outs(%init : !heads)
      maps [#q, #k, #v, #out]
      mask(%b: i32, %h: i32, %i: i32, %j: i32) {
        %differs = arith.cmpi ne, %i, %j : i32
        %before = arith.cmpi slt, %j, %i : i32
        %visible = arith.andi %differs, %before : i1
        attn.yield %visible : i1
      } -> !heads
  return %o : !heads
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
!heads = tensor<?x8x?x64xf32>

// The remainder of j - i by 4, its sign corrected where it is not that of the
// divisor, is at most 3 and never negative.
// CHECK-LABEL: func.func @remainder
// CHECK: mask(
// CHECK-NEXT: %[[TRUE:.*]] = arith.constant true
// CHECK-NEXT: attn.yield %[[TRUE]]
func.func @remainder(%q: !heads, %k: !heads, %v: !heads, %init: !heads) -> !heads {
  %o = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%q, %k, %v : !heads, !heads, !heads) outs(%init : !heads)
      maps [#q, #k, #v, #out]
      mask(%b: i32, %h: i32, %i: i32, %j: i32) {
        %zero = arith.constant 0 : i32
        %three = arith.constant 3 : i32
        %four = arith.constant 4 : i32
        %distance = arith.subi %j, %i : i32
        %rest = arith.remsi %distance, %four : i32
        %signs = arith.xori %rest, %four : i32
        %differ = arith.cmpi slt, %signs, %zero : i32
        %isRest = arith.cmpi ne, %rest, %zero : i32
        %isWrong = arith.andi %isRest, %differ : i1
        %moved = arith.addi %rest, %four : i32
        %mod = arith.select %isWrong, %moved, %rest : i32
        %low = arith.cmpi sge, %mod, %zero : i32
        %high = arith.cmpi sle, %mod, %three : i32
        %visible = arith.andi %low, %high : i1
        attn.yield %visible : i1
      } -> !heads
  return %o : !heads
}
