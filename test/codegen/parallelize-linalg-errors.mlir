// RUN: ladon-opt %s --cpu-parallelize-linalg --split-input-file --verify-diagnostics

func.func @tensors(%o: tensor<8xf32>) -> tensor<8xf32> {
  %zero = arith.constant 0.0 : f32
  // expected-error@+1 {{'linalg.fill' op expected buffers; run attn-bufferize before}}
  %r = linalg.fill ins(%zero : f32) outs(%o : tensor<8xf32>) -> tensor<8xf32>
  return %r : tensor<8xf32>
}

// -----

func.func @no_parallel_axis(%x: memref<8xf32>, %y: memref<8xf32>, %o: memref<f32>) {
  // expected-error@+1 {{'linalg.dot' op expected at least one parallel axis}}
  linalg.dot ins(%x, %y : memref<8xf32>, memref<8xf32>) outs(%o : memref<f32>)
  return
}
