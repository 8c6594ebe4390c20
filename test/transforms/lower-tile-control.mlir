// RUN: ladon-opt %s --tile-lower-control | FileCheck %s

// The slowest axis of the order is the first of the loop; an axis that is walked
// from its end counts down.
// CHECK-LABEL: func.func @grid(
// CHECK-SAME: %[[A:.*]]: index, %[[B:.*]]: index, %[[OUT:.*]]: memref<?x?xindex>
// CHECK: scf.forall (%[[IB:.*]], %[[N:.*]], %[[IA:.*]]) in (%[[B]], 3, %[[A]]) {
// CHECK: %[[LAST_B:.*]] = arith.subi %[[B]], %{{.*}}
// CHECK: %[[AT_B:.*]] = arith.subi %[[LAST_B]], %[[IB]]
// CHECK: memref.store %[[N]], %[[OUT]][%[[IA]], %[[AT_B]]]
// CHECK-NEXT: }
func.func @grid(%a: index, %b: index, %out: memref<?x?xindex>) {
  %c3 = arith.constant 3 : index
  tile.grid (%a, %b, %c3) schedule <order = [1, 2, 0], descending = [1]> {
  ^bb0(%i: index, %j: index, %n: index):
    memref.store %n, %out[%i, %j] : memref<?x?xindex>
  }
  return
}

// Blocks of a whole step, and the rest; the state is carried.
// CHECK-LABEL: func.func @key_loop(
// CHECK-SAME: %[[LO:[^:]*]]: index, %[[HI:[^:]*]]: index, %[[INIT:[^:]*]]: tensor<8xf32>
// CHECK: %[[STEP:.*]] = arith.constant 16 : index
// CHECK: %[[R:.*]] = scf.for %[[J:.*]] = %[[LO]] to %[[HI]] step %[[STEP]] iter_args(%[[S:.*]] = %[[INIT]]) -> (tensor<8xf32>) {
// CHECK: %[[REST:.*]] = arith.subi %[[HI]], %[[J]]
// CHECK: %[[N:.*]] = arith.minsi %{{.*}}, %[[REST]]
// CHECK: memref.store %[[N]], %{{.*}}[%[[J]]]
// CHECK: scf.yield %[[S]] : tensor<8xf32>
// CHECK: return %[[R]]
func.func @key_loop(%lo: index, %hi: index, %init: tensor<8xf32>, %out: memref<?xindex>) -> tensor<8xf32> {
  %r = tile.key_loop [%lo, %hi) step 16 init(%init : tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%j: index, %n: index, %s: tensor<8xf32>):
    memref.store %n, %out[%j] : memref<?xindex>
    tile.yield %s : tensor<8xf32>
  }
  return %r : tensor<8xf32>
}

// The blocks of a full range, those before it and those behind it are one loop
// over their numbers, so the body exists once.
// CHECK-LABEL: func.func @full(
// CHECK-SAME: %[[LO:[^:]*]]: index, %[[HI:[^:]*]]: index, %[[A:[^:]*]]: index, %[[B:[^:]*]]: index
// CHECK-DAG: %[[C16:.*]] = arith.constant 16 : index
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK: %[[D:.*]] = arith.subi %[[B]], %[[A]]
// CHECK: %[[L:.*]] = arith.maxsi %[[D]], %[[C0]]
// CHECK: %[[FULL:.*]] = arith.ceildivsi %[[L]], %[[C16]]
// CHECK: %[[D0:.*]] = arith.subi %[[A]], %[[LO]]
// CHECK: %[[L0:.*]] = arith.maxsi %[[D0]], %[[C0]]
// CHECK: %[[N0:.*]] = arith.ceildivsi %[[L0]], %[[C16]]
// CHECK: %[[BEFORE:.*]] = arith.addi %[[FULL]], %[[N0]]
// CHECK: %[[D1:.*]] = arith.subi %[[HI]], %[[B]]
// CHECK: %[[L1:.*]] = arith.maxsi %[[D1]], %[[C0]]
// CHECK: %[[N1:.*]] = arith.ceildivsi %[[L1]], %[[C16]]
// CHECK: %[[TOTAL:.*]] = arith.addi %[[BEFORE]], %[[N1]]
// CHECK: scf.for %[[N:.*]] = %[[C0]] to %[[TOTAL]] step
// CHECK: %[[IS_FULL:.*]] = arith.cmpi slt, %[[N]], %[[FULL]]
// CHECK: %[[IS_BEFORE:.*]] = arith.cmpi slt, %[[N]], %[[BEFORE]]
// CHECK: %[[START0:.*]] = arith.select %[[IS_BEFORE]], %[[LO]], %[[B]]
// CHECK: %[[START:.*]] = arith.select %[[IS_FULL]], %[[A]], %[[START0]]
// CHECK: %[[END0:.*]] = arith.select %[[IS_BEFORE]], %[[A]], %[[HI]]
// CHECK: %[[END:.*]] = arith.select %[[IS_FULL]], %[[B]], %[[END0]]
// CHECK: %[[BASE0:.*]] = arith.select %[[IS_BEFORE]], %[[FULL]], %[[BEFORE]]
// CHECK: %[[BASE:.*]] = arith.select %[[IS_FULL]], %[[C0]], %[[BASE0]]
// CHECK: %[[WITHIN:.*]] = arith.subi %[[N]], %[[BASE]]
// CHECK: %[[SKIPPED:.*]] = arith.muli %[[WITHIN]], %[[C16]]
// CHECK: %[[FIRST:.*]] = arith.addi %[[START]], %[[SKIPPED]]
// CHECK: %[[REST:.*]] = arith.subi %[[END]], %[[FIRST]]
// CHECK: %[[COUNT:.*]] = arith.minsi %{{.*}}, %[[REST]]
// CHECK: %[[KIND:.*]] = arith.index_castui %[[IS_FULL]] : i1 to index
// CHECK: memref.store %[[COUNT]], %{{.*}}[%[[FIRST]], %[[KIND]]]
// CHECK-NOT: memref.store
func.func @full(%lo: index, %hi: index, %a: index, %b: index, %out: memref<?x2xindex>) {
  tile.key_loop [%lo, %hi) full [%a, %b) step 16 init() {
  ^bb0(%j: index, %n: index, %is_full: i1):
    %kind = arith.index_castui %is_full : i1 to index
    memref.store %n, %out[%j, %kind] : memref<?x2xindex>
  }
  return
}

// Nested: a loop in a grid, which may itself hold a range.
// CHECK-LABEL: func.func @nested(
// CHECK: scf.forall
// CHECK: scf.for
// CHECK: scf.if
// CHECK-NOT: tile.
func.func @nested(%n: index, %doc: memref<?xi32>, %out: memref<?xi32>) {
  tile.grid (%n) schedule <order = [0]> {
  ^bb0(%i: index):
    tile.key_loop [%i, %n) step 4 init() {
    ^bb0(%j: index, %count: index):
      %min, %max, %bits = tile.value_range %doc from [%i] to [%j] : memref<?xi32>
      memref.store %max, %out[%j] : memref<?xi32>
    }
  }
  return
}

// A scan of the box, clamped into the tensor; (0, 0) if it or the tensor is
// empty, without a read. An axis with one position needs no loop, a signature
// that nobody uses no code.
// CHECK-LABEL: func.func @value_range(
// CHECK-SAME: %[[DOC:[^:]*]]: memref<?x?xi32>, %[[B:[^:]*]]: index, %[[LO:[^:]*]]: index, %[[HI:[^:]*]]: index
// CHECK: memref.dim %[[DOC]]
// CHECK: %[[B_SOME:.*]] = arith.cmpi sgt
// CHECK-NEXT: %[[ROWS:.*]] = arith.andi %{{.*}}, %[[B_SOME]]
// CHECK: %[[B_UP:.*]] = arith.minsi %[[B]], %{{.*}}
// CHECK: %[[B_LOW:.*]] = arith.maxsi %[[B_UP]], %{{.*}}
// CHECK: %[[J_SOME:.*]] = arith.cmpi sgt
// CHECK-NEXT: %[[BOTH:.*]] = arith.andi %[[ROWS]], %[[J_SOME]]
// CHECK: %[[ORDERED:.*]] = arith.cmpi sle, %[[LO]], %[[HI]]
// CHECK-NEXT: %[[SOME:.*]] = arith.andi %[[BOTH]], %[[ORDERED]]
// CHECK: %[[R:.*]]:3 = scf.if %[[SOME]] -> (i32, i32, i64) {
// CHECK: %[[FIRST:.*]] = memref.load %[[DOC]]
// CHECK: scf.for %[[J:.*]] = {{.*}} iter_args(%[[MIN:.*]] = %[[FIRST]], %[[MAX:.*]] = %[[FIRST]]) -> (i32, i32)
// CHECK: %[[X:.*]] = memref.load %[[DOC]][%[[B_LOW]], %[[J]]]
// CHECK: %[[SMALLER:.*]] = arith.minsi %[[MIN]], %[[X]]
// CHECK: %[[LARGER:.*]] = arith.maxsi %[[MAX]], %[[X]]
// CHECK: scf.yield %[[SMALLER]], %[[LARGER]]
// CHECK: } else {
// CHECK-NEXT: scf.yield %[[ZERO:.*]], %[[ZERO]], %{{.*}} : i32, i32, i64
// CHECK: return %[[R]]#0, %[[R]]#1
func.func @value_range(%doc: memref<?x?xi32>, %b: index, %lo: index, %hi: index) -> (i32, i32) {
  %min, %max, %bits = tile.value_range %doc from [%b, %lo] to [%b, %hi] : memref<?x?xi32>
  return %min, %max : i32, i32
}

// A rectangle, with its signature: the bits of the elements modulo 64.
// CHECK-LABEL: func.func @signature(
// CHECK: %[[ONE:.*]] = arith.constant 1 : i64
// CHECK: scf.if
// CHECK: %[[NONE:.*]] = arith.constant 0 : i64
// CHECK: scf.for %{{.*}} iter_args(%{{.*}}, %{{.*}}, %{{.*}} = %[[NONE]])
// CHECK: scf.for %{{.*}} iter_args(%{{.*}}, %{{.*}}, %[[SO_FAR:.*]] = %{{.*}})
// CHECK: %[[X:.*]] = memref.load
// CHECK: %[[WIDE:.*]] = arith.extsi %[[X]] : i32 to i64
// CHECK: %[[NUMBER:.*]] = arith.andi %[[WIDE]], %{{.*}}
// CHECK: %[[BIT:.*]] = arith.shli %{{.*}}, %[[NUMBER]]
// CHECK: arith.ori %[[SO_FAR]], %[[BIT]]
// CHECK: } else {
// CHECK-NEXT: scf.yield %{{.*}}, %{{.*}}, %[[ONE]]
func.func @signature(%doc: memref<?x?xi32>, %lo: index, %hi: index) -> i64 {
  %min, %max, %bits = tile.value_range %doc from [%lo, %lo] to [%hi, %hi] : memref<?x?xi32>
  return %bits : i64
}
