// RUN: ladon-opt %s --cuda-launch-to-llvm --verify-diagnostics

module attributes {gpu.container_module} {
  llvm.func @not_an_entry(%n: i64) {
    // expected-error @below {{expected an entry function around it; run cpu-emit-entry and convert-func-to-llvm before}}
    gpu.launch_func @kernels::@one blocks in (%n, %n, %n) threads in (%n, %n, %n) : i64
    llvm.return
  }
  gpu.module @kernels {
    gpu.func @one() kernel {
      gpu.return
    }
  }
}
