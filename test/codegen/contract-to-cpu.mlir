// RUN: ladon-opt %s --contract-to-cpu="vector-bits=128 rows=2 unroll=1" --canonicalize --cse | FileCheck %s

#x = affine_map<(b, m, n, k) -> (b, m, k)>
#w = affine_map<(b, m, n, k) -> (k, n)>
#o = affine_map<(b, m, n, k) -> (b, m, n)>

// A grid over 96 rows and 12 columns; the bias is where the sums start, so its
// broadcast is gone; columns of w are packed once per block of rows, and every
// product is a register tile of 2 x 3 vectors.
// CHECK-LABEL: func.func @biased(
// CHECK-SAME: %[[X:[^:]*]]: memref<?x?x7xf32>, %[[W:[^:]*]]: memref<7x20xf32>, %[[BIAS:[^:]*]]: memref<20xf32>, %[[OUT:[^:]*]]: memref<?x?x20xf32>)
// CHECK-NOT: linalg.broadcast
// CHECK: %[[BATCH:.*]] = memref.dim %[[OUT]], %c0
// CHECK: %[[ROWS:.*]] = memref.dim %[[OUT]], %c1
// CHECK: scf.forall (%[[B:.*]], %[[M0:.*]], %[[N0:.*]]) = (0, 0, 0) to (%[[BATCH]], %[[ROWS]], 20) step (1, 96, 12)
// CHECK-DAG: %[[TILE:.*]] = memref.alloc() : memref<96x12xf32>
// CHECK-DAG: %[[PANEL:.*]] = memref.alloc() : memref<256x12xf32>
// CHECK: %[[RESTN:.*]] = arith.subi %c20, %[[N0]]
// CHECK: %[[COLUMNS:.*]] = arith.minsi %[[RESTN]], %c12
// CHECK: %[[START:.*]] = memref.load %[[BIAS]]
// CHECK-NEXT: memref.store %[[START]], %[[TILE]]
// CHECK: %[[WEIGHT:.*]] = memref.load %[[W]]
// CHECK-NEXT: memref.store %[[WEIGHT]], %[[PANEL]]
// CHECK: scf.for %{{.*}} = %[[COLUMNS]] to %c12
// CHECK: %[[XROWS:.*]] = memref.reinterpret_cast %[[X]]
// CHECK: scf.for %[[K:.*]] = %c0 to %c7 step %c1 iter_args(
// CHECK-COUNT-3: vector.load %[[PANEL]][%[[K]],
// CHECK: memref.load %[[XROWS]][%{{.*}}, %[[K]]]
// CHECK-COUNT-3: vector.fma
// CHECK: memref.load %[[XROWS]][%{{.*}}, %[[K]]]
// CHECK-COUNT-3: vector.fma
// CHECK-NEXT: scf.yield
// CHECK: scf.for %{{.*}} = %c0 to %[[COLUMNS]] step %c1
// CHECK-NEXT: %[[SUM:.*]] = memref.load %[[TILE]]
// CHECK: memref.store %[[SUM]], %[[OUT]][%[[B]],
// CHECK-NOT: linalg.contract
func.func @biased(%x: memref<?x?x7xf32>, %w: memref<7x20xf32>, %bias: memref<20xf32>,
    %o: memref<?x?x20xf32>) {
  linalg.broadcast ins(%bias : memref<20xf32>) outs(%o : memref<?x?x20xf32>) dimensions = [0, 1]
  linalg.contract indexing_maps = [#x, #w, #o]
      ins(%x, %w : memref<?x?x7xf32>, memref<7x20xf32>) outs(%o : memref<?x?x20xf32>)
  return
}

#x2 = affine_map<(m, n, k) -> (m, k)>
#w2 = affine_map<(m, n, k) -> (k, n)>
#o2 = affine_map<(m, n, k) -> (m, n)>

// Sums start from a fill of zero right before, too.
// CHECK-LABEL: func.func @from_zero(
// CHECK-NOT: linalg.fill
// CHECK: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f64
// CHECK: scf.forall
// CHECK: memref.store %[[ZERO]], %{{.*}} : memref<96x6xf64>
func.func @from_zero(%x: memref<4x7xf64>, %w: memref<7x20xf64>, %o: memref<4x20xf64>) {
  %zero = arith.constant 0.0 : f64
  linalg.fill ins(%zero : f64) outs(%o : memref<4x20xf64>)
  linalg.contract indexing_maps = [#x2, #w2, #o2]
      ins(%x, %w : memref<4x7xf64>, memref<7x20xf64>) outs(%o : memref<4x20xf64>)
  return
}

// What may change the output in between makes its contents the start.
// CHECK-LABEL: func.func @from_contents(
// CHECK-SAME: %[[OUT:[^:]*]]: memref<4x20xf64>, %{{[^:]*}}: f64
// CHECK: linalg.fill
// CHECK: memref.store %{{.*}}, %[[OUT]][%c0, %c0]
// CHECK: scf.forall
// CHECK: %[[OLD:.*]] = memref.load %[[OUT]]
// CHECK-NEXT: memref.store %[[OLD]], %{{.*}} : memref<96x6xf64>
func.func @from_contents(%x: memref<4x7xf64>, %w: memref<7x20xf64>, %o: memref<4x20xf64>, %y: f64) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f64
  linalg.fill ins(%zero : f64) outs(%o : memref<4x20xf64>)
  memref.store %y, %o[%c0, %c0] : memref<4x20xf64>
  linalg.contract indexing_maps = [#x2, #w2, #o2]
      ins(%x, %w : memref<4x7xf64>, memref<7x20xf64>) outs(%o : memref<4x20xf64>)
  return
}
