// RUN: ladon-opt %s --tile-appends=on-device --split-input-file --verify-diagnostics

func.func @tensors(%k: tensor<?x?x64xf32>, %at: i32, %cache: tensor<?x?x64xf32>) -> tensor<?x?x64xf32> {
  // expected-error@+1 {{'attn.append' op expected buffers; run attn-bufferize before}}
  %keys = attn.append %k at %at : i32 into %cache axis 1 : tensor<?x?x64xf32>, tensor<?x?x64xf32> -> tensor<?x?x64xf32>
  return %keys : tensor<?x?x64xf32>
}

// -----

func.func @on_device(%k: memref<?x?x64xf32>, %at: i32, %cache: memref<?x?x64xf32>) {
  // expected-error@+1 {{cannot be compiled for a GPU: nobody checks there that what is appended fits the cache}}
  attn.append %k at %at : i32 into %cache axis 1 : memref<?x?x64xf32>, memref<?x?x64xf32>
  return
}
