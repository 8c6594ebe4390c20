// RUN: ladon-opt %s --attn-fuse-head-sums --canonicalize --split-input-file | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>
#scores = affine_map<(b, h, i, j, d, e) -> (b, h, i, j)>
#all = affine_map<(b, h, i, j) -> (b, h, i, j)>
#sum = affine_map<(b, h, i, j) -> (b, i, j)>

// Nobody has memory for the weights of all heads.
// CHECK: #[[SUM:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d2, d3)>
// CHECK-LABEL: func.func @sum(
// CHECK: %[[S:.*]] = tensor.empty() : tensor<2x5x7xf32>
// CHECK: %[[R:.*]]:3 = attn.attend
// CHECK: outs(%{{.*}}, %{{.*}}, %[[S]] : tensor<2x3x5x4xf32>, tensor<2x3x5xf32>, tensor<2x5x7xf32>)
// CHECK: maps [{{.*}}, #[[SUM]]]
// CHECK: {normalized} -> tensor<2x3x5x4xf32>, tensor<2x3x5xf32>, tensor<2x5x7xf32>
// CHECK-NOT: linalg.generic
// CHECK: return %[[R]]#0, %[[R]]#2
func.func @sum(%q: tensor<2x3x5x4xf32>, %k: tensor<2x3x7x4xf32>, %o: tensor<2x3x5x4xf32>, %l: tensor<2x3x5xf32>, %w: tensor<2x3x5x7xf32>, %s: tensor<2x5x7xf32>) -> (tensor<2x3x5x4xf32>, tensor<2x5x7xf32>) {
  %zero = arith.constant 0.0 : f32
  %a:3 = attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %k, %k : tensor<2x3x5x4xf32>, tensor<2x3x7x4xf32>, tensor<2x3x7x4xf32>)
      outs(%o, %l, %w : tensor<2x3x5x4xf32>, tensor<2x3x5xf32>, tensor<2x3x5x7xf32>)
      maps [#q, #k, #v, #out, #lse, #scores] {normalized}
      -> tensor<2x3x5x4xf32>, tensor<2x3x5xf32>, tensor<2x3x5x7xf32>
  %start = linalg.fill ins(%zero : f32) outs(%s : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %r = linalg.generic {indexing_maps = [#all, #sum], iterator_types = ["parallel", "reduction", "parallel", "parallel"]}
      ins(%a#2 : tensor<2x3x5x7xf32>) outs(%start : tensor<2x5x7xf32>) {
    ^bb0(%in: f32, %so_far: f32):
      %next = arith.addf %in, %so_far : f32
      linalg.yield %next : f32
  } -> tensor<2x5x7xf32>
  return %a#0, %r : tensor<2x3x5x4xf32>, tensor<2x5x7xf32>
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>
#scores = affine_map<(b, h, i, j, d, e) -> (b, h, i, j)>
#all = affine_map<(b, h, i, j) -> (b, h, i, j)>
#sum = affine_map<(b, h, i, j) -> (b, i, j)>
#other = affine_map<(b, h, i, j) -> (b, h, j)>

// Left alone: weights that are a result as well, scores, sums over queries, and
// sums that go on from what there is.
// CHECK-LABEL: func.func @others(
// CHECK-COUNT-4: linalg.generic
func.func @others(%q: tensor<2x3x3x4xf32>, %o: tensor<2x3x3x4xf32>, %l: tensor<2x3x3xf32>, %w: tensor<2x3x3x3xf32>, %s: tensor<2x3x3xf32>)
    -> (tensor<2x3x3x3xf32>, tensor<2x3x3xf32>, tensor<2x3x3xf32>, tensor<2x3x3xf32>, tensor<2x3x3xf32>) {
  %zero = arith.constant 0.0 : f32
  %start = linalg.fill ins(%zero : f32) outs(%s : tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %a:3 = attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %q, %q : tensor<2x3x3x4xf32>, tensor<2x3x3x4xf32>, tensor<2x3x3x4xf32>)
      outs(%o, %l, %w : tensor<2x3x3x4xf32>, tensor<2x3x3xf32>, tensor<2x3x3x3xf32>)
      maps [#q, #k, #v, #out, #lse, #scores] {normalized}
      -> tensor<2x3x3x4xf32>, tensor<2x3x3xf32>, tensor<2x3x3x3xf32>
  %r0 = linalg.generic {indexing_maps = [#all, #sum], iterator_types = ["parallel", "reduction", "parallel", "parallel"]}
      ins(%a#2 : tensor<2x3x3x3xf32>) outs(%start : tensor<2x3x3xf32>) {
    ^bb0(%in: f32, %so_far: f32):
      %next = arith.addf %in, %so_far : f32
      linalg.yield %next : f32
  } -> tensor<2x3x3xf32>
  %c:3 = attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %q, %q : tensor<2x3x3x4xf32>, tensor<2x3x3x4xf32>, tensor<2x3x3x4xf32>)
      outs(%o, %l, %w : tensor<2x3x3x4xf32>, tensor<2x3x3xf32>, tensor<2x3x3x3xf32>)
      maps [#q, #k, #v, #out, #lse, #scores]
      -> tensor<2x3x3x4xf32>, tensor<2x3x3xf32>, tensor<2x3x3x3xf32>
  %r1 = linalg.generic {indexing_maps = [#all, #sum], iterator_types = ["parallel", "reduction", "parallel", "parallel"]}
      ins(%c#2 : tensor<2x3x3x3xf32>) outs(%start : tensor<2x3x3xf32>) {
    ^bb0(%in: f32, %so_far: f32):
      %next = arith.addf %in, %so_far : f32
      linalg.yield %next : f32
  } -> tensor<2x3x3xf32>
  %e:3 = attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 4 scale 0.25
      ins(%q, %q, %q : tensor<2x3x3x4xf32>, tensor<2x3x3x4xf32>, tensor<2x3x3x4xf32>)
      outs(%o, %l, %w : tensor<2x3x3x4xf32>, tensor<2x3x3xf32>, tensor<2x3x3x3xf32>)
      maps [#q, #k, #v, #out, #lse, #scores] {normalized}
      -> tensor<2x3x3x4xf32>, tensor<2x3x3xf32>, tensor<2x3x3x3xf32>
  %r2 = linalg.generic {indexing_maps = [#all, #other], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
      ins(%e#2 : tensor<2x3x3x3xf32>) outs(%start : tensor<2x3x3xf32>) {
    ^bb0(%in: f32, %so_far: f32):
      %next = arith.addf %in, %so_far : f32
      linalg.yield %next : f32
  } -> tensor<2x3x3xf32>
  %f:3 = attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 4 scale 0.75
      ins(%q, %q, %q : tensor<2x3x3x4xf32>, tensor<2x3x3x4xf32>, tensor<2x3x3x4xf32>)
      outs(%o, %l, %w : tensor<2x3x3x4xf32>, tensor<2x3x3xf32>, tensor<2x3x3x3xf32>)
      maps [#q, #k, #v, #out, #lse, #scores] {normalized}
      -> tensor<2x3x3x4xf32>, tensor<2x3x3xf32>, tensor<2x3x3x3xf32>
  %r3 = linalg.generic {indexing_maps = [#all, #sum], iterator_types = ["parallel", "reduction", "parallel", "parallel"]}
      ins(%f#2 : tensor<2x3x3x3xf32>) outs(%s : tensor<2x3x3xf32>) {
    ^bb0(%in: f32, %so_far: f32):
      %next = arith.addf %in, %so_far : f32
      linalg.yield %next : f32
  } -> tensor<2x3x3xf32>
  return %a#2, %r0, %r1, %r2, %r3 : tensor<2x3x3x3xf32>, tensor<2x3x3xf32>, tensor<2x3x3xf32>, tensor<2x3x3xf32>, tensor<2x3x3xf32>
}
