// RUN: ladon-opt %s --cpu-outline-ranges | FileCheck %s

// One function for scans of a kind: of the same type of tensor along the same
// axes. A position that is one is one argument.
// CHECK-LABEL: func.func @same(
// CHECK-SAME: %[[DOC:[^:]*]]: memref<?x?xi32>, %[[B:[^:]*]]: index, %[[I:[^:]*]]: index, %[[J:[^:]*]]: index
// CHECK: %[[R:.*]]:3 = call @same.range0(%[[DOC]], %[[B]], %[[I]], %[[J]]) : (memref<?x?xi32>, index, index, index) -> (i32, i32, i64)
// CHECK: %[[Q:.*]]:3 = call @same.range0(%[[DOC]], %[[I]], %[[J]], %[[B]])
// CHECK: return %[[R]]#0, %[[R]]#1, %[[R]]#2, %[[Q]]#2
func.func @same(%doc: memref<?x?xi32>, %b: index, %i: index, %j: index) -> (i32, i32, i64, i64) {
  %min, %max, %bits = tile.value_range %doc from [%b, %i] to [%b, %j] : memref<?x?xi32>
  %min2, %max2, %bits2 = tile.value_range %doc from [%i, %j] to [%i, %b] : memref<?x?xi32>
  return %min, %max, %bits, %bits2 : i32, i32, i64, i64
}

// Other functions call it, too; without the signature it is another one.
// CHECK-LABEL: func.func @other(
// CHECK: call @same.range0(
// CHECK: %[[R:.*]]:2 = call @other.range1(%{{.*}}) : (memref<?x?xi32>, index, index, index) -> (i32, i32)
// CHECK: call @other.range2(%{{.*}}) : (memref<?x?xi32>, index, index, index, index) -> (i32, i32, i64)
// CHECK: return %{{.*}}, %[[R]]#1
func.func @other(%doc: memref<?x?xi32>, %i: index, %j: index) -> (i64, i32, i64) {
  %min, %max, %bits = tile.value_range %doc from [%j, %i] to [%j, %j] : memref<?x?xi32>
  %min2, %max2, %bits2 = tile.value_range %doc from [%j, %i] to [%j, %j] : memref<?x?xi32>
  %min3, %max3, %bits3 = tile.value_range %doc from [%i, %i] to [%j, %j] : memref<?x?xi32>
  return %bits, %max2, %bits3 : i64, i32, i64
}

// One element is a read.
// CHECK-LABEL: func.func @element(
// CHECK: tile.value_range
func.func @element(%doc: memref<?xi32>, %i: index) -> i32 {
  %min, %max, %bits = tile.value_range %doc from [%i] to [%i] : memref<?xi32>
  return %min : i32
}

// CHECK: func.func private @same.range0(%[[DOC:.*]]: memref<?x?xi32>, %[[B:.*]]: index, %[[I:.*]]: index, %[[J:.*]]: index) -> (i32, i32, i64)
// CHECK-SAME: llvm.linkage = #llvm.linkage<internal>, passthrough = ["noinline"]
// CHECK: tile.value_range %[[DOC]] from[%[[B]], %[[I]]] to[%[[B]], %[[J]]]
// CHECK: return %{{.*}}, %{{.*}}, %{{.*}} : i32, i32, i64
// CHECK: func.func private @other.range1(
// CHECK: return %{{.*}}, %{{.*}} : i32, i32
// CHECK: func.func private @other.range2(%[[DOC:.*]]: memref<?x?xi32>, %[[I0:.*]]: index, %[[J0:.*]]: index, %[[I1:.*]]: index, %[[J1:.*]]: index)
// CHECK: tile.value_range %[[DOC]] from[%[[I0]], %[[J0]]] to[%[[I1]], %[[J1]]]
