// RUN: ladon-opt %s --cpu-parallelize-linalg --canonicalize | FileCheck %s

// One grid point per row; the row itself stays one operation.
// CHECK-LABEL: func.func @rows(
// CHECK-SAME: %[[X:[^:]*]]: memref<?x?x8xf32>
// CHECK: scf.forall (%[[I:.*]], %[[J:.*]]) in (%{{.*}}, %{{.*}})
// CHECK: %[[ROW:.*]] = memref.subview %[[X]][%[[I]], %[[J]], 0] [1, 1, 8] [1, 1, 1]
// CHECK: linalg.map {{.*}} ins(%[[ROW]],
func.func @rows(%x: memref<?x?x8xf32>, %y: memref<?x?x8xf32>, %o: memref<?x?x8xf32>) {
  linalg.map { arith.addf } ins(%x, %y : memref<?x?x8xf32>, memref<?x?x8xf32>)
      outs(%o : memref<?x?x8xf32>)
  return
}

// A vector is cut into pieces.
// CHECK-LABEL: func.func @vector(
// CHECK: scf.forall (%[[I:.*]]) = (0) to (%[[N:.*]]) step (4096)
// CHECK: %[[SIZE:.*]] = affine.min {{.*}}(%[[I]])[%[[N]]]
// CHECK: memref.subview %{{.*}}[%[[I]]] [%[[SIZE]]] [1]
func.func @vector(%o: memref<?xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%o : memref<?xf32>)
  return
}

// What is in a parallel loop already stays as it is.
// CHECK-LABEL: func.func @inside(
// CHECK: scf.forall
// CHECK-NOT: scf.forall
// CHECK: linalg.fill ins(%{{.*}} : f32) outs(%arg0 : memref<?xf32>)
func.func @inside(%o: memref<?xf32>) {
  %zero = arith.constant 0.0 : f32
  scf.forall (%i) in (4) {
    linalg.fill ins(%zero : f32) outs(%o : memref<?xf32>)
  }
  return
}

// -----

// A sum of everything has nothing that is done in parallel.
// CHECK-LABEL: func.func @no_parallel_axis
// CHECK-NOT: scf.forall
// CHECK: linalg.dot
func.func @no_parallel_axis(%x: memref<8xf32>, %y: memref<8xf32>, %o: memref<f32>) {
  linalg.dot ins(%x, %y : memref<8xf32>, memref<8xf32>) outs(%o : memref<f32>)
  return
}

// -----

// Copies of upstream's bufferization, in loops of others, too.
// CHECK-LABEL: func.func @copies
// CHECK: scf.forall
// CHECK: linalg.copy
// CHECK: scf.forall
// CHECK-NOT: scf.forall
// CHECK: linalg.copy
// CHECK-NOT: memref.copy
func.func @copies(%x: memref<?x?xf32, strided<[?, ?]>>, %y: memref<?x?xf32, strided<[?, ?]>>,
                  %a: memref<4xf32>, %b: memref<4xf32>) {
  memref.copy %x, %y : memref<?x?xf32, strided<[?, ?]>> to memref<?x?xf32, strided<[?, ?]>>
  scf.forall (%i) in (8) {
    memref.copy %a, %b : memref<4xf32> to memref<4xf32>
  }
  return
}
