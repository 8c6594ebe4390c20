// RUN: ladon-opt %s --tile-attention --split-input-file --verify-diagnostics

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
!heads = tensor<2x3x?x4xf32>

func.func @tensors(%q: !heads, %k: !heads, %v: !heads, %init: !heads) -> !heads {
  // expected-error@+1 {{'attn.attend' op expected buffers; run attn-bufferize before}}
  %o = attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %k, %v : !heads, !heads, !heads)
      outs(%init : !heads) maps [#q, #k, #v, #out] -> !heads
  return %o : !heads
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, i, h * 4 + d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
!heads = memref<2x3x?x4xf32>
!pairs = memref<2x6x12xf32, affine_map<(b, i, f) -> (b, i floordiv 2, f)>>

func.func @no_strides(%q: !pairs, %k: !heads, %v: !heads, %o: memref<2x3x6x4xf32>) {
  // expected-error@+1 {{'attn.attend' op cannot view 'memref<2x6x12xf32, affine_map<(d0, d1, d2) -> (d0, d1 floordiv 2, d2)>>' head by head}}
  attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %k, %v : !pairs, !heads, !heads)
      outs(%o : memref<2x3x6x4xf32>) maps [#q, #k, #v, #out]
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
!heads = memref<2x3x?x4xf32>

// RUN: not ladon-opt %s --tile-attention="key-tile=0" --split-input-file 2>&1 | FileCheck %s
// CHECK: error: options of the pass: expected at least one query and one key, found 24 and 0
func.func @options(%q: !heads, %o: !heads) {
  attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %q, %q : !heads, !heads, !heads)
      outs(%o : !heads) maps [#q, #k, #v, #out]
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, i, h * 4 + e)>
!heads = memref<2x3x?x4xf32>

func.func @no_product(%q: !heads, %k: !heads, %v: !heads, %o: memref<2x?x12xf32>) {
  // expected-error@+1 {{'attn.attend' op expected the product of all that the attend computes, and of nothing else, to follow it; run attn-fuse-projection to find such products}}
  attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %k, %v : !heads, !heads, !heads)
      outs(%o : memref<2x?x12xf32>) maps [#q, #k, #v, #out]
      {tile.projection = #tile.projection<most_keys = 8, least_tiles = 1>}
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
!heads = memref<2x3x8x4xf32>

// Between the two, somebody may write what the attend reads.
func.func @not_next(%q: !heads, %k: !heads, %v: !heads, %w: memref<12x5xf32>, %y: memref<2x8x5xf32>) {
  %zero = arith.constant 0.0 : f32
  %o = memref.alloc() : memref<2x8x12xf32>
  // expected-error@+1 {{expected the product of all that the attend computes, and of nothing else, to follow it}}
  attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %k, %v : !heads, !heads, !heads)
      outs(%o : memref<2x8x12xf32>) maps [#q, #k, #v, #out]
      {tile.projection = #tile.projection<most_keys = 8, least_tiles = 1>}
  linalg.fill ins(%zero : f32) outs(%q : !heads)
  linalg.contract indexing_maps = [#x, #w, #y]
      ins(%o, %w : memref<2x8x12xf32>, memref<12x5xf32>) outs(%y : memref<2x8x5xf32>)
  return
}
