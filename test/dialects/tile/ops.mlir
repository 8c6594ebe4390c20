// Every operation of the dialect survives printing and parsing, on tensors and
// on buffers, with and without its options.
// RUN: ladon-opt %s | ladon-opt | FileCheck %s
// RUN: ladon-opt %s --mlir-print-op-generic | ladon-opt | FileCheck %s

!heads = memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>
!rows = memref<?x2x?xf32>
#row_maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]
#lane_maps = [affine_map<(r, c, d) -> (d, r)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (c, r)>]
#group = affine_map<(r) -> (r mod 4, r floordiv 4)>

// CHECK-LABEL: func.func @grid_point
func.func @grid_point(%q: !heads, %k: !heads, %v: !heads, %o: !heads,
    %l: !rows, %bias: memref<?xf32>, %batches: index, %tiles: index, %n_rows: index,
    %lo: index, %hi: index, %a: index, %z: index) {
  // CHECK: tile.grid(%[[BATCHES:.*]], %[[TILES:.*]]) schedule <order = [0, 1], descending = [1]> {
  // CHECK-NEXT: ^bb0(%[[B:.*]]: index, %[[I0:.*]]: index):
  tile.grid (%batches, %tiles) schedule <order = [0, 1], descending = [1]> {
  ^bb0(%b: index, %i0: index):
    %h = arith.constant 1 : index
    // CHECK: %[[Q:.*]] = tile.load %{{.*}}[%[[B]], %[[H:.*]], %[[I0]]] rows %{{.*}} scale 5.000000e-01 : memref<{{.*}}> -> tensor<8x4xf32>
    %query = tile.load %q[%b, %h, %i0] rows %n_rows scale 0.5 : !heads -> tensor<8x4xf32>
    // CHECK: %[[INIT:.*]]:3 = tile.softmax_init : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
    %init:3 = tile.softmax_init : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
    // CHECK: %[[END:.*]]:3 = tile.key_loop[%[[LO:.*]], %[[HI:.*]]) full[%[[A:.*]], %[[Z:.*]]) step 16 init(%[[INIT]]#0, %[[INIT]]#1, %[[INIT]]#2 : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>) -> tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32> {
    %end:3 = tile.key_loop [%lo, %hi) full [%a, %z) step 16
        init(%init#0, %init#1, %init#2 : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>)
        -> tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32> {
    // CHECK-NEXT: ^bb0(%[[J:.*]]: index, %[[N:.*]]: index, %{{.*}}: i1, %[[M0:.*]]: tensor<8xf32>, %[[S0:.*]]: tensor<8xf32>, %[[ACC0:.*]]: tensor<8x4xf32>):
    ^bb0(%j0: index, %n: index, %is_full: i1, %m0: tensor<8xf32>, %s0: tensor<8xf32>, %acc0: tensor<8x4xf32>):
      // CHECK: %[[K:.*]] = tile.load %{{.*}} rows %[[N]] : memref
      %key = tile.load %k[%b, %h, %j0] rows %n : !heads -> tensor<16x4xf32>
      // CHECK: %[[RAW:.*]] = tile.contract %[[Q]], %[[K]] columns %[[N]] maps [#{{.*}}, #{{.*}}, #{{.*}}] : tensor<8x4xf32>, tensor<16x4xf32> -> tensor<8x16xf32>
      %raw = tile.contract %query, %key columns %n maps #row_maps : tensor<8x4xf32>, tensor<16x4xf32> -> tensor<8x16xf32>
      // CHECK: %[[BIASED:.*]] = tile.modify %[[RAW]] at[%[[B]], %[[H]], %[[I0]], %[[J]]] keys %[[N]] captures(%{{.*}} : memref<?xf32>)
      %biased = tile.modify %raw at [%b, %h, %i0, %j0] keys %n captures(%bias : memref<?xf32>) {
      ^bb0(%x: f32, %b_: i32, %h_: i32, %i_: i32, %j_: i32, %bias_: memref<?xf32>):
        %at = arith.index_cast %j_ : i32 to index
        %value = memref.load %bias_[%at] : memref<?xf32>
        %sum = arith.addf %x, %value : f32
        // CHECK: tile.yield %{{.*}} : f32
        tile.yield %sum : f32
      // CHECK-NEXT: } : tensor<8x16xf32> -> tensor<8x16xf32>
      } : tensor<8x16xf32> -> tensor<8x16xf32>
      // CHECK: %[[MASKED:.*]] = tile.mask %[[BIASED]] at[
      %masked = tile.mask %biased at [%b, %h, %i0, %j0] keys %n {
      ^bb0(%b_: i32, %h_: i32, %i_: i32, %j_: i32):
        %visible = arith.cmpi sle, %j_, %i_ : i32
        // CHECK: tile.yield %{{.*}} : i1
        tile.yield %visible : i1
      } : tensor<8x16xf32> -> tensor<8x16xf32>
      // CHECK: %[[TOP:.*]] = tile.row_max %[[MASKED]] keys %[[N]] : tensor<8x16xf32> -> tensor<8xf32>
      %top = tile.row_max %masked keys %n : tensor<8x16xf32> -> tensor<8xf32>
      // CHECK: %[[W:.*]]:4 = tile.softmax_weights %[[MASKED]] top %[[TOP]] keys %[[N]] state(%[[M0]], %[[S0]]) base2 : tensor<8x16xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32> -> tensor<8x16xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
      %w:4 = tile.softmax_weights %masked top %top keys %n state(%m0, %s0) base2
          : tensor<8x16xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
            -> tensor<8x16xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
      %value = tile.load %v[%b, %h, %j0] rows %n : !heads -> tensor<16x4xf32>
      // CHECK: %[[ACC1:.*]] = tile.accumulate %[[W]]#0, %{{.*}} keys %[[N]] into %[[ACC0]] rescale %[[W]]#3 guarded %[[MASKED]] : tensor<8x16xf32> : tensor<8x16xf32>, tensor<16x4xf32>, tensor<8x4xf32>, tensor<8xf32> -> tensor<8x4xf32>
      %acc1 = tile.accumulate %w#0, %value keys %n into %acc0 rescale %w#3
          guarded %masked : tensor<8x16xf32>
          : tensor<8x16xf32>, tensor<16x4xf32>, tensor<8x4xf32>, tensor<8xf32> -> tensor<8x4xf32>
      // CHECK: tile.yield %[[W]]#1, %[[W]]#2, %[[ACC1]]
      tile.yield %w#1, %w#2, %acc1 : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
    }
    // CHECK: %[[ALL:.*]]:3 = tile.merge(%[[END]]#0, %[[END]]#1, %[[END]]#2) with(%[[INIT]]#0, %[[INIT]]#1, %[[INIT]]#2) base2 : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32> -> tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
    %all:3 = tile.merge (%end#0, %end#1, %end#2) with (%init#0, %init#1, %init#2) base2
        : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
          -> tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
    // CHECK: %[[OUT:.*]]:2 = tile.softmax_finish(%[[ALL]]#0, %[[ALL]]#1, %[[ALL]]#2) base2 : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32> -> tensor<8x4xf32>, tensor<8xf32>
    %out:2 = tile.softmax_finish (%all#0, %all#1, %all#2) base2
        : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32> -> tensor<8x4xf32>, tensor<8xf32>
    // CHECK: tile.has_non_finite %[[OUT]]#0 : tensor<8x4xf32>
    %bad = tile.has_non_finite %out#0 : tensor<8x4xf32>
    // CHECK: tile.store %[[OUT]]#0, %{{.*}} rows %{{.*}} : tensor<8x4xf32>, memref<?x2x?x4xf32
    tile.store %out#0, %o[%b, %h, %i0] rows %n_rows : tensor<8x4xf32>, !heads
    // CHECK: tile.store %[[OUT]]#1, %{{.*}} rows %{{.*}} : tensor<8xf32>, memref<?x2x?xf32>
    tile.store %out#1, %l[%b, %h, %i0] rows %n_rows : tensor<8xf32>, !rows
  // A grid without values has an implicit end.
  // CHECK-NEXT: }
  }
  return
}

// Rows last, several heads in a tile, pages, storage that is narrower than the
// tiles, and the largest scores as second results.
// CHECK-LABEL: func.func @options
func.func @options(%q: memref<?x8x?x4xbf16>, %k: memref<?x2x32x4xf16>, %pages: memref<?x?xi32>,
    %o: memref<?x8x?x4xf16>, %i: index) {
  // CHECK: tile.load %{{.*}}[%{{.*}}] rows %{{.*}} map #[[GROUP:.*]] scale 5.000000e-01 transposed : memref<?x8x?x4xbf16> -> tensor<4x8xf32>
  %query = tile.load %q[%i, %i, %i] rows %i map #group scale 0.5 transposed : memref<?x8x?x4xbf16> -> tensor<4x8xf32>
  // CHECK: tile.load %{{.*}}[%{{.*}}] rows %{{.*}} pages %{{.*}} : memref<?x?xi32> of 32 : memref<?x2x32x4xf16> -> tensor<16x4xf32>
  %key = tile.load %k[%i, %i, %i] rows %i pages %pages : memref<?x?xi32> of 32 : memref<?x2x32x4xf16> -> tensor<16x4xf32>
  // CHECK: %[[S:.*]]:2 = tile.contract %{{.*}}, %{{.*}} columns %{{.*}} maps [{{.*}}] compact : tensor<4x8xf32>, tensor<16x4xf32> -> tensor<16x8xf32>, tensor<8xf32>
  %s:2 = tile.contract %query, %key columns %i maps #lane_maps compact : tensor<4x8xf32>, tensor<16x4xf32> -> tensor<16x8xf32>, tensor<8xf32>
  // CHECK: tile.modify %[[S]]#0 at[%{{.*}}] keys %{{.*}} map #[[GROUP]] transposed {
  %m:2 = tile.modify %s#0 at [%i, %i, %i, %i] keys %i map #group transposed {
  ^bb0(%x: f32, %b_: i32, %h_: i32, %i_: i32, %j_: i32):
    tile.yield %x : f32
  // CHECK: } : tensor<16x8xf32> -> tensor<16x8xf32>, tensor<8xf32>
  } : tensor<16x8xf32> -> tensor<16x8xf32>, tensor<8xf32>
  // CHECK: tile.mask %{{.*}} at[%{{.*}}] keys %{{.*}} map #[[GROUP]] transposed captures(%{{.*}} : memref<?x?xi32>) {
  %h:2 = tile.mask %m#0 at [%i, %i, %i, %i] keys %i map #group transposed captures(%pages : memref<?x?xi32>) {
  ^bb0(%b_: i32, %h_: i32, %i_: i32, %j_: i32, %p_: memref<?x?xi32>):
    %visible = arith.cmpi sle, %j_, %h_ : i32
    tile.yield %visible : i1
  } : tensor<16x8xf32> -> tensor<16x8xf32>, tensor<8xf32>
  // CHECK: tile.row_max %{{.*}} keys %{{.*}} transposed : tensor<16x8xf32> -> tensor<8xf32>
  %top = tile.row_max %h#0 keys %i transposed : tensor<16x8xf32> -> tensor<8xf32>
  %init:3 = tile.softmax_init : tensor<8xf32>, tensor<8xf32>, tensor<4x8xf32>
  // CHECK: tile.softmax_init sinks(%{{.*}} : tensor<8xf32>) : tensor<8xf32>, tensor<8xf32>, tensor<4x8xf32>
  %sunk:3 = tile.softmax_init sinks(%top : tensor<8xf32>) : tensor<8xf32>, tensor<8xf32>, tensor<4x8xf32>
  // CHECK: tile.softmax_weights {{.*}} state({{.*}}) transposed : tensor<16x8xf32>
  %w:4 = tile.softmax_weights %h#0 top %top keys %i state(%init#0, %init#1) transposed
      : tensor<16x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
        -> tensor<16x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  // CHECK: tile.accumulate {{.*}} rescale %{{[^ ]*}} transposed : tensor<16x8xf32>
  %acc = tile.accumulate %w#0, %key keys %i into %init#2 rescale %w#3 transposed
      : tensor<16x8xf32>, tensor<16x4xf32>, tensor<4x8xf32>, tensor<8xf32> -> tensor<4x8xf32>
  // CHECK: tile.accumulate {{.*}} keys %{{[^ ]*}} into %{{[^ ]*}} transposed : tensor<16x8xf32>, tensor<16x4xf32>, tensor<4x8xf32> -> tensor<4x8xf32>
  %plain = tile.accumulate %w#0, %key keys %i into %acc transposed
      : tensor<16x8xf32>, tensor<16x4xf32>, tensor<4x8xf32> -> tensor<4x8xf32>
  %acc4 = tensor.empty() : tensor<4x16xf32>
  // CHECK: tile.accumulate {{.*}} value_transposed keys %{{[^ ]*}} into %{{[^ ]*}} transposed : tensor<16x8xf32>, tensor<4x16xf32>, tensor<4x8xf32> -> tensor<4x8xf32>
  %turned = tile.accumulate %w#0, %acc4 value_transposed keys %i into %plain transposed
      : tensor<16x8xf32>, tensor<4x16xf32>, tensor<4x8xf32> -> tensor<4x8xf32>
  // CHECK: tile.merge({{.*}}) with({{.*}}) rows %{{.*}} transposed :
  %all:3 = tile.merge (%w#1, %w#2, %acc) with (%init#0, %init#1, %init#2) rows %i transposed
      : tensor<8xf32>, tensor<8xf32>, tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<4x8xf32>
        -> tensor<8xf32>, tensor<8xf32>, tensor<4x8xf32>
  // CHECK: tile.softmax_finish({{.*}}) rows %{{.*}} transposed :
  %out:2 = tile.softmax_finish (%all#0, %all#1, %all#2) rows %i transposed
      : tensor<8xf32>, tensor<8xf32>, tensor<4x8xf32> -> tensor<4x8xf32>, tensor<8xf32>
  // CHECK: tile.store %{{.*}}, %{{.*}}[%{{.*}}] rows %{{.*}} map #[[GROUP]] transposed : tensor<4x8xf32>, memref<?x8x?x4xf16>
  tile.store %out#0, %o[%i, %i, %i] rows %i map #group transposed : tensor<4x8xf32>, memref<?x8x?x4xf16>
  return
}

// CHECK-LABEL: func.func @weights
func.func @weights(%s: tensor<16x8xf32>, %r: tensor<8xf32>, %b: memref<8x16xf32>, %m: memref<8xf32>,
                   %o: memref<?x8x?x?xf16>, %p: memref<?x8x?x?xf32>, %i: index) {
  // CHECK: %[[W:.*]] = tile.softmax_normalize %{{.*}} keys %{{.*}} state(%{{.*}}, %{{.*}}) base2 transposed : tensor<16x8xf32>, tensor<8xf32>, tensor<8xf32> -> tensor<16x8xf32>
  %w = tile.softmax_normalize %s keys %i state(%r, %r) base2 transposed
      : tensor<16x8xf32>, tensor<8xf32>, tensor<8xf32> -> tensor<16x8xf32>
  // CHECK: tile.store %[[W]], %{{.*}}[%{{.*}}] rows %{{.*}} columns %{{.*}} transposed : tensor<16x8xf32>, memref<?x8x?x?xf16>
  tile.store %w, %o[%i, %i, %i] rows %i columns %i transposed : tensor<16x8xf32>, memref<?x8x?x?xf16>
  // CHECK: tile.softmax_normalize %{{.*}} keys %{{.*}} state(%{{.*}}, %{{.*}}) : memref<8x16xf32>, memref<8xf32>, memref<8xf32>{{$}}
  tile.softmax_normalize %b keys %i state(%m, %m) : memref<8x16xf32>, memref<8xf32>, memref<8xf32>
  // CHECK: tile.normalize_stored %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}] rows %{{.*}} columns %{{.*}} seen %{{.*}} state(%{{.*}}, %{{.*}}) base2 map #[[GROUP]] : memref<?x8x?x?xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  tile.normalize_stored %p[%i, %i, %i] rows %i columns %i seen %r state(%r, %r) base2 map #group
      : memref<?x8x?x?xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  // CHECK: tile.normalize_stored %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}] rows %{{.*}} columns %{{.*}} seen %{{.*}} state(%{{.*}}, %{{.*}}) : memref<?x8x?x?xf32>, memref<8xf32>, memref<8xf32>, memref<8xf32>
  tile.normalize_stored %p[%i, %i, %i] rows %i columns %i seen %m state(%m, %m)
      : memref<?x8x?x?xf32>, memref<8xf32>, memref<8xf32>, memref<8xf32>
  return
}

// Contractions over half-precision operands and f64, and rows of one element.
// CHECK-LABEL: func.func @types
func.func @types(%a: tensor<8x4xf16>, %b: tensor<16x4xf16>, %x: memref<?x2x?xf64>, %i: index) {
  // CHECK: tile.contract {{.*}} : tensor<8x4xf16>, tensor<16x4xf16> -> tensor<8x16xf32>
  %s = tile.contract %a, %b columns %i maps #row_maps : tensor<8x4xf16>, tensor<16x4xf16> -> tensor<8x16xf32>
  // CHECK: tile.load {{.*}} : memref<?x2x?xf64> -> tensor<8xf64>
  %row = tile.load %x[%i, %i, %i] rows %i : memref<?x2x?xf64> -> tensor<8xf64>
  // CHECK: tile.store {{.*}} : tensor<8xf64>, memref<?x2x?xf64>
  tile.store %row, %x[%i, %i, %i] rows %i : tensor<8xf64>, memref<?x2x?xf64>
  return
}

// Every operation again, on buffers.
// CHECK-LABEL: func.func @buffers
func.func @buffers(%x: !heads, %l: !rows, %pages: memref<?x?xi32>, %q: memref<8x4xf32>, %k: memref<16x4xf32>,
    %s: memref<8x16xf32>, %max: memref<8xf32>, %sum: memref<8xf32>, %acc: memref<8x4xf32>,
    %top: memref<8xf32>, %factor: memref<8xf32>, %guard: memref<8x16xf32>, %i: index) {
  // CHECK: tile.load %{{.*}}[%{{.*}}] rows %{{.*}} scale 5.000000e-01 outs(%{{.*}} : memref<8x4xf32>) : memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>{{$}}
  tile.load %x[%i, %i, %i] rows %i scale 0.5 outs(%q : memref<8x4xf32>) : !heads
  // CHECK: tile.load {{.*}} pages %{{.*}} : memref<?x?xi32> of 8 outs(%{{.*}} : memref<16x4xf32>) :
  tile.load %x[%i, %i, %i] rows %i pages %pages : memref<?x?xi32> of 8 outs(%k : memref<16x4xf32>) : !heads
  // CHECK: tile.softmax_init outs(%{{.*}}, %{{.*}}, %{{.*}} : memref<8xf32>, memref<8xf32>, memref<8x4xf32>){{$}}
  tile.softmax_init outs(%max, %sum, %acc : memref<8xf32>, memref<8xf32>, memref<8x4xf32>)
  // CHECK: tile.softmax_init sinks(%{{.*}} : memref<8xf32>) outs(%{{.*}}, %{{.*}}, %{{.*}} : memref<8xf32>, memref<8xf32>, memref<8x4xf32>){{$}}
  tile.softmax_init sinks(%top : memref<8xf32>) outs(%max, %sum, %acc : memref<8xf32>, memref<8xf32>, memref<8x4xf32>)
  // CHECK: tile.contract {{.*}} outs(%{{.*}} : memref<8x16xf32>) : memref<8x4xf32>, memref<16x4xf32>{{$}}
  tile.contract %q, %k columns %i maps #row_maps outs(%s : memref<8x16xf32>) : memref<8x4xf32>, memref<16x4xf32>
  // CHECK: tile.contract {{.*}} compact outs(%{{.*}}, %{{.*}} : memref<8x16xf32>, memref<8xf32>) :
  tile.contract %q, %k columns %i maps #row_maps compact outs(%s, %top : memref<8x16xf32>, memref<8xf32>) : memref<8x4xf32>, memref<16x4xf32>
  // CHECK: tile.modify {{.*}} outs(%{{.*}} : memref<8xf32>) {
  tile.modify %s at [%i, %i, %i, %i] keys %i outs(%top : memref<8xf32>) {
  ^bb0(%x_: f32, %b_: i32, %h_: i32, %i_: i32, %j_: i32):
    tile.yield %x_ : f32
  // CHECK: } : memref<8x16xf32>{{$}}
  } : memref<8x16xf32>
  // CHECK: tile.mask {{.*}} keys %{{[^ ]*}} {
  tile.mask %s at [%i, %i, %i, %i] keys %i {
  ^bb0(%b_: i32, %h_: i32, %i_: i32, %j_: i32):
    %visible = arith.cmpi sle, %j_, %i_ : i32
    tile.yield %visible : i1
  // CHECK: } : memref<8x16xf32>{{$}}
  } : memref<8x16xf32>
  // CHECK: tile.row_max {{.*}} outs(%{{.*}} : memref<8xf32>) : memref<8x16xf32>{{$}}
  tile.row_max %s keys %i outs(%top : memref<8xf32>) : memref<8x16xf32>
  // CHECK: tile.softmax_weights {{.*}} state({{.*}}) outs(%{{.*}} : memref<8xf32>) : memref<8x16xf32>, memref<8xf32>, memref<8xf32>, memref<8xf32>{{$}}
  tile.softmax_weights %s top %top keys %i state(%max, %sum) outs(%factor : memref<8xf32>)
      : memref<8x16xf32>, memref<8xf32>, memref<8xf32>, memref<8xf32>
  // CHECK: tile.accumulate {{.*}} rescale %{{.*}} guarded %{{.*}} : memref<8x16xf32> : memref<8x16xf32>, memref<16x4xf32>, memref<8x4xf32>, memref<8xf32>{{$}}
  tile.accumulate %s, %k keys %i into %acc rescale %factor guarded %guard : memref<8x16xf32>
      : memref<8x16xf32>, memref<16x4xf32>, memref<8x4xf32>, memref<8xf32>
  // CHECK: tile.merge(%[[MAX:.*]], %[[SUM:.*]], %[[ACC:.*]]) with(%{{.*}}, %{{.*}}, %{{.*}}) : memref<8xf32>, memref<8xf32>, memref<8x4xf32>, memref<8xf32>, memref<8xf32>, memref<8x4xf32>{{$}}
  tile.merge (%max, %sum, %acc) with (%top, %factor, %q)
      : memref<8xf32>, memref<8xf32>, memref<8x4xf32>, memref<8xf32>, memref<8xf32>, memref<8x4xf32>
  // CHECK: tile.softmax_finish({{.*}}) outs(%{{.*}} : memref<8xf32>) : memref<8xf32>, memref<8xf32>, memref<8x4xf32>{{$}}
  tile.softmax_finish (%max, %sum, %acc) outs(%top : memref<8xf32>)
      : memref<8xf32>, memref<8xf32>, memref<8x4xf32>
  // CHECK: tile.has_non_finite %{{.*}} : memref<8x4xf32>
  %bad = tile.has_non_finite %acc : memref<8x4xf32>
  // CHECK: tile.store %{{.*}} rows %{{.*}} : memref<8x4xf32>, memref<?x2x?x4xf32
  tile.store %acc, %x[%i, %i, %i] rows %i : memref<8x4xf32>, !heads
  // CHECK: tile.store %{{.*}} rows %{{.*}} : memref<8xf32>, memref<?x2x?xf32>
  tile.store %top, %l[%i, %i, %i] rows %i : memref<8xf32>, !rows
  return
}

// CHECK-LABEL: func.func @value_range
func.func @value_range(%doc: memref<?x?xi32>, %b: index, %j: index, %n: index) -> (i32, i32, i64) {
  // CHECK: %[[MIN:.*]], %[[MAX:.*]], %[[SIGNATURE:.*]] = tile.value_range %[[DOC:.*]] from[%[[B:.*]], %[[J:.*]]] to[%[[B]], %[[N:.*]]] : memref<?x?xi32>
  %min, %max, %bits = tile.value_range %doc from [%b, %j] to [%b, %n] : memref<?x?xi32>
  // CHECK: return %[[MIN]], %[[MAX]], %[[SIGNATURE]] : i32, i32, i64
  return %min, %max, %bits : i32, i32, i64
}

// A loop without state has an implicit end.
// CHECK-LABEL: func.func @no_state
func.func @no_state(%lo: index, %hi: index) {
  // CHECK: tile.key_loop[%{{.*}}, %{{.*}}) step 1 aligned init()
  // CHECK-NEXT: ^bb0(%{{.*}}: index, %{{.*}}: index):
  // CHECK-NEXT: }
  tile.key_loop [%lo, %hi) step 1 aligned init() {
  ^bb0(%j0: index, %n: index):
  }
  return
}

// Weights in a narrower type, as a value and in buffers.
// CHECK-LABEL: func.func @round
// CHECK: tile.round %{{.*}} keys %{{.*}} : tensor<16x8xf32> -> tensor<16x8xbf16>
// CHECK: tile.round %{{.*}} keys %{{.*}} transposed outs(%{{.*}} : memref<16x8xf16>) : memref<16x8xf32>
func.func @round(%w: tensor<16x8xf32>, %x: memref<16x8xf32>, %y: memref<16x8xf16>, %n: index) -> tensor<16x8xbf16> {
  %r = tile.round %w keys %n : tensor<16x8xf32> -> tensor<16x8xbf16>
  tile.round %x keys %n transposed outs(%y : memref<16x8xf16>) : memref<16x8xf32>
  return %r : tensor<16x8xbf16>
}
