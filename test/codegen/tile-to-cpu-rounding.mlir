// RUN: ladon-opt %s --tile-to-cpu="vector-bits=256 rows=2 unroll=1" --canonicalize --cse | FileCheck %s

// Products and sums of a score may be contracted. Those of a mask may not: it
// is decided with a rounding after every operation, as the reference does it.
// CHECK-LABEL: func.func @rounding(
// CHECK: %[[SCALED:.*]] = arith.mulf %{{.*}}, %{{.*}} fastmath<contract> : vector<8xf32>
// CHECK: arith.addf %[[SCALED]], %{{.*}} fastmath<contract> : vector<8xf32>
// CHECK: %[[PRODUCT:.*]] = arith.mulf %[[Y:.*]], %[[Y]] : vector<8xf32>
// CHECK: %[[SUM:.*]] = arith.addf %[[PRODUCT]], %{{.*}} : vector<8xf32>
// CHECK: arith.cmpf ole, %[[SUM]], %{{.*}} : vector<8xf32>
func.func @rounding(%x: memref<1x1x?x4xf32>, %c: f32, %T: index) {
  %c0 = arith.constant 0 : index
  scf.forall (%b) in (1) {
    %query = tile.load %x[%b, %b, %c0] rows %T : memref<1x1x?x4xf32> -> tensor<8x4xf32>
    %m, %l, %acc = tile.softmax_init : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
    %end:3 = tile.key_loop [%c0, %T) step 16
        init(%m, %l, %acc : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>)
        -> tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32> {
    ^bb0(%j0: index, %n: index, %m0: tensor<8xf32>, %l0: tensor<8xf32>, %acc0: tensor<8x4xf32>):
      %key = tile.load %x[%b, %b, %j0] rows %n : memref<1x1x?x4xf32> -> tensor<16x4xf32>
      %raw = tile.scores %query, %key keys %n : tensor<8x4xf32>, tensor<16x4xf32> -> tensor<8x16xf32>
      %s = tile.modify %raw at [%b, %b, %c0, %j0] keys %n captures(%c : f32) {
      ^bb0(%s_: f32, %b_: i32, %h_: i32, %i_: i32, %j_: i32, %c_: f32):
        %scaled = arith.mulf %s_, %c_ : f32
        %sum = arith.addf %scaled, %c_ : f32
        tile.yield %sum : f32
      } : tensor<8x16xf32>
      %masked = tile.mask %s at [%b, %b, %c0, %j0] keys %n captures(%c : f32) {
      ^bb0(%b_: i32, %h_: i32, %i_: i32, %j_: i32, %c_: f32):
        %sum = arith.addi %i_, %j_ : i32
        %y = arith.sitofp %sum : i32 to f32
        %product = arith.mulf %y, %y : f32
        %z = arith.addf %product, %c_ : f32
        %visible = arith.cmpf ole, %z, %c_ : f32
        tile.yield %visible : i1
      } : tensor<8x16xf32>
      %m1, %l1, %acc1 = tile.softmax_update %masked, %key keys %n state(%m0, %l0, %acc0)
          : tensor<8x16xf32>, tensor<16x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
      tile.yield %m1, %l1, %acc1 : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
    }
    %out, %lse = tile.softmax_finish(%end#0, %end#1, %end#2) : tensor<8xf32>, tensor<8x4xf32>
    tile.store %out, %x[%b, %b, %c0] rows %T : tensor<8x4xf32>, memref<1x1x?x4xf32>
  }
  return
}
