// RUN: ladon-opt %s --canonicalize | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
!heads = tensor<?x8x?x64xf32>

// CHECK-LABEL: func.func @concat_of_split
// CHECK-SAME: (%[[X:.*]]: tensor<?x?x512xf32>)
// CHECK-NEXT: return %[[X]]
func.func @concat_of_split(%x: tensor<?x?x512xf32>) -> tensor<?x?x512xf32> {
  %s = attn.split_heads %x heads 8 : tensor<?x?x512xf32> -> !heads
  %c = attn.concat_heads %s : !heads -> tensor<?x?x512xf32>
  return %c : tensor<?x?x512xf32>
}

// CHECK-LABEL: func.func @split_of_concat
// CHECK-SAME: (%[[X:.*]]: tensor<?x8x?x64xf32>)
// CHECK-NEXT: return %[[X]]
func.func @split_of_concat(%x: !heads) -> !heads {
  %c = attn.concat_heads %x : !heads -> tensor<?x?x512xf32>
  %s = attn.split_heads %c heads 8 : tensor<?x?x512xf32> -> !heads
  return %s : !heads
}

// Another number of heads moves features between heads.
// CHECK-LABEL: func.func @split_differently
// CHECK: attn.concat_heads
// CHECK: attn.split_heads
func.func @split_differently(%x: !heads) -> tensor<?x4x?x128xf32> {
  %c = attn.concat_heads %x : !heads -> tensor<?x?x512xf32>
  %s = attn.split_heads %c heads 4 : tensor<?x?x512xf32> -> tensor<?x4x?x128xf32>
  return %s : tensor<?x4x?x128xf32>
}

// CHECK-LABEL: func.func @plain_regions
// CHECK: attn.attend
// CHECK-NEXT: ins
// CHECK-NEXT: outs
// CHECK-NEXT: maps [{{.*}}] -> tensor
func.func @plain_regions(%q: !heads, %k: !heads, %v: !heads, %init: !heads) -> !heads {
  %o = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%q, %k, %v : !heads, !heads, !heads) outs(%init : !heads)
      maps [#q, #k, #v, #out]
      score(%s: f32, %b: i32, %h: i32, %i: i32, %j: i32) {
        attn.yield %s : f32
      }
      mask(%b: i32, %h: i32, %i: i32, %j: i32) {
        %zero = arith.constant 0 : i32
        %visible = arith.cmpi sle, %zero, %zero : i32
        attn.yield %visible : i1
      } -> !heads
  return %o : !heads
}

// The unused %n goes, the second %m becomes the first, the constant moves in.
// CHECK-LABEL: func.func @captures
// CHECK-SAME: %[[N:[^:]*]]: i32, %[[M:[^:]*]]: i32)
// CHECK: captures(%[[M]] : i32)
// CHECK: score(%[[S:.*]]: f32, {{.*}}, %{{[^:]*}}: i32) {
// CHECK-NEXT: arith.addf %[[S]], %[[S]]
// CHECK: mask({{.*}}, %[[J:[^:]*]]: i32, %[[CAPTURED:.*]]: i32) {
// CHECK-DAG: %[[SEVEN:.*]] = arith.constant 7 : i32
// CHECK-DAG: %[[UPPER:.*]] = arith.cmpi slt, %[[J]], %[[SEVEN]]
// CHECK-DAG: %[[SUM:.*]] = arith.addi %[[CAPTURED]], %[[CAPTURED]]
// CHECK-DAG: arith.cmpi sge, %[[J]], %[[SUM]]
func.func @captures(%q: !heads, %k: !heads, %v: !heads, %init: !heads,
                    %n: i32, %m: i32) -> !heads {
  %seven = arith.constant 7 : i32
  %o = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%q, %k, %v : !heads, !heads, !heads)
      captures(%n, %m, %seven, %m : i32, i32, i32, i32)
      outs(%init : !heads)
      maps [#q, #k, #v, #out]
      score(%s: f32, %b: i32, %h: i32, %i: i32, %j: i32, %c0: i32, %c1: i32, %c2: i32, %c3: i32) {
        %t = arith.addf %s, %s : f32
        attn.yield %t : f32
      }
      mask(%b: i32, %h: i32, %i: i32, %j: i32, %c0: i32, %c1: i32, %c2: i32, %c3: i32) {
        %upper = arith.cmpi slt, %j, %c2 : i32
        %sum = arith.addi %c1, %c3 : i32
        %lower = arith.cmpi sge, %j, %sum : i32
        %visible = arith.andi %upper, %lower : i1
        attn.yield %visible : i1
      } -> !heads
  return %o : !heads
}

// An attend on tensors that nobody uses is dead; on memrefs it writes.
// CHECK-LABEL: func.func @dead
// CHECK-NOT: tensor<
// CHECK: attn.attend
// CHECK-NOT: attn.attend
// CHECK: return
func.func @dead(%m: memref<?x8x?x64xf32>, %n: memref<?x8x?x64xf32>) {
  %z = arith.constant 0 : index
  %b = memref.dim %m, %z : memref<?x8x?x64xf32>
  %q = tensor.empty(%b, %b) : !heads
  %r = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%q, %q, %q : !heads, !heads, !heads) outs(%q : !heads)
      maps [#q, #k, #v, #out] -> !heads
  attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%m, %m, %m : memref<?x8x?x64xf32>, memref<?x8x?x64xf32>, memref<?x8x?x64xf32>)
      outs(%n : memref<?x8x?x64xf32>)
      maps [#q, #k, #v, #out]
  return
}

// What casts have hidden is seen again: in operands, captures and results. An
// attend may have no region, one, or both.
// CHECK-LABEL: func.func @casts
// CHECK-SAME: (%[[Q:.*]]: tensor<2x8x48x64xf32>, %[[K:[^:]*]]: tensor<?x8x?x64xf32>, %[[INIT:[^:]*]]: tensor<2x8x48x64xf32>, %[[DOC:[^:]*]]: tensor<2x48xi32>)
// CHECK-NOT: tensor.cast
// CHECK: %[[PLAIN:.*]] = attn.attend
// CHECK-NEXT: ins(%[[Q]], %[[K]], %[[K]] : tensor<2x8x48x64xf32>, tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>)
// CHECK-NEXT: outs(%[[INIT]] : tensor<2x8x48x64xf32>)
// CHECK-NEXT: maps [{{.*}}] -> tensor<2x8x48x64xf32>
// CHECK: %[[PLAIN_OUT:.*]] = tensor.cast %[[PLAIN]] : tensor<2x8x48x64xf32> to tensor<?x8x?x64xf32>
// CHECK: %[[MASKED:.*]] = attn.attend
// CHECK: captures(%[[DOC]] : tensor<2x48xi32>)
// CHECK: mask({{.*}}, %[[CAPTURED:[^:]*]]: tensor<2x48xi32>) {
// CHECK: attn.read %[[CAPTURED]][{{.*}}] : tensor<2x48xi32>, i32, i32 -> i32
// CHECK: %[[MASKED_OUT:.*]] = tensor.cast %[[MASKED]]
// CHECK: return %[[PLAIN_OUT]], %[[MASKED_OUT]]
func.func @casts(%q: tensor<2x8x48x64xf32>, %k: !heads, %init: tensor<2x8x48x64xf32>,
                 %doc: tensor<2x48xi32>) -> (!heads, !heads) {
  %qd = tensor.cast %q : tensor<2x8x48x64xf32> to !heads
  %initd = tensor.cast %init : tensor<2x8x48x64xf32> to !heads
  %docd = tensor.cast %doc : tensor<2x48xi32> to tensor<?x?xi32>
  %plain = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%qd, %k, %k : !heads, !heads, !heads)
      outs(%initd : !heads)
      maps [#q, #k, #v, #out] -> !heads
  %masked = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%qd, %k, %k : !heads, !heads, !heads)
      captures(%docd : tensor<?x?xi32>)
      outs(%initd : !heads)
      maps [#q, #k, #v, #out]
      mask(%b: i32, %h: i32, %i: i32, %j: i32, %d: tensor<?x?xi32>) {
        %own = attn.read %d[%b, %i] : tensor<?x?xi32>, i32, i32 -> i32
        %other = attn.read %d[%b, %j] : tensor<?x?xi32>, i32, i32 -> i32
        %visible = arith.cmpi eq, %own, %other : i32
        attn.yield %visible : i1
      } -> !heads
  return %plain, %masked : !heads, !heads
}

// A cast that adds what its source does not say stays: folding would lose it.
// CHECK-LABEL: func.func @cast_to_static
// CHECK: %[[Q:.*]] = tensor.cast %{{.*}} : tensor<?x8x?x?xf32> to tensor<?x8x?x64xf32>
// CHECK: attn.attend
// CHECK-NEXT: ins(%[[Q]],
func.func @cast_to_static(%q: tensor<?x8x?x?xf32>, %k: !heads, %init: !heads) -> !heads {
  %qs = tensor.cast %q : tensor<?x8x?x?xf32> to !heads
  %o = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%qs, %k, %k : !heads, !heads, !heads)
      outs(%init : !heads)
      maps [#q, #k, #v, #out] -> !heads
  return %o : !heads
}
