// RUN: ladon-opt %s --tile-to-cpu="vector-bits=256 rows=2 unroll=1" --canonicalize --cse --split-input-file | FileCheck %s

!heads = memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>

// What depends on the key alone stays scalar, what depends on the query is a
// vector over lanes; hidden scores become minus infinity. In a guarded update
// a hidden key's weight is -1, and no value is multiplied with it. A key whose
// features do not lie side by side is copied first.
// CHECK-LABEL: func.func @masked(
// CHECK-SAME: %[[K:[^:]*]]: memref<{{[^>]*}}>>, %[[DOC:[^:]*]]: memref<?xi32>
// CHECK-DAG: %[[HIDDEN:.*]] = arith.constant dense<0xFF800000> : vector<8xf32>
// CHECK-DAG: %[[MARK:.*]] = arith.constant dense<-1.000000e+00> : vector<8xf32>
// CHECK: scf.forall
// CHECK: %[[UNIT:.*]] = arith.cmpi eq, %{{.*}}, %c1
// CHECK: %[[ROWS:.*]] = scf.if %[[UNIT]]
// CHECK: memref.reinterpret_cast %{{.*}} strides: [%{{.*}}, 1]
// CHECK: } else {
// CHECK: %[[ELEMENT:.*]] = memref.load %[[K]]
// CHECK: memref.store %[[ELEMENT]], %[[COPY:.*]][
// CHECK: memref.reinterpret_cast %[[COPY]]
// The mask.
// CHECK: %[[OF_KEY:.*]] = scf.if %{{.*}} -> (i32)
// CHECK: memref.load %[[DOC]][%{{.*}}] : memref<?xi32>
// CHECK: %[[SAME:.*]] = vector.broadcast %[[OF_KEY]] : i32 to vector<8xi32>
// CHECK: %[[VISIBLE:.*]] = arith.cmpi sle, %[[SAME]], %{{.*}} : vector<8xi32>
// CHECK: %[[SCORE:.*]] = arith.select %[[VISIBLE]], %{{.*}}, %[[HIDDEN]]
// CHECK-NEXT: vector.store %[[SCORE]]
// The guarded update.
// CHECK: %[[IS_HIDDEN:.*]] = arith.cmpf oeq, %{{.*}}, %[[HIDDEN]]
// CHECK: arith.select %[[IS_HIDDEN]], %[[MARK]], %{{.*}}
// CHECK: %[[SEEN:.*]] = arith.cmpf uge
// CHECK: %[[NEXT:.*]] = vector.fma
// CHECK: arith.select %[[SEEN]], %[[NEXT]], %{{.*}}
func.func @masked(%k: !heads, %doc: memref<?xi32>, %T: index) {
  %c0 = arith.constant 0 : index
  scf.forall (%b, %h) in (1, 2) {
    %query = tile.load %k[%b, %h, %c0] rows %T : !heads -> tensor<8x4xf32>
    %m, %l, %acc = tile.softmax_init : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
    %end:3 = tile.key_loop [%c0, %T) step 16
        init(%m, %l, %acc : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>)
        -> tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32> {
    ^bb0(%j0: index, %n: index, %m0: tensor<8xf32>, %l0: tensor<8xf32>, %acc0: tensor<8x4xf32>):
      %key = tile.load %k[%b, %h, %j0] rows %n : !heads -> tensor<16x4xf32>
      %s = tile.scores %query, %key keys %n : tensor<8x4xf32>, tensor<16x4xf32> -> tensor<8x16xf32>
      %masked = tile.mask %s at [%b, %h, %c0, %j0] keys %n captures(%doc : memref<?xi32>) {
      ^bb0(%b_: i32, %h_: i32, %i_: i32, %j_: i32, %doc_: memref<?xi32>):
        %of = attn.read %doc_[%j_] : memref<?xi32>, i32 -> i32
        %visible = arith.cmpi sle, %of, %i_ : i32
        tile.yield %visible : i1
      } : tensor<8x16xf32>
      %m1, %l1, %acc1 = tile.softmax_update %masked, %key keys %n state(%m0, %l0, %acc0) guarded
          : tensor<8x16xf32>, tensor<16x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
      tile.yield %m1, %l1, %acc1 : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
    }
    %out, %lse = tile.softmax_finish(%end#0, %end#1, %end#2) : tensor<8xf32>, tensor<8x4xf32>
    tile.store %out, %k[%b, %h, %c0] rows %T : tensor<8x4xf32>, !heads
  }
  return
}

// -----

// The blocks before and after an excepted range are one loop over their
// numbers, so the body exists once.
// CHECK-LABEL: func.func @excepted(
// CHECK-SAME: %[[LO:[^:]*]]: index, %[[HI:[^:]*]]: index, %[[A:[^:]*]]: index, %[[B:[^:]*]]: index
// CHECK: %[[D0:.*]] = arith.subi %[[A]], %[[LO]]
// CHECK: %[[L0:.*]] = arith.maxsi %[[D0]], %c0
// CHECK: %[[BEFORE:.*]] = arith.ceildivsi %[[L0]], %c16
// CHECK: %[[D1:.*]] = arith.subi %[[HI]], %[[B]]
// CHECK: %[[L1:.*]] = arith.maxsi %[[D1]], %c0
// CHECK: %[[AFTER:.*]] = arith.ceildivsi %[[L1]], %c16
// CHECK: %[[TOTAL:.*]] = arith.addi %[[BEFORE]], %[[AFTER]]
// CHECK: scf.for %[[N:.*]] = %c0 to %[[TOTAL]] step %c1
// CHECK: %[[FIRST:.*]] = arith.cmpi slt, %[[N]], %[[BEFORE]]
// CHECK-DAG: arith.select %[[FIRST]], %[[LO]], %[[B]]
// CHECK-DAG: arith.select %[[FIRST]], %[[A]], %[[HI]]
func.func @excepted(%x: memref<1x1x?x4xf64>, %lo: index, %hi: index, %a: index, %z: index) {
  %c0 = arith.constant 0 : index
  scf.forall (%b) in (1) {
    %query = tile.load %x[%b, %b, %c0] rows %hi : memref<1x1x?x4xf64> -> tensor<4x4xf64>
    %m, %l, %acc = tile.softmax_init : tensor<4xf64>, tensor<4xf64>, tensor<4x4xf64>
    %end:3 = tile.key_loop [%lo, %hi) except [%a, %z) step 16
        init(%m, %l, %acc : tensor<4xf64>, tensor<4xf64>, tensor<4x4xf64>)
        -> tensor<4xf64>, tensor<4xf64>, tensor<4x4xf64> {
    ^bb0(%j0: index, %n: index, %m0: tensor<4xf64>, %l0: tensor<4xf64>, %acc0: tensor<4x4xf64>):
      %key = tile.load %x[%b, %b, %j0] rows %n : memref<1x1x?x4xf64> -> tensor<16x4xf64>
      %s = tile.scores %query, %key keys %n : tensor<4x4xf64>, tensor<16x4xf64> -> tensor<4x16xf64>
      %m1, %l1, %acc1 = tile.softmax_update %s, %key keys %n state(%m0, %l0, %acc0)
          : tensor<4x16xf64>, tensor<16x4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4x4xf64>
      tile.yield %m1, %l1, %acc1 : tensor<4xf64>, tensor<4xf64>, tensor<4x4xf64>
    }
    %out, %lse = tile.softmax_finish(%end#0, %end#1, %end#2) : tensor<4xf64>, tensor<4x4xf64>
    tile.store %out, %x[%b, %b, %c0] rows %hi : tensor<4x4xf64>, memref<1x1x?x4xf64>
  }
  return
}
