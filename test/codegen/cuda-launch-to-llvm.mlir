// A launch becomes a call of the runtime, with the addresses of the kernel's
// arguments: a memref is one for each field.
// RUN: ladon-opt %s --cuda-launch-to-llvm | FileCheck %s

// CHECK-LABEL: llvm.func @host(
// CHECK-SAME: %[[CONTEXT:.*]]: !llvm.ptr, %{{.*}}: !llvm.ptr)
// CHECK-DAG: %[[LIST:.*]] = llvm.alloca {{.*}} x !llvm.array<2 x ptr>
// CHECK-DAG: llvm.store %{{.*}}, %[[FIRST:.*]] : i64, !llvm.ptr
// CHECK-DAG: llvm.store %{{.*}}, %[[SECOND:.*]] : f32, !llvm.ptr
// CHECK: %[[SHARED:.*]] = llvm.sext %{{.*}} : i32 to i64
// CHECK: %[[TABLE:.*]] = llvm.mlir.addressof @ladon.kernels
// CHECK: %[[NAME:.*]] = llvm.mlir.addressof @ladon.kernels.name.one
// CHECK: llvm.call @ladon_rt_launch(%[[CONTEXT]], %[[TABLE]], %[[NAME]], %{{.*}}, %{{.*}}, %[[SHARED]], %[[LIST]])
// Memory of the call is that of the GPU.
// CHECK-LABEL: llvm.func @memory(
// CHECK-SAME: %[[CONTEXT:.*]]: !llvm.ptr, %{{.*}}: !llvm.ptr)
// CHECK: %[[KERNELS:.*]] = llvm.mlir.addressof @ladon.kernels
// CHECK: llvm.call @ladon_rt_device_alloc(%[[CONTEXT]], %[[KERNELS]], %{{.*}})
// CHECK-NOT: @ladon_rt_alloc
// CHECK: llvm.mlir.global internal constant @ladon.kernels.name.one("one\00")
// CHECK: llvm.func @ladon_rt_launch(!llvm.ptr, !llvm.ptr, !llvm.ptr, i64, i64, i64, !llvm.ptr)
module attributes {gpu.container_module} {
  llvm.mlir.global internal @ladon.kernels() : i64
  llvm.func @host(%context: !llvm.ptr, %arguments: !llvm.ptr) {
    %blocks = llvm.mlir.constant(4 : i64) : i64
    %threads = llvm.mlir.constant(128 : i64) : i64
    %one = llvm.mlir.constant(1 : i64) : i64
    %shared = llvm.mlir.constant(4096 : i32) : i32
    %x = llvm.mlir.constant(1.0 : f32) : f32
    gpu.launch_func @kernels::@one blocks in (%blocks, %one, %one) threads in (%threads, %one, %one) : i64
      dynamic_shared_memory_size %shared args(%blocks : i64, %x : f32)
    llvm.return
  }
  llvm.func @ladon_rt_alloc(!llvm.ptr, i64) -> !llvm.ptr
  llvm.func @memory(%context: !llvm.ptr, %arguments: !llvm.ptr) {
    %bytes = llvm.mlir.constant(100 : i64) : i64
    %memory = llvm.call @ladon_rt_alloc(%context, %bytes) : (!llvm.ptr, i64) -> !llvm.ptr
    llvm.store %bytes, %memory : i64, !llvm.ptr
    llvm.return
  }
  gpu.module @kernels {
    gpu.func @one(%n: i64, %x: f32) kernel {
      gpu.return
    }
  }
}
