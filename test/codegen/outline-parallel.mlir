// RUN: ladon-opt %s --cpu-outline-parallel --canonicalize | FileCheck %s

// Each loop is a launch of a task, with the number of grid points, what the loop
// captures, and the extent, start and step of each axis. The signature stays.
// CHECK-LABEL: func.func @entry(
// CHECK-SAME: %[[X:[^:]*]]: memref<?x8xf32>, %[[SCALE:[^:]*]]: f32, %[[N:[^:]*]]: index)
// CHECK: %[[COUNT:.*]] = arith.maxsi %[[N]], %c0
// CHECK: %[[POINTS:.*]] = arith.muli %[[COUNT]], %c2
// CHECK: cpu.launch @entry.task0[%[[POINTS]]] scratch 384(%[[SCALE]], %[[X]], %[[COUNT]], %c0, %c1, %c2, %c1, %c4 :
// CHECK: cpu.launch @entry.task1[%{{.*}}] scratch 0(%[[SCALE]], %[[X]],
// CHECK-NOT: scf.forall

// The task finds its position from its number, last axis fastest, and its
// buffers in the scratch, each on a cache line. Constants are not captured.
// CHECK: func.func private @entry.task0(%[[S:[^:]*]]: f32, %[[M:[^:]*]]: memref<?x8xf32>,
// CHECK-SAME: %{{[^:]*}}: index, %[[LO0:[^:]*]]: index, %[[STEP0:[^:]*]]: index, %[[COUNT1:[^:]*]]: index, %[[LO1:[^:]*]]: index, %[[STEP1:[^:]*]]: index, %[[ID:[^:]*]]: index, %[[SCRATCH:[^:]*]]: memref<384xi8>)
// CHECK-DAG: %[[TWO:.*]] = arith.constant 2.0
// CHECK: %[[R:.*]] = arith.remui %[[ID]], %[[COUNT1]]
// CHECK: %[[D:.*]] = arith.divui %[[ID]], %[[COUNT1]]
// CHECK: %[[J0:.*]] = arith.muli %[[R]], %[[STEP1]]
// CHECK: %[[J:.*]] = arith.addi %[[J0]], %[[LO1]]
// CHECK: %[[I0:.*]] = arith.muli %[[D]], %[[STEP0]]
// CHECK: %[[I:.*]] = arith.addi %[[I0]], %[[LO0]]
// CHECK: %[[A:.*]] = memref.view %[[SCRATCH]][%c0][] : memref<384xi8> to memref<3xf32>
// CHECK: %[[B:.*]] = memref.view %[[SCRATCH]][%c64][] : memref<384xi8> to memref<5x8xf64>
// CHECK: %[[Y:.*]] = memref.load %[[M]][%[[I]], %[[J]]]
// CHECK: arith.mulf %[[Y]], %[[TWO]]
// CHECK-NOT: memref.alloc
func.func @entry(%x: memref<?x8xf32>, %scale: f32, %n: index) {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  %two = arith.constant 2.0 : f32
  scf.forall (%i, %j) = (%c0, 1) to (%n, 9) step (1, 4) {
    %a = memref.alloc() : memref<3xf32>
    %b = memref.alloc() : memref<5x8xf64>
    memref.store %scale, %a[%c0] : memref<3xf32>
    %y = memref.load %x[%i, %j] : memref<?x8xf32>
    %z = arith.mulf %y, %two : f32
    memref.store %z, %x[%i, %c3] : memref<?x8xf32>
    %w = arith.constant 0.0 : f64
    memref.store %w, %b[%c0, %c0] : memref<5x8xf64>
  }
  scf.forall (%i) in (%n) {
    memref.store %scale, %x[%i, %c0] : memref<?x8xf32>
  }
  return
}
