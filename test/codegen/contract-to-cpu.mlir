// RUN: ladon-opt %s --contract-to-cpu="vector-bits=128 rows=2 unroll=1" --canonicalize --cse | FileCheck %s
// RUN: ladon-opt %s --contract-to-cpu="vector-bits=128 rows=10" | FileCheck %s --check-prefix=TEN

#x = affine_map<(b, m, n, k) -> (b, m, k)>
#w = affine_map<(b, m, n, k) -> (k, n)>
#o = affine_map<(b, m, n, k) -> (b, m, n)>

// Columns of w are packed in panels of two vectors, once if there are several
// blocks of 96 rows; then a grid over blocks of rows and of 256 columns. The bias
// is where the sums start, so its broadcast is gone; rows of x are copied, and
// every product is a register tile of 2 x 2 vectors.
// A block has whole register tiles: of 10 rows there are 9.
// TEN-LABEL: func.func @biased(
// TEN: %[[BLOCK:.*]] = arith.constant 90 : index
// TEN: arith.ceildivui %{{.*}}, %[[BLOCK]]
// CHECK-LABEL: func.func @biased(
// CHECK-SAME: %[[X:[^:]*]]: memref<?x?x7xf32>, %[[W:[^:]*]]: memref<7x20xf32>, %[[BIAS:[^:]*]]: memref<20xf32>, %[[OUT:[^:]*]]: memref<?x?x20xf32>)
// CHECK-NOT: linalg.broadcast
// CHECK: %[[ROWS:.*]] = memref.dim %[[OUT]], %c1
// CHECK: %[[ROWBLOCKS:.*]] = arith.ceildivui %[[ROWS]], %c96
// CHECK: %[[BATCH:.*]] = memref.dim %[[OUT]], %c0
// CHECK: %[[BLOCKS:.*]] = arith.muli %[[ROWBLOCKS]], %[[BATCH]]
// CHECK: %[[SHARED:.*]] = arith.cmpi ugt, %[[BLOCKS]], %c1
// Three panels of seven rows.
// CHECK: %[[SIZE:.*]] = arith.select %[[SHARED]], %c21, %c0
// CHECK: %[[PACKED:.*]], %[[GRANTED:.*]] = cpu.try_alloc(%[[SIZE]]) : memref<?x8xf32>
// CHECK: %[[ISPACKED:.*]] = arith.andi %[[SHARED]], %[[GRANTED]]
// CHECK: %[[PACKEDCOLUMNS:.*]] = arith.select %[[ISPACKED]], %c20, %c0
// CHECK: scf.forall (%[[N:.*]]) = (0) to (%[[PACKEDCOLUMNS]]) step (8) {
// CHECK: %[[REST:.*]] = arith.subi %c20, %[[N]]
// CHECK: %[[COLUMNS:.*]] = arith.minsi %[[REST]], %c8
// CHECK: %[[TARGET:.*]] = memref.subview %[[PACKED]]
// Whole panels by vectors, a last one by elements.
// CHECK: %[[FULL:.*]] = arith.cmpi eq, %[[COLUMNS]], %c8
// CHECK: scf.if %[[FULL]] {
// CHECK: vector.load {{.*}} vector<4xf32>
// CHECK-NEXT: vector.store %{{.*}}, %[[TARGET]][%{{.*}}, %c0]
// CHECK-NEXT: vector.load
// CHECK-NEXT: vector.store %{{.*}}, %[[TARGET]][%{{.*}}, %c4]
// CHECK: } else {
// CHECK: scf.for %{{.*}} = %c0 to %[[COLUMNS]]
// CHECK: %[[WEIGHT:.*]] = memref.load %[[W]]
// CHECK-NEXT: memref.store %[[WEIGHT]], %[[TARGET]]

// CHECK: scf.forall (%[[B:.*]], %[[M0:.*]]) = (0, 0) to (%[[BATCH]], %[[ROWS]]) step (1, 96)
// CHECK-DAG: %[[TILE:.*]] = memref.alloc() {{.*}} : memref<3072x8xf32>
// CHECK-DAG: %[[FIRST:.*]] = memref.alloc() {{.*}} : memref<1x8xf32>
// CHECK-DAG: %[[XROWS:.*]] = memref.alloc() {{.*}} : memref<96x784xf32>
// CHECK-DAG: %[[OWN:.*]] = memref.alloc() {{.*}} : memref<768x8xf32>
// CHECK: %[[START:.*]] = memref.load %[[BIAS]]
// CHECK-NEXT: memref.store %[[START]], %[[FIRST]]
// Rows of x, of which the last three of seven elements fill no vector.
// CHECK: %[[XINPLACE:.*]] = memref.reinterpret_cast %[[X]]
// CHECK: %[[WHOLE:.*]] = vector.load %[[XINPLACE]]
// CHECK-NEXT: vector.store %[[WHOLE]], %[[XROWS]]
// CHECK: scf.for %{{.*}} = %c4 to %c7
// CHECK-NEXT: %[[SINGLE:.*]] = memref.load %[[X]]
// CHECK-NEXT: memref.store %[[SINGLE]], %[[XROWS]]
// CHECK: %[[PANEL:.*]] = scf.if %[[ISPACKED]]
// CHECK: vector.store %{{.*}}, %[[OWN]]
// CHECK: scf.for %[[K:.*]] = %c0 to %c7 step %c1 iter_args(
// CHECK-COUNT-2: vector.load %[[PANEL]][%[[K]],
// CHECK: memref.load %[[XROWS]][%{{.*}}, %[[K]]]
// CHECK-COUNT-2: vector.fma
// CHECK: memref.load %[[XROWS]][%{{.*}}, %[[K]]]
// CHECK-COUNT-2: vector.fma
// CHECK-NEXT: scf.yield
// CHECK: %[[OLD:.*]] = vector.load %[[TILE]]
// CHECK-NEXT: %[[NEW:.*]] = arith.addf %[[OLD]]
// CHECK-NEXT: vector.store %[[NEW]], %[[TILE]]
// CHECK: %[[OUTINPLACE:.*]] = memref.reinterpret_cast %[[OUT]]
// CHECK: %[[SUMS:.*]] = vector.load %[[TILE]]
// CHECK-NEXT: vector.store %[[SUMS]], %[[OUTINPLACE]]
// CHECK: %[[SUM:.*]] = memref.load %[[TILE]]
// CHECK-NEXT: memref.store %[[SUM]], %[[OUT]][%[[B]],
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
// CHECK: memref.store %[[ZERO]], %{{.*}} : memref<1x4xf64>
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
// CHECK: %[[TILE:.*]] = memref.alloc() {{.*}} : memref<6144x4xf64>
// CHECK: %[[OLD:.*]] = vector.load %{{.*}} : memref<{{.*}}xf64, strided<[20, 1], offset: ?>>
// CHECK: vector.store %[[OLD]], %[[TILE]]
func.func @from_contents(%x: memref<4x7xf64>, %w: memref<7x20xf64>, %o: memref<4x20xf64>, %y: f64) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f64
  linalg.fill ins(%zero : f64) outs(%o : memref<4x20xf64>)
  memref.store %y, %o[%c0, %c0] : memref<4x20xf64>
  linalg.contract indexing_maps = [#x2, #w2, #o2]
      ins(%x, %w : memref<4x7xf64>, memref<7x20xf64>) outs(%o : memref<4x20xf64>)
  return
}
