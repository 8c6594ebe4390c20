// A kernel form that is chosen at run time: loops in the branches of a function,
// one of them over a buffer whose size is known only there.
// RUN: ladon-opt %s --cpu-outline-parallel --canonicalize | FileCheck %s
// RUN: ladon-opt %s --ladon-cpu-pipeline | FileCheck %s --check-prefix=LLVM

// Each loop becomes a launch where it stood; the buffer stays in its branch.
// CHECK-LABEL: func.func @entry(
// CHECK-SAME: %[[X:[^:]*]]: memref<?x8xf32, strided<[?, 1]>>, %[[SCALE:[^:]*]]: f32, %[[N:[^:]*]]: index, %[[FEW:[^:]*]]: i1)
// CHECK: scf.if %[[FEW]] {
// CHECK: %[[PARTIAL:.*]] = memref.alloc(%[[N]])
// CHECK: cpu.launch @entry.task0[%{{.*}}] scratch 0(%[[SCALE]], %[[PARTIAL]] :
// CHECK: cpu.launch @entry.task1[%{{.*}}] scratch 0(%[[PARTIAL]], %[[X]] :
// CHECK: } else {
// CHECK: cpu.launch @entry.task2[%{{.*}}] scratch 128(%[[X]], %[[SCALE]] :
// CHECK: }
// CHECK-NOT: scf.forall
// CHECK: func.func private @entry.task0(
// CHECK: func.func private @entry.task1(
// CHECK: func.func private @entry.task2({{.*}}: memref<128xi8>)
// CHECK: memref.view
// CHECK-NOT: memref.alloc

// The runtime gives the memory, in the branch that needs it.
// LLVM-LABEL: llvm.func @entry.run(
// LLVM-SAME: %[[CONTEXT:[^:]*]]: !llvm.ptr,
// LLVM: llvm.cond_br %{{.*}}, ^[[FEW:bb[0-9]+]], ^[[MANY:bb[0-9]+]]
// LLVM: ^[[FEW]]:
// LLVM: llvm.call @ladon_rt_alloc(%[[CONTEXT]], %{{.*}})
// LLVM: llvm.mlir.addressof @entry.task0.call
// LLVM: llvm.call @ladon_rt_parallel_for(%[[CONTEXT]],
// LLVM: llvm.mlir.addressof @entry.task1.call
// LLVM: llvm.call @ladon_rt_parallel_for(%[[CONTEXT]],
// LLVM: ^[[MANY]]:
// LLVM-NOT: ladon_rt_alloc
// LLVM: llvm.mlir.addressof @entry.task2.call
// LLVM: llvm.call @ladon_rt_parallel_for(%[[CONTEXT]],
// LLVM-NOT: @malloc
func.func @entry(%x: memref<?x8xf32, strided<[?, 1]>>, %scale: f32, %n: index,
                 %few: i1) {
  %c0 = arith.constant 0 : index
  scf.if %few {
    %partial = memref.alloc(%n) {alignment = 64 : i64} : memref<?x8xf32>
    scf.forall (%i) in (%n) {
      memref.store %scale, %partial[%i, %c0] : memref<?x8xf32>
    }
    scf.forall (%i) in (%n) {
      %y = memref.load %partial[%i, %c0] : memref<?x8xf32>
      memref.store %y, %x[%i, %c0] : memref<?x8xf32, strided<[?, 1]>>
    }
  } else {
    scf.forall (%i) in (%n) {
      %row = memref.alloc() : memref<20xf32>
      %y = memref.load %x[%i, %c0] : memref<?x8xf32, strided<[?, 1]>>
      memref.store %y, %row[%c0] : memref<20xf32>
      %z = memref.load %row[%c0] : memref<20xf32>
      %w = arith.mulf %z, %scale : f32
      memref.store %w, %x[%i, %c0] : memref<?x8xf32, strided<[?, 1]>>
    }
  }
  return
}
