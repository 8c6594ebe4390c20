// RUN: ladon-opt %s --attn-check-indices | FileCheck %s

#q = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d4)>
#k = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d3, d4)>
#v = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d3, d5)>
#o = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d5)>

// Positions below a size of the same name, and within a known extent, cannot
// leave: len[b] and bias[h, ...]. The distance can, where the mask is true and
// the right side of the condition is looked at.
// CHECK-LABEL: func.func @guarded(
// CHECK-SAME: %[[Q:.*]]: tensor<?x8x?x16xf32> {
// CHECK-SAME: %[[BIAS:.*]]: tensor<8x?xf32> {
// CHECK-SAME: %[[LEN:.*]]: tensor<?xi32> {
// CHECK: attn.check_indices over(%{{.*}}, %c8, %{{.*}}, %{{.*}}) captures(%[[BIAS]], %[[LEN]] :
// CHECK-NEXT: ^bb0(%[[B:.*]]: i32, %{{.*}}: i32, %[[I:.*]]: i32, %[[J:.*]]: i32, %[[T:.*]]: tensor<8x?xf32>, %[[L:.*]]: tensor<?xi32>):
// CHECK: %[[COUNT:.*]] = attn.read %[[L]][%[[B]]]
// CHECK: %[[VISIBLE:.*]] = arith.cmpi slt, %[[J]], %[[COUNT]]
// CHECK: %[[AT:.*]] = arith.subi %[[I]], %[[J]]
// CHECK: %[[CLOSE:.*]] = arith.cmpi slt, %[[AT]]
// CHECK-NOT: attn.read
// CHECK: %[[WHEN:.*]] = arith.andi %[[VISIBLE]], %[[CLOSE]]
// CHECK-NEXT: attn.expect_index %[[AT]] in %[[T]] axis 1 name "bias" if %[[WHEN]]
// CHECK-NEXT: }
// CHECK: attn.attend
func.func @guarded(
    %q: tensor<?x8x?x16xf32> {attn.param = #attn.param<input q: f32[B, 8, S, 16]>},
    %k: tensor<?x8x?x16xf32> {attn.param = #attn.param<input k: f32[B, 8, T, 16]>},
    %bias: tensor<8x?xf32> {attn.param = #attn.param<input bias: f32[8, R]>},
    %len: tensor<?xi32> {attn.param = #attn.param<input len: i32[B]>})
    -> (tensor<?x8x?x16xf32> {attn.param = #attn.param<output out: f32[B, 8, S, 16]>}) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %B = tensor.dim %q, %c0 : tensor<?x8x?x16xf32>
  %S = tensor.dim %q, %c2 : tensor<?x8x?x16xf32>
  %init = tensor.empty(%B, %S) : tensor<?x8x?x16xf32>
  %out = attn.attend heads 8 key_value_heads 8 head_dim 16 value_dim 16 scale 0.25
      ins(%q, %k, %k : tensor<?x8x?x16xf32>, tensor<?x8x?x16xf32>, tensor<?x8x?x16xf32>)
      captures(%bias, %len : tensor<8x?xf32>, tensor<?xi32>)
      outs(%init : tensor<?x8x?x16xf32>) maps [#q, #k, #v, #o]
      score(%s: f32, %b: i32, %h: i32, %i: i32, %j: i32, %t: tensor<8x?xf32>, %l: tensor<?xi32>) {
        %c4 = arith.constant 4 : i32
        %at = arith.subi %i, %j : i32
        %close = arith.cmpi slt, %at, %c4 : i32
        %x = attn.read %t[%h, %at] : tensor<8x?xf32>, i32, i32 -> f32
        %r = arith.select %close, %x, %s : f32
        attn.yield %r : f32
      }
      mask(%b: i32, %h: i32, %i: i32, %j: i32, %t: tensor<8x?xf32>, %l: tensor<?xi32>) {
        %n = attn.read %l[%b] : tensor<?xi32>, i32 -> i32
        %visible = arith.cmpi slt, %j, %n : i32
        attn.yield %visible : i1
      } -> tensor<?x8x?x16xf32>
  return %out : tensor<?x8x?x16xf32>
}

// Nothing can be said of an index that depends on the score, nor of a tensor
// that is computed.
// CHECK-LABEL: func.func @unchecked(
// CHECK: attn.check_indices over({{.*}}) unchecked "table" {
// CHECK-NEXT: ^bb0(
// CHECK-NEXT: }
func.func @unchecked(
    %q: tensor<?x8x?x16xf32> {attn.param = #attn.param<input q: f32[B, 8, S, 16]>},
    %table: tensor<?xf32> {attn.param = #attn.param<input table: f32[R]>})
    -> (tensor<?x8x?x16xf32> {attn.param = #attn.param<output out: f32[B, 8, S, 16]>}) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %B = tensor.dim %q, %c0 : tensor<?x8x?x16xf32>
  %S = tensor.dim %q, %c2 : tensor<?x8x?x16xf32>
  %init = tensor.empty(%B, %S) : tensor<?x8x?x16xf32>
  %out = attn.attend heads 8 key_value_heads 8 head_dim 16 value_dim 16 scale 0.25
      ins(%q, %q, %q : tensor<?x8x?x16xf32>, tensor<?x8x?x16xf32>, tensor<?x8x?x16xf32>)
      captures(%table : tensor<?xf32>)
      outs(%init : tensor<?x8x?x16xf32>) maps [#q, #k, #v, #o]
      score(%s: f32, %b: i32, %h: i32, %i: i32, %j: i32, %t: tensor<?xf32>) {
        %at = arith.fptosi %s : f32 to i32
        %x = attn.read %t[%at] : tensor<?xf32>, i32 -> f32
        attn.yield %x : f32
      } -> tensor<?x8x?x16xf32>
  return %out : tensor<?x8x?x16xf32>
}

// CHECK-LABEL: func.func @computed(
// CHECK: attn.check_indices over({{.*}}) unchecked "a computed value" {
func.func @computed(
    %q: tensor<?x8x?x16xf32> {attn.param = #attn.param<input q: f32[B, 8, S, 16]>},
    %table: tensor<7xf32> {attn.param = #attn.param<input table: f32[7]>})
    -> (tensor<?x8x?x16xf32> {attn.param = #attn.param<output out: f32[B, 8, S, 16]>}) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %B = tensor.dim %q, %c0 : tensor<?x8x?x16xf32>
  %S = tensor.dim %q, %c2 : tensor<?x8x?x16xf32>
  %zero = arith.constant 0.0 : f32
  %start = tensor.empty() : tensor<7xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%start : tensor<7xf32>) -> tensor<7xf32>
  %init = tensor.empty(%B, %S) : tensor<?x8x?x16xf32>
  %out = attn.attend heads 8 key_value_heads 8 head_dim 16 value_dim 16 scale 0.25
      ins(%q, %q, %q : tensor<?x8x?x16xf32>, tensor<?x8x?x16xf32>, tensor<?x8x?x16xf32>)
      captures(%filled : tensor<7xf32>)
      outs(%init : tensor<?x8x?x16xf32>) maps [#q, #k, #v, #o]
      score(%s: f32, %b: i32, %h: i32, %i: i32, %j: i32, %t: tensor<7xf32>) {
        %x = attn.read %t[%i] : tensor<7xf32>, i32 -> f32
        attn.yield %x : f32
      } -> tensor<?x8x?x16xf32>
  return %out : tensor<?x8x?x16xf32>
}

// Of a pool the page of every key. An empty one has no keys.
// CHECK-LABEL: func.func @pages(
// CHECK-SAME: %[[POOL:[^:]*]]: tensor<?x8x32x16xf32> {
// CHECK-SAME: %[[TABLE:[^:]*]]: tensor<?x?xi32> {
// CHECK: %[[N:.*]] = tensor.dim %[[POOL]], %c0
// CHECK: %[[NONE:.*]] = arith.cmpi eq, %[[N]], %c0
// CHECK: %[[KEYS:.*]] = arith.select %[[NONE]], %c0
// CHECK: attn.check_indices over(%{{.*}}, %{{.*}}, %{{.*}}, %[[KEYS]])
// CHECK-NEXT: ^bb0(%[[B:.*]]: i32, %{{.*}}: i32, %{{.*}}: i32, %[[J:.*]]: i32,
// CHECK: %[[NUMBER:.*]] = arith.divui %[[J]], %{{.*}}
// CHECK: %[[PAGE:.*]] = attn.read %{{.*}}[%[[B]], %[[NUMBER]]]
// CHECK: attn.expect_index %[[PAGE]] in %{{.*}} axis 0 name "table" page if %true
func.func @pages(
    %q: tensor<?x8x?x16xf32> {attn.param = #attn.param<input q: f32[B, 8, S, 16]>},
    %k: tensor<?x8x32x16xf32> {attn.param = #attn.param<input k: f32[N, 8, 32, 16]>},
    %table: tensor<?x?xi32> {attn.param = #attn.param<input table: i32[B, P]>})
    -> (tensor<?x8x?x16xf32> {attn.param = #attn.param<output out: f32[B, 8, S, 16]>}) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %B = tensor.dim %q, %c0 : tensor<?x8x?x16xf32>
  %S = tensor.dim %q, %c2 : tensor<?x8x?x16xf32>
  %init = tensor.empty(%B, %S) : tensor<?x8x?x16xf32>
  %out = attn.attend heads 8 key_value_heads 8 head_dim 16 value_dim 16 scale 0.25
      ins(%q, %k, %k : tensor<?x8x?x16xf32>, tensor<?x8x32x16xf32>, tensor<?x8x32x16xf32>)
      pages(%table : tensor<?x?xi32>)
      outs(%init : tensor<?x8x?x16xf32>) maps [#q, #k, #v, #o] -> tensor<?x8x?x16xf32>
  return %out : tensor<?x8x?x16xf32>
}

// A condition itself is needed wherever the choice is.
// CHECK-LABEL: func.func @condition(
// CHECK: ^bb0(%{{.*}}: i32, %{{.*}}: i32, %{{.*}}: i32, %[[J:.*]]: i32, %[[T:.*]]: tensor<?xf32>):
// CHECK-NEXT: %[[ALWAYS:.*]] = arith.constant true
// CHECK-NEXT: attn.expect_index %[[J]] in %[[T]] axis 0 name "table" if %[[ALWAYS]]
// CHECK-NEXT: }
func.func @condition(
    %q: tensor<?x8x?x16xf32> {attn.param = #attn.param<input q: f32[B, 8, S, 16]>},
    %table: tensor<?xf32> {attn.param = #attn.param<input table: f32[R]>})
    -> (tensor<?x8x?x16xf32> {attn.param = #attn.param<output out: f32[B, 8, S, 16]>}) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %B = tensor.dim %q, %c0 : tensor<?x8x?x16xf32>
  %S = tensor.dim %q, %c2 : tensor<?x8x?x16xf32>
  %init = tensor.empty(%B, %S) : tensor<?x8x?x16xf32>
  %out = attn.attend heads 8 key_value_heads 8 head_dim 16 value_dim 16 scale 0.25
      ins(%q, %q, %q : tensor<?x8x?x16xf32>, tensor<?x8x?x16xf32>, tensor<?x8x?x16xf32>)
      captures(%table : tensor<?xf32>)
      outs(%init : tensor<?x8x?x16xf32>) maps [#q, #k, #v, #o]
      mask(%b: i32, %h: i32, %i: i32, %j: i32, %t: tensor<?xf32>) {
        %zero = arith.constant 0.0 : f32
        %x = attn.read %t[%j] : tensor<?xf32>, i32 -> f32
        %c = arith.cmpf ogt, %x, %zero : f32
        %causal = arith.cmpi sle, %j, %i : i32
        %m = arith.andi %c, %causal : i1
        attn.yield %m : i1
      } -> tensor<?x8x?x16xf32>
  return %out : tensor<?x8x?x16xf32>
}

// Without names of parameters nothing can be said to a caller.
// CHECK-LABEL: func.func @without_parameters(
// CHECK-NOT: attn.check_indices
// CHECK: return
func.func @without_parameters(
    %q: tensor<?x8x?x16xf32>,
    %table: tensor<?xf32>)
    -> tensor<?x8x?x16xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %B = tensor.dim %q, %c0 : tensor<?x8x?x16xf32>
  %S = tensor.dim %q, %c2 : tensor<?x8x?x16xf32>
  %init = tensor.empty(%B, %S) : tensor<?x8x?x16xf32>
  %out = attn.attend heads 8 key_value_heads 8 head_dim 16 value_dim 16 scale 0.25
      ins(%q, %q, %q : tensor<?x8x?x16xf32>, tensor<?x8x?x16xf32>, tensor<?x8x?x16xf32>)
      captures(%table : tensor<?xf32>)
      outs(%init : tensor<?x8x?x16xf32>) maps [#q, #k, #v, #o]
      mask(%b: i32, %h: i32, %i: i32, %j: i32, %t: tensor<?xf32>) {
        %zero = arith.constant 0.0 : f32
        %x = attn.read %t[%j] : tensor<?xf32>, i32 -> f32
        %c = arith.cmpf ogt, %x, %zero : f32
        %causal = arith.cmpi sle, %j, %i : i32
        %m = arith.andi %c, %causal : i1
        attn.yield %m : i1
      } -> tensor<?x8x?x16xf32>
  return %out : tensor<?x8x?x16xf32>
}
