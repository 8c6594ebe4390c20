// RUN: ladon-opt %s --halide-outline-attend --split-input-file --verify-diagnostics

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @no_tiles(%q: memref<1x1x?x8xf32>, %out: memref<1x1x?x8xf32>) {
  // expected-error@+1 {{'attn.attend' op expected buffers and a tile.shape}}
  attn.attend heads 1 key_value_heads 1 head_dim 8 value_dim 8 scale 1.0
      ins(%q, %q, %q : memref<1x1x?x8xf32>, memref<1x1x?x8xf32>, memref<1x1x?x8xf32>)
      outs(%out : memref<1x1x?x8xf32>)
      maps [#q, #k, #v, #o]
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @tensors(%q: tensor<1x1x?x8xf32>, %out: tensor<1x1x?x8xf32>) -> tensor<1x1x?x8xf32> {
  // expected-error@+1 {{'attn.attend' op expected buffers and a tile.shape}}
  %0 = attn.attend heads 1 key_value_heads 1 head_dim 8 value_dim 8 scale 1.0
      ins(%q, %q, %q : tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32>)
      outs(%out : tensor<1x1x?x8xf32>)
      maps [#q, #k, #v, #o] {tile.shape = #tile.shape<queries = 24, keys = 128>} -> tensor<1x1x?x8xf32>
  return %0 : tensor<1x1x?x8xf32>
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @pages(%q: memref<1x1x?x8xf32>, %k: memref<?x1x16x8xf32>, %table: memref<1x?xi32>, %out: memref<1x1x?x8xf32>) {
  // expected-error@+1 {{cannot be compiled by Halide: there are no keys and values in pages; build it with '--codegen llvm'}}
  attn.attend heads 1 key_value_heads 1 head_dim 8 value_dim 8 scale 1.0
      ins(%q, %k, %k : memref<1x1x?x8xf32>, memref<?x1x16x8xf32>, memref<?x1x16x8xf32>)
      pages(%table : memref<1x?xi32>)
      outs(%out : memref<1x1x?x8xf32>)
      maps [#q, #k, #v, #o] {tile.shape = #tile.shape<queries = 24, keys = 128>}
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#l = affine_map<(b, h, i, j, d, e) -> (b, h, i)>
#s = affine_map<(b, h, i, j, d, e) -> (b, h, i, j)>

func.func @scores(%q: memref<1x1x?x8xf32>, %k: memref<1x1x?x8xf32>, %out: memref<1x1x?x8xf32>, %lse: memref<1x1x?xf32>, %scores: memref<1x1x?x?xf32>) {
  // expected-error@+1 {{cannot be compiled by Halide: scores and weights are no results; build it with '--codegen llvm'}}
  attn.attend heads 1 key_value_heads 1 head_dim 8 value_dim 8 scale 1.0
      ins(%q, %k, %k : memref<1x1x?x8xf32>, memref<1x1x?x8xf32>, memref<1x1x?x8xf32>)
      outs(%out, %lse, %scores : memref<1x1x?x8xf32>, memref<1x1x?xf32>, memref<1x1x?x?xf32>)
      maps [#q, #k, #v, #o, #l, #s] {tile.shape = #tile.shape<queries = 24, keys = 128>}
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @loop(%q: memref<1x1x?x8xf32>, %k: memref<1x1x?x8xf32>, %out: memref<1x1x?x8xf32>, %n: i32) {
  // expected-error@+1 {{cannot be compiled by Halide: there are no reductions over ranges that a call gives; build it with '--codegen llvm'}}
  attn.attend heads 1 key_value_heads 1 head_dim 8 value_dim 8 scale 1.0
      ins(%q, %k, %k : memref<1x1x?x8xf32>, memref<1x1x?x8xf32>, memref<1x1x?x8xf32>)
      captures(%n : i32)
      outs(%out : memref<1x1x?x8xf32>)
      maps [#q, #k, #v, #o]
      mask(%b: i32, %h: i32, %i: i32, %j: i32, %end: i32) {
        %one = arith.constant 1 : i32
        %no = arith.constant false
        %t = scf.for %p = %b to %end step %one iter_args(%so = %no) -> (i1) : i32 {
          %hit = arith.cmpi eq, %p, %j : i32
          scf.yield %hit : i1
        }
        attn.yield %t : i1
      } {tile.shape = #tile.shape<queries = 24, keys = 128>}
  return
}
