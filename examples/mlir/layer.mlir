// The attention of a decoder layer, as the front end of another compiler could
// write it: projections and the residual connection are linalg, sizes are tensor,
// and between them stands one attn.attend.
//
//   out = x + concat_heads(attend(x wq, x wk, x wv)) wo
//
// x is [position, 64]; four query heads and two key heads have 16 features each,
// which lie beside each other. A query sees its own key and the 15 before it, and
// a score of head h loses slopes[h] for each position between them.

#id = affine_map<(i, c) -> (i, c)>

// Of (batch, head, query, key, feature, feature of v), where an operand has the
// element: heads are read and written where they lie, and are never split.
#q = affine_map<(b, h, i, j, d, e) -> (b, i, h * 16 + d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, j, (h floordiv 2) * 16 + d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, j, (h floordiv 2) * 16 + e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, i, h * 16 + e)>

func.func @layer(%x: tensor<?x64xf32>, %wq: tensor<64x64xf32>, %wk: tensor<64x32xf32>,
                 %wv: tensor<64x32xf32>, %wo: tensor<64x64xf32>, %slopes: tensor<4xf32>)
    -> tensor<?x64xf32> attributes {llvm.emit_c_interface} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %positions = tensor.dim %x, %c0 : tensor<?x64xf32>
  %empty64 = tensor.empty(%positions) : tensor<?x64xf32>
  %empty32 = tensor.empty(%positions) : tensor<?x32xf32>
  %zero64 = linalg.fill ins(%zero : f32) outs(%empty64 : tensor<?x64xf32>) -> tensor<?x64xf32>
  %zero32 = linalg.fill ins(%zero : f32) outs(%empty32 : tensor<?x32xf32>) -> tensor<?x32xf32>
  %q = linalg.matmul ins(%x, %wq : tensor<?x64xf32>, tensor<64x64xf32>)
      outs(%zero64 : tensor<?x64xf32>) -> tensor<?x64xf32>
  %k = linalg.matmul ins(%x, %wk : tensor<?x64xf32>, tensor<64x32xf32>)
      outs(%zero32 : tensor<?x32xf32>) -> tensor<?x32xf32>
  %v = linalg.matmul ins(%x, %wv : tensor<?x64xf32>, tensor<64x32xf32>)
      outs(%zero32 : tensor<?x32xf32>) -> tensor<?x32xf32>

  // A batch of one.
  %q1 = tensor.expand_shape %q [[0, 1], [2]] output_shape [1, %positions, 64]
      : tensor<?x64xf32> into tensor<1x?x64xf32>
  %k1 = tensor.expand_shape %k [[0, 1], [2]] output_shape [1, %positions, 32]
      : tensor<?x32xf32> into tensor<1x?x32xf32>
  %v1 = tensor.expand_shape %v [[0, 1], [2]] output_shape [1, %positions, 32]
      : tensor<?x32xf32> into tensor<1x?x32xf32>
  %empty = tensor.empty(%positions) : tensor<1x?x64xf32>
  %attended1 = attn.attend heads 4 key_value_heads 2 head_dim 16 value_dim 16 scale 0.25
      ins(%q1, %k1, %v1 : tensor<1x?x64xf32>, tensor<1x?x32xf32>, tensor<1x?x32xf32>)
      captures(%slopes : tensor<4xf32>)
      outs(%empty : tensor<1x?x64xf32>)
      maps [#q, #k, #v, #out]
  score(%s: f32, %b: i32, %h: i32, %i: i32, %j: i32, %slope_of: tensor<4xf32>) {
    %distance = arith.subi %i, %j : i32
    %apart = arith.sitofp %distance : i32 to f32
    %slope = attn.read %slope_of[%h] : tensor<4xf32>, i32 -> f32
    %cost = arith.mulf %slope, %apart : f32
    %score = arith.subf %s, %cost : f32
    attn.yield %score : f32
  }
  mask(%b: i32, %h: i32, %i: i32, %j: i32, %slope_of: tensor<4xf32>) {
    %reach = arith.constant 15 : i32
    %distance = arith.subi %i, %j : i32
    %past = arith.cmpi sle, %j, %i : i32
    %near = arith.cmpi sle, %distance, %reach : i32
    %visible = arith.andi %past, %near : i1
    attn.yield %visible : i1
  } -> tensor<1x?x64xf32>
  %attended = tensor.collapse_shape %attended1 [[0, 1], [2]]
      : tensor<1x?x64xf32> into tensor<?x64xf32>

  %projected = linalg.matmul ins(%attended, %wo : tensor<?x64xf32>, tensor<64x64xf32>)
      outs(%zero64 : tensor<?x64xf32>) -> tensor<?x64xf32>
  %out = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %projected : tensor<?x64xf32>, tensor<?x64xf32>) outs(%empty64 : tensor<?x64xf32>) {
  ^bb0(%a: f32, %b: f32, %unused: f32):
    %sum = arith.addf %a, %b : f32
    linalg.yield %sum : f32
  } -> tensor<?x64xf32>
  return %out : tensor<?x64xf32>
}
