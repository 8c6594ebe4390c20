// What cannot be fused stays: there is no input that the pass refuses.
// RUN: ladon-opt %s --tile-fuse-row-max | FileCheck %s

#rows = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]
!scores = tensor<8x8xf32>
!row = tensor<8xf32>

// Over other columns.
// CHECK-LABEL: func.func @fewer
// CHECK: tile.contract {{.*}} -> tensor<8x8xf32>{{$}}
// CHECK: tile.row_max
func.func @fewer(%q: tensor<8x4xf32>, %k: tensor<8x4xf32>, %n: index, %m: index) -> !row {
  %s = tile.contract %q, %k columns %n maps #rows : tensor<8x4xf32>, tensor<8x4xf32> -> !scores
  %r = tile.row_max %s keys %m : !scores -> !row
  return %r : !row
}

// Along the other axis: the largest score of each key.
// CHECK-LABEL: func.func @other_axis
// CHECK: tile.contract {{.*}} -> tensor<8x8xf32>{{$}}
// CHECK: tile.row_max
// CHECK: tile.mask
// CHECK: } : tensor<8x8xf32> -> tensor<8x8xf32>{{$}}
// CHECK: tile.row_max
func.func @other_axis(%q: tensor<8x4xf32>, %k: tensor<8x4xf32>, %n: index) -> (!row, !row) {
  %s = tile.contract %q, %k columns %n maps #rows : tensor<8x4xf32>, tensor<8x4xf32> -> !scores
  %r = tile.row_max %s keys %n transposed : !scores -> !row
  %t = tile.mask %s at [%n, %n, %n, %n] keys %n transposed {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
    %visible = arith.cmpi sle, %j, %i : i32
    tile.yield %visible : i1
  } : !scores -> !scores
  %u = tile.row_max %t keys %n : !scores -> !row
  return %r, %u : !row, !row
}

// Of more or fewer keys than a position operation visits: the others have no
// score that it could compare.
// CHECK-LABEL: func.func @other_keys
// CHECK: tile.mask
// CHECK: } : tensor<8x8xf32> -> tensor<8x8xf32>{{$}}
// CHECK: tile.row_max {{.*}} keys %[[M:[^ ]*]] :
// CHECK: tile.modify
// CHECK: } : tensor<8x8xf32> -> tensor<8x8xf32>{{$}}
// CHECK: tile.row_max {{.*}} keys %[[M]] :
func.func @other_keys(%s: !scores, %n: index, %m: index) -> (!row, !row) {
  %t = tile.mask %s at [%n, %n, %n, %n] keys %n {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
    %visible = arith.cmpi sle, %j, %i : i32
    tile.yield %visible : i1
  } : !scores -> !scores
  %u = tile.row_max %t keys %m : !scores -> !row
  %v = tile.modify %s at [%n, %n, %n, %n] keys %n {
  ^bb0(%x: f32, %b: i32, %h: i32, %i: i32, %j: i32):
    %y = arith.addf %x, %x : f32
    tile.yield %y : f32
  } : !scores -> !scores
  %w = tile.row_max %v keys %m : !scores -> !row
  return %u, %w : !row, !row
}

// Of scores that nobody here made, and of weights.
// CHECK-LABEL: func.func @others
// CHECK: tile.row_max
// CHECK: tile.softmax_weights
// CHECK: tile.row_max
func.func @others(%s: !scores, %l: !row, %n: index) -> !row {
  %m = tile.row_max %s keys %n : !scores -> !row
  %w:4 = tile.softmax_weights %s top %m keys %n state(%l, %l) : !scores, !row, !row, !row -> !scores, !row, !row, !row
  %r = tile.row_max %w#0 keys %n : !scores -> !row
  return %r : !row
}

// Of a branch, one side of which did not make its scores.
// CHECK-LABEL: func.func @branch
// CHECK: %[[S:.*]] = scf.if
// CHECK: tile.row_max %[[S]]
func.func @branch(%q: tensor<8x4xf32>, %k: tensor<8x4xf32>, %s: !scores, %n: index, %c: i1) -> !row {
  %t = scf.if %c -> !scores {
    %x = tile.contract %q, %k columns %n maps #rows : tensor<8x4xf32>, tensor<8x4xf32> -> !scores
    scf.yield %x : !scores
  } else {
    scf.yield %s : !scores
  }
  %m = tile.row_max %t keys %n : !scores -> !row
  return %m : !row
}

// Of a branch, over columns that are counted behind it.
// CHECK-LABEL: func.func @late_count
// CHECK: %[[S:.*]] = scf.if
// CHECK: tile.row_max %[[S]]
func.func @late_count(%q: tensor<8x4xf32>, %k: tensor<8x4xf32>, %n: index, %c: i1) -> !row {
  %s = tile.contract %q, %k columns %n maps #rows : tensor<8x4xf32>, tensor<8x4xf32> -> !scores
  %t = scf.if %c -> !scores {
    scf.yield %s : !scores
  } else {
    %x = tile.contract %q, %k columns %n maps #rows : tensor<8x4xf32>, tensor<8x4xf32> -> !scores
    scf.yield %x : !scores
  }
  %one = arith.constant 1 : index
  %more = arith.addi %n, %one : index
  %m = tile.row_max %t keys %more : !scores -> !row
  return %m : !row
}
