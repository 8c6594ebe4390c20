// RUN: ladon-opt %s --cpu-outline-parallel --canonicalize --cse --split-input-file | FileCheck %s

// Each loop is a launch of a task, with the number of grid points, what the loop
// captures, and what is not constant of the extent, start and step of each axis
// (the extent of the slowest is not needed). The signature stays.
// CHECK-LABEL: func.func @entry(
// CHECK-SAME: %[[X:[^:]*]]: memref<?x8xf32>, %[[SCALE:[^:]*]]: f32, %[[N:[^:]*]]: index)
// CHECK: %[[COUNT:.*]] = arith.maxsi %[[N]], %c0
// CHECK: %[[POINTS:.*]] = arith.muli %[[COUNT]], %c2
// CHECK: cpu.launch @entry.task0[%[[POINTS]]] scratch 384(%[[SCALE]], %[[X]] :
// CHECK: cpu.launch @entry.task1[%{{.*}}] scratch 0(%[[SCALE]], %[[X]] :
// CHECK-NOT: scf.forall

// The task finds its position from its number, last axis fastest, and its
// buffers in the scratch, each on a cache line. Constants are not captured.
// CHECK: func.func private @entry.task0(%[[S:[^:]*]]: f32, %[[M:[^:]*]]: memref<?x8xf32>,
// CHECK-SAME: %[[ID:[^:]*]]: index, %[[SCRATCH:[^:]*]]: memref<384xi8>)
// CHECK-DAG: %[[TWO:.*]] = arith.constant 2.0
// CHECK: %[[R:.*]] = arith.remui %[[ID]], %c2
// CHECK: %[[I:.*]] = arith.divui %[[ID]], %c2
// CHECK: %[[J0:.*]] = arith.muli %[[R]], %c4
// CHECK: %[[J:.*]] = arith.addi %[[J0]], %c1
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

// -----

// What is cheap to make again is made in the task: sizes and strides of a
// captured tensor, views of it, arithmetic on one value. What takes two values
// to make is captured itself.
// CHECK-LABEL: func.func @derived(
// CHECK-SAME: %[[X:[^:]*]]: memref<?x?xf32>, %[[A:[^:]*]]: index, %[[B:[^:]*]]: index
// CHECK: %[[SUM:.*]] = arith.addi %[[A]], %[[B]]
// CHECK: cpu.launch @derived.task0[%{{.*}}] scratch 0(%[[X]], %[[SUM]] : memref<?x?xf32>, index)
// CHECK: func.func private @derived.task0(
// CHECK-DAG: memref.dim
// CHECK-DAG: memref.transpose
// CHECK-DAG: arith.muli %{{.*}}, %c3
func.func @derived(%x: memref<?x?xf32>, %a: index, %b: index) {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  %sum = arith.addi %a, %b : index
  %thrice = arith.muli %sum, %c3 : index
  %size = memref.dim %x, %c0 : memref<?x?xf32>
  %t = memref.transpose %x (d0, d1) -> (d1, d0) : memref<?x?xf32> to memref<?x?xf32, strided<[1, ?]>>
  scf.forall (%i) in (%a) {
    %j = arith.minsi %thrice, %size : index
    %y = memref.load %t[%i, %j] : memref<?x?xf32, strided<[1, ?]>>
    memref.store %y, %x[%j, %i] : memref<?x?xf32>
  }
  return
}

// -----

// Bounds that are not constant are passed, slowest axis first.
// CHECK-LABEL: func.func @bounds(
// CHECK-SAME: %[[X:[^:]*]]: memref<?x?xf32>, %[[LO:[^:]*]]: index, %[[HI:[^:]*]]: index, %[[STEP:[^:]*]]: index
// CHECK: %[[LENGTH:.*]] = arith.subi %[[HI]], %[[LO]]
// CHECK: %[[SOME:.*]] = arith.maxsi %[[LENGTH]], %c0
// CHECK: %[[COUNT:.*]] = arith.ceildivsi %[[SOME]], %[[STEP]]
// CHECK: %[[POINTS:.*]] = arith.muli %[[COUNT]], %[[COUNT]]
// CHECK: cpu.launch @bounds.task0[%[[POINTS]]] scratch 0(%[[X]], %[[LO]], %[[STEP]], %[[COUNT]], %[[LO]], %[[STEP]] :
// CHECK: func.func private @bounds.task0(%[[Y:[^:]*]]: memref<?x?xf32>, %[[LO0:[^:]*]]: index, %[[STEP0:[^:]*]]: index, %[[COUNT1:[^:]*]]: index, %[[LO1:[^:]*]]: index, %[[STEP1:[^:]*]]: index, %[[ID:[^:]*]]: index,
// CHECK: %[[R:.*]] = arith.remui %[[ID]], %[[COUNT1]]
// CHECK: %[[D:.*]] = arith.divui %[[ID]], %[[COUNT1]]
// CHECK: %[[J0:.*]] = arith.muli %[[R]], %[[STEP1]]
// CHECK: %[[J:.*]] = arith.addi %[[J0]], %[[LO1]]
// CHECK: %[[I0:.*]] = arith.muli %[[D]], %[[STEP0]]
// CHECK: %[[I:.*]] = arith.addi %[[I0]], %[[LO0]]
// CHECK: memref.store %{{.*}}, %[[Y]][%[[I]], %[[J]]]
func.func @bounds(%x: memref<?x?xf32>, %lo: index, %hi: index, %step: index) {
  scf.forall (%i, %j) = (%lo, %lo) to (%hi, %hi) step (%step, %step) {
    %one = arith.constant 1.0 : f32
    memref.store %one, %x[%i, %j] : memref<?x?xf32>
  }
  return
}

// -----

// A private function may have loops of its own: a module of others, for example.
// CHECK-LABEL: func.func private @helper(
// CHECK: cpu.launch @helper.task0
// CHECK: func.func private @helper.task0(
func.func private @helper(%x: memref<8xf32>, %value: f32) {
  scf.forall (%i) in (8) {
    memref.store %value, %x[%i] : memref<8xf32>
  }
  return
}
