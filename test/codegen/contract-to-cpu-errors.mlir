// RUN: ladon-opt %s --contract-to-cpu --split-input-file --verify-diagnostics

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (k, n)>
#o = affine_map<(m, n, k) -> (m, n)>

func.func @tensors(%x: tensor<4x7xf32>, %w: tensor<7x5xf32>, %o: tensor<4x5xf32>) -> tensor<4x5xf32> {
  // expected-error@+1 {{'linalg.contract' op expected buffers; run attn-bufferize before}}
  %r = linalg.contract indexing_maps = [#x, #w, #o]
      ins(%x, %w : tensor<4x7xf32>, tensor<7x5xf32>) outs(%o : tensor<4x5xf32>) -> tensor<4x5xf32>
  return %r : tensor<4x5xf32>
}

// -----

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (k, n)>
#o = affine_map<(m, n, k) -> (n, m)>

func.func @transposed_result(%x: memref<4x7xf32>, %w: memref<7x5xf32>, %o: memref<5x4xf32>) {
  // expected-error@+1 {{'linalg.contract' op expected out[.., n] += x[.., k] * w[k, n], or w[n, k], with the dimensions in the order (.., n, k)}}
  linalg.contract indexing_maps = [#x, #w, #o]
      ins(%x, %w : memref<4x7xf32>, memref<7x5xf32>) outs(%o : memref<5x4xf32>)
  return
}
