// RUN: ladon-opt %s --cpu-summarize-ranges | FileCheck %s

!row = tensor<24xf32>
!acc = tensor<4x24xf32>
!keys = tensor<128x4xf32>
!scores = tensor<128x24xf32>
!doc = memref<?x?xi32>

// Before the grid: the range and signature of each block of 32 positions, if
// there is memory for them. In the loop: those that cover the block of keys, or
// the scan.
// CHECK-LABEL: func.func @documents(
// CHECK-SAME: %[[DOC:[^:]*]]: memref<?x?xi32>
// CHECK: %[[B:.*]] = memref.dim %[[DOC]], %c0
// CHECK: %[[S:.*]] = memref.dim %[[DOC]], %c1
// CHECK: %[[BLOCKS:.*]] = arith.ceildivsi %[[S]], %c32
// CHECK: %[[ENTRIES:.*]], %[[GRANTED:.*]] = cpu.try_alloc(%[[B]], %[[BLOCKS]]) : memref<?x?x3xi64>
// CHECK: scf.if %[[GRANTED]] {
// CHECK: tile.grid(%[[B]], %[[BLOCKS]])
// CHECK-NEXT: ^bb0(%[[AT:.*]]: index, %[[BLOCK:.*]]: index):
// CHECK: %[[FROM:.*]] = arith.muli %[[BLOCK]], %c32
// CHECK: %[[TO:.*]] = arith.addi %[[FROM]], %c31
// CHECK: %[[MIN:.*]], %[[MAX:.*]], %[[BITS:.*]] = tile.value_range %[[DOC]] from[%[[AT]], %[[FROM]]] to[%[[AT]], %[[TO]]]
// CHECK: memref.store %{{.*}}, %[[ENTRIES]][%[[AT]], %[[BLOCK]], %c0{{.*}}]
// CHECK: memref.store %{{.*}}, %[[ENTRIES]][%[[AT]], %[[BLOCK]], %c1{{.*}}]
// CHECK: memref.store %[[BITS]], %[[ENTRIES]][%[[AT]], %[[BLOCK]], %c2{{.*}}]
// CHECK: %[[EXISTS:.*]] = arith.andi %[[GRANTED]], %{{.*}} : i1
// CHECK: tile.grid
// CHECK: tile.key_loop
// CHECK-NEXT: ^bb0(%[[J:.*]]: index, %{{.*}}: index):
// CHECK: %[[R:.*]]:3 = scf.if %[[EXISTS]] -> (i32, i32, i64) {
// CHECK: %[[J0:.*]] = arith.minsi %[[J]]
// CHECK: %[[J1:.*]] = arith.maxsi %[[J0]]
// CHECK: %[[FIRST:.*]] = arith.divui %[[J1]], %c32
// CHECK: %[[LAST:.*]] = arith.divui
// CHECK: %[[END:.*]] = arith.addi %[[LAST]], %c1
// CHECK: %[[FOUND:.*]]:3 = scf.for %[[N:.*]] = %[[FIRST]] to %[[END]] step %{{.*}} iter_args(%{{.*}} = %c9223372036854775807_i64, %{{.*}} = %c-9223372036854775808_i64, %{{.*}} = %c0_i64)
// CHECK: memref.load %[[ENTRIES]][%{{.*}}, %[[N]], %c0{{.*}}]
// CHECK: arith.minsi
// CHECK: memref.load %[[ENTRIES]][%{{.*}}, %[[N]], %c1{{.*}}]
// CHECK: arith.maxsi
// CHECK: memref.load %[[ENTRIES]][%{{.*}}, %[[N]], %c2{{.*}}]
// CHECK: arith.ori
// CHECK: arith.trunci %[[FOUND]]#0 : i64 to i32
// CHECK: } else {
// CHECK: tile.value_range %[[DOC]] from[%{{.*}}, %[[J]]]
// CHECK: memref.store %[[R]]#2
func.func @documents(%doc: !doc, %w: !scores, %values: !keys, %r: !row, %acc: !acc, %B: index, %T: index, %out: memref<?xi64>) {
  %c0 = arith.constant 0 : index
  tile.grid(%B, %B) schedule <order = [0, 1]> {
  ^bb0(%b: index, %h: index):
    tile.key_loop [%c0, %T) step 128 init() {
    ^bb0(%j: index, %n: index):
      %last = arith.addi %j, %n : index
      %min, %max, %bits = tile.value_range %doc from [%b, %j] to [%b, %last] : !doc
      memref.store %bits, %out[%j] : memref<?xi64>
      %wide = arith.extsi %min : i32 to i64
      %widest = arith.extsi %max : i32 to i64
      memref.store %wide, %out[%j] : memref<?xi64>
      memref.store %widest, %out[%j] : memref<?xi64>
      %x = tile.accumulate %w, %values keys %n into %acc rescale %r transposed : !scores, !keys, !acc, !row -> !acc
    }
  }
  return
}

// What nobody asks for is not combined, and extents that are known stay so.
// CHECK-LABEL: func.func @signature_of_a_static_tensor(
// CHECK: cpu.try_alloc() : memref<7x3xi64>
// CHECK: scf.if %{{.*}} -> (i64, i64, i64)
// CHECK: scf.for %{{.*}} iter_args(%{{.*}} = %c0_i64) -> (i64)
func.func @signature_of_a_static_tensor(%w: !scores, %values: !keys, %r: !row, %acc: !acc, %doc: memref<200xi64>, %B: index, %T: index, %out: memref<?xi64>) {
  %c0 = arith.constant 0 : index
  tile.grid(%B, %B) schedule <order = [0, 1]> {
  ^bb0(%b: index, %h: index):
    tile.key_loop [%c0, %T) step 128 init() {
    ^bb0(%j: index, %n: index):
      %last = arith.addi %j, %n : index
      %min, %max, %bits = tile.value_range %doc from [%j] to [%last] : memref<200xi64>
      memref.store %bits, %out[%j] : memref<?xi64>
      %x = tile.accumulate %w, %values keys %n into %acc rescale %r transposed : !scores, !keys, !acc, !row -> !acc
    }
  }
  return
}

// Two loops of one grid share a summary.
// CHECK-LABEL: func.func @twice(
// CHECK-COUNT-1: cpu.try_alloc
// CHECK-COUNT-2: scf.if %{{.*}} -> (i32, i32, i64)
// CHECK-NOT: cpu.try_alloc
func.func @twice(%w: !scores, %values: !keys, %r: !row, %acc: !acc, %doc: !doc, %B: index, %T: index, %out: memref<?xi64>) {
  %c0 = arith.constant 0 : index
  tile.grid(%B, %B) schedule <order = [0, 1]> {
  ^bb0(%b: index, %h: index):
    tile.key_loop [%c0, %T) step 128 init() {
    ^bb0(%j: index, %n: index):
      %last = arith.addi %j, %n : index
      %min_, %max_, %other = tile.value_range %doc from [%b, %last] to [%b, %j] : !doc
      memref.store %other, %out[%j] : memref<?xi64>
      %min, %max, %bits = tile.value_range %doc from [%b, %j] to [%b, %last] : !doc
      memref.store %bits, %out[%j] : memref<?xi64>
      %x = tile.accumulate %w, %values keys %n into %acc rescale %r transposed : !scores, !keys, !acc, !row -> !acc
    }
  }
  return
}

//===----------------------------------------------------------------------===//
// Where it does not pay
//===----------------------------------------------------------------------===//

// Few queries pass over the keys of a head once.
// CHECK-LABEL: func.func @few_queries(
// CHECK-NOT: cpu.try_alloc
// CHECK: tile.value_range
func.func @few_queries(%w: tensor<24x128xf32>, %values: !keys, %r: !row, %acc: tensor<24x4xf32>, %doc: !doc, %B: index, %T: index, %out: memref<?xi64>) {
  %c0 = arith.constant 0 : index
  tile.grid(%B, %B) schedule <order = [0, 1]> {
  ^bb0(%b: index, %h: index):
    tile.key_loop [%c0, %T) step 128 init() {
    ^bb0(%j: index, %n: index):
      %last = arith.addi %j, %n : index
      %min, %max, %bits = tile.value_range %doc from [%b, %j] to [%b, %last] : !doc
      memref.store %bits, %out[%j] : memref<?xi64>
      %x = tile.accumulate %w, %values keys %n into %acc rescale %r : tensor<24x128xf32>, !keys, tensor<24x4xf32>, !row -> tensor<24x4xf32>
    }
  }
  return
}

// Guarded updates are rare.
// CHECK-LABEL: func.func @guarded(
// CHECK-NOT: cpu.try_alloc
// CHECK: tile.value_range
func.func @guarded(%w: !scores, %values: !keys, %r: !row, %acc: !acc, %doc: !doc, %B: index, %T: index, %out: memref<?xi64>) {
  %c0 = arith.constant 0 : index
  tile.grid(%B, %B) schedule <order = [0, 1]> {
  ^bb0(%b: index, %h: index):
    tile.key_loop [%c0, %T) step 128 init() {
    ^bb0(%j: index, %n: index):
      %last = arith.addi %j, %n : index
      %min, %max, %bits = tile.value_range %doc from [%b, %j] to [%b, %last] : !doc
      memref.store %bits, %out[%j] : memref<?xi64>
      %x = tile.accumulate %w, %values keys %n into %acc rescale %r guarded %w : !scores transposed : !scores, !keys, !acc, !row -> !acc
    }
  }
  return
}

// One element is read where it is.
// CHECK-LABEL: func.func @one_element(
// CHECK-NOT: cpu.try_alloc
// CHECK: tile.value_range
func.func @one_element(%w: !scores, %values: !keys, %r: !row, %acc: !acc, %doc: !doc, %B: index, %T: index, %out: memref<?xi64>) {
  %c0 = arith.constant 0 : index
  tile.grid(%B, %B) schedule <order = [0, 1]> {
  ^bb0(%b: index, %h: index):
    tile.key_loop [%c0, %T) step 128 init() {
    ^bb0(%j: index, %n: index):
      %last = arith.addi %j, %n : index
      %min, %max, %bits = tile.value_range %doc from [%b, %j] to [%b, %j] : !doc
      memref.store %bits, %out[%j] : memref<?xi64>
      %x = tile.accumulate %w, %values keys %n into %acc rescale %r transposed : !scores, !keys, !acc, !row -> !acc
    }
  }
  return
}

// Little of the tensor may be asked for.
// CHECK-LABEL: func.func @not_of_the_grid(
// CHECK-NOT: cpu.try_alloc
// CHECK: tile.value_range
func.func @not_of_the_grid(%w: !scores, %values: !keys, %r: !row, %acc: !acc, %doc: !doc, %B: index, %T: index, %out: memref<?xi64>) {
  %c0 = arith.constant 0 : index
  tile.grid(%B, %B) schedule <order = [0, 1]> {
  ^bb0(%b: index, %h: index):
    tile.key_loop [%c0, %T) step 128 init() {
    ^bb0(%j: index, %n: index):
      %last = arith.addi %j, %n : index
      %min, %max, %bits = tile.value_range %doc from [%T, %j] to [%T, %last] : !doc
      memref.store %bits, %out[%j] : memref<?xi64>
      %x = tile.accumulate %w, %values keys %n into %acc rescale %r transposed : !scores, !keys, !acc, !row -> !acc
    }
  }
  return
}

// The rows of a tile are no point.
// CHECK-LABEL: func.func @rectangle(
// CHECK-NOT: cpu.try_alloc
// CHECK: tile.value_range
func.func @rectangle(%w: !scores, %values: !keys, %r: !row, %acc: !acc, %doc: !doc, %B: index, %T: index, %out: memref<?xi64>) {
  %c0 = arith.constant 0 : index
  tile.grid(%B, %B) schedule <order = [0, 1]> {
  ^bb0(%b: index, %h: index):
    tile.key_loop [%c0, %T) step 128 init() {
    ^bb0(%j: index, %n: index):
      %last = arith.addi %j, %n : index
      %min, %max, %bits = tile.value_range %doc from [%b, %j] to [%h, %last] : !doc
      memref.store %bits, %out[%j] : memref<?xi64>
      %x = tile.accumulate %w, %values keys %n into %acc rescale %r transposed : !scores, !keys, !acc, !row -> !acc
    }
  }
  return
}

// There is nothing to summarize before the grid.
// CHECK-LABEL: func.func @made_in_the_grid(
// CHECK-NOT: cpu.try_alloc
// CHECK: tile.value_range
func.func @made_in_the_grid(%w: !scores, %values: !keys, %r: !row, %acc: !acc, %doc: memref<?x?xi32, strided<[?, 1]>>, %B: index, %T: index, %out: memref<?xi64>) {
  %c0 = arith.constant 0 : index
  tile.grid(%B, %B) schedule <order = [0, 1]> {
  ^bb0(%b: index, %h: index):
    tile.key_loop [%c0, %T) step 128 init() {
    ^bb0(%j: index, %n: index):
      %last = arith.addi %j, %n : index
      %part = memref.subview %doc[0, %h] [8, 8] [1, 1] : memref<?x?xi32, strided<[?, 1]>> to memref<8x8xi32, strided<[?, 1], offset: ?>>
      %min, %max, %bits = tile.value_range %part from [%b, %j] to [%b, %last] : memref<8x8xi32, strided<[?, 1], offset: ?>>
      memref.store %bits, %out[%j] : memref<?xi64>
      %x = tile.accumulate %w, %values keys %n into %acc rescale %r transposed : !scores, !keys, !acc, !row -> !acc
    }
  }
  return
}

// Before the loop, a tile of queries is looked at once.
// CHECK-LABEL: func.func @before_the_loop(
// CHECK-NOT: cpu.try_alloc
// CHECK: tile.value_range
func.func @before_the_loop(%doc: !doc, %B: index, %T: index, %out: memref<?xi64>) {
  tile.grid(%B, %T) schedule <order = [0, 1]> {
  ^bb0(%b: index, %i: index):
    %min, %max, %bits = tile.value_range %doc from [%b, %i] to [%b, %T] : !doc
    memref.store %bits, %out[%i] : memref<?xi64>
  }
  return
}
