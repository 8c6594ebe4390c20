// RUN: ladon-opt %s --tile-fuse-row-max --tile-lower-control --tile-bufferize --canonicalize --cse --tile-to-vectors="vector-bits=256 rows=2 unroll=1" --canonicalize --cse | FileCheck %s

#lanes = [affine_map<(r, c, d) -> (d, r)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (c, r)>]
!heads = memref<?x2x?x8xf32>

// Two keys and one vector of queries per register tile; the query tile lies
// transposed, queries in the lanes; scores and weights share a buffer.
// CHECK-LABEL: func.func @plain(
// CHECK-SAME: %[[Q:[^:]*]]: memref<?x2x?x8xf32>, %[[K:[^:]*]]: {{[^,]*}}, %[[V:[^:]*]]: {{[^,]*}}, %[[OUT:[^:]*]]: {{[^,]*}}, %[[ROWS:[^:]*]]: index, %[[T:[^:]*]]: index)
// CHECK-DAG: %[[LOWEST:.*]] = arith.constant dense<-3.40282347E+38> : vector<8xf32>
// CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : vector<8xf32>
// CHECK-DAG: %[[SCALE:.*]] = arith.constant dense<5.000000e-01> : vector<8xf32>
// CHECK: scf.forall (%[[H:.*]]) in (2)
// CHECK: %[[QT:.*]] = memref.alloc() {alignment = 64 : i64} : memref<8x8xf32>
// Rows past the last one repeat it; nothing is read when there is none.
// CHECK: %[[QUERIES:.*]] = memref.reinterpret_cast %[[Q]] to offset: [%{{.*}}], sizes: [%[[ROWS]], 8]
// CHECK: %[[EXISTS:.*]] = arith.cmpi sgt, %[[ROWS]], %c0
// CHECK-NEXT: scf.if %[[EXISTS]] {
// CHECK-NEXT: %[[LAST:.*]] = arith.subi %[[ROWS]], %c1
// CHECK-NEXT: scf.for %[[LANE:.*]] = %c0 to %[[ROWS]] step %c8 {
// CHECK-NEXT: %[[R:.*]] = arith.minsi %[[LANE]], %[[LAST]]
// CHECK: %[[X:.*]] = vector.load %[[QUERIES]][%[[R]],
// CHECK: arith.mulf %[[X]], %[[SCALE]]
// CHECK-COUNT-8: vector.store %{{.*}}, %[[QT]][
// CHECK: scf.for %[[J0:.*]] = %c0 to %[[T]] step %c16
// CHECK: %[[LEFT:.*]] = arith.subi %[[T]], %[[J0]]
// CHECK: %[[N:.*]] = arith.minsi %[[LEFT]], %c16
// No key is copied: the register tile reads rows of it in place.
// CHECK: %[[KEY:.*]] = memref.reinterpret_cast %[[K]] to offset: [%{{.*}}], sizes: [16, 8]
// CHECK: %[[SC:.*]] = memref.alloc() {alignment = 64 : i64} : memref<16x8xf32>
// CHECK: %[[TOP:.*]] = memref.alloc() {alignment = 64 : i64} : memref<8xf32>
// CHECK: %[[LASTKEY:.*]] = arith.subi %[[N]], %c1
// CHECK: scf.for %[[J:.*]] = %c0 to %[[N]] step %c2 iter_args(%{{.*}} = %[[LOWEST]])
// CHECK: %[[JA:.*]] = arith.minsi %[[J]], %[[LASTKEY]]
// CHECK: %[[JB:.*]] = arith.minsi %{{.*}}, %[[LASTKEY]]
// CHECK: scf.for %[[F:.*]] = %c0 to %c8 step %c1 iter_args(%[[A:.*]] = %[[ZERO]], %[[B:.*]] = %[[ZERO]])
// CHECK: %[[QROW:.*]] = vector.load %[[QT]][%[[F]], %c0]
// CHECK: %[[KA:.*]] = memref.load %[[KEY]][%[[JA]], %[[F]]]
// CHECK: %[[KAS:.*]] = vector.broadcast %[[KA]]
// CHECK: vector.fma %[[KAS]], %[[QROW]], %[[A]]
// CHECK: memref.load %[[KEY]][%[[JB]], %[[F]]]
// CHECK: vector.fma %{{.*}}, %[[QROW]], %[[B]]
// CHECK: vector.store %{{.*}}, %[[SC]][%[[J]], %c0]
// Weights: no call of a mathematical function.
// CHECK-NOT: math.exp
// CHECK: %[[VALUE:.*]] = memref.reinterpret_cast %[[V]] to offset: [%{{.*}}], sizes: [16, 8]
// CHECK: scf.for %{{.*}} = %c0 to %c8 step %c2
// CHECK: %[[GROUP:.*]] = memref.subview %[[VALUE]][0, %{{.*}}] [16, 2] [1, 1]
// CHECK: scf.for %[[J2:.*]] = %c0 to %[[N]] step %c1 iter_args(%{{.*}} = %[[ZERO]], %{{.*}} = %[[ZERO]])
// CHECK: vector.load %[[SC]][%[[J2]], %c0]
// CHECK: memref.load %[[GROUP]][%[[J2]], %c0]
// CHECK-COUNT-2: vector.fma
// Only the rows that exist are written; those after the tile are asked for.
// CHECK: %[[RESULT:.*]] = memref.reinterpret_cast %[[OUT]] to offset
// CHECK: scf.for %[[FIRST:.*]] = %c0 to %[[ROWS]] step %c8 {
// CHECK: %[[EXISTS0:.*]] = arith.cmpi slt, %[[FIRST]], %[[ROWS]]
// CHECK-NEXT: scf.if %[[EXISTS0]] {
// CHECK-NEXT: vector.store %{{.*}}, %[[RESULT]][%[[FIRST]], %c0]
// CHECK-NEXT: %[[AFTER:.*]] = arith.addi %[[FIRST]], %[[ROWS]]
// CHECK-NEXT: memref.prefetch %[[RESULT]][%[[AFTER]], %c0], read, locality<3>
// CHECK: %[[ROW7:.*]] = arith.addi %[[FIRST]], %c7
// CHECK: %[[EXISTS7:.*]] = arith.cmpi slt, %[[ROW7]], %[[ROWS]]
// CHECK-NEXT: scf.if %[[EXISTS7]] {
// CHECK-NEXT: vector.store %{{.*}}, %[[RESULT]][%[[ROW7]], %c0]
// CHECK-NOT: tile.
func.func @plain(%q: !heads, %k: !heads, %v: !heads, %o: !heads, %rows: index, %T: index) {
  %c0 = arith.constant 0 : index
  scf.forall (%b, %h) in (1, 2) {
    %query = tile.load %q[%b, %h, %c0] rows %rows scale 0.5 transposed : !heads -> tensor<8x8xf32>
    %init:3 = tile.softmax_init : tensor<8xf32>, tensor<8xf32>, tensor<8x8xf32>
    %end:3 = tile.key_loop [%c0, %T) step 16
        init(%init#0, %init#1, %init#2 : tensor<8xf32>, tensor<8xf32>, tensor<8x8xf32>)
        -> tensor<8xf32>, tensor<8xf32>, tensor<8x8xf32> {
    ^bb0(%j0: index, %n: index, %m0: tensor<8xf32>, %l0: tensor<8xf32>, %acc0: tensor<8x8xf32>):
      %key = tile.load %k[%b, %h, %j0] rows %n : !heads -> tensor<16x8xf32>
      %s = tile.contract %query, %key columns %n maps #lanes : tensor<8x8xf32>, tensor<16x8xf32> -> tensor<16x8xf32>
      %top = tile.row_max %s keys %n transposed : tensor<16x8xf32> -> tensor<8xf32>
      %w:4 = tile.softmax_weights %s top %top keys %n state(%m0, %l0) base2 transposed
          : tensor<16x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32> -> tensor<16x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
      %value = tile.load %v[%b, %h, %j0] rows %n : !heads -> tensor<16x8xf32>
      %acc1 = tile.accumulate %w#0, %value keys %n into %acc0 rescale %w#3 transposed
          : tensor<16x8xf32>, tensor<16x8xf32>, tensor<8x8xf32>, tensor<8xf32> -> tensor<8x8xf32>
      tile.yield %w#1, %w#2, %acc1 : tensor<8xf32>, tensor<8xf32>, tensor<8x8xf32>
    }
    %out:2 = tile.softmax_finish (%end#0, %end#1, %end#2) base2 transposed : tensor<8xf32>, tensor<8xf32>, tensor<8x8xf32> -> tensor<8x8xf32>, tensor<8xf32>
    tile.store %out#0, %o[%b, %h, %c0] rows %rows transposed : tensor<8x8xf32>, !heads
  }
  return
}

// Two registers of rows: where they fill one, a register tile of that one, with
// as many accumulators.
// CHECK-LABEL: func.func @some_rows(
// CHECK-SAME: %[[QT:[^:]*]]: memref<8x16xf32>, %[[K:[^:]*]]: memref<16x8xf32>, %[[SC:[^:]*]]: memref<16x16xf32>, %[[TOP:[^:]*]]: memref<16xf32>, %[[N:[^:]*]]: index, %[[ROWS:[^:]*]]: index)
// CHECK: %[[BOTH:.*]] = arith.cmpi sgt, %[[ROWS]], %c8
// CHECK: scf.if %[[BOTH]] {
// CHECK: scf.for %{{.*}} = %c0 to %[[N]] step %c2 iter_args(%{{[^,]*}}, %{{[^,]*}})
// CHECK: vector.load %[[QT]][%{{.*}}, %c0]
// CHECK: vector.load %[[QT]][%{{.*}}, %c8]
// CHECK-COUNT-4: vector.fma
// CHECK: } else {
// CHECK: scf.for %[[LANE:.*]] = %c0 to %[[ROWS]] step %c8 {
// CHECK: scf.for %{{.*}} = %c0 to %[[N]] step %c4 iter_args(%{{[^,]*}})
// CHECK: vector.load %[[QT]][%{{.*}}, %[[LANE]]]
// CHECK-COUNT-4: vector.fma
// CHECK: vector.store %{{.*}}, %[[TOP]][%[[LANE]]]
func.func @some_rows(%q: memref<8x16xf32>, %k: memref<16x8xf32>, %s: memref<16x16xf32>, %top: memref<16xf32>, %n: index, %rows: index) {
  tile.contract %q, %k columns %n rows %rows maps #lanes outs(%s, %top : memref<16x16xf32>, memref<16xf32>)
      : memref<8x16xf32>, memref<16x8xf32>
  return
}
