// Where pairs are multiplied, all operands of the form for many queries keep the
// type that they are stored in, and sums are scaled; that for few is as ever.
// RUN: ladon-opt %s --tile-attention | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
!q = memref<?x4x?x8xbf16>
!k = memref<?x2x?x8xbf16>

// CHECK-LABEL: func.func @pairs(
// CHECK: tile.key_loop
// CHECK: tile.contract {{.*}} : tensor<2x8xf32>, tensor<128x8xbf16> -> tensor<2x128xf32>
// CHECK-NOT: tile.round
// CHECK: tile.load {{.*}} rows %{{[0-9]+}} map #{{.*}} transposed : memref<?x4x?x8xbf16> -> tensor<8x48xbf16>
// CHECK: tile.key_loop
// CHECK: tile.load {{.*}} -> tensor<128x8xbf16>
// CHECK: tile.contract {{.*}} scale 0.72{{.*}} : tensor<8x48xbf16>, tensor<128x8xbf16> -> tensor<128x48xf32>
// CHECK: tile.row_max
// CHECK: %[[W:.*]]:4 = tile.softmax_weights
// CHECK: %[[V:.*]] = tile.load {{.*}} -> tensor<128x8xbf16>
// CHECK: %[[P:.*]] = tile.round %[[W]]#0 keys %{{.*}} transposed : tensor<128x48xf32> -> tensor<128x48xbf16>
// CHECK: tile.accumulate %[[P]], %[[V]]
func.func @pairs(%q: !q, %k: !k, %v: !k, %out: !q) {
  attn.attend heads 4 key_value_heads 2 head_dim 8 value_dim 8 scale 0.5
      ins(%q, %k, %v : !q, !k, !k) outs(%out : !q) maps [#q, #k, #v, #out]
      {tile.shape = #tile.shape<queries = 48, keys = 128, few = 8, chunk = 512, pairs = true>}
  return
}

!v = memref<?x2x?x8xf32>
!table = memref<?x?xi32>

// Values of another type are multiplied as they were; a block of keys in pages
// has an even number of them.
// CHECK-LABEL: func.func @pages(
// CHECK: tile.contract {{.*}} : tensor<8x48xbf16>, tensor<98x8xbf16> -> tensor<98x48xf32>
// CHECK-NOT: tile.round
// CHECK: tile.accumulate {{.*}} : tensor<98x48xf32>, tensor<98x8xf32>
func.func @pages(%q: !q, %k: memref<?x2x294x8xbf16>, %v: memref<?x2x294x8xf32>, %table: !table, %out: !q) {
  attn.attend heads 4 key_value_heads 2 head_dim 8 value_dim 8 scale 0.5
      ins(%q, %k, %v : !q, memref<?x2x294x8xbf16>, memref<?x2x294x8xf32>)
      pages(%table : !table) outs(%out : !q) maps [#q, #k, #v, #out]
      {tile.shape = #tile.shape<queries = 48, keys = 128, pairs = true>}
  return
}
