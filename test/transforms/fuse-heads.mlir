// RUN: ladon-opt %s --attn-fuse-heads --split-input-file | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

// Splits and concat become maps; lse and the mask stay; no copy is left.
// CHECK-DAG: #[[Q:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d2, d1 * 64 + d4)>
// CHECK-DAG: #[[K:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d3, (d1 floordiv 4) * 64 + d4)>
// CHECK-DAG: #[[V:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d3, (d1 floordiv 4) * 32 + d5)>
// CHECK-DAG: #[[OUT:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d2, d1 * 32 + d5)>
// CHECK-DAG: #[[LSE:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2)>
// CHECK-LABEL: func.func @grouped
// CHECK-SAME: (%[[X:.*]]: tensor<?x?x512xf32>, %[[KEYS:.*]]: tensor<?x?x128xf32>, %[[VALUES:.*]]: tensor<?x?x64xf32>
// CHECK-NOT: split_heads
// CHECK-NOT: linalg
// CHECK: %[[INIT:.*]] = tensor.empty(%{{.*}}, %{{.*}}) : tensor<?x?x256xf32>
// CHECK: %[[OUTS:.*]]:2 = attn.attend
// CHECK-NEXT: ins(%[[X]], %[[KEYS]], %[[VALUES]] :
// CHECK-NEXT: outs(%[[INIT]], %{{.*}} : tensor<?x?x256xf32>, tensor<?x8x?xf32>)
// CHECK-NEXT: maps [#[[Q]], #[[K]], #[[V]], #[[OUT]], #[[LSE]]]
// CHECK-NEXT: mask
// CHECK-NOT: concat_heads
// CHECK-NOT: linalg
// CHECK: return %[[OUTS]]#0, %[[OUTS]]#1
func.func @grouped(%x: tensor<?x?x512xf32>, %keys: tensor<?x?x128xf32>,
                   %values: tensor<?x?x64xf32>, %init: tensor<?x8x?x32xf32>,
                   %lse: tensor<?x8x?xf32>)
    -> (tensor<?x?x256xf32>, tensor<?x8x?xf32>) {
  %q = attn.split_heads %x heads 8 : tensor<?x?x512xf32> -> tensor<?x8x?x64xf32>
  %k = attn.split_heads %keys heads 2 : tensor<?x?x128xf32> -> tensor<?x2x?x64xf32>
  %v = attn.split_heads %values heads 2 : tensor<?x?x64xf32> -> tensor<?x2x?x32xf32>
  %o:2 = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%init, %lse : tensor<?x8x?x32xf32>, tensor<?x8x?xf32>)
      maps [#q, #k, #v, #out, #lse]
      mask(%b: i32, %h: i32, %i: i32, %j: i32) {
        %visible = arith.cmpi sle, %j, %i : i32
        attn.yield %visible : i1
      } -> tensor<?x8x?x32xf32>, tensor<?x8x?xf32>
  %c = attn.concat_heads %o#0 : tensor<?x8x?x32xf32> -> tensor<?x?x256xf32>
  return %c, %o#1 : tensor<?x?x256xf32>, tensor<?x8x?xf32>
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// Exchanged axes, and features of each head, are read where they lie.
// CHECK-DAG: #[[POSITIONS:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d3, d1, d4)>
// CHECK-LABEL: func.func @transposed
// CHECK-SAME: (%[[Q:.*]]: tensor<?x8x?x64xf32>, %[[K:.*]]: tensor<?x?x8x64xf32>, %[[X:.*]]: tensor<?x?x1024xf32>
// CHECK: %[[APART:.*]] = tensor.expand_shape %[[X]] {{\[\[}}0], [1], [2, 3]] {{.*}} into tensor<?x?x8x128xf32>
// CHECK: %[[V:.*]] = tensor.extract_slice %[[APART]][0, 0, 0, 64] [%{{.*}}, %{{.*}}, 8, 64] [1, 1, 1, 1]
// CHECK: attn.attend
// CHECK-NEXT: ins(%[[Q]], %[[K]], %[[V]] :
// CHECK: maps [{{.*}}, #[[POSITIONS]], {{.*}}, {{.*}}]
// CHECK-NOT: linalg
// CHECK: return
func.func @transposed(%q: tensor<?x8x?x64xf32>, %k: tensor<?x?x8x64xf32>,
                      %x: tensor<?x?x1024xf32>, %init: tensor<?x8x?x64xf32>,
                      %init_k: tensor<?x8x?x64xf32>, %b: index, %t: index)
    -> tensor<?x8x?x64xf32> {
  %keys = linalg.transpose ins(%k : tensor<?x?x8x64xf32>) outs(%init_k : tensor<?x8x?x64xf32>) permutation = [0, 2, 1, 3]
  %heads = attn.split_heads %x heads 8 : tensor<?x?x1024xf32> -> tensor<?x8x?x128xf32>
  %values = tensor.extract_slice %heads[0, 0, 0, 64] [%b, 8, %t, 64] [1, 1, 1, 1] : tensor<?x8x?x128xf32> to tensor<?x8x?x64xf32>
  %o = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%q, %keys, %values : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>)
      outs(%init : tensor<?x8x?x64xf32>)
      maps [#q, #k, #v, #out] -> tensor<?x8x?x64xf32>
  return %o : tensor<?x8x?x64xf32>
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// The same concat asked for twice is one output; a split that something else
// needs too is folded all the same.
// CHECK-LABEL: func.func @shared
// CHECK-SAME: (%[[X:.*]]: tensor<?x?x512xf32>
// CHECK: %[[COPY:.*]] = linalg.generic {{.*}} ins(%[[X]]
// CHECK: %[[O:.*]] = attn.attend
// CHECK-NEXT: ins(%[[X]], %[[X]], %[[X]] :
// CHECK: return %[[O]], %[[O]], %[[COPY]]
func.func @shared(%x: tensor<?x?x512xf32>, %init: tensor<?x8x?x64xf32>)
    -> (tensor<?x?x512xf32>, tensor<?x?x512xf32>, tensor<?x8x?x64xf32>) {
  %s = attn.split_heads %x heads 8 : tensor<?x?x512xf32> -> tensor<?x8x?x64xf32>
  %o = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%s, %s, %s : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>)
      outs(%init : tensor<?x8x?x64xf32>)
      maps [#q, #k, #v, #out] -> tensor<?x8x?x64xf32>
  %c0 = attn.concat_heads %o : tensor<?x8x?x64xf32> -> tensor<?x?x512xf32>
  %c1 = attn.concat_heads %o : tensor<?x8x?x64xf32> -> tensor<?x?x512xf32>
  return %c0, %c1, %s : tensor<?x?x512xf32>, tensor<?x?x512xf32>, tensor<?x8x?x64xf32>
}

// -----

// Without an attend there is nothing to fold into: one copy, through a map.
// CHECK-DAG: #[[HEADS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
// CHECK-DAG: #[[JOINED:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d1 * 64 + d3)>
// CHECK-LABEL: func.func @alone
// CHECK-SAME: (%[[X:.*]]: tensor<2x?x512xf32>, %[[Y:.*]]: tensor<2x8x?x64xf32>)
// CHECK-DAG: %[[XS:.*]] = tensor.dim %[[X]], %c1
// CHECK-DAG: %[[SPLIT_INIT:.*]] = tensor.empty(%[[XS]]) : tensor<2x8x?x64xf32>
// CHECK: %[[SPLIT:.*]] = linalg.generic {indexing_maps = [#[[JOINED]], #[[HEADS]]], {{.*}}} ins(%[[X]] : {{.*}}) outs(%[[SPLIT_INIT]]
// CHECK-DAG: %[[YS:.*]] = tensor.dim %[[Y]], %c2
// CHECK-DAG: %[[CONCAT_INIT:.*]] = tensor.empty(%[[YS]]) : tensor<2x?x512xf32>
// CHECK: %[[CONCAT:.*]] = linalg.generic {indexing_maps = [#[[HEADS]], #[[JOINED]]], {{.*}}} ins(%[[Y]] : {{.*}}) outs(%[[CONCAT_INIT]]
// CHECK: return %[[SPLIT]], %[[CONCAT]]
func.func @alone(%x: tensor<2x?x512xf32>, %y: tensor<2x8x?x64xf32>)
    -> (tensor<2x8x?x64xf32>, tensor<2x?x512xf32>) {
  %s = attn.split_heads %x heads 8 : tensor<2x?x512xf32> -> tensor<2x8x?x64xf32>
  %c = attn.concat_heads %y : tensor<2x8x?x64xf32> -> tensor<2x?x512xf32>
  return %s, %c : tensor<2x8x?x64xf32>, tensor<2x?x512xf32>
}
