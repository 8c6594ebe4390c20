// RUN: ladon-opt %s --pass-pipeline='builtin.module(gpu.module(cuda-kernels-to-llvm))' --split-input-file --verify-diagnostics

gpu.module @kernels {
  gpu.func @sine(%x: memref<4xf32>, %y: f32, %i: index) kernel {
    // expected-error @below {{cannot be compiled for a GPU: it has no function of this accuracy}}
    %0 = math.sin %y : f32
    memref.store %0, %x[%i] : memref<4xf32>
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @power(%x: memref<4xf32>, %y: f32, %i: index) kernel {
    // expected-error @below {{cannot be compiled for a GPU: it has no function of this accuracy}}
    %0 = math.powf %y, %y : f32
    memref.store %0, %x[%i] : memref<4xf32>
    gpu.return
  }
}
