// RUN: ladon-opt %s --contract-to-cpu="vector-bits=128 rows=2 unroll=1" --canonicalize --cse | FileCheck %s
// RUN: ladon-opt %s --contract-to-cpu="vector-bits=128 rows=10" | FileCheck %s --check-prefix=TEN
// RUN: ladon-opt %s --contract-to-cpu="vector-bits=128 rows=12 unroll=1" --canonicalize --cse | FileCheck %s --check-prefix=TWELVE

#x = affine_map<(b, m, n, k) -> (b, m, k)>
#w = affine_map<(b, m, n, k) -> (k, n)>
#o = affine_map<(b, m, n, k) -> (b, m, n)>

// Up to 16 rows, through all leading axes, read w in place. One row adds four
// rows of w at a time to its sums; more of them are register tiles of 4 rows by
// two vectors over eight rows of w. There is one block of columns, and no grid.
// The bias is added last, so its broadcast is gone.
// A block of many rows has whole register tiles, and so has half of it: of 10
// rows there are 18.
// TEN-LABEL: func.func @biased(
// TEN: %[[BLOCK:.*]] = arith.constant 180 : index
// TEN: arith.cmpi ugt, %{{.*}}, %[[BLOCK]]
// CHECK-LABEL: func.func @biased(
// CHECK-SAME: %[[X:[^:]*]]: memref<?x?x7xf32>, %[[W:[^:]*]]: memref<7x20xf32>, %[[BIAS:[^:]*]]: memref<20xf32>, %[[OUT:[^:]*]]: memref<?x?x20xf32>)
// CHECK-NOT: linalg.broadcast
// CHECK-DAG: %[[BATCH:.*]] = memref.dim %[[OUT]], %c0
// CHECK-DAG: %[[SEQUENCE:.*]] = memref.dim %[[OUT]], %c1
// CHECK: %[[ROWS:.*]] = arith.muli %[[BATCH]], %[[SEQUENCE]]
// CHECK: %[[FEW:.*]] = arith.cmpi ule, %[[ROWS]], %c16
// CHECK: scf.if %[[FEW]] {
// CHECK: %[[RESULTS:.*]] = memref.alloc() {{.*}} : memref<16x272xf32>
// CHECK: %[[SUMS:.*]] = memref.alloc() {{.*}} : memref<16x272xf32>
// CHECK: %[[FEWX:.*]] = memref.alloc() {{.*}} : memref<16x784xf32>
// Rows of x, of which the last three of seven elements fill no vector.
// CHECK: %[[S:.*]] = arith.remui %{{.*}}, %[[SEQUENCE]]
// CHECK: %[[B:.*]] = arith.divui %{{.*}}, %[[SEQUENCE]]
// CHECK: %[[XINPLACE:.*]] = memref.reinterpret_cast %[[X]]
// CHECK: vector.load %[[XINPLACE]]
// CHECK: scf.for %{{.*}} = %c4 to %c7
// CHECK-NEXT: memref.load %[[X]][%[[B]], %[[S]],
// CHECK: %[[SINGLE:.*]] = arith.cmpi eq, %[[ROWS]], %c1
// CHECK: scf.if %[[SINGLE]] {
// CHECK: %[[WROWS:.*]] = memref.reinterpret_cast %[[W]]
// CHECK: scf.for %[[C:.*]] = %c0 to %c20 step %c4 {
// CHECK-NEXT: vector.load %[[SUMS]][%c0, %[[C]]]
// What lies 16 KiB ahead is asked for.
// CHECK-NEXT: memref.prefetch %[[WROWS]][%c16, %[[C]]]
// CHECK-NEXT: vector.load %[[WROWS]][%c0, %[[C]]]
// CHECK-NEXT: vector.fma
// CHECK-NEXT: memref.prefetch %[[WROWS]][%c17, %[[C]]]
// CHECK-NEXT: vector.load %[[WROWS]][%c1, %[[C]]]
// CHECK-NEXT: vector.fma
// CHECK-COUNT-2: vector.fma
// CHECK-NEXT: vector.store %{{.*}}, %[[SUMS]][%c0, %[[C]]]
// CHECK: } else {
// CHECK: %[[TILEDW:.*]] = memref.reinterpret_cast %[[W]]
// CHECK: scf.for %{{.*}} = %c0 to %[[ROWS]] step %c4 {
// CHECK-NEXT: scf.for %{{.*}} = %c0 to %c20 step %c8 {
// By the first group of rows only.
// CHECK: scf.if
// CHECK-COUNT-8: memref.prefetch %[[TILEDW]]
// CHECK: scf.for %[[K:.*]] = %c0 to %c6 step %c2 iter_args(
// CHECK-COUNT-2: vector.load %[[TILEDW]][%[[K]],
// CHECK-COUNT-16: vector.fma
// CHECK-NEXT: scf.yield
// CHECK: arith.addf
// CHECK-NEXT: vector.store %{{.*}}, %[[SUMS]]
// CHECK: memref.load %[[BIAS]]
// CHECK-NEXT: memref.load %[[RESULTS]]
// CHECK-NEXT: arith.addf
// CHECK-NEXT: memref.store %{{.*}}, %[[OUT]]

// Of more rows, columns of w are packed in panels of two vectors, once if there
// are more than 192; then a grid over blocks of rows and of columns, smaller ones
// where there are few. Rows of x are copied, and every product is a register tile of 2 x 2
// vectors.
// CHECK: } else {
// CHECK: %[[SHARED:.*]] = arith.cmpi ugt, %[[ROWS]], %c192
// Three panels of seven rows.
// CHECK: %[[SIZE:.*]] = arith.select %[[SHARED]], %c21, %c0
// CHECK: %[[PACKED:.*]], %[[GRANTED:.*]] = cpu.try_alloc(%[[SIZE]]) : memref<?x8xf32>
// CHECK: %[[ISPACKED:.*]] = arith.andi %[[SHARED]], %[[GRANTED]]
// CHECK: %[[PACKEDROWS:.*]] = arith.select %[[ISPACKED]], %c7, %c0
// A task takes eight rows, of all panels; those of a block of 768 lie together.
// CHECK: scf.forall (%[[K0:.*]]) = (0) to (%[[PACKEDROWS]]) step (8) {
// CHECK-DAG: %[[WITHIN:.*]] = arith.remui %[[K0]], %c768
// CHECK-DAG: %[[BLOCK:.*]] = arith.subi %[[K0]], %[[WITHIN]]
// CHECK-DAG: %[[LEFT:.*]] = arith.subi %c7, %[[BLOCK]]
// CHECK-DAG: %[[DEPTH:.*]] = arith.minsi %[[LEFT]], %c768
// CHECK-DAG: %[[BEFORE:.*]] = arith.muli %[[BLOCK]], %c3
// CHECK-DAG: %[[PLACE:.*]] = arith.addi %[[BEFORE]], %[[WITHIN]]
// CHECK: scf.for %[[N:.*]] = %c0 to %c20 step %c8 {
// CHECK-DAG: %[[NUMBER:.*]] = arith.divui %[[N]], %c8
// CHECK-DAG: %[[PANELS:.*]] = arith.muli %[[NUMBER]], %[[DEPTH]]
// CHECK-DAG: %[[ROW:.*]] = arith.addi %[[PLACE]], %[[PANELS]]
// CHECK-DAG: %[[REST:.*]] = arith.subi %c20, %[[N]]
// CHECK-DAG: %[[COLUMNS:.*]] = arith.minsi %[[REST]], %c8
// CHECK: %[[TARGET:.*]] = memref.subview %[[PACKED]][%[[ROW]], 0]
// Whole panels by vectors, a last one by elements.
// CHECK: %[[FULL:.*]] = arith.cmpi eq, %[[COLUMNS]], %c8
// CHECK: scf.if %[[FULL]] {
// CHECK: vector.load %[[WHOLE:.*]][%[[STEP:.*]], %c0] : {{.*}} vector<4xf32>
// The next rows are asked for.
// CHECK-NEXT: %[[NEXT:.*]] = arith.addi %[[STEP]], %c8
// CHECK-NEXT: memref.prefetch %[[WHOLE]][%[[NEXT]], %c0]
// CHECK-NEXT: vector.store %{{.*}}, %[[TARGET]][%{{.*}}, %c0]
// CHECK-NEXT: vector.load
// CHECK-NEXT: memref.prefetch
// CHECK-NEXT: vector.store %{{.*}}, %[[TARGET]][%{{.*}}, %c4]
// CHECK: } else {
// CHECK: scf.for %{{.*}} = %c0 to %[[COLUMNS]]
// CHECK: %[[WEIGHT:.*]] = memref.load %[[W]]
// CHECK-NEXT: memref.store %[[WEIGHT]], %[[TARGET]]

// CHECK-DAG: %[[HEIGHT:.*]] = arith.select %[[SHARED]], %c96, %c192
// CHECK-DAG: %[[USUAL:.*]] = arith.select %[[SHARED]], %c256, %c128
// CHECK-DAG: %[[TALL:.*]] = arith.cmpi uge, %[[ROWS]], %c768
// CHECK-DAG: %[[WIDE:.*]] = arith.andi %[[TALL]], %[[ISPACKED]]
// CHECK-DAG: %[[WIDTH:.*]] = arith.select %[[WIDE]], %c512, %[[USUAL]]
// CHECK: scf.forall (%{{.*}}, %{{.*}}) = (0, 0) to (%[[ROWS]], 20) step (%[[HEIGHT]], %[[WIDTH]])
// CHECK-DAG: %[[TILE:.*]] = memref.alloc() {{.*}} : memref<6144x8xf32>
// CHECK-DAG: %[[FIRST:.*]] = memref.alloc() {{.*}} : memref<64x8xf32>
// CHECK-DAG: %[[XROWS:.*]] = memref.alloc() {{.*}} : memref<192x784xf32>
// CHECK-DAG: %[[OWN:.*]] = memref.alloc() {{.*}} : memref<24576x8xf32>
// CHECK: %[[START:.*]] = memref.load %[[BIAS]]
// CHECK-NEXT: memref.store %[[START]], %[[FIRST]]
// CHECK: %[[XBLOCK:.*]] = memref.reinterpret_cast %[[X]]
// CHECK: %[[PANELSOFBLOCK:.*]] = scf.if %[[ISPACKED]]
// CHECK: %[[OWNPANEL:.*]] = memref.subview %[[OWN]]
// CHECK: vector.store %{{.*}}, %[[OWNPANEL]]
// CHECK: %[[PANEL:.*]] = memref.subview %[[PANELSOFBLOCK]]
// CHECK: scf.for %[[K:.*]] = %c0 to %c7 step %c1 iter_args(
// CHECK-COUNT-2: vector.load %[[PANEL]][%[[K]],
// CHECK: memref.prefetch %{{.*}}[%[[K]], %{{.*}}], read, locality<2>
// CHECK: memref.load %[[XROWS]][%{{.*}}, %[[K]]]
// CHECK-COUNT-2: vector.fma
// CHECK: memref.load %[[XROWS]][%{{.*}}, %[[K]]]
// CHECK-COUNT-2: vector.fma
// CHECK-NEXT: scf.yield
// There is one block of steps, whose sums are stored.
// CHECK-COUNT-4: vector.store %{{.*}}, %[[TILE]]
// CHECK: %[[OUTINPLACE:.*]] = memref.reinterpret_cast %[[OUT]]
// CHECK: %[[ADDED:.*]] = vector.load %[[FIRST]]
// CHECK-NEXT: %[[SUM:.*]] = vector.load %[[TILE]]
// CHECK-NEXT: %[[BOTH:.*]] = arith.addf %[[ADDED]], %[[SUM]]
// CHECK-NEXT: vector.store %[[BOTH]], %[[OUTINPLACE]]
// CHECK: memref.store %{{.*}}, %[[OUT]]
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

// A number for each row is no start that columns can be given.
// CHECK-LABEL: func.func @biased_by_rows(
// CHECK: linalg.broadcast
// CHECK: scf.forall
func.func @biased_by_rows(%x: memref<?x7xf32>, %w: memref<7x20xf32>, %bias: memref<?xf32>, %o: memref<?x20xf32>) {
  linalg.broadcast ins(%bias : memref<?xf32>) outs(%o : memref<?x20xf32>) dimensions = [1]
  linalg.contract indexing_maps = [#x2, #w2, #o2]
      ins(%x, %w : memref<?x7xf32>, memref<7x20xf32>) outs(%o : memref<?x20xf32>)
  return
}

// A fill right before is what is added, too. Four rows are few, and two blocks of
// columns two points of a grid.
// CHECK-LABEL: func.func @from_zero(
// CHECK-NOT: linalg.fill
// CHECK: scf.forall (%{{.*}}) = (0) to (512) step (256)
// CHECK: %[[SUM:.*]] = memref.load %{{.*}} : memref<16x272xf64>
// CHECK-NEXT: arith.addf %[[SUM]], %cst{{.*}} : f64
func.func @from_zero(%x: memref<4x7xf64>, %w: memref<7x512xf64>, %o: memref<4x512xf64>) {
  %zero = arith.constant 0.0 : f64
  linalg.fill ins(%zero : f64) outs(%o : memref<4x512xf64>)
  linalg.contract indexing_maps = [#x2, #w2, #o2]
      ins(%x, %w : memref<4x7xf64>, memref<7x512xf64>) outs(%o : memref<4x512xf64>)
  return
}

// What may change the output in between makes its contents what is added.
// CHECK-LABEL: func.func @from_contents(
// CHECK-SAME: %[[OUT:[^:]*]]: memref<40x20xf64>, %{{[^:]*}}: f64
// CHECK: linalg.fill
// CHECK: memref.store %{{.*}}, %[[OUT]][%c0, %c0]
// CHECK: %[[TILE:.*]] = memref.alloc() {{.*}} : memref<12288x4xf64>
// CHECK: %[[OLD:.*]] = vector.load %{{.*}} : memref<1x4xf64, strided<[20, 1], offset: ?>>
// CHECK-NEXT: %[[SUM:.*]] = vector.load %[[TILE]]
// CHECK-NEXT: arith.addf %[[OLD]], %[[SUM]]
func.func @from_contents(%x: memref<40x7xf64>, %w: memref<7x20xf64>, %o: memref<40x20xf64>, %y: f64) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f64
  linalg.fill ins(%zero : f64) outs(%o : memref<40x20xf64>)
  memref.store %y, %o[%c0, %c0] : memref<40x20xf64>
  linalg.contract indexing_maps = [#x2, #w2, #o2]
      ins(%x, %w : memref<40x7xf64>, memref<7x20xf64>) outs(%o : memref<40x20xf64>)
  return
}

#wt = affine_map<(m, n, k) -> (n, k)>

// Of transposed weights whole registers of steps are dot products, two columns
// at a time and with four sums each; a row of them is summed across.
// CHECK-LABEL: func.func @transposed(
// CHECK-SAME: %{{[^:]*}}: memref<?x64xf32>, %[[W:[^:]*]]: memref<20x64xbf16>
// CHECK: %[[ROWS:.*]] = arith.cmpi eq, %{{.*}}, %c1
// CHECK: scf.if %[[ROWS]]
// CHECK: %[[INPLACE:.*]] = memref.reinterpret_cast %[[W]]
// CHECK: scf.for %{{.*}} = %c0 to %c20 step %c2
// CHECK: scf.for %[[K:.*]] = %c0 to %c64 step %c16 iter_args(
// CHECK: vector.load %[[INPLACE]][%{{.*}}, %[[K]]] {{.*}} vector<4xbf16>
// CHECK-COUNT-8: vector.fma
// CHECK-NEXT: scf.yield
// CHECK: vector.reduction <add>
// Many rows pack squares of four, transposed.
// CHECK: cpu.try_alloc
// CHECK-COUNT-4: vector.load {{.*}} vector<4xbf16>
// CHECK-COUNT-8: vector.shuffle
// CHECK-COUNT-4: vector.store
func.func @transposed(%x: memref<?x64xf32>, %w: memref<20x64xbf16>, %o: memref<?x20xf32>) {
  linalg.contract indexing_maps = [#x2, #wt, #o2]
      ins(%x, %w : memref<?x64xf32>, memref<20x64xbf16>) outs(%o : memref<?x20xf32>)
  return
}

// Sums of the first block of steps are stored, those of others added. Rows that
// make no group of twelve are groups of four, which have sums enough; with two
// rows at once there is no smaller tile.
// CHECK-LABEL: func.func @steps(
// CHECK: %[[TILE:.*]] = memref.alloc() {{.*}} : memref<6144x8xf32>
// CHECK: scf.for %[[STEP:.*]] = %c0 to %{{.*}} step %c768 {
// CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[STEP]], %c0
// CHECK: scf.if %[[FIRST]] {
// CHECK-NOT: vector.load %[[TILE]]
// CHECK: vector.store %{{.*}}, %[[TILE]]
// CHECK: } else {
// CHECK: %[[OLD:.*]] = vector.load %[[TILE]]
// CHECK-NEXT: %[[NEW:.*]] = arith.addf %[[OLD]]
// CHECK-NEXT: vector.store %[[NEW]], %[[TILE]]
// TWELVE-LABEL: func.func @steps(
// TWELVE: scf.forall {{.*}} to (%{{.*}}, %{{.*}}) step (%[[STEP:.*]], %
// TWELVE: %[[ROWS:.*]] = arith.minsi %{{.*}}, %[[STEP]]
// TWELVE: %[[WHOLE:.*]] = arith.muli %{{.*}}, %c12
// TWELVE: scf.for %{{.*}} = %c0 to %[[WHOLE]] step %c12 {
// TWELVE-COUNT-24: vector.fma
// TWELVE: scf.for %{{.*}} = %[[WHOLE]] to %[[ROWS]] step %c4 {
// TWELVE-COUNT-8: vector.fma
// TWELVE-NEXT: scf.yield
func.func @steps(%x: memref<?x?xf32>, %w: memref<?x?xf32>, %o: memref<?x?xf32>) {
  linalg.contract indexing_maps = [#x2, #w2, #o2]
      ins(%x, %w : memref<?x?xf32>, memref<?x?xf32>) outs(%o : memref<?x?xf32>)
  return
}
