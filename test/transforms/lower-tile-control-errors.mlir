// There is no grid, loop or range that the pass refuses; what is no control it
// leaves alone, wherever it is.
// RUN: ladon-opt %s --tile-lower-control | FileCheck %s

// CHECK-LABEL: func.func @tiles_stay(
// CHECK: scf.forall
// CHECK: %[[T:.*]] = tile.load
// CHECK: scf.for
// CHECK: %[[M:.*]] = tile.mask %[[T]]
// CHECK: tile.yield %{{.*}} : i1
// CHECK: tile.store %[[M]]
// CHECK-NOT: tile.yield
func.func @tiles_stay(%x: memref<?x2x?x16xf32>, %o: memref<?x2x?x16xf32>, %n: index) {
  tile.grid (%n) schedule <order = [0]> {
  ^bb0(%i: index):
    %t = tile.load %x[%i, %i, %i] rows %n : memref<?x2x?x16xf32> -> tensor<8x16xf32>
    tile.key_loop [%i, %n) step 16 init() {
    ^bb0(%j: index, %count: index):
      %m = tile.mask %t at [%i, %i, %i, %j] keys %count {
      ^bb0(%b_: i32, %h_: i32, %i_: i32, %j_: i32):
        %visible = arith.cmpi sle, %j_, %i_ : i32
        tile.yield %visible : i1
      } : tensor<8x16xf32> -> tensor<8x16xf32>
      tile.store %m, %o[%i, %i, %i] rows %n : tensor<8x16xf32>, memref<?x2x?x16xf32>
    }
  }
  return
}

// A loop that is never run, and one over full blocks only.
// CHECK-LABEL: func.func @nothing(
// CHECK-NOT: tile.
func.func @nothing(%out: memref<?xindex>) {
  %c0 = arith.constant 0 : index
  %c5 = arith.constant 5 : index
  tile.key_loop [%c5, %c0) step 16 init() {
  ^bb0(%j: index, %n: index):
    memref.store %n, %out[%j] : memref<?xindex>
  }
  tile.key_loop [%c0, %c5) full [%c0, %c5) step 16 init() {
  ^bb0(%j: index, %n: index, %is_full: i1):
    memref.store %n, %out[%j] : memref<?xindex>
  }
  return
}
