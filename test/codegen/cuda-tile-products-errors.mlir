// The pass has no errors of its own: what it does not know it leaves to
// cuda-parallelize-linalg, tensors included, which says so.
// RUN: not ladon-opt %s --pass-pipeline='builtin.module(func.func(cuda-tile-products,cuda-parallelize-linalg))' 2>&1 | FileCheck %s

#x = affine_map<(s, n, k) -> (s, k)>
#w = affine_map<(s, n, k) -> (k, n)>
#out = affine_map<(s, n, k) -> (s, n)>

// CHECK: 'linalg.contract' op expected buffers; run attn-bufferize before
func.func @tensors(%x: tensor<?x64xf32>, %w: tensor<64x64xf32>, %out: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %0 = linalg.contract indexing_maps = [#x, #w, #out] ins(%x, %w : tensor<?x64xf32>, tensor<64x64xf32>) outs(%out : tensor<?x64xf32>) -> tensor<?x64xf32>
  return %0 : tensor<?x64xf32>
}
