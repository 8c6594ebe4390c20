// RUN: ladon-opt %s --tile-to-vectors="vector-bits=256 rows=2 unroll=1" --canonicalize --cse | FileCheck %s

// Each operation with rows in the lanes and, where it has two forms, with rows
// first. That they compute the right thing is for test/unit/tile_codegen_test;
// here: what is a vector, what a scalar, and what is left out past the end.

#rows = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]
#lanes = [affine_map<(r, c, d) -> (d, r)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (c, r)>]
#other = [affine_map<(r, c, d) -> (d, r)>, affine_map<(r, c, d) -> (d, c)>, affine_map<(r, c, d) -> (c, r)>]

// The largest of each row: one vector of rows, and one row after the other.
// CHECK-LABEL: func.func @row_max_lanes(
// CHECK-SAME: %[[S:.*]]: memref<16x8xf32>, %[[M:.*]]: memref<8xf32>, %[[N:.*]]: index)
// CHECK: %[[LOWEST:.*]] = arith.constant dense<-3.40282347E+38> : vector<8xf32>
// CHECK: %[[R:.*]] = scf.for %[[J:.*]] = %c0 to %[[N]] step %c1 iter_args(%[[SO_FAR:.*]] = %[[LOWEST]])
// CHECK: %[[X:.*]] = vector.load %[[S]][%[[J]], %c0]
// A NaN is never greater, and so left out.
// CHECK: %[[GREATER:.*]] = arith.cmpf ogt, %[[X]], %[[SO_FAR]]
// CHECK: arith.select %[[GREATER]], %[[X]], %[[SO_FAR]]
// CHECK-NOT: vector.store {{.*}}%[[S]]
// CHECK: vector.store %[[R]], %[[M]][%c0]
func.func @row_max_lanes(%s: memref<16x8xf32>, %m: memref<8xf32>, %n: index) {
  tile.row_max %s keys %n transposed outs(%m : memref<8xf32>) : memref<16x8xf32>
  return
}

// CHECK-LABEL: func.func @row_max_rows(
// CHECK-SAME: %[[S:.*]]: memref<2x16xf32>, %[[M:.*]]: memref<2xf32>, %[[N:.*]]: index)
// CHECK: %[[LOWEST:.*]] = arith.constant dense<-3.40282347E+38> : vector<8xf32>
// CHECK: scf.for %[[ROW:.*]] = %c0 to %c2 step %c1
// CHECK: vector.load %[[S]][%[[ROW]],
// Columns past the last key count as the lowest number.
// CHECK: arith.select %{{.*}}, %{{.*}}, %[[LOWEST]] : vector<8xi1>
// CHECK: memref.store %{{.*}}, %[[M]][%[[ROW]]]
func.func @row_max_rows(%s: memref<2x16xf32>, %m: memref<2xf32>, %n: index) {
  tile.row_max %s keys %n outs(%m : memref<2xf32>) : memref<2x16xf32>
  return
}

// Features of whole registers and a rest of four under a mask.
// CHECK-LABEL: func.func @contract_rows(
// CHECK-SAME: %[[Q:[^:]*]]: memref<2x12xf32>, %[[K:[^:]*]]: memref<16x12xf32>, %[[S:[^:]*]]: memref<2x16xf32>
// CHECK: %[[FOUR:.*]] = arith.constant dense<[true, true, true, true, false, false, false, false]> : vector<8xi1>
// CHECK: scf.for
// CHECK: vector.load %[[K]]
// CHECK: vector.fma
// CHECK: vector.maskedload %[[K]]{{.*}}, %[[FOUR]]
// CHECK: vector.maskedload %[[Q]]{{.*}}, %[[FOUR]]
// CHECK: vector.fma
// CHECK: vector.shuffle
// CHECK: vector.store %{{.*}}, %[[S]]
func.func @contract_rows(%q: memref<2x12xf32>, %k: memref<16x12xf32>, %s: memref<2x16xf32>, %n: index) {
  tile.contract %q, %k columns %n maps #rows outs(%s : memref<2x16xf32>) : memref<2x12xf32>, memref<16x12xf32>
  return
}

// Keys in 16 bits are converted where they are used, those of a rest too.
// CHECK-LABEL: func.func @contract_rows_of_halves(
// CHECK-SAME: %[[Q:[^:]*]]: memref<2x12xf32>, %[[K:[^:]*]]: memref<16x12xbf16>
// CHECK-NOT: memref.store
// CHECK: %[[HALF:.*]] = vector.load %[[K]]{{.*}} : memref<16x12xbf16>, vector<8xbf16>
// CHECK: %[[WIDE:.*]] = arith.extf %[[HALF]] : vector<8xbf16> to vector<8xf32>
// CHECK: vector.fma %{{.*}}, %[[WIDE]], %{{.*}} : vector<8xf32>
// CHECK: %[[REST:.*]] = vector.maskedload %[[K]]{{.*}} into vector<8xbf16>
// CHECK: arith.extf %[[REST]]
func.func @contract_rows_of_halves(%q: memref<2x12xf32>, %k: memref<16x12xbf16>, %s: memref<2x16xf32>, %n: index) {
  tile.contract %q, %k columns %n maps #rows outs(%s : memref<2x16xf32>) : memref<2x12xf32>, memref<16x12xbf16>
  return
}

// CHECK-LABEL: func.func @contract_lanes_of_halves(
// CHECK-SAME: %[[Q:[^:]*]]: memref<12x8xf32>, %[[K:[^:]*]]: memref<16x12xf16>
// CHECK: %[[HALF:.*]] = memref.load %[[K]]
// CHECK: %[[WIDE:.*]] = arith.extf %[[HALF]] : f16 to f32
// CHECK: vector.broadcast %[[WIDE]]
func.func @contract_lanes_of_halves(%q: memref<12x8xf32>, %k: memref<16x12xf16>, %s: memref<16x8xf32>, %n: index) {
  tile.contract %q, %k columns %n maps #lanes outs(%s : memref<16x8xf32>) : memref<12x8xf32>, memref<16x12xf16>
  return
}

// Two keys at a time; compact code has one.
// The keys after them are asked for meanwhile, but not by compact code.
// CHECK-LABEL: func.func @contract_lanes(
// CHECK-SAME: memref<12x8xf32>, %[[K:[^:]*]]: memref<16x12xf32>
// CHECK: scf.for %{{.*}} = %c0 to %{{.*}} step %c2
// CHECK-COUNT-2: memref.prefetch %[[K]][%{{.*}}, %c0], read, locality<3>, data
// CHECK-NOT: memref.prefetch
// CHECK: scf.for
// CHECK-COUNT-2: vector.fma
// CHECK: scf.for %{{.*}} = %c0 to %{{.*}} step %c1
// CHECK: scf.for
// CHECK-COUNT-1: vector.fma
// CHECK-NOT: vector.fma
// CHECK: return
func.func @contract_lanes(%q: memref<12x8xf32>, %k: memref<16x12xf32>, %s: memref<16x8xf32>, %n: index) {
  tile.contract %q, %k columns %n maps #lanes outs(%s : memref<16x8xf32>) : memref<12x8xf32>, memref<16x12xf32>
  tile.contract %q, %k columns %n maps #lanes compact outs(%s : memref<16x8xf32>) : memref<12x8xf32>, memref<16x12xf32>
  return
}

// Maps that no register tile is for, and rows or keys that fill no register:
// element by element.
// CHECK-LABEL: func.func @contract_scalar(
// CHECK-SAME: %[[Q:[^:]*]]: memref<12x8xf32>, %[[K:[^:]*]]: memref<12x16xf32>, %[[S:[^:]*]]: memref<16x8xf32>, %[[M:[^:]*]]: memref<8xf32>, %[[N:.*]]: index)
// CHECK: %[[LOWEST:.*]] = arith.constant -3.40282347E+38 : f32
// CHECK: scf.for %[[R:.*]] = %c0 to %c8
// CHECK: scf.for %[[C:.*]] = %c0 to %[[N]] step %c1 iter_args(%{{.*}} = %[[LOWEST]])
// CHECK: scf.for %[[D:.*]] = %c0 to %c12
// CHECK-DAG: %[[X:.*]] = memref.load %[[Q]][%[[D]], %[[R]]]
// CHECK-DAG: %[[Y:.*]] = memref.load %[[K]][%[[D]], %[[C]]]
// CHECK: math.fma %[[X]], %[[Y]],
// CHECK: memref.store %{{.*}}, %[[S]][%[[C]], %[[R]]]
// CHECK: memref.store %{{.*}}, %[[M]][%[[R]]]
// CHECK-NOT: vector
// CHECK: return
func.func @contract_scalar(%q: memref<12x8xf32>, %k: memref<12x16xf32>, %s: memref<16x8xf32>, %m: memref<8xf32>, %n: index) {
  tile.contract %q, %k columns %n maps #other outs(%s, %m : memref<16x8xf32>, memref<8xf32>) : memref<12x8xf32>, memref<12x16xf32>
  return
}

// CHECK-LABEL: func.func @contract_odd(
// CHECK-NOT: vector
// CHECK: math.fma
// CHECK: return
func.func @contract_odd(%q: memref<3x4xf32>, %k: memref<5x4xf32>, %s: memref<3x5xf32>, %n: index) {
  tile.contract %q, %k columns %n maps #rows outs(%s : memref<3x5xf32>) : memref<3x4xf32>, memref<5x4xf32>
  return
}

// The difference is taken first and multiplied then: scores of any size.
// CHECK-LABEL: func.func @weights_lanes(
// CHECK-SAME: %[[S:[^:]*]]: memref<16x8xf32>, %[[M:[^:]*]]: memref<8xf32>, %[[L:[^:]*]]: memref<8xf32>, %[[T:[^:]*]]: memref<8xf32>, %[[F:[^:]*]]: memref<8xf32>
// CHECK: %[[LOG2E:.*]] = arith.constant dense<1.442695
// CHECK: %[[OLD:.*]] = vector.load %[[M]]
// CHECK: vector.store %[[NEW:.*]], %[[M]]
// CHECK: %[[DIFFERENCE:.*]] = arith.subf %[[OLD]], %[[NEW]]
// CHECK: arith.mulf %[[DIFFERENCE]], %[[LOG2E]]
// CHECK: vector.store %[[FACTOR:.*]], %[[F]]
// CHECK: %[[SUM:.*]] = scf.for
// CHECK: %[[X:.*]] = vector.load %[[S]]
// CHECK: %[[D:.*]] = arith.subf %[[X]], %[[NEW]]
// CHECK: arith.mulf %[[D]], %[[LOG2E]]
// CHECK: vector.store %{{.*}}, %[[S]]
// CHECK: %[[BEFORE:.*]] = vector.load %[[L]]
// CHECK: %[[ALL:.*]] = vector.fma %[[BEFORE]], %[[FACTOR]], %[[SUM]]
// CHECK: vector.store %[[ALL]], %[[L]]
func.func @weights_lanes(%s: memref<16x8xf32>, %m: memref<8xf32>, %l: memref<8xf32>, %t: memref<8xf32>, %f: memref<8xf32>, %n: index) {
  tile.softmax_weights %s top %t keys %n state(%m, %l) transposed outs(%f : memref<8xf32>)
      : memref<16x8xf32>, memref<8xf32>, memref<8xf32>, memref<8xf32>
  return
}

// CHECK-LABEL: func.func @weights_rows(
// CHECK-SAME: %[[S:[^:]*]]: memref<2x16xf32>, %[[M:[^:]*]]: memref<2xf32>, %[[L:[^:]*]]: memref<2xf32>
// CHECK: scf.for %[[ROW:.*]] = %c0 to %c2
// CHECK: %[[OLD:.*]] = memref.load %[[M]][%[[ROW]]]
// CHECK: memref.store %[[NEW:.*]], %[[M]][%[[ROW]]]
// CHECK: arith.subf %[[OLD]], %[[NEW]] : f32
// CHECK: vector.load %[[S]][%[[ROW]],
// CHECK: vector.store %{{.*}}, %[[S]][%[[ROW]],
// CHECK: vector.reduction <add>
// CHECK: memref.store %{{.*}}, %[[L]][%[[ROW]]]
func.func @weights_rows(%s: memref<2x16xf32>, %m: memref<2xf32>, %l: memref<2xf32>, %t: memref<2xf32>, %f: memref<2xf32>, %n: index) {
  tile.softmax_weights %s top %t keys %n state(%m, %l) base2 outs(%f : memref<2xf32>)
      : memref<2x16xf32>, memref<2xf32>, memref<2xf32>, memref<2xf32>
  return
}

// Two features at a time, and a last one; guarded ones lane by lane.
// CHECK-LABEL: func.func @accumulate_lanes(
// CHECK-SAME: %[[W:[^:]*]]: memref<16x8xf32>, %[[V:[^:]*]]: memref<16x3xf32>, %[[A:[^:]*]]: memref<3x8xf32>, %[[F:[^:]*]]: memref<8xf32>, %[[G:[^:]*]]: memref<16x8xf32>
// CHECK-DAG: %[[HIDDEN:.*]] = arith.constant dense<0xFF800000> : vector<8xf32>
// CHECK: %[[TWO:.*]] = memref.subview %[[V]][0, 0] [16, 2] [1, 1]
// CHECK: scf.for
// CHECK: vector.load %[[W]]
// CHECK: memref.load %[[TWO]][%{{.*}}, %c0]
// CHECK: memref.load %[[TWO]][%{{.*}}, %c1]
// CHECK: vector.load %[[F]]
// CHECK: %[[ONE:.*]] = memref.subview %[[V]][0, 2] [16, 1] [1, 1]
// CHECK: scf.for
// CHECK: memref.load %[[ONE]][%{{.*}}, %c0]
// CHECK: scf.for
// CHECK: scf.for
// CHECK: %[[S:.*]] = vector.load %[[G]]
// CHECK: %[[SEEN:.*]] = arith.cmpf une, %[[S]], %[[HIDDEN]]
// CHECK: %[[NEXT:.*]] = vector.fma %{{.*}}, %{{.*}}, %[[SUM:.*]] : vector<8xf32>
// CHECK: arith.select %[[SEEN]], %[[NEXT]], %[[SUM]]
func.func @accumulate_lanes(%w: memref<16x8xf32>, %v: memref<16x3xf32>, %a: memref<3x8xf32>, %f: memref<8xf32>, %g: memref<16x8xf32>, %n: index) {
  tile.accumulate %w, %v keys %n into %a rescale %f transposed : memref<16x8xf32>, memref<16x3xf32>, memref<3x8xf32>, memref<8xf32>
  tile.accumulate %w, %v keys %n into %a rescale %f guarded %g : memref<16x8xf32> transposed
      : memref<16x8xf32>, memref<16x3xf32>, memref<3x8xf32>, memref<8xf32>
  return
}

// CHECK-LABEL: func.func @accumulate_rows(
// CHECK-SAME: %[[W:[^:]*]]: memref<2x16xf32>, %[[V:[^:]*]]: memref<16x12xf32>
// CHECK: vector.load %[[V]]
// CHECK: vector.maskedload %[[V]]
// CHECK: %[[WEIGHT:.*]] = memref.load %[[W]]
// CHECK: %[[SPLAT:.*]] = vector.broadcast %[[WEIGHT]]
// CHECK: vector.fma %[[SPLAT]]
// Of a guarded update a hidden key's product is not taken.
// CHECK: %[[SCORE:.*]] = memref.load %arg4
// CHECK: %[[SEEN:.*]] = arith.cmpf une, %[[SCORE]], %{{.*}} : f32
// CHECK: scf.if %[[SEEN]]
// CHECK: vector.fma
func.func @accumulate_rows(%w: memref<2x16xf32>, %v: memref<16x12xf32>, %a: memref<2x12xf32>, %f: memref<2xf32>, %g: memref<2x16xf32>, %n: index) {
  tile.accumulate %w, %v keys %n into %a rescale %f : memref<2x16xf32>, memref<16x12xf32>, memref<2x12xf32>, memref<2xf32>
  tile.accumulate %w, %v keys %n into %a rescale %f guarded %g : memref<2x16xf32>
      : memref<2x16xf32>, memref<16x12xf32>, memref<2x12xf32>, memref<2xf32>
  return
}

// Both maxima are read before the larger one is written.
// CHECK-LABEL: func.func @accumulate_halves(
// CHECK-SAME: %[[W:[^:]*]]: memref<2x16xf32>, %[[V:[^:]*]]: memref<16x8xf16>
// CHECK: %[[HALF:.*]] = vector.load %[[V]]{{.*}} vector<8xf16>
// CHECK: %[[WIDE:.*]] = arith.extf %[[HALF]] : vector<8xf16> to vector<8xf32>
// CHECK: vector.fma %{{.*}}, %[[WIDE]]
func.func @accumulate_halves(%w: memref<2x16xf32>, %v: memref<16x8xf16>, %a: memref<2x8xf32>, %f: memref<2xf32>, %n: index) {
  tile.accumulate %w, %v keys %n into %a rescale %f : memref<2x16xf32>, memref<16x8xf16>, memref<2x8xf32>, memref<2xf32>
  return
}

// Rows that are taken as they are keep their type.
// CHECK-LABEL: func.func @load_halves(
// CHECK-SAME: %[[X:[^:]*]]: memref<1x1x?x16xbf16>, %[[T:[^:]*]]: memref<2x16xbf16>
// CHECK-NOT: arith.extf
// CHECK: %[[X16:.*]] = vector.load {{.*}} vector<16xbf16>
// CHECK-NEXT: vector.store %[[X16]], %[[T]]
// CHECK-NOT: arith.extf
// CHECK: return
func.func @load_halves(%x: memref<1x1x?x16xbf16>, %t: memref<2x16xbf16>, %i: index, %n: index) {
  tile.load %x[%i, %i, %i] rows %n outs(%t : memref<2x16xbf16>) : memref<1x1x?x16xbf16>
  return
}

// CHECK-LABEL: func.func @merge_lanes(
// CHECK-SAME: %[[M:[^:]*]]: memref<8xf32>, %[[L:[^:]*]]: memref<8xf32>, %[[A:[^:]*]]: memref<3x8xf32>, %[[M2:[^:]*]]: memref<8xf32>, %[[L2:[^:]*]]: memref<8xf32>, %[[A2:[^:]*]]: memref<3x8xf32>
// CHECK: %[[OWN:.*]] = vector.load %[[M]]
// CHECK: %[[OTHER:.*]] = vector.load %[[M2]]
// CHECK: arith.subf %[[OWN]], %[[MOST:.*]] : vector<8xf32>
// CHECK: arith.subf %[[OTHER]], %[[MOST]] : vector<8xf32>
// CHECK: vector.store %[[MOST]], %[[M]]
// CHECK: vector.load %[[L2]]
// CHECK: vector.fma
// CHECK: vector.store %{{.*}}, %[[L]]
// CHECK: scf.for
// CHECK: vector.load %[[A2]]
// CHECK: vector.store %{{.*}}, %[[A]]
func.func @merge_lanes(%m: memref<8xf32>, %l: memref<8xf32>, %a: memref<3x8xf32>, %m2: memref<8xf32>, %l2: memref<8xf32>, %a2: memref<3x8xf32>) {
  tile.merge (%m, %l, %a) with (%m2, %l2, %a2) transposed
      : memref<8xf32>, memref<8xf32>, memref<3x8xf32>, memref<8xf32>, memref<8xf32>, memref<3x8xf32>
  return
}

// CHECK-LABEL: func.func @merge_rows(
// CHECK: scf.for %[[ROW:.*]] = %c0 to %c2
// CHECK: %[[OWN:.*]] = memref.load %arg0[%[[ROW]]]
// CHECK: %[[OTHER:.*]] = memref.load %arg3[%[[ROW]]]
// CHECK: vector.maskedstore %arg2[%[[ROW]], %c8]
func.func @merge_rows(%m: memref<2xf32>, %l: memref<2xf32>, %a: memref<2x12xf32>, %m2: memref<2xf32>, %l2: memref<2xf32>, %a2: memref<2x12xf32>) {
  tile.merge (%m, %l, %a) with (%m2, %l2, %a2) base2
      : memref<2xf32>, memref<2xf32>, memref<2x12xf32>, memref<2xf32>, memref<2xf32>, memref<2x12xf32>
  return
}

// One division per row; rows that saw nothing are divided by 1, and their lse is
// minus infinity.
// CHECK-LABEL: func.func @finish_lanes(
// CHECK-DAG: %[[NONE:.*]] = arith.constant dense<0xFF800000> : vector<8xf32>
// CHECK-DAG: %[[ONE:.*]] = arith.constant dense<1.000000e+00> : vector<8xf32>
// CHECK: %[[SUM:.*]] = vector.load %arg1
// CHECK: %[[EMPTY:.*]] = arith.cmpf oeq, %[[SUM]]
// CHECK: %[[DIVISOR:.*]] = arith.select %[[EMPTY]], %[[ONE]], %[[SUM]]
// CHECK: %[[INVERSE:.*]] = arith.divf %[[ONE]], %[[DIVISOR]]
// CHECK-NOT: arith.divf
// CHECK: arith.mulf %{{.*}}, %[[INVERSE]]
// CHECK: math.log %[[SUM]]
// CHECK: %[[LSE:.*]] = arith.select %[[EMPTY]], %[[NONE]]
// CHECK: vector.store %[[LSE]], %arg3
func.func @finish_lanes(%m: memref<8xf32>, %l: memref<8xf32>, %a: memref<3x8xf32>, %lse: memref<8xf32>) {
  tile.softmax_finish (%m, %l, %a) transposed outs(%lse : memref<8xf32>) : memref<8xf32>, memref<8xf32>, memref<3x8xf32>
  return
}

// CHECK-LABEL: func.func @finish_rows(
// CHECK: scf.for %[[ROW:.*]] = %c0 to %c2
// CHECK: %[[SUM:.*]] = memref.load %arg1[%[[ROW]]]
// CHECK: arith.divf %{{.*}} : f32
// CHECK: math.log %[[SUM]] : f32
// CHECK: memref.store %{{.*}}, %arg3[%[[ROW]]]
func.func @finish_rows(%m: memref<2xf32>, %l: memref<2xf32>, %a: memref<2x12xf32>, %lse: memref<2xf32>) {
  tile.softmax_finish (%m, %l, %a) base2 outs(%lse : memref<2xf32>) : memref<2xf32>, memref<2xf32>, memref<2x12xf32>
  return
}

// Rows without weights are not divided by zero.
// CHECK-LABEL: func.func @normalize_lanes(
// CHECK: %[[SUM:.*]] = vector.load %arg2
// CHECK: %[[EMPTY:.*]] = arith.cmpf oeq, %[[SUM]]
// CHECK: %[[DIVISOR:.*]] = arith.select %[[EMPTY]], %{{.*}}, %[[SUM]]
// CHECK: %[[INVERSE:.*]] = arith.divf %{{.*}}, %[[DIVISOR]]
// CHECK: scf.for %[[KEY:.*]] = %c0 to %arg3
// CHECK: arith.subf
// CHECK: %[[W:.*]] = arith.mulf %{{.*}}, %[[INVERSE]]
// CHECK: vector.store %[[W]], %arg0[%[[KEY]],
func.func @normalize_lanes(%s: memref<5x8xf32>, %m: memref<8xf32>, %l: memref<8xf32>, %n: index) {
  tile.softmax_normalize %s keys %n state(%m, %l) transposed : memref<5x8xf32>, memref<8xf32>, memref<8xf32>
  return
}

// CHECK-LABEL: func.func @normalize_rows(
// CHECK: scf.for %[[ROW:.*]] = %c0 to %c2
// CHECK: memref.load %arg1[%[[ROW]]]
// CHECK: arith.divf %{{.*}} : f32
// CHECK: scf.for
// CHECK: vector.store %{{.*}}, %arg0[%[[ROW]],
func.func @normalize_rows(%s: memref<2x16xf32>, %m: memref<2xf32>, %l: memref<2xf32>, %n: index) {
  tile.softmax_normalize %s keys %n state(%m, %l) base2 : memref<2x16xf32>, memref<2xf32>, memref<2xf32>
  return
}

// A factor for each row, of all rows in a register; then one pass over a row,
// which takes the factor itself where nobody has stored anything.
// CHECK-LABEL: func.func @normalize_stored(
// CHECK: %[[SEEN:.*]] = vector.load %arg1
// CHECK: %[[POWER:.*]] = arith.select %{{.*}} : vector<8xi1>, vector<8xf32>
// CHECK: %[[FACTORS:.*]] = arith.mulf %{{.*}} : vector<8xf32>
// CHECK: vector.store %[[FACTORS]], %[[MEMORY:.*]][%c0,
// CHECK: scf.for %[[ROW:.*]] = %c0 to %arg4 step %c1
// CHECK: %[[FACTOR:.*]] = memref.load %[[MEMORY]][%c0, %[[ROW]]]
// CHECK: %[[THEN:.*]] = memref.load %arg1[%[[ROW]]]
// CHECK: %[[HIDDEN:.*]] = arith.cmpf uno, %[[THEN]], %[[THEN]] : f32
// CHECK: %[[ALL:.*]] = vector.broadcast %[[FACTOR]]
// CHECK: %[[X:.*]] = arith.mulf %{{.*}}, %[[ALL]] : vector<8xf32>
// CHECK: arith.select %[[HIDDEN]], %[[ALL]], %[[X]]
// CHECK: vector.store
func.func @normalize_stored(%w: memref<?x2x?x?xf32>, %seen: memref<8xf32>, %m: memref<8xf32>, %l: memref<8xf32>, %i: index) {
  tile.normalize_stored %w[%i, %i, %i] rows %i columns %i seen %seen state(%m, %l) : memref<?x2x?x?xf32>, memref<8xf32>, memref<8xf32>, memref<8xf32>
  return
}

// Of a last block only the columns that exist are stored.
// CHECK-LABEL: func.func @store_columns(
// CHECK-DAG: %[[REST:.*]] = arith.remui %arg3, %c8
// CHECK: %[[WHOLE:.*]] = arith.subi %arg3, %[[REST]]
// CHECK: scf.for %{{.*}} = %c0 to %[[WHOLE]] step %c8
// CHECK: scf.for %{{.*}} = %[[WHOLE]] to %arg3 step %c1
func.func @store_columns(%t: memref<16x8xf32>, %o: memref<?x2x?x?xf32>, %i: index, %n: index) {
  tile.store %t, %o[%i, %i, %i] rows %i columns %n transposed : memref<16x8xf32>, memref<?x2x?x?xf32>
  return
}

// CHECK-LABEL: func.func @init(
// CHECK-DAG: %[[LOWEST:.*]] = arith.constant dense<-1.7976931348623157E+308> : vector<4xf64>
// CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : vector<4xf64>
// CHECK: vector.store %[[LOWEST]], %arg0
// CHECK: vector.store %[[ZERO]], %arg1
// CHECK: vector.store %[[ZERO]],
func.func @init(%m: memref<4xf64>, %l: memref<4xf64>, %a: memref<4x4xf64>) {
  tile.softmax_init outs(%m, %l, %a : memref<4xf64>, memref<4xf64>, memref<4x4xf64>)
  return
}

// x - x is 0 for finite x only; the last two elements are tested one by one.
// CHECK-LABEL: func.func @has_non_finite(
// CHECK: %[[X:.*]] = vector.load
// CHECK: %[[D:.*]] = arith.subf %[[X]], %[[X]]
// CHECK: arith.cmpf une, %[[D]]
// CHECK: vector.reduction <or>
// CHECK: scf.for %{{.*}} = %c8 to %c10 step %c1
// CHECK-NEXT: memref.load
func.func @has_non_finite(%a: memref<2x5xf32>) -> i1 {
  %bad = tile.has_non_finite %a : memref<2x5xf32>
  return %bad : i1
}

// Halves are widened before they are scaled, and narrowed when they are stored;
// bf16 in integer arithmetic, to the nearest, ties to even.
// CHECK-LABEL: func.func @halves(
// CHECK-SAME: %[[X:[^:]*]]: memref<1x1x?x8xbf16>, %[[Y:[^:]*]]: memref<1x1x?x8xf16>
// CHECK: %[[HALF:.*]] = vector.load %{{.*}} : {{.*}}, vector<8xbf16>
// CHECK: %[[WIDE:.*]] = arith.extf %[[HALF]] : vector<8xbf16> to vector<8xf32>
// CHECK: arith.mulf %[[WIDE]]
// CHECK: arith.truncf %{{.*}} : vector<8xf32> to vector<8xf16>
// CHECK-NOT: arith.truncf
// CHECK: %[[BITS:.*]] = arith.bitcast %{{.*}} : vector<8xf32> to vector<8xi32>
// CHECK: %[[HIGH:.*]] = arith.shrui %[[BITS]]
// CHECK: %[[ODD:.*]] = arith.andi %[[HIGH]]
// CHECK: arith.addi %[[ODD]]
// CHECK: arith.cmpf uno
// CHECK: arith.bitcast %{{.*}} : vector<8xi16> to vector<8xbf16>
func.func @halves(%x: memref<1x1x?x8xbf16>, %y: memref<1x1x?x8xf16>, %t: memref<2x8xf32>, %i: index, %n: index) {
  tile.load %x[%i, %i, %i] rows %n scale 0.5 outs(%t : memref<2x8xf32>) : memref<1x1x?x8xbf16>
  tile.store %t, %y[%i, %i, %i] rows %n : memref<2x8xf32>, memref<1x1x?x8xf16>
  tile.store %t, %x[%i, %i, %i] rows %n : memref<2x8xf32>, memref<1x1x?x8xbf16>
  return
}

// A page number is read for each row, and clamped into the pool.
// CHECK-LABEL: func.func @paged(
// CHECK-SAME: %[[X:[^:]*]]: memref<?x1x16x8xf32>, %[[P:[^:]*]]: memref<?x?xi32>, %{{.*}}: memref<2x8xf32>, %[[I:.*]]: index, %[[N:.*]]: index)
// CHECK: scf.for %[[R:.*]] = %c0 to %[[N]]
// CHECK: %[[AT:.*]] = arith.addi %[[I]], %[[R]]
// CHECK: %[[PAGE:.*]] = arith.divui %[[AT]], %c16
// CHECK: %[[NUMBER:.*]] = memref.load %[[P]][%[[I]], %[[PAGE]]]
// CHECK: %[[INDEX:.*]] = arith.index_cast %[[NUMBER]] : i32 to index
// CHECK: %[[UP:.*]] = arith.minsi %[[INDEX]],
// CHECK: arith.maxsi %[[UP]], %c0
// CHECK: arith.remui %[[AT]], %c16
func.func @paged(%x: memref<?x1x16x8xf32>, %p: memref<?x?xi32>, %t: memref<2x8xf32>, %i: index, %n: index) {
  tile.load %x[%i, %i, %i] rows %n pages %p : memref<?x?xi32> of 16 outs(%t : memref<2x8xf32>) : memref<?x1x16x8xf32>
  return
}

// Of some rows, four share a pass over the keys, whether they exist or not; one
// by itself has code of its own.
// CHECK-LABEL: func.func @contract_some_rows(
// CHECK-SAME: %[[Q:.*]]: memref<8x8xf32>, %[[K:.*]]: memref<16x8xf32>, %[[S:.*]]: memref<8x16xf32>, %[[N:.*]]: index, %[[ROWS:.*]]: index)
// CHECK: %[[ONE:.*]] = arith.cmpi eq, %[[ROWS]], %c1
// CHECK: scf.if %[[ONE]] {
// CHECK: scf.for %{{.*}} = %c0 to %[[N]] step %c8
// CHECK: vector.load %[[Q]][%c0, %c0]
// CHECK: } else {
// CHECK: scf.for %{{.*}} = %c0 to %[[N]] step %c2
// CHECK: scf.for %[[FIRST:.*]] = %c0 to %[[ROWS]] step %c4
// CHECK: vector.load %[[Q]][%[[FIRST]], %c0]
// CHECK-COUNT-2: vector.fma
func.func @contract_some_rows(%q: memref<8x8xf32>, %k: memref<16x8xf32>, %s: memref<8x16xf32>, %n: index, %rows: index) {
  tile.contract %q, %k columns %n rows %rows maps #rows outs(%s : memref<8x16xf32>) : memref<8x8xf32>, memref<16x8xf32>
  return
}

// Heads that share a key head come all or none: at least three are a group.
// CHECK-LABEL: func.func @accumulate_some_rows(
// CHECK-SAME: %[[W:.*]]: memref<8x16xf32>, %[[V:.*]]: memref<16x8xf32>, %[[A:.*]]: memref<8x8xf32>, %[[N:.*]]: index, %[[POSITIONS:.*]]: index)
// CHECK: %[[ROWS:.*]] = arith.muli %[[POSITIONS]], %c3
// CHECK-NOT: scf.if
// CHECK: scf.for %[[FIRST:.*]] = %c0 to %[[ROWS]] step %c4
// CHECK: memref.load %[[W]]
// CHECK: return
func.func @accumulate_some_rows(%w: memref<8x16xf32>, %v: memref<16x8xf32>, %a: memref<8x8xf32>, %n: index, %positions: index) {
  %c3 = arith.constant 3 : index
  %rows = arith.muli %positions, %c3 : index
  tile.accumulate %w, %v keys %n rows %rows into %a : memref<8x16xf32>, memref<16x8xf32>, memref<8x8xf32>
  return
}

// Rows that do not exist are no reason to compute anything again.
// CHECK-LABEL: func.func @some_rows_are_finite(
// CHECK-SAME: %{{.*}}: memref<8x8xf32>, %[[ROWS:.*]]: index)
// CHECK: %[[ALL:.*]] = arith.muli %[[ROWS]], %c8
// CHECK: scf.for %{{.*}} to %[[ALL]] step %c1
func.func @some_rows_are_finite(%a: memref<8x8xf32>, %rows: index) -> i1 {
  %r = tile.has_non_finite %a rows %rows : memref<8x8xf32>
  return %r : i1
}
