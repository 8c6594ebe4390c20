// RUN: ladon-opt %s --cpu-parallelize-linalg --canonicalize --split-input-file | FileCheck %s

// Tasks of 8192 elements: 1024 rows of 8, or fewer where there are fewer, then
// as many of the outer axis as are still wanted.
// CHECK: #[[$REST:.*]] = affine_map<(d0)[s0] -> (-d0 + s0, 1024)>
// CHECK-LABEL: func.func @rows(
// CHECK-SAME: %[[X:[^:]*]]: memref<?x?x8xf32>
// CHECK-DAG: %[[ROWS:.*]] = memref.dim %[[X]], %c1
// CHECK: %[[FEWER:.*]] = arith.minsi %[[ROWS]], %c1024
// CHECK: %[[ONE:.*]] = arith.maxsi %[[FEWER]], %c1
// CHECK: %[[DONE:.*]] = arith.muli %[[ONE]], %c8
// CHECK: %[[OUTER:.*]] = arith.divui %c8192, %[[DONE]]
// CHECK: %[[STEP:.*]] = arith.maxsi %[[OUTER]], %c1
// CHECK: scf.forall (%[[I:.*]], %[[J:.*]]) = (0, 0) to (%{{.*}}, %[[ROWS]]) step (%[[STEP]], 1024)
// CHECK: %[[LAST:.*]] = affine.min #[[$REST]](%[[J]])[%[[ROWS]]]
// CHECK: %[[ROW:.*]] = memref.subview %[[X]][%[[I]], %[[J]], 0] [%{{.*}}, %[[LAST]], 8] [1, 1, 1]
// CHECK: linalg.map {{.*}} ins(%[[ROW]],
func.func @rows(%x: memref<?x?x8xf32>, %y: memref<?x?x8xf32>, %o: memref<?x?x8xf32>) {
  linalg.map { arith.addf } ins(%x, %y : memref<?x?x8xf32>, memref<?x?x8xf32>)
      outs(%o : memref<?x?x8xf32>)
  return
}

// -----

// A vector is cut into pieces.
// CHECK-LABEL: func.func @vector(
// CHECK: scf.forall (%[[I:.*]]) = (0) to (%[[N:.*]]) step (8192)
// CHECK: %[[SIZE:.*]] = affine.min {{.*}}(%[[I]])[%[[N]]]
// CHECK: memref.subview %{{.*}}[%[[I]]] [%[[SIZE]]] [1]
func.func @vector(%o: memref<?xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%o : memref<?xf32>)
  return
}

// -----

// Rows of more than 8192 are cut, by themselves, and every one of them.
// CHECK-LABEL: func.func @long(
// CHECK: scf.forall (%{{.*}}, %{{.*}}) = (0, 0) to (3, 16384) step (1, 8192)
// CHECK: memref.subview {{.*}} [1, 8192] [1, 1]
func.func @long(%o: memref<3x16384xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%o : memref<3x16384xf32>)
  return
}

// -----

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

#in = affine_map<(k, i) -> (k, i)>
#out = affine_map<(k, i) -> (i)>

// The order of loops is nobody's business.
// CHECK-LABEL: func.func @sums_first
// CHECK: scf.forall (%[[I:.*]]) = (0) to (960) step (128)
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]
func.func @sums_first(%x: memref<64x960xf32>, %o: memref<960xf32>) {
  linalg.generic {indexing_maps = [#in, #out], iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<64x960xf32>) outs(%o : memref<960xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  }
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

// -----

#row = affine_map<(i, j) -> (i)>
#both = affine_map<(i, j) -> (i, j)>
#outer = affine_map<(i) -> (i)>

// The parts of a norm go through the same rows in one task, and so do the two
// halves of what they make. The lengths are those of one argument.
// CHECK-LABEL: func.func @norm(
// CHECK: scf.forall (%[[I:.*]]) = (0) to (%{{.*}}) step (128)
// CHECK-NOT: scf.forall
// CHECK: linalg.fill
// CHECK: linalg.reduce
// CHECK: math.rsqrt
// CHECK: arith.mulf
// CHECK: linalg.copy
// CHECK: linalg.copy
// CHECK-NOT: linalg
func.func @norm(%x: memref<?x64xf32>, %o: memref<?x64xf32>, %p: memref<?x64xf32>) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x64xf32>
  %sum = memref.alloc(%n) : memref<?xf32>
  linalg.fill ins(%zero : f32) outs(%sum : memref<?xf32>)
  linalg.reduce { arith.addf } ins(%x : memref<?x64xf32>) outs(%sum : memref<?xf32>) dimensions = [1]
  linalg.generic {indexing_maps = [#outer], iterator_types = ["parallel"]} outs(%sum : memref<?xf32>) {
  ^bb0(%s: f32):
    %r = math.rsqrt %s : f32
    linalg.yield %r : f32
  }
  %y = memref.alloc(%n) : memref<?x64xf32>
  linalg.generic {indexing_maps = [#both, #row, #both], iterator_types = ["parallel", "parallel"]}
      ins(%x, %sum : memref<?x64xf32>, memref<?xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%a: f32, %s: f32, %b: f32):
    %r = arith.mulf %a, %s : f32
    linalg.yield %r : f32
  }
  %z = memref.alloc(%n) : memref<?x64xf32>
  %m = memref.dim %y, %c0 : memref<?x64xf32>
  %y0 = memref.subview %y[0, 0] [%m, 32] [1, 1] : memref<?x64xf32> to memref<?x32xf32, strided<[64, 1]>>
  %y1 = memref.subview %y[0, 32] [%m, 32] [1, 1] : memref<?x64xf32> to memref<?x32xf32, strided<[64, 1], offset: 32>>
  %z0 = memref.subview %z[0, 0] [%n, 32] [1, 1] : memref<?x64xf32> to memref<?x32xf32, strided<[64, 1]>>
  %z1 = memref.subview %z[0, 32] [%n, 32] [1, 1] : memref<?x64xf32> to memref<?x32xf32, strided<[64, 1], offset: 32>>
  linalg.copy ins(%y0 : memref<?x32xf32, strided<[64, 1]>>) outs(%z1 : memref<?x32xf32, strided<[64, 1], offset: 32>>)
  linalg.copy ins(%y1 : memref<?x32xf32, strided<[64, 1], offset: 32>>) outs(%z0 : memref<?x32xf32, strided<[64, 1]>>)
  return
}

// -----

// Axes that are one size to a caller are one.
// CHECK-LABEL: func.func @named(
// CHECK: scf.forall
// CHECK-NOT: scf.forall
func.func @named(%x: memref<?x4xf32> {attn.param = #attn.param<input x: f32[N, 4]>},
                 %o: memref<?x4xf32> {attn.param = #attn.param<output o: f32[N, 4]>},
                 %p: memref<?x4xf32> {attn.param = #attn.param<output p: f32[N, 4]>}) {
  linalg.copy ins(%x : memref<?x4xf32>) outs(%o : memref<?x4xf32>)
  linalg.exp ins(%o : memref<?x4xf32>) outs(%p : memref<?x4xf32>)
  return
}

// -----

// Other sizes are not.
// CHECK-LABEL: func.func @lengths(
// CHECK: scf.forall
// CHECK: linalg.fill
// CHECK: scf.forall
// CHECK: linalg.fill
func.func @lengths(%o: memref<?x4xf32>, %p: memref<?x4xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%o : memref<?x4xf32>)
  linalg.fill ins(%zero : f32) outs(%p : memref<?x4xf32>)
  return
}

// -----

// A row of what is transposed needs all rows of the copy.
// CHECK-LABEL: func.func @columns(
// CHECK: scf.forall
// CHECK: linalg.copy
// CHECK: scf.forall
// CHECK: linalg.transpose
func.func @columns(%x: memref<96x96xf32>, %o: memref<96x96xf32>) {
  %y = memref.alloc() : memref<96x96xf32>
  linalg.copy ins(%x : memref<96x96xf32>) outs(%y : memref<96x96xf32>)
  linalg.transpose ins(%y : memref<96x96xf32>) outs(%o : memref<96x96xf32>) permutation = [1, 0]
  return
}

// -----

// The same row of a slice that begins in another one.
// CHECK-LABEL: func.func @shifted(
// CHECK: scf.forall
// CHECK: linalg.fill
// CHECK: scf.forall
// CHECK: linalg.copy
func.func @shifted(%y: memref<97x96xf32>, %o: memref<96x96xf32>) {
  %zero = arith.constant 0.0 : f32
  %first = memref.subview %y[0, 0] [96, 96] [1, 1] : memref<97x96xf32> to memref<96x96xf32, strided<[96, 1]>>
  %second = memref.subview %y[1, 0] [96, 96] [1, 1] : memref<97x96xf32> to memref<96x96xf32, strided<[96, 1], offset: 96>>
  linalg.fill ins(%zero : f32) outs(%first : memref<96x96xf32, strided<[96, 1]>>)
  linalg.copy ins(%second : memref<96x96xf32, strided<[96, 1], offset: 96>>) outs(%o : memref<96x96xf32>)
  return
}

// -----

// What is read in between is not there before.
// CHECK-LABEL: func.func @between(
// CHECK: scf.forall
// CHECK: linalg.fill
// CHECK: memref.load
// CHECK: scf.forall
// CHECK: linalg.fill
func.func @between(%o: memref<96x96xf32>, %p: memref<96x96xf32>) -> f32 {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  linalg.fill ins(%zero : f32) outs(%o : memref<96x96xf32>)
  %read = memref.load %p[%c0, %c0] : memref<96x96xf32>
  linalg.fill ins(%zero : f32) outs(%p : memref<96x96xf32>)
  return %read : f32
}
