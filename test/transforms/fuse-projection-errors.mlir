// RUN: ladon-opt %s --attn-fuse-projection --split-input-file --verify-diagnostics

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
