// RUN: ladon-opt %s --attn-fuse-elementwise --canonicalize --cse --split-input-file | FileCheck %s

#joined = affine_map<(b, h, s, d) -> (b, s, h * 64 + d)>
#all = affine_map<(b, h, s, d) -> (b, h, s, d)>
#rows = affine_map<(b, h, s, d) -> (b, h, s)>
#turns = affine_map<(b, h, s, d) -> (s, d)>

// A norm and the halves of a rotation: heads are split where they are read, the
// factors of the norm are applied in both halves, and nothing is left in
// between but the sums.
// CHECK-DAG: #[[$HEADS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d1, d3)>
// CHECK-LABEL: func.func @norm_rope(
// CHECK-SAME: %[[X:.*]]: tensor<?x?x512xf32>, %{{.*}}: tensor<?x8x?xf32>, %[[COS:.*]]: tensor<?x32xf32>
// CHECK: %[[HEADS:.*]] = tensor.expand_shape %[[X]] {{\[\[}}0], [1], [2, 3]] {{.*}} into tensor<?x?x8x64xf32>
// CHECK: %[[SUMS:.*]] = linalg.generic {indexing_maps = [#[[$HEADS]], {{.*}}"reduction"]} ins(%[[HEADS]] :
// CHECK: %[[HIGH:.*]] = tensor.extract_slice %[[HEADS]][0, 0, 0, 32] [%{{.*}}, %{{.*}}, 8, 32] [1, 1, 1, 1]
// CHECK: %[[RH:.*]] = linalg.generic {indexing_maps = [#[[$HEADS]], {{.*}} ins(%[[HIGH]], %{{.*}}, %[[COS]] :
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[F:.*]]: f32, %[[C:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT: %[[N:.*]] = arith.mulf %[[A]], %[[F]]
// CHECK-NEXT: %[[T:.*]] = arith.mulf %[[N]], %[[C]]
// CHECK-NEXT: linalg.yield %[[T]]
// CHECK-NOT: linalg.generic
// CHECK: return %[[SUMS]], %[[RH]]
func.func @norm_rope(%x: tensor<?x?x512xf32>, %r: tensor<?x8x?xf32>, %cos: tensor<?x32xf32>,
    %sums: tensor<?x8x?xf32>, %b: index, %s: index) -> (tensor<?x8x?xf32>, tensor<?x8x?x32xf32>) {
  %e = tensor.empty(%b, %s) : tensor<?x8x?x64xf32>
  %heads = linalg.generic {indexing_maps = [#joined, #all],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<?x?x512xf32>) outs(%e : tensor<?x8x?x64xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<?x8x?x64xf32>
  %sum = linalg.generic {indexing_maps = [#all, #rows],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%heads : tensor<?x8x?x64xf32>) outs(%sums : tensor<?x8x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.mulf %a, %a : f32
    %t = arith.addf %m, %o fastmath<reassoc> : f32
    linalg.yield %t : f32
  } -> tensor<?x8x?xf32>
  %normed = linalg.generic {indexing_maps = [#all, #rows, #all],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%heads, %r : tensor<?x8x?x64xf32>, tensor<?x8x?xf32>) outs(%e : tensor<?x8x?x64xf32>) {
  ^bb0(%a: f32, %f: f32, %o: f32):
    %m = arith.mulf %a, %f : f32
    linalg.yield %m : f32
  } -> tensor<?x8x?x64xf32>
  %half = tensor.extract_slice %normed[0, 0, 0, 32] [%b, 8, %s, 32] [1, 1, 1, 1]
      : tensor<?x8x?x64xf32> to tensor<?x8x?x32xf32>
  %eh = tensor.empty(%b, %s) : tensor<?x8x?x32xf32>
  %turned = linalg.generic {indexing_maps = [#all, #turns, #all],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%half, %cos : tensor<?x8x?x32xf32>, tensor<?x32xf32>) outs(%eh : tensor<?x8x?x32xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %c : f32
    linalg.yield %m : f32
  } -> tensor<?x8x?x32xf32>
  return %sum, %turned : tensor<?x8x?xf32>, tensor<?x8x?x32xf32>
}

// -----

#all = affine_map<(s, d) -> (s, d)>
#row = affine_map<(s, d) -> (s)>
#one = affine_map<(s) -> (s)>

// What each reader would compute many times stays: here a root for each of 64
// features.
// CHECK-LABEL: func.func @per_row(
// CHECK: math.rsqrt
// CHECK: linalg.generic
// CHECK-NOT: math.rsqrt
func.func @per_row(%x: tensor<?x64xf32>, %m: tensor<?xf32>, %s: index) -> tensor<?x64xf32> {
  %e = tensor.empty(%s) : tensor<?xf32>
  %r = linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]}
      ins(%m : tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %t = math.rsqrt %a : f32
    linalg.yield %t : f32
  } -> tensor<?xf32>
  %f = tensor.empty(%s) : tensor<?x64xf32>
  %y = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x, %r : tensor<?x64xf32>, tensor<?xf32>) outs(%f : tensor<?x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %t = arith.mulf %a, %b : f32
    linalg.yield %t : f32
  } -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

#all = affine_map<(s, d) -> (s, d)>

// A costly function with two readers is computed once, with one reader there.
// CHECK-LABEL: func.func @two_readers(
// CHECK-COUNT-1: math.exp
// CHECK-NOT: math.exp
// CHECK-LABEL: func.func @one_reader(
// CHECK-COUNT-1: linalg.generic
// CHECK-NOT: linalg.generic
func.func @two_readers(%x: tensor<4x64xf32>) -> (tensor<4x64xf32>, tensor<4x64xf32>) {
  %e = tensor.empty() : tensor<4x64xf32>
  %r = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x64xf32>) outs(%e : tensor<4x64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %t = math.exp %a : f32
    linalg.yield %t : f32
  } -> tensor<4x64xf32>
  %y = linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x, %r : tensor<4x64xf32>, tensor<4x64xf32>) outs(%e : tensor<4x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %t = arith.mulf %a, %b : f32
    linalg.yield %t : f32
  } -> tensor<4x64xf32>
  %z = linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x, %r : tensor<4x64xf32>, tensor<4x64xf32>) outs(%e : tensor<4x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %t = arith.addf %a, %b : f32
    linalg.yield %t : f32
  } -> tensor<4x64xf32>
  return %y, %z : tensor<4x64xf32>, tensor<4x64xf32>
}
func.func @one_reader(%x: tensor<4x64xf32>) -> tensor<4x64xf32> {
  %e = tensor.empty() : tensor<4x64xf32>
  %r = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x64xf32>) outs(%e : tensor<4x64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %t = math.exp %a : f32
    linalg.yield %t : f32
  } -> tensor<4x64xf32>
  %y = linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x, %r : tensor<4x64xf32>, tensor<4x64xf32>) outs(%e : tensor<4x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %t = arith.mulf %a, %b : f32
    linalg.yield %t : f32
  } -> tensor<4x64xf32>
  return %y : tensor<4x64xf32>
}

// -----

#all = affine_map<(s, d) -> (s, d)>
#turned = affine_map<(s, d) -> (d, s)>

// A transposition stays a copy: its reader would not read rows.
// CHECK-LABEL: func.func @columns(
// CHECK-COUNT-2: linalg.generic
func.func @columns(%x: tensor<64x4xf32>, %y: tensor<4x64xf32>) -> tensor<4x64xf32> {
  %e = tensor.empty() : tensor<4x64xf32>
  %r = linalg.generic {indexing_maps = [#turned, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<64x4xf32>) outs(%e : tensor<4x64xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<4x64xf32>
  %z = linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%y, %r : tensor<4x64xf32>, tensor<4x64xf32>) outs(%e : tensor<4x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %t = arith.mulf %a, %b : f32
    linalg.yield %t : f32
  } -> tensor<4x64xf32>
  return %z : tensor<4x64xf32>
}

// -----

#all = affine_map<(s, d) -> (s, d)>

// Somebody reads the whole: its part is not computed again.
// CHECK-LABEL: func.func @whole_and_half(
// CHECK: %[[WHOLE:.*]] = linalg.generic
// CHECK: %[[HALF:.*]] = tensor.extract_slice %[[WHOLE]]
// CHECK: return %[[WHOLE]], %[[HALF]]
func.func @whole_and_half(%x: tensor<4x64xf32>) -> (tensor<4x64xf32>, tensor<4x32xf32>) {
  %e = tensor.empty() : tensor<4x64xf32>
  %r = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x64xf32>) outs(%e : tensor<4x64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %t = arith.mulf %a, %a : f32
    linalg.yield %t : f32
  } -> tensor<4x64xf32>
  %h = tensor.extract_slice %r[0, 32] [4, 32] [1, 1] : tensor<4x64xf32> to tensor<4x32xf32>
  return %r, %h : tensor<4x64xf32>, tensor<4x32xf32>
}
