// RUN: ladon-opt %s --cpu-emit-entry | FileCheck %s

// The entry function takes the context of the call and its arguments; buffers
// end with the call, and private functions stay.
// CHECK-LABEL: func.func @entry.run(
// CHECK-SAME: %{{[^:]*}}: !llvm.ptr, %{{[^:]*}}: !llvm.ptr)
// CHECK-DAG: %[[X:.*]] = cpu.argument 0 : memref<?x8xf32, strided<[?, ?], offset: ?>>
// CHECK-DAG: %[[CAP:.*]] = cpu.argument 1 : f32
// CHECK-DAG: %[[N:.*]] = cpu.argument 2 : index
// CHECK-DAG: %[[FLAG:.*]] = cpu.argument 3 : i1
// CHECK: scf.if %[[FLAG]]
// CHECK: %[[A:.*]] = cpu.alloc(%[[N]]) : memref<?x8xf32>
// CHECK: cpu.launch @entry.task0[%[[N]]] scratch 0(%[[A]], %[[X]], %[[CAP]] :
// CHECK: cpu.alloc() : memref<64xf32>
// CHECK-NOT: memref.dealloc
// CHECK: return
// CHECK: func.func private @entry.task0(
func.func @entry(%x: memref<?x8xf32, strided<[?, ?], offset: ?>>, %cap: f32,
                 %n: index, %flag: i1) {
  scf.if %flag {
    %a = memref.alloc(%n) {alignment = 64 : i64} : memref<?x8xf32>
    cpu.launch @entry.task0[%n] scratch 0 (%a, %x, %cap
       : memref<?x8xf32>, memref<?x8xf32, strided<[?, ?], offset: ?>>, f32)
    memref.dealloc %a : memref<?x8xf32>
  }
  %b = memref.alloc() : memref<64xf32>
  cpu.launch @entry.task1[%n] scratch 0 (%b : memref<64xf32>)
  return
}
func.func private @entry.task0(memref<?x8xf32>,
    memref<?x8xf32, strided<[?, ?], offset: ?>>, f32, index, memref<0xi8>)
func.func private @entry.task1(memref<64xf32>, index, memref<0xi8>)

// A library may have several, and they may be equal.
// CHECK-LABEL: func.func @second.run(
// CHECK: cpu.argument 0 : memref<4xf32>
// CHECK-LABEL: func.func @third.run(
// CHECK: cpu.argument 0 : memref<4xf32>
func.func @second(%x: memref<4xf32>) {
  memref.assume_alignment %x, 4 : memref<4xf32>
  return
}
func.func @third(%x: memref<4xf32>) {
  memref.assume_alignment %x, 4 : memref<4xf32>
  return
}
