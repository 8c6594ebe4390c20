// Each element of a result is a thread's; what it is a sum of is added up in
// order.
// RUN: ladon-opt %s --pass-pipeline='builtin.module(func.func(cuda-parallelize-linalg{threads=64},canonicalize))' --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @copy(
// CHECK: %[[COUNT:.*]] = arith.muli
// CHECK: %[[BLOCKS:.*]] = arith.ceildivsi
// CHECK: scf.forall (%[[BLOCK:.*]]) in (%[[BLOCKS]])
// CHECK: %[[THREAD:.*]] = gpu.thread_id x
// CHECK: %[[FIRST:.*]] = arith.muli %[[BLOCK]]
// CHECK: %[[NUMBER:.*]] = arith.addi %[[FIRST]], %[[THREAD]]
// CHECK: %[[EXISTS:.*]] = arith.cmpi slt, %[[NUMBER]]
// CHECK: scf.if %[[EXISTS]]
// CHECK: %[[COLUMN:.*]] = arith.remui %[[NUMBER]]
// CHECK: %[[ROW:.*]] = arith.divui %[[NUMBER]]
// CHECK: %[[X:.*]] = memref.load %{{.*}}[%[[ROW]], %[[COLUMN]]]
// CHECK: memref.store %[[X]], %{{.*}}[%[[ROW]], %[[COLUMN]]]
func.func @copy(%x: memref<?x8xf32>, %y: memref<?x8xf32>) {
  memref.copy %x, %y : memref<?x8xf32> to memref<?x8xf32>
  return
}

// -----

// CHECK-LABEL: func.func @sums(
// CHECK: scf.forall
// CHECK: scf.if
// CHECK: scf.for
// CHECK: memref.load
// CHECK: arith.addf
// CHECK: memref.store
// CHECK-NOT: linalg.
func.func @sums(%x: memref<?x8xf32>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x8xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%in: f32, %sum: f32):
    %0 = arith.addf %in, %sum : f32
    linalg.yield %0 : f32
  }
  return
}
