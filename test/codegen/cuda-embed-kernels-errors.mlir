// RUN: ladon-opt %s --pass-pipeline='builtin.module(cuda-embed-kernels{target=sm_80})' --split-input-file --verify-diagnostics
// RUN: not ladon-opt %s --pass-pipeline='builtin.module(cuda-embed-kernels{target=sm_99})' --split-input-file 2>&1 | FileCheck %s

// CHECK: options of the pass: target: expected one of sm_80, sm_90a, found 'sm_99'

// expected-error @below {{expected a gpu.module 'kernels'; run cuda-outline-kernels before}}
module {
}

// -----

module attributes {gpu.container_module} {
  gpu.module @kernels {
    llvm.func @nothing() attributes {nvvm.kernel} {
      llvm.return
    }
  }
}
