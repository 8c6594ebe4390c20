// RUN: ladon-opt %s --cuda-outline-kernels --split-input-file --verify-diagnostics

func.func @reads_on_the_host(%x: memref<4xf32>) {
  %c0 = arith.constant 0 : index
  // expected-error @below {{cannot be compiled for a GPU: there is code for attends only}}
  %0 = memref.load %x[%c0] : memref<4xf32>
  scf.forall (%i) in (4) {
    memref.store %0, %x[%i] : memref<4xf32>
  }
  return
}

// -----

func.func @memory_of_the_host(%n: index) {
  // expected-error @below {{cannot be compiled for a GPU: there is code for attends only}}
  %x = memref.alloca(%n) : memref<?xf32>
  return
}
