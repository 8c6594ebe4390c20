// Every clause of attn.attend's verifier, once.
// RUN: ladon-opt %s --split-input-file --verify-diagnostics

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @no_heads(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  // expected-error@+1 {{expected at least one head, found 8 and 0 key/value heads}}
  %r = attn.attend heads 8 key_value_heads 0 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @uneven_heads(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  // expected-error@+1 {{8 heads do not share 3 key/value heads evenly}}
  %r = attn.attend heads 8 key_value_heads 3 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @no_features(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  // expected-error@+1 {{expected at least one feature, found a head_dim of 0 and a value_dim of 32}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 0 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @infinite_scale(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  // expected-error@+1 {{expected a finite scale}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0x7FF0000000000000
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @no_destination(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  // expected-error@+1 {{expected a destination for out and at most one each for lse and scores, found 4 destinations}}
  %r:4 = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o, %o, %o, %o : tensor<?x8x?x32xf32>, tensor<?x8x?x32xf32>, tensor<?x8x?x32xf32>, tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out, #out, #out, #out]
      -> tensor<?x8x?x32xf32>, tensor<?x8x?x32xf32>, tensor<?x8x?x32xf32>, tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @mixed_kinds(%q: tensor<?x8x?x64xf32>, %k: memref<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  // expected-error@+1 {{expected key to be a tensor as query is, found 'memref<?x2x?x64xf32>'}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, memref<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @mixed_elements(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf64>, %o: tensor<?x8x?x32xf32>) {
  // expected-error@+1 {{expected value to be computed in 'f32' as query is, found 'f64'}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf64>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @memref_capture(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>, %c: memref<?xi32>) {
  // expected-error@+1 {{expected captures to be tensors as query is, found 'memref<?xi32>'}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      captures(%c : memref<?xi32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @map_count(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  // expected-error@+1 {{expected 4 indexing maps, found 3}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @map_of_other_axis(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  // expected-error@+1 {{expected the map of query to give d0, d2, d1 and d4 (or d1 * 64 + d4 for the two), each once, found affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1 floordiv 4, d3, d4)>}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#k, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @map_of_lse(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  // expected-error@+1 {{expected the map of lse to give d0, d2 and d1, each once}}
  %r:2 = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o, %o : tensor<?x8x?x32xf32>, tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out, #out]
      -> tensor<?x8x?x32xf32>, tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @map_rank(%q: tensor<?x?x512xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  // expected-error@+1 {{expected query of rank 4 after its map, found rank 3}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x?x512xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @head_extent(%q: tensor<?x8x?x64xf32>, %k: tensor<?x8x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  // expected-error@+1 {{expected an extent of 2 on axis 1 of key, found 8}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @feature_extent(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x32xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  // expected-error@+1 {{expected an extent of 64 on axis 3 of key, found 32}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @dynamic_feature(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x?xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  // expected-error@+1 {{expected an extent of 64 on axis 3 of key, found a dynamic one}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x?xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @batch_size(%q: tensor<2x8x?x64xf32>, %k: tensor<3x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  // expected-error@+1 {{expected one batch size, found 2 and, in key, 3}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<2x8x?x64xf32>, tensor<3x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @number_of_keys(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x7x64xf32>, %v: tensor<?x2x9x32xf32>, %o: tensor<?x8x?x32xf32>) {
  // expected-error@+1 {{expected one number of keys, found 7 and, in value, 9}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x7x64xf32>, tensor<?x2x9x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @number_of_queries(%q: tensor<?x8x4x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x5x32xf32>) {
  // expected-error@+1 {{expected one number of queries, found 4 and, in out, 5}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x4x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x5x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x5x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @mask_arguments(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>, %c: i64) {
  // expected-error@+1 {{expected mask arguments of types 'i32', 'i32', 'i32', 'i32', 'i64', found 'i32', 'i32', 'i32', 'i32'}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      captures(%c : i64)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      mask(%b: i32, %h: i32, %i: i32, %j: i32) {
        %t = arith.cmpi sle, %j, %i : i32
        attn.yield %t : i1
      }
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @mask_value(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      mask(%b: i32, %h: i32, %i: i32, %j: i32) {
        // expected-error@+1 {{expected a value of 'i1' in mask, found 'i32'}}
        attn.yield %j : i32
      }
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @score_value(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      score(%s: f32, %b: i32, %h: i32, %i: i32, %j: i32) {
        // expected-error@+1 {{expected a value of 'f32' in score, found 'i32'}}
        attn.yield %j : i32
      }
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @tensor_in_mask(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      mask(%b: i32, %h: i32, %i: i32, %j: i32) {
        %t = arith.cmpi sle, %j, %i : i32
        // expected-error@+1 {{does not belong in a mask: expected pure operations on scalars, loops of them, and attn.read}}
        %x = tensor.from_elements %j : tensor<1xi32>
        attn.yield %t : i1
      }
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @impure_mask(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      mask(%b: i32, %h: i32, %i: i32, %j: i32) {
        // expected-error@+1 {{does not belong in a mask: expected pure operations on scalars, loops of them, and attn.read}}
        %t = func.call @random() : () -> i1
        attn.yield %t : i1
      }
      -> tensor<?x8x?x32xf32>
  return
}
func.func private @random() -> i1

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @value_from_above(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>, %n: i32) {
  // expected-note@+1 {{required by region isolation constraints}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      mask(%b: i32, %h: i32, %i: i32, %j: i32) {
        // expected-error@+1 {{using value defined outside the region}}
        %t = arith.cmpi slt, %j, %n : i32
        attn.yield %t : i1
      }
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @missing_yield(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  // expected-error@+1 {{expected mask to end in attn.yield}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      mask(%b: i32, %h: i32, %i: i32, %j: i32) {
        ub.unreachable
      }
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>

func.func @result_count(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  // expected-error@+1 {{expected the number of tensor results (0) to be equal to the number of output tensors (1)}}
  attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// What is computed in f64 is not stored in fewer bits than it has.
func.func @narrow_destination(%q: tensor<?x8x?x64xf64>, %k: tensor<?x2x?x64xf64>, %v: tensor<?x2x?x32xf64>, %o: tensor<?x8x?x32xbf16>) {
  // expected-error@+1 {{expected out to be computed in 'f64' as query is, found 'bf16'}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf64>, tensor<?x2x?x64xf64>, tensor<?x2x?x32xf64>)
      outs(%o : tensor<?x8x?x32xbf16>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xbf16>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @sinks_rank(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>, %s: tensor<8x1xf32>) {
  // expected-error@+1 {{expected a sink for each of 8 heads, found 'tensor<8x1xf32>'}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      sinks(%s : tensor<8x1xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @sinks_heads(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>, %s: tensor<2xf32>) {
  // expected-error@+1 {{expected a sink for each of 8 heads, found 'tensor<2xf32>'}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      sinks(%s : tensor<2xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @sinks_unknown(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>, %s: tensor<?xf32>) {
  // expected-error@+1 {{expected a sink for each of 8 heads, found 'tensor<?xf32>'}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      sinks(%s : tensor<?xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @sinks_elements(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>, %s: tensor<8xf64>) {
  // expected-error@+1 {{expected sinks to be computed in 'f32' as query is, found 'f64'}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      sinks(%s : tensor<8xf64>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @sinks_kind(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>, %s: memref<8xf32>) {
  // expected-error@+1 {{expected sinks to be a tensor or a memref as query is, found 'memref<8xf32>'}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      sinks(%s : memref<8xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @pages_kind(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x16x64xf32>, %v: tensor<?x2x16x32xf32>, %o: tensor<?x8x?x32xf32>, %p: memref<?x?xi32>) {
  // expected-error@+1 {{expected pages to be a tensor or a memref as query is, found 'memref<?x?xi32>'}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x16x64xf32>, tensor<?x2x16x32xf32>)
      pages(%p : memref<?x?xi32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @pages_rank(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x16x64xf32>, %v: tensor<?x2x16x32xf32>, %o: tensor<?x8x?x32xf32>, %p: tensor<?xi32>) {
  // expected-error@+1 {{expected pages of the axes (batch, page), found 'tensor<?xi32>'}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x16x64xf32>, tensor<?x2x16x32xf32>)
      pages(%p : tensor<?xi32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @pages_element(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x16x64xf32>, %v: tensor<?x2x16x32xf32>, %o: tensor<?x8x?x32xf32>, %p: tensor<?x?xi64>) {
  // expected-error@+1 {{operand #3 must be ranked tensor or memref of i32, but got 'tensor<?x?xi64>'}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x16x64xf32>, tensor<?x2x16x32xf32>)
      pages(%p : tensor<?x?xi64>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @pages_batch(%q: tensor<3x8x?x64xf32>, %k: tensor<?x2x16x64xf32>, %v: tensor<?x2x16x32xf32>, %o: tensor<3x8x?x32xf32>, %p: tensor<2x?xi32>) {
  // expected-error@+1 {{expected one batch size, found 2 and, in query, 3}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<3x8x?x64xf32>, tensor<?x2x16x64xf32>, tensor<?x2x16x32xf32>)
      pages(%p : tensor<2x?xi32>)
      outs(%o : tensor<3x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<3x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @pages_size(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x16x64xf32>, %v: tensor<?x2x32x32xf32>, %o: tensor<?x8x?x32xf32>, %p: tensor<?x?xi32>) {
  // expected-error@+1 {{expected one size of a page, found 16 and, in value, 32}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x16x64xf32>, tensor<?x2x32x32xf32>)
      pages(%p : tensor<?x?xi32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @pages_pool(%q: tensor<?x8x?x64xf32>, %k: tensor<7x2x16x64xf32>, %v: tensor<8x2x16x32xf32>, %o: tensor<?x8x?x32xf32>, %p: tensor<?x?xi32>) {
  // expected-error@+1 {{expected one number of pages, found 7 and, in value, 8}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<7x2x16x64xf32>, tensor<8x2x16x32xf32>)
      pages(%p : tensor<?x?xi32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @pages_unknown_size(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>, %p: tensor<?x?xi32>) {
  // expected-error@+1 {{expected a static size of pages, found 'tensor<?x2x?x64xf32>'}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      pages(%p : tensor<?x?xi32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @weight_arguments(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  // expected-error@+1 {{expected weight arguments of types 'f32', 'i32', 'i32', 'i32', 'i32', found 'i32', 'i32', 'i32', 'i32'}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      weight(%b: i32, %h: i32, %i: i32, %j: i32) {
        %t = arith.sitofp %j : i32 to f32
        attn.yield %t : f32
      }
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @weight_result(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      weight(%w: f32, %b: i32, %h: i32, %i: i32, %j: i32) {
        // expected-error@+1 {{expected a value of 'f32' in weight, found 'i32'}}
        attn.yield %j : i32
      }
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @wide_integers(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xi16>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  // expected-error@+1 {{operand #1 must be ranked tensor or memref of i8, f16, bf16, f32 or f64, but got 'tensor<?x2x?x64xi16>'}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xi16>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>
#scores = affine_map<(b, h, i, j, d, e) -> (b, h, i, j)>

func.func @normalized_what(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x9x64xf32>, %v: tensor<?x2x9x32xf32>, %o: tensor<?x8x?x32xf32>, %l: tensor<?x8x?xf32>) {
  // expected-error@+1 {{expected a destination for the normalized scores}}
  %r:2 = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x9x64xf32>, tensor<?x2x9x32xf32>)
      outs(%o, %l : tensor<?x8x?x32xf32>, tensor<?x8x?xf32>)
      maps [#q, #k, #v, #out, #lse] {normalized}
      -> tensor<?x8x?x32xf32>, tensor<?x8x?xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>
#scores = affine_map<(b, h, i, j, d, e) -> (b, h, i, j)>

func.func @scores_keys(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x9x64xf32>, %v: tensor<?x2x9x32xf32>, %o: tensor<?x8x?x32xf32>, %l: tensor<?x8x?xf32>, %s: tensor<?x8x?x8xf32>) {
  // expected-error@+1 {{expected one number of keys, found 9 and, in scores, 8}}
  %r:3 = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x9x64xf32>, tensor<?x2x9x32xf32>)
      outs(%o, %l, %s : tensor<?x8x?x32xf32>, tensor<?x8x?xf32>, tensor<?x8x?x8xf32>)
      maps [#q, #k, #v, #out, #lse, #scores]
      -> tensor<?x8x?x32xf32>, tensor<?x8x?xf32>, tensor<?x8x?x8xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>
#scores = affine_map<(b, h, i, j, d, e) -> (b, h, i, j)>

func.func @scores_heads(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x9x64xf32>, %v: tensor<?x2x9x32xf32>, %o: tensor<?x8x?x32xf32>, %l: tensor<?x8x?xf32>, %s: tensor<?x4x?x9xf32>) {
  // expected-error@+1 {{expected an extent of 8 on axis 1 of scores, found 4}}
  %r:3 = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x9x64xf32>, tensor<?x2x9x32xf32>)
      outs(%o, %l, %s : tensor<?x8x?x32xf32>, tensor<?x8x?xf32>, tensor<?x4x?x9xf32>)
      maps [#q, #k, #v, #out, #lse, #scores]
      -> tensor<?x8x?x32xf32>, tensor<?x8x?xf32>, tensor<?x4x?x9xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>
#scores = affine_map<(b, h, i, j, d, e) -> (b, h, i, j)>

func.func @scores_rank(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x9x64xf32>, %v: tensor<?x2x9x32xf32>, %o: tensor<?x8x?x32xf32>, %l: tensor<?x8x?xf32>, %s: tensor<?x8x?xf32>) {
  // expected-error@+1 {{expected scores of rank 4 after its map, found rank 3}}
  %r:3 = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x9x64xf32>, tensor<?x2x9x32xf32>)
      outs(%o, %l, %s : tensor<?x8x?x32xf32>, tensor<?x8x?xf32>, tensor<?x8x?xf32>)
      maps [#q, #k, #v, #out, #lse, #scores]
      -> tensor<?x8x?x32xf32>, tensor<?x8x?xf32>, tensor<?x8x?xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>
#scores = affine_map<(b, h, i, j, d, e) -> (b, h, i, j)>

func.func @scores_map(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x9x64xf32>, %v: tensor<?x2x9x32xf32>, %o: tensor<?x8x?x32xf32>, %l: tensor<?x8x?xf32>, %s: tensor<?x8x?x9xf32>) {
  // expected-error@+1 {{expected the map of scores to give d0, d2, d1 and d3, each once, found}}
  %r:3 = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x9x64xf32>, tensor<?x2x9x32xf32>)
      outs(%o, %l, %s : tensor<?x8x?x32xf32>, tensor<?x8x?xf32>, tensor<?x8x?x9xf32>)
      maps [#q, #k, #v, #out, #lse, #out]
      -> tensor<?x8x?x32xf32>, tensor<?x8x?xf32>, tensor<?x8x?x9xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>
#scores = affine_map<(b, h, i, j, d, e) -> (b, h, i, j)>

func.func @scores_type(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x9x64xf32>, %v: tensor<?x2x9x32xf32>, %o: tensor<?x8x?x32xf32>, %l: tensor<?x8x?xf32>, %s: tensor<?x8x?x9xf64>) {
  // expected-error@+1 {{expected scores to be computed in 'f32' as query is, found 'f64'}}
  %r:3 = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x9x64xf32>, tensor<?x2x9x32xf32>)
      outs(%o, %l, %s : tensor<?x8x?x32xf32>, tensor<?x8x?xf32>, tensor<?x8x?x9xf64>)
      maps [#q, #k, #v, #out, #lse, #scores]
      -> tensor<?x8x?x32xf32>, tensor<?x8x?xf32>, tensor<?x8x?x9xf64>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (0, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// All batch entries share one, not some one of several.
func.func @shared_batch(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  // expected-error@+1 {{expected an extent of 1 on axis 0 of query, found a dynamic one}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, 0, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @shared_head(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  // expected-error@+1 {{expected an extent of 1 on axis 1 of key, found 2}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (0, h, i, e)>

// Nobody could say which batch entry a destination would keep.
func.func @shared_out(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<1x8x?x32xf32>) {
  // expected-error@+1 {{expected the map of out to give}}
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<1x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      -> tensor<1x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

func.func @loop_of_a_query(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x32xf32>, %o: tensor<?x8x?x32xf32>) {
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      mask(%b: i32, %h: i32, %i: i32, %j: i32) {
        %one = arith.constant 1 : i32
        %no = arith.constant false
        %end = arith.addi %i, %one : i32
        // expected-error@+1 {{'scf.for' op expected bounds that are the same for all heads, queries and keys}}
        %t = scf.for %n = %b to %end step %one iter_args(%so = %no) -> (i1) : i32 {
          %hit = arith.cmpi eq, %n, %j : i32
          scf.yield %hit : i1
        }
        attn.yield %t : i1
      }
      -> tensor<?x8x?x32xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>
#sum = affine_map<(b, h, i, j, d, e) -> (b, i, j)>

// Scores are not summed over heads.
func.func @scores_of_no_head(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x9x64xf32>, %v: tensor<?x2x9x32xf32>, %o: tensor<?x8x?x32xf32>, %l: tensor<?x8x?xf32>, %s: tensor<?x?x9xf32>) {
  // expected-error@+1 {{expected the map of scores to give d0, d2, d1 and d3, each once, found}}
  %r:3 = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x9x64xf32>, tensor<?x2x9x32xf32>)
      outs(%o, %l, %s : tensor<?x8x?x32xf32>, tensor<?x8x?xf32>, tensor<?x?x9xf32>)
      maps [#q, #k, #v, #out, #lse, #sum]
      -> tensor<?x8x?x32xf32>, tensor<?x8x?xf32>, tensor<?x?x9xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>
#sum = affine_map<(b, h, i, j, d, e) -> (b, i, j)>

func.func @weights_map(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x9x64xf32>, %v: tensor<?x2x9x32xf32>, %o: tensor<?x8x?x32xf32>, %l: tensor<?x8x?xf32>, %s: tensor<?x8x?xf32>) {
  // expected-error@+1 {{expected the map of scores to give d0, d2, d1 (but for sums over it) and d3, each once, found}}
  %r:3 = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x9x64xf32>, tensor<?x2x9x32xf32>)
      outs(%o, %l, %s : tensor<?x8x?x32xf32>, tensor<?x8x?xf32>, tensor<?x8x?xf32>)
      maps [#q, #k, #v, #out, #lse, #lse] {normalized}
      -> tensor<?x8x?x32xf32>, tensor<?x8x?xf32>, tensor<?x8x?xf32>
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>
#sum = affine_map<(b, h, i, j, d, e) -> (b, i, j)>

func.func @narrow_sums(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x9x64xf32>, %v: tensor<?x2x9x32xf32>, %o: tensor<?x8x?x32xf32>, %l: tensor<?x8x?xf32>, %s: tensor<?x?x9xbf16>) {
  // expected-error@+1 {{expected sums over heads of 'f32', in which they are computed, found 'bf16'}}
  %r:3 = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x9x64xf32>, tensor<?x2x9x32xf32>)
      outs(%o, %l, %s : tensor<?x8x?x32xf32>, tensor<?x8x?xf32>, tensor<?x?x9xbf16>)
      maps [#q, #k, #v, #out, #lse, #sum] {normalized}
      -> tensor<?x8x?x32xf32>, tensor<?x8x?xf32>, tensor<?x?x9xbf16>
  return
}
