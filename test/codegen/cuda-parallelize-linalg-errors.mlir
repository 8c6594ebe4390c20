// RUN: ladon-opt %s --pass-pipeline='builtin.module(func.func(cuda-parallelize-linalg))' --split-input-file --verify-diagnostics

func.func @tensors(%x: tensor<4xf32>, %zero: f32) -> tensor<4xf32> {
  // expected-error @below {{'linalg.fill' op expected buffers; run attn-bufferize before}}
  %0 = linalg.fill ins(%zero : f32) outs(%x : tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @sum_of_all(%x: memref<?xf32>, %y: memref<f32>) {
  // expected-error @below {{cannot be compiled for a GPU: expected the first axis to be one of the result}}
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> ()>], iterator_types = ["reduction"]}
      ins(%x : memref<?xf32>) outs(%y : memref<f32>) {
  ^bb0(%in: f32, %sum: f32):
    %0 = arith.addf %in, %sum : f32
    linalg.yield %0 : f32
  }
  return
}
