// RUN: ladon-opt %s --cpu-to-scf --split-input-file | FileCheck %s

// A launch is a loop over calls of a task, which has scratch on its stack. Of
// two modules with the same function each has its own task.
// CHECK-LABEL: func.func @launch(
// CHECK-SAME: %[[N:[^:]*]]: index, %[[X:[^:]*]]: memref<?xf32>)
// CHECK: %[[C0:.*]] = arith.constant 0 : index
// CHECK: %[[C1:.*]] = arith.constant 1 : index
// CHECK: scf.parallel (%[[I:.*]]) = (%[[C0]]) to (%[[N]]) step (%[[C1]])
// CHECK-NEXT: func.call @launch.task0(%[[X]], %[[I]]) : (memref<?xf32>, index) -> ()
// CHECK: func.func private @launch.task0(%{{.*}}: memref<?xf32>, %{{.*}}: index) attributes {llvm.linkage = #llvm.linkage<internal>}
// CHECK-NEXT: %[[SCRATCH:.*]] = memref.alloca() {alignment = 64 : i64} : memref<384xi8>
// CHECK: memref.view %[[SCRATCH]]
func.func @launch(%n: index, %x: memref<?xf32>) {
  cpu.launch @launch.task0[%n] scratch 384 (%x : memref<?xf32>) disjoint [0]
  // Another launch of the task.
  cpu.launch @launch.task0[%n] scratch 384 (%x : memref<?xf32>) disjoint [0]
  return
}
func.func private @launch.task0(%x: memref<?xf32>, %i: index, %scratch: memref<384xi8>) {
  %c0 = arith.constant 0 : index
  %buffer = memref.view %scratch[%c0][] : memref<384xi8> to memref<96xf32>
  %value = memref.load %x[%i] : memref<?xf32>
  memref.store %value, %buffer[%c0] : memref<96xf32>
  return
}

// -----

// CHECK: func.func @signature(%{{.*}}: memref<4xf32>) -> memref<4xf32> {
func.func @signature(%x: memref<4xf32> {attn.param = #attn.param<input x: f32[4]>})
    -> (memref<4xf32> {attn.param = #attn.param<output out: f32[4]>})
    attributes {attn.source = "attention signature()", attn.settings = {reach = "4"}} {
  return %x : memref<4xf32>
}

// -----

// Much of it is on the heap: the stack may be that of any thread.
// CHECK-LABEL: func.func private @large.task0(
// CHECK-SAME: %{{.*}}: index) attributes
// CHECK-NEXT: memref.alloc() {alignment = 64 : i64} : memref<65600xi8>
func.func private @large.task0(%i: index, %scratch: memref<65600xi8>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0 : i8
  memref.store %zero, %scratch[%c0] : memref<65600xi8>
  return
}
func.func @large(%n: index) {
  cpu.launch @large.task0[%n] scratch 65600 ()
  return
}

// -----

// Memory is that of anybody, and is always granted.
// CHECK-LABEL: func.func @memory(
// CHECK: %[[A:.*]] = memref.alloc(%{{.*}}) {alignment = 64 : i64} : memref<?xf32>
// CHECK: %[[TRUE:.*]] = arith.constant true
// CHECK: %[[B:.*]] = memref.alloc(%{{.*}}) {alignment = 64 : i64} : memref<?x2xi32>
// CHECK: return %[[A]], %[[B]], %[[TRUE]]
func.func @memory(%n: index) -> (memref<?xf32>, memref<?x2xi32>, i1) {
  %a = cpu.alloc(%n) : memref<?xf32>
  %b, %granted = cpu.try_alloc(%n) : memref<?x2xi32>
  return %a, %b, %granted : memref<?xf32>, memref<?x2xi32>, i1
}
