// RUN: ladon-opt %s --cpu-linalg-to-loops --split-input-file --verify-diagnostics

func.func @tensors(%o: tensor<8xf32>) -> tensor<8xf32> {
  %zero = arith.constant 0.0 : f32
  // expected-error@+1 {{'linalg.fill' op expected buffers; run attn-bufferize before}}
  %r = linalg.fill ins(%zero : f32) outs(%o : tensor<8xf32>) -> tensor<8xf32>
  return %r : tensor<8xf32>
}
