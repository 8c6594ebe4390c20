// RUN: ladon-opt %s --attn-fuse-projection --split-input-file | FileCheck %s
// RUN: ladon-opt %s --attn-fuse-projection=always --split-input-file | FileCheck %s --check-prefix=ALWAYS
// RUN: ladon-opt %s --attn-fuse-projection --tile-attention="query-tile=8 key-tile=16 few-queries=2 chunk-keys=16" --canonicalize --cse --split-input-file | FileCheck %s --check-prefix=TILES

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, i, h * 4 + e)>
#x = affine_map<(b, m, n, k) -> (b, m, k)>
#w = affine_map<(b, m, n, k) -> (k, n)>
#y = affine_map<(b, m, n, k) -> (b, m, n)>
!heads = memref<?x3x?x4xf32>

// The attend moves next to its product, before the bias that the product starts
// from. Keys and values take 96 bytes each, and the matrix 240: of 16 MiB there
// is room for so many.
// CHECK-LABEL: func.func @bias(
// CHECK: linalg.fill ins(%{{.*}} : f32) outs(%{{.*}} : memref<9xf32>)
// CHECK: attn.attend
// CHECK: {tile.projection = #tile.projection<most_keys = 174760, least_tiles = 8>
// CHECK: linalg.broadcast
// CHECK-NEXT: linalg.contract
// ALWAYS-LABEL: func.func @bias(
// ALWAYS: tile.projection = #tile.projection<most_keys = 9223372036854775807, least_tiles = 0>

// A tile of queries goes through all heads and adds their parts to sums that
// begin with the bias; or it is of one head, and the product comes after. What
// the attend computes has memory in that case only.
// TILES-DAG: #[[$ALL:.*]] = affine_map<(d0) -> (0, 0)>
// TILES-LABEL: func.func @bias(
// TILES-SAME: %[[Q:[^:]*]]: memref<?x3x?x4xf32>, %[[K:[^:]*]]: {{[^,]*}}, %[[V:[^:]*]]: {{[^,]*}}, %[[W:[^:]*]]: memref<12x5xf32>, %[[BIAS:[^:]*]]: memref<5xf32>
// TILES-DAG: %[[MATRIX:.*]] = memref.expand_shape %[[W]] {{.*}} into memref<1x3x4x5xf32>
// TILES-DAG: %[[START:.*]] = memref.expand_shape %[[BIAS]] {{.*}} into memref<1x1x1x5xf32>
// TILES-DAG: %[[ENOUGH:.*]] = arith.cmpi sge, %{{.*}}, %c8
// TILES-DAG: %[[FIT:.*]] = arith.cmpi sle, %{{.*}}, %c174760
// TILES: %[[BOTH:.*]] = arith.andi %[[ENOUGH]], %[[FIT]]
// TILES: %[[FUSED:.*]] = arith.andi %[[BOTH]], %{{.*}}
// TILES: %[[BATCHES:.*]] = arith.select %[[FUSED]], %c0, %{{.*}}
// TILES: %[[HEADS:.*]] = memref.alloc(%[[BATCHES]], %{{.*}}) : memref<?x?x12xf32>
// TILES: %[[PIECES:.*]] = arith.select %[[FUSED]], %c1, %c3
// TILES: tile.grid(%{{.*}}, %[[PIECES]], %{{.*}}) schedule
// TILES: ^bb0(%[[B:.*]]: index, %[[PIECE:.*]]: index, %[[TILE:.*]]: index):
// TILES-DAG: %[[FIRST:.*]] = arith.select %[[FUSED]], %c0, %[[PIECE]]
// TILES-DAG: %[[NEXT:.*]] = arith.addi %[[PIECE]], %c1
// TILES-DAG: %[[END:.*]] = arith.select %[[FUSED]], %c3, %[[NEXT]]
// TILES-DAG: %[[ROWS:.*]] = arith.select %[[FUSED]], %[[COUNT:.*]], %c0
// TILES: %[[ZERO:.*]] = tile.load %[[START]][%c0, %c0, %c0] rows %[[ROWS]] map #[[$ALL]] transposed
// TILES: %[[SUMS:.*]] = scf.for %[[H:.*]] = %[[FIRST]] to %[[END]] step %c1 iter_args(%[[BEFORE:.*]] = %[[ZERO]])
// TILES: tile.key_loop
// TILES: %[[OUT:.*]]:2 = tile.softmax_finish
// TILES: scf.if %[[FUSED]]
// TILES: %[[PART:.*]] = tile.load %[[MATRIX]][%c0, %[[H]], %c0] rows %c4
// TILES: tile.accumulate %[[OUT]]#0, %[[PART]] keys %c4 rows %[[COUNT]] into %[[BEFORE]] transposed
// TILES: } else {
// TILES: tile.store %[[OUT]]#0
// TILES-NEXT: scf.yield %[[BEFORE]]
// TILES: tile.store %[[SUMS]], %{{.*}}[%[[B]], %c0, %{{.*}}] rows %[[ROWS]] transposed
// TILES: %[[APART:.*]] = arith.xori %[[FUSED]], %true
// TILES: scf.if %[[APART]] {
// TILES-NEXT: linalg.broadcast ins(%[[BIAS]]
// TILES-NEXT: linalg.contract {{.*}} ins(%[[HEADS]], %[[W]]
func.func @bias(%q: !heads, %k: !heads, %v: !heads, %w: memref<12x5xf32>,
    %bias: memref<5xf32>, %y: memref<?x?x5xf32>, %other: memref<9xf32>, %b: index, %s: index) {
  %zero = arith.constant 0.0 : f32
  %o = memref.alloc(%b, %s) : memref<?x?x12xf32>
  attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %k, %v : !heads, !heads, !heads)
      outs(%o : memref<?x?x12xf32>) maps [#q, #k, #v, #out]
  linalg.fill ins(%zero : f32) outs(%other : memref<9xf32>)
  linalg.broadcast ins(%bias : memref<5xf32>) outs(%y : memref<?x?x5xf32>) dimensions = [0, 1]
  linalg.contract indexing_maps = [#x, #w, #y]
      ins(%o, %w : memref<?x?x12xf32>, memref<12x5xf32>) outs(%y : memref<?x?x5xf32>)
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, i, h * 4 + e)>
#x = affine_map<(b, m, n, k) -> (b, m, k)>
#w = affine_map<(b, m, n, k) -> (n, k)>
#y = affine_map<(b, m, n, k) -> (b, m, n)>
!heads = memref<2x3x40x4xf32>

// A matrix [out, in] is read along its rows. Sums begin with what the result
// holds, and with static sizes there is one way only: 10 tiles are enough.
// CHECK-LABEL: func.func @linear(
// TILES-LABEL: func.func @linear(
// TILES-DAG: %[[SPLIT:.*]] = memref.expand_shape %{{.*}} into memref<1x5x3x4xf32>
// TILES-DAG: %[[MATRIX:.*]] = memref.transpose %[[SPLIT]] (d0, d1, d2, d3) -> (d0, d2, d1, d3)
// TILES-NOT: scf.if
// TILES: tile.grid(%c2, %c1, %c5)
// TILES: %[[BEFORE:.*]] = tile.load %{{.*}} rows %[[COUNT:[^ ]*]] transposed : memref<2x1x40x5xf32{{.*}}> -> tensor<5x8xf32>
// TILES: scf.for %[[H:.*]] = %c0 to %c3
// TILES: %[[PART:.*]] = tile.load %[[MATRIX]][%c0, %[[H]], %c0] rows %c5 : {{.*}} -> tensor<5x4xf32>
// TILES: tile.accumulate %{{.*}}, %[[PART]] value_transposed keys %c4
// TILES-NOT: linalg.contract
// TILES: return
func.func @linear(%q: !heads, %k: !heads, %v: !heads, %w: memref<5x12xf32>, %y: memref<2x40x5xf32>) {
  %o = memref.alloc() : memref<2x40x12xf32>
  attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %k, %v : !heads, !heads, !heads)
      outs(%o : memref<2x40x12xf32>) maps [#q, #k, #v, #out]
  linalg.contract indexing_maps = [#x, #w, #y]
      ins(%o, %w : memref<2x40x12xf32>, memref<5x12xf32>) outs(%y : memref<2x40x5xf32>)
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, i, h * 4 + e)>
#x = affine_map<(b, m, n, k) -> (b, m, k)>
#w = affine_map<(b, m, n, k) -> (k, n)>
#y = affine_map<(b, m, n, k) -> (b, m, n)>
!heads = memref<?x3x?x4xf32>

// Sums that begin with zero are accumulators that have seen nothing.
// TILES-LABEL: func.func @zero(
// TILES: %[[NONE:.*]]:3 = tile.softmax_init : tensor<8xf32>, tensor<8xf32>, tensor<5x8xf32>
// TILES: scf.for {{.*}} iter_args(%{{.*}} = %[[NONE]]#2)
func.func @zero(%q: !heads, %k: !heads, %v: !heads, %w: memref<12x5xf32>,
    %y: memref<?x?x5xf32>, %b: index, %s: index) {
  %zero = arith.constant 0.0 : f32
  %o = memref.alloc(%b, %s) : memref<?x?x12xf32>
  attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %k, %v : !heads, !heads, !heads)
      outs(%o : memref<?x?x12xf32>) maps [#q, #k, #v, #out]
  linalg.fill ins(%zero : f32) outs(%y : memref<?x?x5xf32>)
  linalg.contract indexing_maps = [#x, #w, #y]
      ins(%o, %w : memref<?x?x12xf32>, memref<12x5xf32>) outs(%y : memref<?x?x5xf32>)
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, i, h * 4 + e)>
#x = affine_map<(b, m, n, k) -> (b, m, k)>
#w = affine_map<(b, m, n, k) -> (k, n)>
#y = affine_map<(b, m, n, k) -> (b, m, n)>
!heads = memref<?x3x?x4xf32>

// Any other number is put into the result before the nest, which reads it.
// TILES-LABEL: func.func @one(
// TILES: linalg.fill ins(%cst : f32) outs(%[[Y:.*]] : memref<?x?x5xf32>)
// TILES: tile.grid
// TILES: tile.load %{{.*}} transposed : memref<?x1x?x5xf32{{.*}}> -> tensor<5x8xf32>
// TILES: scf.for
// TILES: linalg.contract
func.func @one(%q: !heads, %k: !heads, %v: !heads, %w: memref<12x5xf32>,
    %y: memref<?x?x5xf32>, %b: index, %s: index) {
  %one = arith.constant 1.0 : f32
  %o = memref.alloc(%b, %s) : memref<?x?x12xf32>
  attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %k, %v : !heads, !heads, !heads)
      outs(%o : memref<?x?x12xf32>) maps [#q, #k, #v, #out]
  linalg.fill ins(%one : f32) outs(%y : memref<?x?x5xf32>)
  linalg.contract indexing_maps = [#x, #w, #y]
      ins(%o, %w : memref<?x?x12xf32>, memref<12x5xf32>) outs(%y : memref<?x?x5xf32>)
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, i, h * 4 + e)>
#x = affine_map<(b, m, n, k) -> (b, m, k)>
#w = affine_map<(b, m, n, k) -> (k, n)>
#y = affine_map<(b, m, n, k) -> (b, m, n)>
!heads = memref<2x3x?x4xf32>

// Memory for no batch entry where they are fused stands for that of two.
// CHECK-LABEL: func.func @batches(
// TILES-LABEL: func.func @batches(
// TILES: %[[BATCHES:.*]] = arith.select %{{.*}}, %c0, %c2
// TILES: %[[MADE:.*]] = memref.alloc(%[[BATCHES]], %{{.*}}) : memref<?x?x12xf32>
// TILES: memref.cast %[[MADE]] : memref<?x?x12xf32> to memref<2x?x12xf32>
func.func @batches(%q: !heads, %k: !heads, %v: !heads, %w: memref<12x5xf32>, %y: memref<2x?x5xf32>, %s: index) {
  %o = memref.alloc(%s) : memref<2x?x12xf32>
  attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %k, %v : !heads, !heads, !heads)
      outs(%o : memref<2x?x12xf32>) maps [#q, #k, #v, #out]
  linalg.contract indexing_maps = [#x, #w, #y]
      ins(%o, %w : memref<2x?x12xf32>, memref<12x5xf32>) outs(%y : memref<2x?x5xf32>)
  return
}
