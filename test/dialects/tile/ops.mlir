// Every operation of the dialect survives printing and parsing.
// RUN: ladon-opt %s | ladon-opt | FileCheck %s
// RUN: ladon-opt %s --mlir-print-op-generic | ladon-opt | FileCheck %s

!heads = memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>
!rows = memref<?x2x?xf32>

// CHECK-LABEL: func.func @grid_point
func.func @grid_point(%q: !heads, %k: !heads, %v: !heads, %o: !heads,
    %l: !rows, %bias: memref<?xf32>, %b: index, %h: index, %i0: index,
    %rows: index, %lo: index, %hi: index, %a: index, %z: index) {
  // CHECK: %[[Q:.*]] = tile.load %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}] rows %{{.*}} scale 5.000000e-01 : memref<{{.*}}> -> tensor<8x4xf32>
  %query = tile.load %q[%b, %h, %i0] rows %rows scale 0.5 : !heads -> tensor<8x4xf32>
  // CHECK: %[[M:.*]], %[[S:.*]], %[[ACC:.*]] = tile.softmax_init : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
  %m, %s, %acc = tile.softmax_init : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
  // CHECK: %[[END:.*]]:3 = tile.key_loop[%[[LO:.*]], %[[HI:.*]]) except[%[[A:.*]], %[[Z:.*]]) step 16 init(%[[M]], %[[S]], %[[ACC]] : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>) -> tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
  %end:3 = tile.key_loop [%lo, %hi) except [%a, %z) step 16
      init(%m, %s, %acc : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>)
      -> tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32> {
  // CHECK-NEXT: ^bb0(%[[J:.*]]: index, %[[N:.*]]: index, %[[M0:.*]]: tensor<8xf32>, %[[S0:.*]]: tensor<8xf32>, %[[ACC0:.*]]: tensor<8x4xf32>):
  ^bb0(%j0: index, %n: index, %m0: tensor<8xf32>, %s0: tensor<8xf32>, %acc0: tensor<8x4xf32>):
    // CHECK: %[[K:.*]] = tile.load %{{.*}} rows %[[N]] : memref
    %key = tile.load %k[%b, %h, %j0] rows %n : !heads -> tensor<16x4xf32>
    // CHECK: %[[RAW:.*]] = tile.scores %[[Q]], %[[K]] keys %[[N]] : tensor<8x4xf32>, tensor<16x4xf32> -> tensor<8x16xf32>
    %raw = tile.scores %query, %key keys %n : tensor<8x4xf32>, tensor<16x4xf32> -> tensor<8x16xf32>
    // CHECK: %[[BIASED:.*]] = tile.modify %[[RAW]] at[%{{.*}}, %{{.*}}, %{{.*}}, %[[J]]] keys %[[N]] captures(%{{.*}} : memref<?xf32>)
    %biased = tile.modify %raw at [%b, %h, %i0, %j0] keys %n captures(%bias : memref<?xf32>) {
    ^bb0(%x: f32, %b_: i32, %h_: i32, %i_: i32, %j_: i32, %bias_: memref<?xf32>):
      %at = arith.index_cast %j_ : i32 to index
      %value = memref.load %bias_[%at] : memref<?xf32>
      %sum = arith.addf %x, %value : f32
      // CHECK: tile.yield %{{.*}} : f32
      tile.yield %sum : f32
    // CHECK-NEXT: } : tensor<8x16xf32>
    } : tensor<8x16xf32>
    // CHECK: %[[MASKED:.*]] = tile.mask %[[BIASED]] at[
    %masked = tile.mask %biased at [%b, %h, %i0, %j0] keys %n {
    ^bb0(%b_: i32, %h_: i32, %i_: i32, %j_: i32):
      %visible = arith.cmpi sle, %j_, %i_ : i32
      // CHECK: tile.yield %{{.*}} : i1
      tile.yield %visible : i1
    } : tensor<8x16xf32>
    %value = tile.load %v[%b, %h, %j0] rows %n : !heads -> tensor<16x4xf32>
    // CHECK: tile.softmax_update %[[MASKED]], %{{.*}} keys %[[N]] state(%[[M0]], %[[S0]], %[[ACC0]]) base2 guarded : tensor<8x16xf32>, tensor<16x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
    %m1, %s1, %acc1 = tile.softmax_update %masked, %value keys %n
        state(%m0, %s0, %acc0) base2 guarded
        : tensor<8x16xf32>, tensor<16x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
    tile.yield %m1, %s1, %acc1 : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
  }
  // CHECK: %[[OUT:.*]], %[[LSE:.*]] = tile.softmax_finish(%[[END]]#0, %[[END]]#1, %[[END]]#2) base2 : tensor<8xf32>, tensor<8x4xf32>
  %out, %lse = tile.softmax_finish(%end#0, %end#1, %end#2) base2 : tensor<8xf32>, tensor<8x4xf32>
  // CHECK: tile.has_non_finite %[[OUT]] : tensor<8x4xf32>
  %bad = tile.has_non_finite %out : tensor<8x4xf32>
  // CHECK: tile.store %[[OUT]], %{{.*}} rows %{{.*}} : tensor<8x4xf32>, memref<?x2x?x4xf32
  tile.store %out, %o[%b, %h, %i0] rows %rows : tensor<8x4xf32>, !heads
  // CHECK: tile.store %[[LSE]], %{{.*}} rows %{{.*}} : tensor<8xf32>, memref<?x2x?xf32>
  tile.store %lse, %l[%b, %h, %i0] rows %rows : tensor<8xf32>, !rows
  return
}

// CHECK-LABEL: func.func @value_range
func.func @value_range(%doc: memref<?x?xi32>, %b: index, %j: index, %n: index) -> (i32, i32) {
  // CHECK: %[[MIN:.*]], %[[MAX:.*]] = tile.value_range %[[DOC:.*]] from[%[[B:.*]], %[[J:.*]]] to[%[[B]], %[[N:.*]]] : memref<?x?xi32>
  %min, %max = tile.value_range %doc from [%b, %j] to [%b, %n] : memref<?x?xi32>
  // CHECK: return %[[MIN]], %[[MAX]] : i32, i32
  return %min, %max : i32, i32
}

// A loop without state has an implicit end.
// CHECK-LABEL: func.func @no_state
func.func @no_state(%lo: index, %hi: index) {
  // CHECK: tile.key_loop[%{{.*}}, %{{.*}}) step 1 init()
  // CHECK-NEXT: ^bb0(%{{.*}}: index, %{{.*}}: index):
  // CHECK-NEXT: }
  tile.key_loop [%lo, %hi) step 1 init() {
  ^bb0(%j0: index, %n: index):
  }
  return
}
