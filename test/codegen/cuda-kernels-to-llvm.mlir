// Kernels in the LLVM and NVVM dialects. Math functions are those of LLVM, not of
// NVIDIA's libdevice; shared memory is one symbol without a size.
// RUN: ladon-opt %s --pass-pipeline='builtin.module(gpu.module(cuda-kernels-to-llvm))' | FileCheck %s

// CHECK-LABEL: gpu.module @kernels
// CHECK-NOT: __nv_
// CHECK: llvm.mlir.global {{.*}}addr_space = 3{{.*}} : !llvm.array<0 x i8>
// CHECK: llvm.func @functions(%{{.*}}: !llvm.ptr, {{.*}}) attributes {{.*}}nvvm.kernel
// CHECK-DAG: nvvm.read.ptx.sreg.tid.x
// CHECK-DAG: nvvm.read.ptx.sreg.ctaid.x
// CHECK: llvm.intr.fma
// CHECK: llvm.intr.maxnum
// CHECK: llvm.intr.sqrt
// CHECK: nvvm.barrier
// CHECK: llvm.store
// CHECK: llvm.return
gpu.module @kernels {
  gpu.func @functions(%x: memref<?xf32>) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %thread = gpu.thread_id x
    %block = gpu.block_id x
    %at = arith.addi %thread, %block : index
    %0 = memref.load %x[%at] : memref<?xf32>
    %1 = math.fma %0, %0, %0 : f32
    %2 = arith.maxnumf %1, %0 : f32
    %3 = math.sqrt %2 : f32
    %shared = gpu.dynamic_shared_memory : memref<?xi8, #gpu.address_space<workgroup>>
    %c0 = arith.constant 0 : index
    %view = memref.view %shared[%c0][] : memref<?xi8, #gpu.address_space<workgroup>> to memref<128xf32, #gpu.address_space<workgroup>>
    memref.store %3, %view[%thread] : memref<128xf32, #gpu.address_space<workgroup>>
    gpu.barrier
    memref.store %3, %x[%at] : memref<?xf32>
    gpu.return
  }
}
