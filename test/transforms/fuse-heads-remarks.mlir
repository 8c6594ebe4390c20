// Every copy that is left is explained.
// RUN: ladon-opt %s --attn-fuse-heads --split-input-file --verify-diagnostics

func.func @split_of_argument(%x: tensor<?x?x512xf32>) -> tensor<?x8x?x64xf32> {
  // expected-remark@+1 {{split heads are copied: their user 'func.return' does not read features in place as attn.attend does}}
  %s = attn.split_heads %x heads 8 : tensor<?x?x512xf32> -> tensor<?x8x?x64xf32>
  return %s : tensor<?x8x?x64xf32>
}

// -----

func.func @concat_of_argument(%x: tensor<?x8x?x64xf32>) -> tensor<?x?x512xf32> {
  // expected-remark@+1 {{concatenated heads are copied: they are not the output of an attn.attend}}
  %c = attn.concat_heads %x : tensor<?x8x?x64xf32> -> tensor<?x?x512xf32>
  return %c : tensor<?x?x512xf32>
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
func.func @both_forms(%x: tensor<?x8x?x64xf32>, %init: tensor<?x8x?x64xf32>)
    -> (tensor<?x8x?x64xf32>, tensor<?x?x512xf32>) {
  %o = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%x, %x, %x : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>)
      outs(%init : tensor<?x8x?x64xf32>)
      maps [#q, #k, #v, #out] -> tensor<?x8x?x64xf32>
  // expected-remark@+1 {{concatenated heads are copied: the output is also used with its heads apart}}
  %c = attn.concat_heads %o : tensor<?x8x?x64xf32> -> tensor<?x?x512xf32>
  return %o, %c : tensor<?x8x?x64xf32>, tensor<?x?x512xf32>
}

// -----

// An unused split is no copy, and no remark.
func.func @unused(%x: tensor<?x?x512xf32>) {
  %s = attn.split_heads %x heads 8 : tensor<?x?x512xf32> -> tensor<?x8x?x64xf32>
  return
}
