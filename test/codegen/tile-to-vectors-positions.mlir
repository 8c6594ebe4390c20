// RUN: ladon-opt %s --tile-to-vectors=vector-bits=256 --canonicalize --cse --split-input-file | FileCheck %s

// Queries in the lanes: what depends on the key alone stays scalar, what
// depends on the query is a vector; hidden scores become minus infinity.
// CHECK-LABEL: func.func @lanes(
// CHECK-SAME: %[[S:[^:]*]]: memref<16x8xf32>, %[[DOC:[^:]*]]: memref<?xi32>
// CHECK-DAG: %[[HIDDEN:.*]] = arith.constant dense<0xFF800000> : vector<8xf32>
// CHECK-DAG: %[[LANE:.*]] = arith.constant dense<[0, 1, 2, 3, 4, 5, 6, 7]> : vector<8xi32>
// CHECK: %[[FIRST:.*]] = arith.index_cast %{{.*}} : index to i32
// CHECK: %[[SPLAT:.*]] = vector.broadcast %[[FIRST]] : i32 to vector<8xi32>
// CHECK: %[[QUERIES:.*]] = arith.addi %[[SPLAT]], %[[LANE]]
// CHECK: scf.for
// CHECK: %[[SCORE:.*]] = vector.load %[[S]]
// CHECK: %[[OF_KEY:.*]] = scf.if %{{.*}} -> (i32)
// CHECK: memref.load %[[DOC]][%{{.*}}] : memref<?xi32>
// CHECK: %[[SAME:.*]] = vector.broadcast %[[OF_KEY]] : i32 to vector<8xi32>
// CHECK: %[[VISIBLE:.*]] = arith.cmpi sle, %[[SAME]], %[[QUERIES]] : vector<8xi32>
// CHECK: %[[RESULT:.*]] = arith.select %[[VISIBLE]], %[[SCORE]], %[[HIDDEN]]
// CHECK-NEXT: vector.store %[[RESULT]], %[[S]]
func.func @lanes(%s: memref<16x8xf32>, %doc: memref<?xi32>, %i0: index, %j0: index, %n: index) {
  tile.mask %s at [%i0, %i0, %i0, %j0] keys %n transposed captures(%doc : memref<?xi32>) {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %doc_: memref<?xi32>):
    %of = attn.read %doc_[%j] : memref<?xi32>, i32 -> i32
    %visible = arith.cmpi sle, %of, %i : i32
    tile.yield %visible : i1
  } : memref<16x8xf32>
  return
}

// -----

// Keys in the lanes: the query is a scalar, and what is read for the keys is
// loaded as it lies, or gathered at the end of its row and where neighbours lie
// apart. Columns past the last key are not counted in the maximum.
// CHECK-LABEL: func.func @rows(
// CHECK-SAME: %[[S:[^:]*]]: memref<4x16xf32>, %[[TOP:[^:]*]]: memref<4xf32>
// CHECK-DAG: %[[LOWEST:.*]] = arith.constant dense<-3.40282347E+38> : vector<8xf32>
// CHECK: scf.for %[[ROW:.*]] = %c0 to %c4
// CHECK: %[[I:.*]] = arith.index_cast %{{.*}} : index to i32
// CHECK: %[[MOST:.*]] = scf.for %[[KEY:.*]] = %c0 to %[[N:.*]] step %c8 iter_args(%[[SO_FAR:.*]] = %[[LOWEST]])
// CHECK: vector.load %[[S]][%[[ROW]], %[[KEY]]]
// CHECK: %[[END:.*]] = arith.addi %{{.*}}, %c8
// CHECK: %[[EXIST:.*]] = arith.cmpi sge, %{{.*}}, %[[END]]
// CHECK: %[[OF_KEY:.*]] = scf.if %[[EXIST]] -> (vector<8xi32>)
// CHECK: vector.load %{{.*}} : memref<{{.*}}xi32, strided<[1]>>, vector<8xi32>
// CHECK: else
// CHECK: vector.gather
// CHECK: %[[SAME:.*]] = vector.broadcast %[[I]] : i32 to vector<8xi32>
// CHECK: arith.cmpi sle, %[[OF_KEY]], %[[SAME]] : vector<8xi32>
// CHECK: %[[MASKED:.*]] = arith.select
// CHECK: vector.store %[[MASKED]], %[[S]][%[[ROW]], %[[KEY]]]
// CHECK: %[[IS_KEY:.*]] = arith.cmpi slt, %{{.*}}, %{{.*}} : vector<8xi32>
// CHECK: %[[COUNTED:.*]] = arith.select %[[IS_KEY]], %[[MASKED]], %[[LOWEST]]
// CHECK: arith.cmpf ogt, %[[COUNTED]], %[[SO_FAR]]
// The largest lane of all, half against half.
// CHECK: vector.shuffle %[[MOST]], %[[MOST]] [4, 5, 6, 7, 4, 5, 6, 7]
// CHECK: %[[TOPMOST:.*]] = vector.extract %{{.*}}[0] : f32 from vector<8xf32>
// CHECK: memref.store %[[TOPMOST]], %[[TOP]][%[[ROW]]]
func.func @rows(%s: memref<4x16xf32>, %top: memref<4xf32>, %doc: memref<?xi32>, %i0: index, %j0: index, %n: index) {
  tile.mask %s at [%i0, %i0, %i0, %j0] keys %n captures(%doc : memref<?xi32>) outs(%top : memref<4xf32>) {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %doc_: memref<?xi32>):
    %of = attn.read %doc_[%j] : memref<?xi32>, i32 -> i32
    %visible = arith.cmpi sle, %of, %i : i32
    tile.yield %visible : i1
  } : memref<4x16xf32>
  return
}

// -----

// Four heads in a tile: head and position come from the row, in each lane.
// CHECK-LABEL: func.func @mapped_lanes(
// CHECK-DAG: %[[H:.*]] = arith.constant dense<[0, 1, 2, 3, 0, 1, 2, 3]> : vector<8xi32>
// CHECK-DAG: %[[P:.*]] = arith.constant dense<[0, 0, 0, 0, 1, 1, 1, 1]> : vector<8xi32>
// CHECK-DAG: %[[HEAD:.*]] = arith.addi %{{.*}}, %[[H]] : vector<8xi32>
// CHECK-DAG: %[[QUERY:.*]] = arith.addi %{{.*}}, %[[P]] : vector<8xi32>
// CHECK: arith.cmpi sle, %[[HEAD]], %[[QUERY]] : vector<8xi32>
func.func @mapped_lanes(%s: memref<16x8xf32>, %h0: index, %i0: index, %n: index) {
  tile.mask %s at [%i0, %h0, %i0, %i0] keys %n map affine_map<(r) -> (r mod 4, r floordiv 4)> transposed {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
    %visible = arith.cmpi sle, %h, %i : i32
    tile.yield %visible : i1
  } : memref<16x8xf32>
  return
}

// -----

// The same with one row at a time.
// CHECK-LABEL: func.func @mapped_rows(
// CHECK-SAME: %{{.*}}: memref<8x16xf32>, %[[H0:.*]]: index, %[[I0:.*]]: index, %{{.*}}: index)
// CHECK: scf.for %[[ROW:.*]] = %c0 to %c8
// CHECK-DAG: %[[H:.*]] = arith.remui %[[ROW]], %c4 : index
// CHECK-DAG: %[[P:.*]] = arith.divui %[[ROW]], %c4 : index
// CHECK-DAG: arith.addi %[[H0]], %[[H]] : index
// CHECK-DAG: arith.addi %[[I0]], %[[P]] : index
// CHECK: arith.cmpi sle, %{{.*}}, %{{.*}} : i32
func.func @mapped_rows(%s: memref<8x16xf32>, %h0: index, %i0: index, %n: index) {
  tile.mask %s at [%i0, %h0, %i0, %i0] keys %n map affine_map<(r) -> (r mod 4, r floordiv 4)> {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
    %visible = arith.cmpi sle, %h, %i : i32
    tile.yield %visible : i1
  } : memref<8x16xf32>
  return
}

// -----

// Rows in the lanes, along the keys in memory: as many rows as there are lanes
// are loaded for as many keys, and turned. Offsets, of a gather too, have 64
// bits: a captured tensor may have more than 2^31 elements.
// CHECK-LABEL: func.func @far(
// CHECK: %[[TURNED:.*]] = memref.alloc() {{.*}} : memref<8x8xf32>
// CHECK: %[[LANE7:.*]] = vector.extract %{{.*}}[7] : i32 from vector<8xi32>
// CHECK: %[[WIDE7:.*]] = arith.index_cast %[[LANE7]] : i32 to index
// CHECK: scf.for %{{.*}} = %c0 to %{{.*}} step %c8
// CHECK: scf.if
// CHECK-COUNT-8: memref.prefetch
// CHECK-COUNT-24: vector.shuffle
// CHECK-COUNT-8: vector.store %{{.*}}, %[[TURNED]]
// CHECK: else
// CHECK: %[[WIDE:.*]] = arith.extsi %{{.*}} : vector<8xi32> to vector<8xi64>
// CHECK: %[[OFFSETS:.*]] = arith.muli %[[WIDE]], %{{.*}} : vector<8xi64>
// CHECK: vector.gather %{{.*}}[%{{.*}}] [%[[OFFSETS]]], {{.*}} : memref<?xf32, strided<[1], offset: ?>>, vector<8xi64>
// CHECK: scf.for
// CHECK: vector.load %[[TURNED]][%{{.*}}, %c0]
func.func @far(%s: memref<16x8xf32>, %bias: memref<1x1x4096x?xf32>, %i0: index, %n: index) {
  tile.modify %s at [%i0, %i0, %i0, %i0] keys %n transposed captures(%bias : memref<1x1x4096x?xf32>) {
  ^bb0(%x: f32, %b: i32, %h: i32, %i: i32, %j: i32, %bias_: memref<1x1x4096x?xf32>):
    %y = attn.read %bias_[%b, %h, %i, %j] : memref<1x1x4096x?xf32>, i32, i32, i32, i32 -> f32
    %sum = arith.addf %x, %y : f32
    tile.yield %sum : f32
  } : memref<16x8xf32>
  return
}

// What four keys share, the words of a random generator, is computed once for
// them: from the group on that the block begins in, whose first keys may lie
// before it.
// CHECK-LABEL: func.func @groups(
// CHECK-SAME: %{{.*}}: memref<16x8xf32>, %[[FIRST:.*]]: index, %[[T:.*]]: index)
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[FOUR:.*]] = arith.constant 4 : index
// CHECK-DAG: %[[TWO:.*]] = arith.constant 2 : i32
// CHECK: %[[BEFORE:.*]] = arith.remui %[[FIRST]], %[[FOUR]]
// CHECK: %[[BEGIN:.*]] = arith.subi %[[ZERO]], %[[BEFORE]]
// CHECK: scf.for %[[GROUP:.*]] = %[[BEGIN]] to %[[T]] step %[[FOUR]]
// CHECK: %[[KEY:.*]] = arith.addi %[[FIRST]], %[[GROUP]]
// CHECK: %[[J:.*]] = arith.index_cast %[[KEY]] : index to i32
// CHECK: %[[NUMBER:.*]] = arith.shrui %[[J]], %[[TWO]]
// CHECK: %[[SPLAT:.*]] = vector.broadcast %[[NUMBER]]
// CHECK: %[[WORD:.*]] = arith.muli %[[SPLAT]], %{{.*}} : vector<8xi32>
// CHECK-DAG: %[[FROM:.*]] = arith.maxsi %[[GROUP]], %[[ZERO]]
// CHECK-DAG: %[[END:.*]] = arith.addi %[[GROUP]], %[[FOUR]]
// CHECK: %[[TO:.*]] = arith.minsi %[[END]], %[[T]]
// CHECK: scf.for %{{.*}} = %[[FROM]] to %[[TO]] step %{{.*}} {
// CHECK-NOT: arith.muli %{{.*}} : vector
// CHECK: arith.addi %[[WORD]]
// CHECK: vector.store
// CHECK-NEXT: }
func.func @groups(%s: memref<16x8xf32>, %first: index, %T: index) {
  %c0 = arith.constant 0 : index
  tile.modify %s at [%c0, %c0, %c0, %first] keys %T transposed {
  ^bb0(%s_: f32, %b_: i32, %h_: i32, %i_: i32, %j_: i32):
    %two = arith.constant 2 : i32
    %number = arith.shrui %j_, %two : i32
    %word = arith.muli %number, %i_ : i32
    %bits = arith.addi %word, %j_ : i32
    %x = arith.sitofp %bits : i32 to f32
    tile.yield %x : f32
  } : memref<16x8xf32>
  return
}

// Half of a group is none: keys come one by one.
// CHECK-LABEL: func.func @halves(
// CHECK: scf.for
// CHECK-NOT: scf.for
// CHECK: arith.shrui
// CHECK-NOT: scf.for
// CHECK: return
func.func @halves(%s: memref<16x8xf32>, %T: index) {
  %c0 = arith.constant 0 : index
  tile.modify %s at [%c0, %c0, %c0, %c0] keys %T transposed {
  ^bb0(%s_: f32, %b_: i32, %h_: i32, %i_: i32, %j_: i32):
    %one = arith.constant 1 : i32
    %number = arith.shrui %j_, %one : i32
    %x = arith.sitofp %number : i32 to f32
    tile.yield %x : f32
  } : memref<16x8xf32>
  return
}
