// RUN: ladon-opt %s --attn-fuse-projection --split-input-file --verify-diagnostics | FileCheck %s
// RUN: ladon-opt %s --attn-fuse-projection=always --split-input-file | FileCheck %s --check-prefix=ALWAYS

// Each says why its product stays by itself.
// CHECK-NOT: tile.projection

// ALWAYS-LABEL: func.func @shared_heads(
// ALWAYS: tile.projection
#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, i, h * 4 + e)>
#x = affine_map<(b, m, n, k) -> (b, m, k)>
#w = affine_map<(b, m, n, k) -> (k, n)>
#y = affine_map<(b, m, n, k) -> (b, m, n)>
func.func @shared_heads(%q: memref<2x4x8x4xf32>, %kv: memref<2x2x8x4xf32>, %w: memref<16x5xf32>, %y: memref<2x8x5xf32>) {
  %o = memref.alloc() : memref<2x8x16xf32>
  // expected-remark@+1 {{the output projection is computed after the attend: query heads share key heads}}
  attn.attend heads 4 key_value_heads 2 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %kv, %kv : memref<2x4x8x4xf32>, memref<2x2x8x4xf32>, memref<2x2x8x4xf32>)
      outs(%o : memref<2x8x16xf32>) maps [#q, #k, #v, #out]
  linalg.contract indexing_maps = [#x, #w, #y]
      ins(%o, %w : memref<2x8x16xf32>, memref<16x5xf32>) outs(%y : memref<2x8x5xf32>)
  return
}

// -----

// ALWAYS-LABEL: func.func @large_matrix(
// ALWAYS: tile.projection
#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, i, h * 128 + e)>
#x = affine_map<(b, m, n, k) -> (b, m, k)>
#w = affine_map<(b, m, n, k) -> (k, n)>
#y = affine_map<(b, m, n, k) -> (b, m, n)>
!heads = memref<1x64x8x128xf32>
func.func @large_matrix(%q: !heads, %w: memref<8192x1024xf32>, %y: memref<1x8x1024xf32>) {
  %o = memref.alloc() : memref<1x8x8192xf32>
  // expected-remark@+1 {{the output projection is computed after the attend: its matrix is too large to stay in the cache}}
  attn.attend heads 64 key_value_heads 64 head_dim 128 value_dim 128 scale 0.5
      ins(%q, %q, %q : !heads, !heads, !heads)
      outs(%o : memref<1x8x8192xf32>) maps [#q, #k, #v, #out]
  linalg.contract indexing_maps = [#x, #w, #y]
      ins(%o, %w : memref<1x8x8192xf32>, memref<8192x1024xf32>) outs(%y : memref<1x8x1024xf32>)
  return
}

// -----

// ALWAYS-LABEL: func.func @many_columns(
// ALWAYS: tile.projection
#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, i, h * 4 + e)>
#x = affine_map<(b, m, n, k) -> (b, m, k)>
#w = affine_map<(b, m, n, k) -> (k, n)>
#y = affine_map<(b, m, n, k) -> (b, m, n)>
!heads = memref<2x4x8x4xf32>
func.func @many_columns(%q: !heads, %w: memref<16x1025xf32>, %y: memref<2x8x1025xf32>) {
  %o = memref.alloc() : memref<2x8x16xf32>
  // expected-remark@+1 {{the output projection is computed after the attend: the sums of a tile are too many for the second cache}}
  attn.attend heads 4 key_value_heads 4 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %q, %q : !heads, !heads, !heads)
      outs(%o : memref<2x8x16xf32>) maps [#q, #k, #v, #out]
  linalg.contract indexing_maps = [#x, #w, #y]
      ins(%o, %w : memref<2x8x16xf32>, memref<16x1025xf32>) outs(%y : memref<2x8x1025xf32>)
  return
}

// -----

// ALWAYS-LABEL: func.func @read_twice(
// ALWAYS-NOT: tile.projection
#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, i, h * 4 + e)>
#x = affine_map<(b, m, n, k) -> (b, m, k)>
#w = affine_map<(b, m, n, k) -> (k, n)>
#y = affine_map<(b, m, n, k) -> (b, m, n)>
!heads = memref<2x4x8x4xf32>
func.func @read_twice(%q: !heads, %w: memref<16x5xf32>, %y: memref<2x8x5xf32>, %copy: memref<2x8x16xf32>) {
  %o = memref.alloc() : memref<2x8x16xf32>
  // expected-remark@+1 {{the output projection is computed after the attend: what the attend computes has other readers}}
  attn.attend heads 4 key_value_heads 4 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %q, %q : !heads, !heads, !heads)
      outs(%o : memref<2x8x16xf32>) maps [#q, #k, #v, #out]
  linalg.copy ins(%o : memref<2x8x16xf32>) outs(%copy : memref<2x8x16xf32>)
  linalg.contract indexing_maps = [#x, #w, #y]
      ins(%o, %w : memref<2x8x16xf32>, memref<16x5xf32>) outs(%y : memref<2x8x5xf32>)
  return
}

// -----

// ALWAYS-LABEL: func.func @heads_apart(
// ALWAYS-NOT: tile.projection
#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#x = affine_map<(b, h, m, n, k) -> (b, h, m, k)>
#w = affine_map<(b, h, m, n, k) -> (k, n)>
#y = affine_map<(b, h, m, n, k) -> (b, h, m, n)>
!heads = memref<2x4x8x4xf32>
func.func @heads_apart(%q: !heads, %w: memref<4x5xf32>, %y: memref<2x4x8x5xf32>) {
  %o = memref.alloc() : !heads
  // expected-remark@+1 {{the output projection is computed after the attend: its heads are not concatenated}}
  attn.attend heads 4 key_value_heads 4 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %q, %q : !heads, !heads, !heads)
      outs(%o : !heads) maps [#q, #k, #v, #out]
  linalg.contract indexing_maps = [#x, #w, #y]
      ins(%o, %w : !heads, memref<4x5xf32>) outs(%y : memref<2x4x8x5xf32>)
  return
}

// -----

// Rounded to the type that they are stored in, they would be other numbers.
// ALWAYS-LABEL: func.func @half(
// ALWAYS-NOT: tile.projection
#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, i, h * 4 + e)>
#x = affine_map<(b, m, n, k) -> (b, m, k)>
#w = affine_map<(b, m, n, k) -> (k, n)>
#y = affine_map<(b, m, n, k) -> (b, m, n)>
!heads = memref<2x4x8x4xf32>
func.func @half(%q: !heads, %w: memref<16x5xf32>, %y: memref<2x8x5xf32>) {
  %o = memref.alloc() : memref<2x8x16xbf16>
  // expected-remark@+1 {{the output projection is computed after the attend: heads, or sums, are stored in another type than they have}}
  attn.attend heads 4 key_value_heads 4 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %q, %q : !heads, !heads, !heads)
      outs(%o : memref<2x8x16xbf16>) maps [#q, #k, #v, #out]
  linalg.contract indexing_maps = [#x, #w, #y]
      ins(%o, %w : memref<2x8x16xbf16>, memref<16x5xf32>) outs(%y : memref<2x8x5xf32>)
  return
}

// -----

// ALWAYS-LABEL: func.func @matrix_of_any_size(
// ALWAYS-NOT: tile.projection
#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, i, h * 4 + e)>
#x = affine_map<(b, m, n, k) -> (b, m, k)>
#w = affine_map<(b, m, n, k) -> (k, n)>
#y = affine_map<(b, m, n, k) -> (b, m, n)>
!heads = memref<2x4x8x4xf32>
func.func @matrix_of_any_size(%q: !heads, %w: memref<16x?xf32>, %y: memref<2x8x?xf32>) {
  %o = memref.alloc() : memref<2x8x16xf32>
  // expected-remark@+1 {{the output projection is computed after the attend: the matrix has sizes of run time}}
  attn.attend heads 4 key_value_heads 4 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %q, %q : !heads, !heads, !heads)
      outs(%o : memref<2x8x16xf32>) maps [#q, #k, #v, #out]
  linalg.contract indexing_maps = [#x, #w, #y]
      ins(%o, %w : memref<2x8x16xf32>, memref<16x?xf32>) outs(%y : memref<2x8x?xf32>)
  return
}

// -----

// The result goes where the keys are: both cannot be one nest.
// ALWAYS-LABEL: func.func @over_keys(
// ALWAYS-NOT: tile.projection
#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, j, h * 4 + d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, i, h * 4 + e)>
#x = affine_map<(b, m, n, k) -> (b, m, k)>
#w = affine_map<(b, m, n, k) -> (k, n)>
#y = affine_map<(b, m, n, k) -> (b, m, n)>
!heads = memref<2x4x8x4xf32>
func.func @over_keys(%q: !heads, %k: memref<2x8x16xf32>, %w: memref<16x16xf32>) {
  %o = memref.alloc() : memref<2x8x16xf32>
  // expected-remark@+1 {{the output projection is computed after the attend: something between the two uses the same memory}}
  attn.attend heads 4 key_value_heads 4 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %k, %q : !heads, memref<2x8x16xf32>, !heads)
      outs(%o : memref<2x8x16xf32>) maps [#q, #k, #v, #out]
  linalg.contract indexing_maps = [#x, #w, #y]
      ins(%o, %w : memref<2x8x16xf32>, memref<16x16xf32>) outs(%k : memref<2x8x16xf32>)
  return
}

// -----

// Queries are gone before the product: the attend cannot move there.
// ALWAYS-LABEL: func.func @queries_overwritten(
// ALWAYS-NOT: tile.projection
#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, i, h * 4 + e)>
#x = affine_map<(b, m, n, k) -> (b, m, k)>
#w = affine_map<(b, m, n, k) -> (k, n)>
#y = affine_map<(b, m, n, k) -> (b, m, n)>
!heads = memref<2x4x8x4xf32>
func.func @queries_overwritten(%q: !heads, %k: !heads, %w: memref<16x5xf32>, %y: memref<2x8x5xf32>) {
  %o = memref.alloc() : memref<2x8x16xf32>
  %zero = arith.constant 0.0 : f32
  // expected-remark@+1 {{the output projection is computed after the attend: something between the two uses the same memory}}
  attn.attend heads 4 key_value_heads 4 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %k, %k : !heads, !heads, !heads)
      outs(%o : memref<2x8x16xf32>) maps [#q, #k, #v, #out]
  linalg.fill ins(%zero : f32) outs(%q : !heads)
  linalg.contract indexing_maps = [#x, #w, #y]
      ins(%o, %w : memref<2x8x16xf32>, memref<16x5xf32>) outs(%y : memref<2x8x5xf32>)
  return
}

// -----

// ALWAYS-LABEL: func.func @sums_over_heads(
// ALWAYS-NOT: tile.projection
#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, i, h * 4 + e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>
#sum = affine_map<(b, h, i, j, d, e) -> (b, i, j)>
#x = affine_map<(b, m, n, k) -> (b, m, k)>
#w = affine_map<(b, m, n, k) -> (k, n)>
#y = affine_map<(b, m, n, k) -> (b, m, n)>
func.func @sums_over_heads(%q: memref<2x4x8x4xf32>, %w: memref<16x5xf32>, %y: memref<2x8x5xf32>, %l: memref<2x4x8xf32>, %s: memref<2x8x8xf32>) {
  %o = memref.alloc() : memref<2x8x16xf32>
  // expected-remark@+1 {{the output projection is computed after the attend: its weights are summed over the heads}}
  attn.attend heads 4 key_value_heads 4 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %q, %q : memref<2x4x8x4xf32>, memref<2x4x8x4xf32>, memref<2x4x8x4xf32>)
      outs(%o, %l, %s : memref<2x8x16xf32>, memref<2x4x8xf32>, memref<2x8x8xf32>)
      maps [#q, #k, #v, #out, #lse, #sum] {normalized}
  linalg.contract indexing_maps = [#x, #w, #y]
      ins(%o, %w : memref<2x8x16xf32>, memref<16x5xf32>) outs(%y : memref<2x8x5xf32>)
  return
}
