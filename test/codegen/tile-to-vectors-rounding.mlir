// RUN: ladon-opt %s --tile-to-vectors=vector-bits=256 --canonicalize --cse | FileCheck %s

// Products and sums of a score may be contracted. Those of a mask may not: it
// is decided with a rounding after every operation, as the reference does it.
// CHECK-LABEL: func.func @lanes(
// CHECK: %[[SCALED:.*]] = arith.mulf %{{.*}}, %{{.*}} fastmath<contract> : vector<8xf32>
// CHECK: arith.addf %[[SCALED]], %{{.*}} fastmath<contract> : vector<8xf32>
// CHECK: %[[PRODUCT:.*]] = arith.mulf %[[Y:.*]], %[[Y]] : vector<8xf32>
// CHECK: %[[SUM:.*]] = arith.addf %[[PRODUCT]], %{{.*}} : vector<8xf32>
// CHECK: arith.cmpf ole, %[[SUM]], %{{.*}} : vector<8xf32>
func.func @lanes(%s: memref<16x8xf32>, %c: f32, %T: index) {
  %c0 = arith.constant 0 : index
  tile.modify %s at [%c0, %c0, %c0, %c0] keys %T transposed captures(%c : f32) {
  ^bb0(%s_: f32, %b_: i32, %h_: i32, %i_: i32, %j_: i32, %c_: f32):
    %scaled = arith.mulf %s_, %c_ : f32
    %sum = arith.addf %scaled, %c_ : f32
    tile.yield %sum : f32
  } : memref<16x8xf32>
  tile.mask %s at [%c0, %c0, %c0, %c0] keys %T transposed captures(%c : f32) {
  ^bb0(%b_: i32, %h_: i32, %i_: i32, %j_: i32, %c_: f32):
    %sum = arith.addi %i_, %j_ : i32
    %y = arith.sitofp %sum : i32 to f32
    %product = arith.mulf %y, %y : f32
    %z = arith.addf %product, %c_ : f32
    %visible = arith.cmpf ole, %z, %c_ : f32
    tile.yield %visible : i1
  } : memref<16x8xf32>
  return
}

// CHECK-LABEL: func.func @rows(
// CHECK: %[[SCALED:.*]] = arith.mulf %{{.*}}, %{{.*}} fastmath<contract> : vector<8xf32>
// CHECK: arith.addf %[[SCALED]], %{{.*}} fastmath<contract> : vector<8xf32>
// CHECK: %[[PRODUCT:.*]] = arith.mulf %[[Y:.*]], %[[Y]] : vector<8xf32>
// CHECK: %[[SUM:.*]] = arith.addf %[[PRODUCT]], %{{.*}} : vector<8xf32>
// CHECK: arith.cmpf ole, %[[SUM]], %{{.*}} : vector<8xf32>
func.func @rows(%s: memref<8x16xf32>, %c: f32, %T: index) {
  %c0 = arith.constant 0 : index
  tile.modify %s at [%c0, %c0, %c0, %c0] keys %T captures(%c : f32) {
  ^bb0(%s_: f32, %b_: i32, %h_: i32, %i_: i32, %j_: i32, %c_: f32):
    %scaled = arith.mulf %s_, %c_ : f32
    %sum = arith.addf %scaled, %c_ : f32
    tile.yield %sum : f32
  } : memref<8x16xf32>
  tile.mask %s at [%c0, %c0, %c0, %c0] keys %T captures(%c : f32) {
  ^bb0(%b_: i32, %h_: i32, %i_: i32, %j_: i32, %c_: f32):
    %sum = arith.addi %i_, %j_ : i32
    %y = arith.sitofp %sum : i32 to f32
    %product = arith.mulf %y, %y : f32
    %z = arith.addf %product, %c_ : f32
    %visible = arith.cmpf ole, %z, %c_ : f32
    tile.yield %visible : i1
  } : memref<8x16xf32>
  return
}
