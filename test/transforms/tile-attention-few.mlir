// A call with at most as many queries as `few` takes the form for few, whatever
// the other form is.
// RUN: ladon-opt %s --tile-attention | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
!q = memref<?x4x?x8xf32>
!k = memref<?x2x?x8xf32>

// CHECK-LABEL: func.func @up_to_eight(
// CHECK: %[[FEW:.*]] = arith.cmpi sle, %{{.*}}, %c8{{.*}} : index
// CHECK: %[[AGAIN:.*]] = scf.if %[[FEW]] -> (i1)

// One position of all query heads of a key head, and one chunk of the keys.
// CHECK: %[[CHUNKS:.*]] = arith.ceildivsi %{{.*}}, %[[CHUNK:c512.*]] : index
// CHECK: arith.maxsi %[[CHUNKS]], %c1
// CHECK: tile.grid
// CHECK: %[[LOW:.*]] = arith.muli %{{.*}}, %[[CHUNK]]
// CHECK: %[[END:.*]] = arith.addi %[[LOW]], %[[CHUNK]]
// CHECK: %[[HIGH:.*]] = arith.minsi %[[END]], %{{.*}} : index
// CHECK: tile.load {{.*}} -> tensor<2x8xf32>
// CHECK: tile.key_loop{{ ?}}[%[[LOW]], %[[HIGH]]) step 128

// Without a mask or a score no row is ever computed again.
// CHECK: tile.merge
// CHECK-NOT: tile.has_non_finite
// CHECK: %[[NO:.*]] = arith.constant false
// CHECK-NEXT: scf.yield %[[NO]]
// CHECK: else
// CHECK-NEXT: %[[YES:.*]] = arith.constant true
// CHECK-NEXT: scf.yield %[[YES]]
// CHECK: scf.if %[[AGAIN]]
// CHECK: tile.grid
// CHECK: tile.load {{.*}} -> tensor<8x24xf32>
func.func @up_to_eight(%q: !q, %k: !k, %v: !k, %out: !q) {
  attn.attend heads 4 key_value_heads 2 head_dim 8 value_dim 8 scale 0.5
      ins(%q, %k, %v : !q, !k, !k) outs(%out : !q) maps [#q, #k, #v, #out]
      {tile.shape = #tile.shape<queries = 24, keys = 128, few = 8, chunk = 512>}
  return
}

!qh = memref<?x4x?x8xbf16>
!kh = memref<?x2x?x8xbf16>

// The form for few uses a key but once, and leaves its conversion to the product;
// the other converts a block for all of its queries.
// CHECK-LABEL: func.func @halves(
// CHECK: tile.key_loop
// CHECK: tile.load {{.*}} memref<?x2x?x8xbf16> -> tensor<128x8xbf16>
// CHECK: tile.contract {{.*}} : tensor<2x8xf32>, tensor<128x8xbf16> -> tensor<2x128xf32>
// CHECK: tile.load {{.*}} memref<?x2x?x8xbf16> -> tensor<128x8xbf16>
// CHECK: tile.key_loop
// CHECK: tile.load {{.*}} memref<?x2x?x8xbf16> -> tensor<128x8xf32>
func.func @halves(%q: !qh, %k: !kh, %v: !kh, %out: !qh) {
  attn.attend heads 4 key_value_heads 2 head_dim 8 value_dim 8 scale 0.5
      ins(%q, %k, %v : !qh, !kh, !kh) outs(%out : !qh) maps [#q, #k, #v, #out]
      {tile.shape = #tile.shape<queries = 24, keys = 128, few = 8, chunk = 512>}
  return
}

// Without `few` there is one form.
// CHECK-LABEL: func.func @always_many(
// CHECK-NOT: scf.if
// CHECK: tile.grid
// CHECK-NOT: tile.grid
// CHECK: return
func.func @always_many(%q: !q, %k: !k, %v: !k, %out: !q) {
  attn.attend heads 4 key_value_heads 2 head_dim 8 value_dim 8 scale 0.5
      ins(%q, %k, %v : !q, !k, !k) outs(%out : !q) maps [#q, #k, #v, #out]
      {tile.shape = #tile.shape<queries = 24, keys = 128>}
  return
}

// Tiles with more rows than there are query heads of a key head have several
// positions: here two heads at eight. Rows that are not finite are computed
// again where chunks are merged, and chunks grow where there would be more than
// four.
// CHECK-LABEL: func.func @tall(
// CHECK: %[[SHORT:.*]] = arith.constant 64 : index
// CHECK: %[[BLOCK:.*]] = arith.constant 32 : index
// CHECK: %[[SPAN:.*]] = arith.constant 128 : index
// CHECK: %[[BLOCKS:.*]] = arith.ceildivsi %[[KEYS:.*]], %[[SPAN]]
// CHECK: %[[LONG:.*]] = arith.muli %[[BLOCKS]], %[[BLOCK]]
// CHECK: %[[CHUNK:.*]] = arith.maxsi %[[SHORT]], %[[LONG]]
// CHECK: arith.ceildivsi %[[KEYS]], %[[CHUNK]]
// CHECK: %[[EIGHT:.*]] = arith.constant 8 : index
// CHECK: %[[TILES:.*]] = arith.ceildivsi %[[QUERIES:.*]], %[[EIGHT]]
// CHECK-NOT: memref.alloca
// CHECK: tile.grid{{.*}} %[[TILES]]
// CHECK: %[[REST:.*]] = arith.subi %[[QUERIES]]
// CHECK: %[[POSITIONS:.*]] = arith.minsi %[[REST]]
// CHECK: %[[ROWS:.*]] = arith.muli %[[POSITIONS]]
// CHECK: tile.load {{.*}} rows %[[ROWS]] map {{.*}} -> tensor<16x8xbf16>
// CHECK: tile.key_loop{{.*}} step 32
// CHECK: tile.grid
// CHECK: tile.merge
// CHECK: tile.has_non_finite
// CHECK: scf.if
// CHECK-NEXT: tile.load {{.*}} -> tensor<16x8xbf16>
// CHECK: tile.accumulate {{.*}} guard
// CHECK: arith.constant false
func.func @tall(%q: !qh, %k: !kh, %v: !kh, %out: !qh) {
  attn.attend heads 4 key_value_heads 2 head_dim 8 value_dim 8 scale 0.5
      ins(%q, %k, %v : !qh, !kh, !kh) outs(%out : !qh) maps [#q, #k, #v, #out]
      mask(%b: i32, %h: i32, %i: i32, %j: i32) {
        %visible = arith.cmpi sle, %j, %i : i32
        attn.yield %visible : i1
      } {tile.shape = #tile.shape<queries = 64, keys = 64, few = 8, chunk = 64, narrow = true, few_keys = 32, few_rows = 16, few_chunks = 4>}
  return
}

// On a CPU, too: two heads at four positions. What rows a tile has is said to
// all operations, and chunks keep the states of no others.
// CHECK-LABEL: func.func @several_positions(
// CHECK: %[[MOST:.*]] = arith.minsi %[[QUERIES:.*]], %c4{{.*}} : index
// CHECK: %[[STATES:.*]] = arith.muli %[[MOST]], %c2
// CHECK: arith.muli %{{.*}}, %[[STATES]]
// CHECK: tile.grid
// CHECK: %[[POSITIONS:.*]] = arith.minsi
// CHECK: %[[ROWS:.*]] = arith.muli %[[POSITIONS]], %c2
// CHECK: tile.load {{.*}} rows %[[ROWS]] {{.*}} -> tensor<8x8xf32>
// CHECK: tile.contract {{.*}} rows %[[ROWS]]
// CHECK: tile.row_max {{.*}} rows %[[ROWS]]
// CHECK: tile.softmax_weights {{.*}} rows %[[ROWS]]
// CHECK: tile.accumulate {{.*}} rows %[[ROWS]]
// CHECK: tile.store {{.*}} rows %[[ROWS]]
// CHECK: tile.grid
// CHECK: tile.merge{{.*}} rows %[[LEFT:.*]] base2
// CHECK: tile.softmax_finish{{.*}} rows %[[LEFT]]
func.func @several_positions(%q: !q, %k: !k, %v: !k, %out: !q) {
  attn.attend heads 4 key_value_heads 2 head_dim 8 value_dim 8 scale 0.5
      ins(%q, %k, %v : !q, !k, !k) outs(%out : !q) maps [#q, #k, #v, #out]
      {tile.shape = #tile.shape<queries = 24, keys = 128, few = 8, chunk = 512, few_rows = 8>}
  return
}
