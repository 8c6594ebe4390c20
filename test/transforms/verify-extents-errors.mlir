// RUN: ladon-opt %s --attn-verify-extents --split-input-file --verify-diagnostics

// Each function would read or write outside of a tensor when it is called with
// tensors that its entry point accepts.

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
!heads = tensor<?x2x?x8xf32>

func.func @keys(
    %q: !heads {attn.param = #attn.param<input q: f32[B, 2, S, 8]>},
    %k: !heads {attn.param = #attn.param<input k: f32[B, 2, T, 8]>},
    %v: !heads {attn.param = #attn.param<input v: f32[B, 2, U, 8]>})
    -> (!heads {attn.param = #attn.param<output out: f32[B, 2, S, 8]>}) {
  // expected-error@+2 {{'attn.attend' op expected one number of keys, found T in key and U in value}}
  // expected-note@+1 {{sizes that must be equal need one name}}
  %out = attn.attend heads 2 key_value_heads 2 head_dim 8 value_dim 8 scale 0.5
      ins(%q, %k, %v : !heads, !heads, !heads) outs(%q : !heads)
      maps [#q, #k, #v, #out] -> !heads
  return %out : !heads
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
!heads = tensor<?x2x?x8xf32>

// The destination has a place for each key, not for each query.
func.func @queries(
    %q: !heads {attn.param = #attn.param<input q: f32[B, 2, S, 8]>},
    %k: !heads {attn.param = #attn.param<input k: f32[B, 2, T, 8]>})
    -> (!heads {attn.param = #attn.param<output out: f32[B, 2, T, 8]>}) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %b = tensor.dim %k, %c0 : !heads
  %t = tensor.dim %k, %c2 : !heads
  %init = tensor.empty(%b, %t) : !heads
  // expected-error@+2 {{expected one number of queries, found S in query and T in out}}
  // expected-note@+1 {{need one name}}
  %out = attn.attend heads 2 key_value_heads 2 head_dim 8 value_dim 8 scale 0.5
      ins(%q, %k, %k : !heads, !heads, !heads) outs(%init : !heads)
      maps [#q, #k, #v, #out] -> !heads
  return %out : !heads
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
!heads = tensor<?x2x?x8xf32>
!one = tensor<1x2x?x8xf32>

// A number beside a name: a batch of one, and one of any size.
func.func @batches(
    %q: !heads {attn.param = #attn.param<input q: f32[B, 2, S, 8]>},
    %k: !one {attn.param = #attn.param<input k: f32[1, 2, T, 8]>})
    -> (!heads {attn.param = #attn.param<output out: f32[B, 2, S, 8]>}) {
  %any = tensor.cast %k : !one to !heads
  // expected-error@+2 {{expected one batch size, found B in query and 1 in key}}
  // expected-note@+1 {{need one name}}
  %out = attn.attend heads 2 key_value_heads 2 head_dim 8 value_dim 8 scale 0.5
      ins(%q, %any, %any : !heads, !heads, !heads) outs(%q : !heads)
      maps [#q, #k, #v, #out] -> !heads
  return %out : !heads
}

// -----

// The axes of a result are declared in the wrong order.
func.func @swapped(%x: tensor<?x?xf32> {attn.param = #attn.param<input x: f32[S, T]>})
    -> (tensor<?x?xf32> {attn.param = #attn.param<output y: f32[T, S]>}) {
  // expected-error@+2 {{'func.return' op expected T on axis 0 of 'y', as its 'attn.param' says, found S}}
  // expected-note@+1 {{need one name}}
  return %x : tensor<?x?xf32>
}

// -----

func.func @number(%x: tensor<4xf32> {attn.param = #attn.param<input x: f32[4]>},
                  %n: tensor<?xf32> {attn.param = #attn.param<input n: f32[N]>})
    -> (tensor<?xf32> {attn.param = #attn.param<output y: f32[N]>}) {
  %y = tensor.cast %x : tensor<4xf32> to tensor<?xf32>
  // expected-error@+2 {{expected N on axis 0 of 'y', as its 'attn.param' says, found 4}}
  // expected-note@+1 {{need one name}}
  return %y : tensor<?xf32>
}

// -----

func.func @cast(%x: tensor<?xf32> {attn.param = #attn.param<input x: f32[N]>})
    -> (tensor<4xf32> {attn.param = #attn.param<output y: f32[4]>}) {
  // expected-error@+1 {{'tensor.cast' op expected N on axis 0, as the operand has, found 4}}
  %y = tensor.cast %x : tensor<?xf32> to tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @larger(%x: tensor<?xf32> {attn.param = #attn.param<input x: f32[N]>})
    -> (tensor<?xf32> {attn.param = #attn.param<output y: f32[N]>}) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %twice = arith.muli %n, %c2 : index
  %y = tensor.empty(%twice) : tensor<?xf32>
  // expected-error@+2 {{'func.return' op expected N on axis 0 of 'y', as its 'attn.param' says, found 2 * N}}
  // expected-note@+1 {{need one name}}
  return %y : tensor<?xf32>
}

// -----

func.func @difference(%x: tensor<?xf32> {attn.param = #attn.param<input x: f32[N]>})
    -> (tensor<?xf32> {attn.param = #attn.param<output y: f32[N]>}) {
  %c0 = arith.constant 0 : index
  %minus = arith.constant -3 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %less = arith.addi %n, %minus : index
  // expected-error@+2 {{'tensor.empty' op expected the size of axis 0 to be a constant that is not negative, or a tensor.dim}}
  // expected-note@+1 {{need one name}}
  %y = tensor.empty(%less) : tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

func.func @beyond(%x: tensor<?xf32> {attn.param = #attn.param<input x: f32[N]>},
                  %z: tensor<?xf32> {attn.param = #attn.param<input z: f32["N + 2"]>})
    -> (tensor<?xf32> {attn.param = #attn.param<output y: f32["N + 2"]>}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  // expected-error@+2 {{expected axis 0 of the slice to be the whole of it, or constants within its extent, which is N + 2}}
  // expected-note@+1 {{need one name}}
  %y = tensor.insert_slice %x into %z[3] [%n] [1] : tensor<?xf32> into tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

func.func @negative(%x: tensor<4xf32> {attn.param = #attn.param<input x: f32[4]>})
    -> (tensor<4xf32> {attn.param = #attn.param<output y: f32[4]>}) {
  %n = arith.constant -4 : index
  // expected-error@+2 {{expected the size of axis 1 to be a constant that is not negative}}
  // expected-note@+1 {{need one name}}
  %y = tensor.empty(%n) : tensor<2x?xf32>
  return %x : tensor<4xf32>
}

// -----

func.func @axis(%x: tensor<4xf32> {attn.param = #attn.param<input x: f32[4]>},
                %which: i32 {attn.param = #attn.param<scalar which: i32>})
    -> (tensor<4xf32> {attn.param = #attn.param<output y: f32[4]>}) {
  %axis = arith.index_cast %which : i32 to index
  // expected-error@+1 {{'tensor.dim' op expected a constant axis of 0 to 0}}
  %n = tensor.dim %x, %axis : tensor<4xf32>
  return %x : tensor<4xf32>
}

// -----

func.func @operands(%x: tensor<?xf32> {attn.param = #attn.param<input x: f32[N]>},
                    %y: tensor<?xf32> {attn.param = #attn.param<input y: f32[M]>})
    -> (tensor<?xf32> {attn.param = #attn.param<output z: f32[N]>}) {
  // expected-error@+2 {{'linalg.map' op expected one extent for d0, found N in operand 0 and M in operand 1}}
  // expected-note@+1 {{need one name}}
  %z = linalg.map { arith.addf } ins(%x, %y : tensor<?xf32>, tensor<?xf32>) outs(%x : tensor<?xf32>)
  return %z : tensor<?xf32>
}

// -----

func.func @contracted(%x: tensor<?x?xf32> {attn.param = #attn.param<input x: f32[S, K]>},
                      %w: tensor<?x8xf32> {attn.param = #attn.param<input w: f32[T, 8]>},
                      %y: tensor<?x8xf32> {attn.param = #attn.param<input y: f32[S, 8]>})
    -> (tensor<?x8xf32> {attn.param = #attn.param<output out: f32[S, 8]>}) {
  // expected-error@+2 {{'linalg.matmul' op expected one extent for d2, found K in operand 0 and T in operand 1}}
  // expected-note@+1 {{need one name}}
  %out = linalg.matmul ins(%x, %w : tensor<?x?xf32>, tensor<?x8xf32>) outs(%y : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %out : tensor<?x8xf32>
}

// -----

// A window of 3 over an axis that has no room for it.
func.func @window(%x: tensor<?xf32> {attn.param = #attn.param<input x: f32[N]>},
                  %w: tensor<3xf32> {attn.param = #attn.param<input w: f32[3]>})
    -> (tensor<?xf32> {attn.param = #attn.param<output y: f32[N]>}) {
  // expected-error@+1 {{'linalg.conv_1d' op expected 'd0 + d1' to stay within axis 0 of operand 0, whose extent is N, for all positions}}
  %y = linalg.conv_1d ins(%x, %w : tensor<?xf32>, tensor<3xf32>) outs(%x : tensor<?xf32>) -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

// Beyond the end in the middle of the loop: at its ends the index is small.
func.func @middle(%x: tensor<3xf32> {attn.param = #attn.param<input x: f32[3]>},
                  %y: tensor<5xf32> {attn.param = #attn.param<input y: f32[5]>})
    -> (tensor<5xf32> {attn.param = #attn.param<output z: f32[5]>}) {
  // expected-error@+1 {{expected 'd0 mod 4' to stay within axis 0 of operand 0, whose extent is 3}}
  %z = linalg.generic {
      indexing_maps = [affine_map<(n) -> (n mod 4)>, affine_map<(n) -> (n)>],
      iterator_types = ["parallel"]}
      ins(%x : tensor<3xf32>) outs(%y : tensor<5xf32>) {
  ^bb0(%in: f32, %old: f32):
    linalg.yield %in : f32
  } -> tensor<5xf32>
  return %z : tensor<5xf32>
}

// -----

// An index that is computed in the body.
func.func @gathered(%x: tensor<?xf32> {attn.param = #attn.param<input x: f32[N]>})
    -> (tensor<?xf32> {attn.param = #attn.param<output y: f32[N]>}) {
  %y = linalg.generic {indexing_maps = [affine_map<(n) -> (n)>], iterator_types = ["parallel"]}
      outs(%x : tensor<?xf32>) {
  ^bb0(%old: f32):
    %i = linalg.index 0 : index
    %c9 = arith.constant 9 : index
    %far = arith.muli %i, %c9 : index
    // expected-error@+1 {{'tensor.extract' op expected operations on scalars in the body of a linalg operation}}
    %read = tensor.extract %x[%far] : tensor<?xf32>
    linalg.yield %read : f32
  } -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

func.func @slice(%x: tensor<?xf32> {attn.param = #attn.param<input x: f32[N]>})
    -> (tensor<?xf32> {attn.param = #attn.param<output y: f32[N]>}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  // expected-error@+2 {{expected axis 0 of the slice to be the whole of it, or constants within its extent, which is N}}
  // expected-note@+1 {{need one name}}
  %y = tensor.extract_slice %x[1] [%n] [1] : tensor<?xf32> to tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

func.func @constant_slice(%x: tensor<?xf32> {attn.param = #attn.param<input x: f32[N]>},
                          %y: tensor<8xf32> {attn.param = #attn.param<input y: f32[8]>})
    -> (tensor<8xf32> {attn.param = #attn.param<output z: f32[8]>}) {
  // expected-error@+2 {{whole of it, or constants within its extent, which is N}}
  // expected-note@+1 {{need one name}}
  %z = tensor.extract_slice %x[0] [8] [1] : tensor<?xf32> to tensor<8xf32>
  return %z : tensor<8xf32>
}

// -----

// An end that no integer can hold.
func.func @far_slice(%x: tensor<?xf32> {attn.param = #attn.param<input x: f32[N]>},
                     %y: tensor<8xf32> {attn.param = #attn.param<input y: f32[8]>})
    -> (tensor<?xf32> {attn.param = #attn.param<output z: f32[N]>}) {
  %far = arith.constant 9223372036854775807 : index
  %any = tensor.cast %y : tensor<8xf32> to tensor<?xf32>
  // expected-error@+2 {{whole of it, or constants within its extent, which is 8}}
  // expected-note@+1 {{need one name}}
  %z = tensor.extract_slice %any[3] [4] [%far] : tensor<?xf32> to tensor<4xf32>
  return %x : tensor<?xf32>
}

// -----

func.func @insert(%x: tensor<?xf32> {attn.param = #attn.param<input x: f32[N]>},
                  %y: tensor<?xf32> {attn.param = #attn.param<input y: f32[M]>})
    -> (tensor<?xf32> {attn.param = #attn.param<output z: f32[M]>}) {
  %c0 = arith.constant 0 : index
  %m = tensor.dim %y, %c0 : tensor<?xf32>
  // expected-error@+2 {{'tensor.insert_slice' op expected M on axis 0 of the source, as the slice has, found N}}
  // expected-note@+1 {{need one name}}
  %z = tensor.insert_slice %x into %y[0] [%m] [1] : tensor<?xf32> into tensor<?xf32>
  return %z : tensor<?xf32>
}

// -----

func.func @collapse(%x: tensor<?x8xf32> {attn.param = #attn.param<input x: f32[N, 8]>})
    -> (tensor<?xf32> {attn.param = #attn.param<output y: f32[N]>}) {
  // expected-error@+1 {{'tensor.collapse_shape' op expected N * 8 elements on axis 0, found one that is unknown; a product with a named size is known where the rest is 1}}
  %y = tensor.collapse_shape %x [[0, 1]] : tensor<?x8xf32> into tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

func.func @expand(%x: tensor<?xf32> {attn.param = #attn.param<input x: f32[N]>},
                  %y: tensor<?xf32> {attn.param = #attn.param<input y: f32[M]>})
    -> (tensor<?x1xf32> {attn.param = #attn.param<output z: f32[M, 1]>}) {
  %c0 = arith.constant 0 : index
  %m = tensor.dim %y, %c0 : tensor<?xf32>
  // expected-error@+1 {{'tensor.expand_shape' op expected M * 1 elements on axis 0, found N}}
  %z = tensor.expand_shape %x [[0, 1]] output_shape [%m, 1] : tensor<?xf32> into tensor<?x1xf32>
  return %z : tensor<?x1xf32>
}

// -----

func.func @pad(%x: tensor<?xf32> {attn.param = #attn.param<input x: f32[N]>})
    -> (tensor<?xf32> {attn.param = #attn.param<output y: f32[N]>}) {
  %f = arith.constant 0.0 : f32
  // expected-error@+1 {{'tensor.pad' op has extents that are not known: expected operations of attn and linalg on tensors, arith.constant, and of tensor dim, empty, cast}}
  %y = tensor.pad %x low[0] high[1] {
  ^bb0(%i: index):
    tensor.yield %f : f32
  } : tensor<?xf32> to tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

func.func @concat(%x: tensor<?xf32> {attn.param = #attn.param<input x: f32[N]>})
    -> (tensor<?xf32> {attn.param = #attn.param<output y: f32[N]>}) {
  // expected-error@+1 {{'tensor.concat' op has extents that are not known}}
  %y = tensor.concat dim(0) %x, %x : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

func.func @extract(%x: tensor<?xf32> {attn.param = #attn.param<input x: f32[N]>},
                   %far: i64 {attn.param = #attn.param<scalar far: i64>})
    -> (tensor<?xf32> {attn.param = #attn.param<output y: f32[N]>}) {
  %i = arith.index_cast %far : i64 to index
  // expected-error@+1 {{'tensor.extract' op has extents that are not known}}
  %f = tensor.extract %x[%i] : tensor<?xf32>
  %y = linalg.fill ins(%f : f32) outs(%x : tensor<?xf32>) -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

// expected-error@+1 {{argument 1: expected 'attn.param', found none}}
func.func @argument(%x: tensor<4xf32> {attn.param = #attn.param<input x: f32[4]>}, %y: tensor<?xf32>)
    -> (tensor<4xf32> {attn.param = #attn.param<output z: f32[4]>}) {
  return %x : tensor<4xf32>
}

// -----

// expected-error@+1 {{result 0: expected 'attn.param', found none}}
func.func @result(%x: tensor<4xf32> {attn.param = #attn.param<input x: f32[4]>}) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

// expected-error@+1 {{expected one block, found 2}}
func.func @blocks(%x: tensor<4xf32> {attn.param = #attn.param<input x: f32[4]>})
    -> (tensor<4xf32> {attn.param = #attn.param<output y: f32[4]>}) {
  cf.br ^bb1
^bb1:
  return %x : tensor<4xf32>
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>
#scores = affine_map<(b, h, i, j, d, e) -> (b, h, i, j)>
!heads = tensor<?x2x?x8xf32>

// A place for each query in place of one for each key.
func.func @scores(
    %q: !heads {attn.param = #attn.param<input q: f32[B, 2, S, 8]>},
    %k: !heads {attn.param = #attn.param<input k: f32[B, 2, T, 8]>})
    -> (tensor<?x2x?x?xf32> {attn.param = #attn.param<output out: f32[B, 2, S, S]>}) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %b = tensor.dim %q, %c0 : !heads
  %s = tensor.dim %q, %c2 : !heads
  %lse = tensor.empty(%b, %s) : tensor<?x2x?xf32>
  %init = tensor.empty(%b, %s, %s) : tensor<?x2x?x?xf32>
  // expected-error@+2 {{expected one number of keys, found T in key and S in scores}}
  // expected-note@+1 {{need one name}}
  %out:3 = attn.attend heads 2 key_value_heads 2 head_dim 8 value_dim 8 scale 0.5
      ins(%q, %k, %k : !heads, !heads, !heads)
      outs(%q, %lse, %init : !heads, tensor<?x2x?xf32>, tensor<?x2x?x?xf32>)
      maps [#q, #k, #v, #out, #lse, #scores]
      -> !heads, tensor<?x2x?xf32>, tensor<?x2x?x?xf32>
  return %out#2 : tensor<?x2x?x?xf32>
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>
#scores = affine_map<(b, h, i, j, d, e) -> (b, h, i, j)>
!heads = tensor<?x2x?x8xf32>
!pool = tensor<?x2x4x8xf32>

// A place for each page in place of one for each key.
func.func @paged_scores(
    %q: !heads {attn.param = #attn.param<input q: f32[B, 2, S, 8]>},
    %k: !pool {attn.param = #attn.param<input k: f32[N, 2, 4, 8]>},
    %table: tensor<?x?xi32> {attn.param = #attn.param<input table: i32[B, P]>})
    -> (tensor<?x2x?x?xf32> {attn.param = #attn.param<output out: f32[B, 2, S, P]>}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %b = tensor.dim %q, %c0 : !heads
  %s = tensor.dim %q, %c2 : !heads
  %p = tensor.dim %table, %c1 : tensor<?x?xi32>
  %lse = tensor.empty(%b, %s) : tensor<?x2x?xf32>
  %init = tensor.empty(%b, %s, %p) : tensor<?x2x?x?xf32>
  // expected-error@+2 {{expected 4 * P keys in pages, found P in scores}}
  // expected-note@+1 {{need one name}}
  %out:3 = attn.attend heads 2 key_value_heads 2 head_dim 8 value_dim 8 scale 0.5
      ins(%q, %k, %k : !heads, !pool, !pool) pages(%table : tensor<?x?xi32>)
      outs(%q, %lse, %init : !heads, tensor<?x2x?xf32>, tensor<?x2x?x?xf32>)
      maps [#q, #k, #v, #out, #lse, #scores]
      -> !heads, tensor<?x2x?xf32>, tensor<?x2x?x?xf32>
  return %out#2 : tensor<?x2x?x?xf32>
}

// -----

!cache = tensor<?x?x64xf32>

// Nothing says what the call may be given.
func.func @no_bound(
    %k: !cache {attn.param = #attn.param<input k: f32[B, S, 64]>},
    %len: tensor<?xi32> {attn.param = #attn.param<input len: i32[B]>},
    %c: !cache {attn.param = #attn.param<inout c: f32[B, C, 64]>}) {
  // expected-error@+1 {{'attn.append' op expected 'len' with values to ["C - S"], where what is appended fits the cache}}
  %keys = attn.append %k at %len : tensor<?xi32> into %c axis 1 : !cache, !cache -> !cache
  return
}

// -----

!cache = tensor<?x?x64xf32>

func.func @wrong_bound(
    %k: !cache {attn.param = #attn.param<input k: f32[B, S, 64]>},
    %at: i32 {attn.param = #attn.param<scalar at: i32 to ["C"]>},
    %c: !cache {attn.param = #attn.param<inout c: f32[B, C, 64]>}) {
  // expected-error@+1 {{expected 'at' with values to ["C - S"]}}
  %keys = attn.append %k at %at : i32 into %c axis 1 : !cache, !cache -> !cache
  return
}

// -----

!cache = tensor<?x?x64xf32>

func.func @computed_place(
    %k: !cache {attn.param = #attn.param<input k: f32[B, S, 64]>},
    %at: i32 {attn.param = #attn.param<scalar at: i32 to ["C - S"]>},
    %c: !cache {attn.param = #attn.param<inout c: f32[B, C, 64]>}) {
  %more = arith.addi %at, %at : i32
  // expected-error@+1 {{expected an argument that says where to append}}
  %keys = attn.append %k at %more : i32 into %c axis 1 : !cache, !cache -> !cache
  return
}

// -----

!cache = tensor<?x?x64xf32>

func.func @other_batch(
    %k: !cache {attn.param = #attn.param<input k: f32[A, S, 64]>},
    %at: i32 {attn.param = #attn.param<scalar at: i32 to ["C - S"]>},
    %c: !cache {attn.param = #attn.param<inout c: f32[B, C, 64]>}) {
  // expected-error@+2 {{expected B as the extent of axis 0 of the source, found A}}
  // expected-note@+1 {{sizes that must be equal need one name}}
  %keys = attn.append %k at %at : i32 into %c axis 1 : !cache, !cache -> !cache
  return
}

// -----

!cache = tensor<?x?x64xf32>

func.func @other_places(
    %k: !cache {attn.param = #attn.param<input k: f32[B, S, 64]>},
    %len: tensor<?xi32> {attn.param = #attn.param<input len: i32[S] to ["C - S"]>},
    %c: !cache {attn.param = #attn.param<inout c: f32[B, C, 64]>}) {
  // expected-error@+2 {{expected B as the extent of the places, found S}}
  // expected-note@+1 {{sizes that must be equal need one name}}
  %keys = attn.append %k at %len : tensor<?xi32> into %c axis 1 : !cache, !cache -> !cache
  return
}

// -----

!cache = tensor<?x?x64xf32>

func.func @not_inout(
    %k: !cache {attn.param = #attn.param<input k: f32[B, S, 64]>},
    %at: i32 {attn.param = #attn.param<scalar at: i32 to ["C - S"]>},
    %c: !cache {attn.param = #attn.param<input c: f32[B, C, 64]>}) {
  // expected-error@+1 {{expected a cache that is an argument of the kind inout}}
  %keys = attn.append %k at %at : i32 into %c axis 1 : !cache, !cache -> !cache
  return
}

// -----

!cache = tensor<?x?x64xf32>

// expected-error@+1 {{argument 1: expected one use of inout 'c', as the cache of an attn.append}}
func.func @never_appended(
    %k: !cache {attn.param = #attn.param<input k: f32[B, S, 64]>},
    %c: !cache {attn.param = #attn.param<inout c: f32[B, C, 64]>}) {
  return
}

// -----

!cache = tensor<?x?x64xf32>

// expected-error@+1 {{argument 2: expected one use of inout 'c', as the cache of an attn.append}}
func.func @returned(
    %k: !cache {attn.param = #attn.param<input k: f32[B, S, 64]>},
    %at: i32 {attn.param = #attn.param<scalar at: i32 to ["C - S"]>},
    %c: !cache {attn.param = #attn.param<inout c: f32[B, C, 64]>})
    -> (!cache {attn.param = #attn.param<output o: f32[B, C, 64]>}) {
  %keys = attn.append %k at %at : i32 into %c axis 1 : !cache, !cache -> !cache
  return %c : !cache
}

// -----

!new = tensor<?x2x?x64xf32>
!pool = tensor<?x2x16x64xf32>

func.func @pages_unchecked(
    %k: !new {attn.param = #attn.param<input k: f32[B, 2, S, 64]>},
    %at: i32 {attn.param = #attn.param<scalar at: i32 to ["16 * P - S"]>},
    %table: tensor<?x?xi32> {attn.param = #attn.param<input table: i32[B, P] writes [["at", "S", 16, "M"]]>},
    %c: !pool {attn.param = #attn.param<inout c: f32[N, 2, 16, 64]>}) {
  // expected-error@+1 {{expected a table that writes [["at", "S", 16, "N"]], whose pages are checked}}
  %keys = attn.append %k at %at : i32 pages %table : tensor<?x?xi32> into %c axis 2 : !new, !pool -> !pool
  return
}
