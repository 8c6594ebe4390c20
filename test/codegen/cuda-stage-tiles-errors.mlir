// RUN: ladon-opt %s --pass-pipeline='builtin.module(gpu.module(gpu.func(cuda-stage-tiles)))' --split-input-file --verify-diagnostics

gpu.module @kernels {
  // expected-error @below {{expected a known block size; run cuda-outline-kernels before}}
  gpu.func @unknown() kernel {
    gpu.return
  }
}
