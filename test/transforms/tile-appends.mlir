// RUN: ladon-opt %s --tile-appends | FileCheck %s

// Thirty-two positions of one head are a grid point.
// CHECK-LABEL: func.func @conversion(
// CHECK-SAME: %[[K:.*]]: memref<?x2x?x64xf32>, %[[LEN:.*]]: memref<?xi32>, %[[CACHE:.*]]: memref<?x2x?x64xf16>
// CHECK-DAG: %[[B:.*]] = memref.dim %[[K]], %c0
// CHECK-DAG: %[[S:.*]] = memref.dim %[[K]], %c2
// CHECK-DAG: %[[N:.*]] = arith.ceildivsi %[[S]], %c32
// CHECK: tile.grid(%[[B]], %{{.*}}, %[[N]])
// CHECK: ^bb0(%[[I:.*]]: index, %[[H:.*]]: index, %[[P:.*]]: index):
// CHECK: %[[FIRST:.*]] = arith.muli %[[P]], %c32
// CHECK: %[[REST:.*]] = arith.subi %[[S]], %[[FIRST]]
// CHECK: %[[ROWS:.*]] = arith.minsi %[[REST]], %c32
// CHECK: %[[TILE:.*]] = tile.load %[[K]][%[[I]], %[[H]], %[[FIRST]]] rows %[[ROWS]] : memref<?x2x?x64xf32> -> tensor<32x64xf32>
// CHECK: %[[AT:.*]] = memref.load %[[LEN]][%[[I]]]
// CHECK: %[[BEGIN:.*]] = arith.index_cast %[[AT]] : i32 to index
// CHECK: %[[TO:.*]] = arith.addi %[[BEGIN]], %[[FIRST]]
// CHECK: tile.store %[[TILE]], %[[CACHE]][%[[I]], %[[H]], %[[TO]]] rows %[[ROWS]] : tensor<32x64xf32>, memref<?x2x?x64xf16>
func.func @conversion(%k: memref<?x2x?x64xf32>, %len: memref<?xi32>, %cache: memref<?x2x?x64xf16>) {
  attn.append %k at %len : memref<?xi32> into %cache axis 2 : memref<?x2x?x64xf32>, memref<?x2x?x64xf16>
  return
}

// Without heads there is one; wide positions are fewer to a point; one place
// for all.
// CHECK-LABEL: func.func @packed(
// CHECK: memref.expand_shape %{{.*}} {{\[\[}}0], [1], [2, 3]] {{.*}} into memref<?x?x512x1xbf16
// CHECK: memref.transpose {{.*}} (d0, d1, d2, d3) -> (d0, d3, d1, d2)
// CHECK: tile.grid(
// CHECK: tile.load {{.*}} -> tensor<8x512xf32>
// CHECK: arith.index_cast %{{.*}} : i64 to index
// CHECK: tile.store
func.func @packed(%k: memref<?x?x512xbf16, strided<[?, ?, ?], offset: ?>>, %at: i64,
                  %cache: memref<?x?x512xbf16, strided<[?, ?, ?], offset: ?>>) {
  attn.append %k at %at : i64 into %cache axis 1
      : memref<?x?x512xbf16, strided<[?, ?, ?], offset: ?>>, memref<?x?x512xbf16, strided<[?, ?, ?], offset: ?>>
  return
}

// In pages, a point is a position.
// CHECK-LABEL: func.func @pages(
// CHECK-SAME: %[[K:.*]]: memref<?x2x?x64xf64>, %[[LEN:.*]]: memref<?xi32>, %[[TABLE:.*]]: memref<?x?xi32>, %[[POOL:.*]]: memref<?x2x16x64xf64>
// CHECK: ^bb0(%[[I:.*]]: index, %[[H:.*]]: index, %{{.*}}: index):
// CHECK: %[[TILE:.*]] = tile.load {{.*}} -> tensor<1x64xf64>
// CHECK: %[[PLACE:.*]] = arith.addi
// CHECK: %[[NUMBER:.*]] = arith.divui %[[PLACE]], %c16
// CHECK: %[[ENTRY:.*]] = memref.load %[[TABLE]][%[[I]], %[[NUMBER]]]
// CHECK: %[[PAGE:.*]] = arith.index_cast %[[ENTRY]]
// CHECK: %[[IN:.*]] = arith.remui %[[PLACE]], %c16
// CHECK: tile.store %[[TILE]], %[[POOL]][%[[PAGE]], %[[H]], %[[IN]]]
func.func @pages(%k: memref<?x2x?x64xf64>, %len: memref<?xi32>, %table: memref<?x?xi32>,
                 %pool: memref<?x2x16x64xf64>) {
  attn.append %k at %len : memref<?xi32> pages %table : memref<?x?xi32> into %pool axis 2
      : memref<?x2x?x64xf64>, memref<?x2x16x64xf64>
  return
}

// A number for each position is one of one feature; an i8 rounds as it stores.
// CHECK-LABEL: func.func @numbers(
// CHECK: memref.expand_shape %{{.*}} {{\[\[}}0], [1], [2, 3]] {{.*}} into memref<?x2x?x1xf32
// CHECK-NOT: memref.transpose
// CHECK: tile.load {{.*}} -> tensor<32x1xf32>
// CHECK: tile.store %{{.*}} : tensor<32x1xf32>, memref<?x2x?x1xi8>
func.func @numbers(%k: memref<?x2x?xf32>, %at: i32, %cache: memref<?x2x?xi8>) {
  attn.append %k at %at : i32 into %cache axis 2 : memref<?x2x?xf32>, memref<?x2x?xi8>
  return
}

// Without heads, too.
// CHECK-LABEL: func.func @numbers_of_entries(
// CHECK: memref.transpose {{.*}} (d0, d1, d2, d3) -> (d0, d3, d1, d2)
// CHECK: tile.load {{.*}} -> tensor<32x1xf32>
func.func @numbers_of_entries(%k: memref<?x?xf32>, %at: i32, %cache: memref<?x?xf32>) {
  attn.append %k at %at : i32 into %cache axis 1 : memref<?x?xf32>, memref<?x?xf32>
  return
}
