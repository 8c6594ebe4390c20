// RUN: ladon-opt %s --tile-fuse-row-max | FileCheck %s

#rows = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]
#lanes = [affine_map<(r, c, d) -> (d, r)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (c, r)>]
!row = tensor<8xf32>
!scores = tensor<8x16xf32>

// Whatever makes the scores last gives their maximum along.
// CHECK-LABEL: func.func @contract
// CHECK: %[[S:.*]]:2 = tile.contract {{.*}} columns %{{.*}} maps {{.*}} -> tensor<8x16xf32>, tensor<8xf32>
// CHECK-NEXT: return %[[S]]#0, %[[S]]#1
func.func @contract(%q: tensor<8x4xf32>, %k: tensor<16x4xf32>, %n: index) -> (!scores, !row) {
  %s = tile.contract %q, %k columns %n maps #rows : tensor<8x4xf32>, tensor<16x4xf32> -> !scores
  %m = tile.row_max %s keys %n : !scores -> !row
  return %s, %m : !scores, !row
}

// CHECK-LABEL: func.func @transposed_contract
// CHECK: %[[S:.*]]:2 = tile.contract {{.*}} compact : {{.*}} -> tensor<16x8xf32>, tensor<8xf32>
// CHECK-NEXT: return %[[S]]#0, %[[S]]#1
func.func @transposed_contract(%q: tensor<4x8xf32>, %k: tensor<16x4xf32>, %n: index) -> (tensor<16x8xf32>, !row) {
  %s = tile.contract %q, %k columns %n maps #lanes compact : tensor<4x8xf32>, tensor<16x4xf32> -> tensor<16x8xf32>
  %m = tile.row_max %s keys %n transposed : tensor<16x8xf32> -> !row
  return %s, %m : tensor<16x8xf32>, !row
}

// The body, the captures and the row map stay.
// CHECK-LABEL: func.func @modify
// CHECK: %[[S:.*]]:2 = tile.modify %{{.*}} at[%{{.*}}] keys %{{.*}} map #{{.*}} captures(%{{.*}} : f32) {
// CHECK-NEXT: ^bb0(%[[X:.*]]: f32, %{{.*}}: i32, %{{.*}}: i32, %{{.*}}: i32, %{{.*}}: i32, %[[C:.*]]: f32):
// CHECK-NEXT: %[[Y:.*]] = arith.mulf %[[X]], %[[C]] : f32
// CHECK-NEXT: tile.yield %[[Y]] : f32
// CHECK-NEXT: } : tensor<8x16xf32> -> tensor<8x16xf32>, tensor<8xf32>
// CHECK-NEXT: return %[[S]]#0, %[[S]]#1
func.func @modify(%s: !scores, %c: f32, %i: index, %n: index) -> (!scores, !row) {
  %t = tile.modify %s at [%i, %i, %i, %i] keys %n map affine_map<(r) -> (r mod 2, r floordiv 2)> captures(%c : f32) {
  ^bb0(%x: f32, %b: i32, %h: i32, %q: i32, %k: i32, %c_: f32):
    %y = arith.mulf %x, %c_ : f32
    tile.yield %y : f32
  } : !scores -> !scores
  %m = tile.row_max %t keys %n : !scores -> !row
  return %t, %m : !scores, !row
}

// Only the last of several takes the maximum.
// CHECK-LABEL: func.func @mask
// CHECK: %[[RAW:.*]] = tile.contract {{.*}} -> tensor<8x16xf32>{{$}}
// CHECK: %[[S:.*]]:2 = tile.mask %[[RAW]]
// CHECK: } : tensor<8x16xf32> -> tensor<8x16xf32>, tensor<8xf32>
// CHECK-NOT: tile.row_max
// CHECK: tile.softmax_weights %[[S]]#0 top %[[S]]#1
func.func @mask(%q: tensor<8x4xf32>, %k: tensor<16x4xf32>, %m0: !row, %l0: !row, %i: index, %n: index) -> !scores {
  %raw = tile.contract %q, %k columns %n maps #rows : tensor<8x4xf32>, tensor<16x4xf32> -> !scores
  %s = tile.mask %raw at [%i, %i, %i, %i] keys %n {
  ^bb0(%b: i32, %h: i32, %q_: i32, %k_: i32):
    %visible = arith.cmpi sle, %k_, %q_ : i32
    tile.yield %visible : i1
  } : !scores -> !scores
  %m = tile.row_max %s keys %n : !scores -> !row
  %w:4 = tile.softmax_weights %s top %m keys %n state(%m0, %l0) : !scores, !row, !row, !row -> !scores, !row, !row, !row
  return %w#0 : !scores
}

// Two maxima of the same scores are one.
// CHECK-LABEL: func.func @twice
// CHECK: %[[S:.*]]:2 = tile.contract
// CHECK-NEXT: return %[[S]]#1, %[[S]]#1
func.func @twice(%q: tensor<8x4xf32>, %k: tensor<16x4xf32>, %n: index) -> (!row, !row) {
  %s = tile.contract %q, %k columns %n maps #rows : tensor<8x4xf32>, tensor<16x4xf32> -> !scores
  %m = tile.row_max %s keys %n : !scores -> !row
  %again = tile.row_max %s keys %n : !scores -> !row
  return %m, %again : !row, !row
}

// Scores that come from a branch: each side gives the maximum of its own.
// CHECK-LABEL: func.func @branch
// CHECK: %[[RAW:.*]]:2 = tile.contract {{.*}} -> tensor<8x16xf32>, tensor<8xf32>
// CHECK-NEXT: %[[S:.*]]:2 = scf.if %{{.*}} -> (tensor<8x16xf32>, tensor<8xf32>) {
// CHECK-NEXT: scf.yield %[[RAW]]#0, %[[RAW]]#1
// CHECK-NEXT: } else {
// CHECK-NEXT: %[[MASKED:.*]]:2 = tile.mask %[[RAW]]#0
// CHECK: scf.yield %[[MASKED]]#0, %[[MASKED]]#1
// CHECK-NOT: tile.row_max
// CHECK: return %[[S]]#0, %[[S]]#1
func.func @branch(%q: tensor<8x4xf32>, %k: tensor<16x4xf32>, %i: index, %n: index, %c: i1) -> (!scores, !row) {
  %raw = tile.contract %q, %k columns %n maps #rows : tensor<8x4xf32>, tensor<16x4xf32> -> !scores
  %s = scf.if %c -> !scores {
    scf.yield %raw : !scores
  } else {
    %masked = tile.mask %raw at [%i, %i, %i, %i] keys %n {
    ^bb0(%b: i32, %h: i32, %q_: i32, %k_: i32):
      %visible = arith.cmpi sle, %k_, %q_ : i32
      tile.yield %visible : i1
    } : !scores -> !scores
    scf.yield %masked : !scores
  }
  %m = tile.row_max %s keys %n : !scores -> !row
  return %s, %m : !scores, !row
}
