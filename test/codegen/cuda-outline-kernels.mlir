// Every parallel loop becomes a kernel with a block of threads per iteration;
// constants are made in the kernel, all else is an argument.
// RUN: ladon-opt %s --cuda-outline-kernels --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @two(
// CHECK-SAME: %[[X:.*]]: memref<?x4xf32>, %[[N:.*]]: index)
// CHECK: %[[ROWS:.*]] = memref.dim %[[X]]
// CHECK: %[[FOUR:.*]] = arith.constant 4 : index
// CHECK: gpu.launch_func @kernels::@two_0 blocks in (%{{.*}}, %{{.*}}, %{{.*}}) threads in (%{{.*}}) args(%[[ROWS]] : index, %[[X]] : memref<?x4xf32>)
// CHECK: gpu.launch_func @kernels::@two_1
// CHECK-LABEL: gpu.module @kernels
// CHECK: gpu.func @two_0(%[[R:.*]]: index, %[[Y:.*]]: memref<?x4xf32>) kernel attributes {known_block_size = array<i32: 128, 1, 1>}
// CHECK: %[[BLOCK:.*]] = gpu.block_id x
// CHECK: %[[COLUMN:.*]] = arith.remui %[[BLOCK]]
// CHECK: %[[ROW:.*]] = arith.divui %[[BLOCK]]
// CHECK: memref.store %{{.*}}, %[[Y]][%[[ROW]], %[[COLUMN]]]
// CHECK: gpu.return
// CHECK: gpu.func @two_1(
func.func @two(%x: memref<?x4xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %rows = memref.dim %x, %c0 : memref<?x4xf32>
  scf.forall (%i, %j) in (%rows, 4) {
    memref.store %one, %x[%i, %j] : memref<?x4xf32>
  }
  scf.forall (%i) in (%n) {
    memref.store %one, %x[%i, %c0] : memref<?x4xf32>
  }
  return
}

// -----

// The threads of a block follow from its tiles: two for each row, or one where a
// row is short.
// CHECK-LABEL: gpu.func @tiles_0
// CHECK-SAME: known_block_size = array<i32: 128, 1, 1>
// CHECK: gpu.func @tiles_1
// CHECK-SAME: known_block_size = array<i32: 256, 1, 1>
// CHECK: gpu.func @tiles_2
// CHECK-SAME: known_block_size = array<i32: 128, 1, 1>
func.func @tiles(%x: memref<?x?x?x64xf32>, %y: memref<?x?x?x128xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (%n) {
    %t = tile.load %x[%c0, %c0, %i] rows %n : memref<?x?x?x64xf32> -> tensor<64x64xf32>
    tile.store %t, %x[%c0, %c0, %i] rows %n : tensor<64x64xf32>, memref<?x?x?x64xf32>
  }
  scf.forall (%i) in (%n) {
    %t = tile.load %y[%c0, %c0, %i] rows %n : memref<?x?x?x128xf32> -> tensor<128x128xf32>
    tile.store %t, %y[%c0, %c0, %i] rows %n : tensor<128x128xf32>, memref<?x?x?x128xf32>
  }
  scf.forall (%i) in (%n) {
    %t = tile.load %x[%c0, %c0, %i] rows %n : memref<?x?x?x64xf32> -> tensor<128x64xf32>
    tile.store %t, %x[%c0, %c0, %i] rows %n : tensor<128x64xf32>, memref<?x?x?x64xf32>
  }
  return
}

// -----

// The host allocates what one kernel leaves for another, and looks at neither.
// CHECK-LABEL: func.func @working_memory
// CHECK: %[[MEMORY:.*]] = memref.alloc
// CHECK: gpu.launch_func @kernels::@working_memory_0 {{.*}} args({{.*}}%[[MEMORY]] : memref<?xf32>
// CHECK: gpu.launch_func @kernels::@working_memory_1 {{.*}} args({{.*}}%[[MEMORY]] : memref<?xf32>
func.func @working_memory(%x: memref<?xf32>, %n: index) {
  %one = arith.constant 1.0 : f32
  %y = memref.alloc(%n) : memref<?xf32>
  scf.forall (%i) in (%n) {
    memref.store %one, %y[%i] : memref<?xf32>
  }
  scf.forall (%i) in (%n) {
    %0 = memref.load %y[%i] : memref<?xf32>
    memref.store %0, %x[%i] : memref<?xf32>
  }
  return
}
