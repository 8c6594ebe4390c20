// RUN: ladon-opt %s --tile-to-vectors=vector-bits=256 --split-input-file --verify-diagnostics

func.func @half_scaled(%x: memref<1x1x?x4xf16>, %t: memref<8x4xf16>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected tiles of f32 or f64, found 'f16'}}
  tile.load %x[%i, %i, %i] rows %i scale 2.0 outs(%t : memref<8x4xf16>) : memref<1x1x?x4xf16>
  return
}

// -----

func.func @half_transposed(%x: memref<1x1x?x4xf16>, %t: memref<4x8xf16>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected tiles of f32 or f64, found 'f16'}}
  tile.load %x[%i, %i, %i] rows %i transposed outs(%t : memref<4x8xf16>) : memref<1x1x?x4xf16>
  return
}

// -----

func.func @half_rounded(%x: memref<1x1x?x4xf32>, %t: memref<8x4xf16>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected tiles of f32 or f64, found 'f16'}}
  tile.load %x[%i, %i, %i] rows %i outs(%t : memref<8x4xf16>) : memref<1x1x?x4xf32>
  return
}

// -----

func.func @half_store(%x: memref<1x1x?x4xf32>, %t: memref<8x4xbf16>, %i: index) {
  // expected-error@+1 {{'tile.store' op expected tiles of f32 or f64, found 'bf16'}}
  tile.store %t, %x[%i, %i, %i] rows %i : memref<8x4xbf16>, memref<1x1x?x4xf32>
  return
}

// -----

#rows = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]

func.func @half_operands(%q: memref<8x4xf16>, %k: memref<16x4xf16>, %s: memref<8x16xf32>, %n: index) {
  // expected-error@+1 {{'tile.contract' op expected a left tile of 'f32', found 'f16'}}
  tile.contract %q, %k columns %n maps #rows outs(%s : memref<8x16xf32>) : memref<8x4xf16>, memref<16x4xf16>
  return
}

// -----

#rows = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]

func.func @half_keys_of_doubles(%q: memref<8x4xf64>, %k: memref<16x4xf16>, %s: memref<8x16xf64>, %n: index) {
  // expected-error@+1 {{'tile.contract' op expected an operand of f32 or f64 beside tiles of 'f64', found 'f16'}}
  tile.contract %q, %k columns %n maps #rows outs(%s : memref<8x16xf64>) : memref<8x4xf64>, memref<16x4xf16>
  return
}

// -----

func.func @half_values_of_doubles(%w: memref<8x16xf64>, %v: memref<16x4xbf16>, %a: memref<8x4xf64>, %r: memref<8xf64>, %n: index) {
  // expected-error@+1 {{'tile.accumulate' op expected an operand of f32 or f64 beside tiles of 'f64', found 'bf16'}}
  tile.accumulate %w, %v keys %n into %a rescale %r : memref<8x16xf64>, memref<16x4xbf16>, memref<8x4xf64>, memref<8xf64>
  return
}

// -----

// LLVM would call a function for each element.
func.func @double_to_half(%x: memref<1x1x?x4xf16>, %t: memref<8x4xf64>, %i: index) {
  // expected-error@+1 {{'tile.store' op expected a tile of f32 for a destination of 'f16', found 'f64'}}
  tile.store %t, %x[%i, %i, %i] rows %i : memref<8x4xf64>, memref<1x1x?x4xf16>
  return
}

// -----

// Rows in the lanes fill whole registers.
func.func @odd_load(%x: memref<1x1x?x4xf32>, %t: memref<4x12xf32>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected a multiple of 8 rows in a tile, found 12}}
  tile.load %x[%i, %i, %i] rows %i transposed outs(%t : memref<4x12xf32>) : memref<1x1x?x4xf32>
  return
}

// -----

func.func @odd_store(%x: memref<1x1x?x4xf64>, %t: memref<4x6xf64>, %i: index) {
  // expected-error@+1 {{'tile.store' op expected a multiple of 4 rows in a tile, found 6}}
  tile.store %t, %x[%i, %i, %i] rows %i transposed : memref<4x6xf64>, memref<1x1x?x4xf64>
  return
}

// -----

func.func @odd_max(%s: memref<16x12xf32>, %m: memref<12xf32>, %n: index) {
  // expected-error@+1 {{'tile.row_max' op expected a multiple of 8 rows in a tile, found 12}}
  tile.row_max %s keys %n transposed outs(%m : memref<12xf32>) : memref<16x12xf32>
  return
}

// -----

func.func @odd_weights(%s: memref<16x12xf32>, %m: memref<12xf32>, %n: index) {
  // expected-error@+1 {{'tile.softmax_weights' op expected a multiple of 8 rows in a tile, found 12}}
  tile.softmax_weights %s top %m keys %n state(%m, %m) transposed outs(%m : memref<12xf32>)
      : memref<16x12xf32>, memref<12xf32>, memref<12xf32>, memref<12xf32>
  return
}

// -----

func.func @odd_accumulate(%w: memref<16x12xf32>, %v: memref<16x4xf32>, %a: memref<4x12xf32>, %r: memref<12xf32>, %n: index) {
  // expected-error@+1 {{'tile.accumulate' op expected a multiple of 8 rows in a tile, found 12}}
  tile.accumulate %w, %v keys %n into %a rescale %r transposed
      : memref<16x12xf32>, memref<16x4xf32>, memref<4x12xf32>, memref<12xf32>
  return
}

// -----

func.func @odd_merge(%m: memref<12xf32>, %a: memref<4x12xf32>) {
  // expected-error@+1 {{'tile.merge' op expected a multiple of 8 rows in a tile, found 12}}
  tile.merge (%m, %m, %a) with (%m, %m, %a) transposed
      : memref<12xf32>, memref<12xf32>, memref<4x12xf32>, memref<12xf32>, memref<12xf32>, memref<4x12xf32>
  return
}

// -----

func.func @odd_finish(%m: memref<12xf32>, %a: memref<4x12xf32>) {
  // expected-error@+1 {{'tile.softmax_finish' op expected a multiple of 8 rows in a tile, found 12}}
  tile.softmax_finish (%m, %m, %a) transposed outs(%m : memref<12xf32>)
      : memref<12xf32>, memref<12xf32>, memref<4x12xf32>
  return
}

// -----

// So do keys, where they lie there.
func.func @odd_keys(%s: memref<4x12xf32>, %m: memref<4xf32>, %n: index) {
  // expected-error@+1 {{'tile.row_max' op expected a multiple of 8 keys in a tile, found 12}}
  tile.row_max %s keys %n outs(%m : memref<4xf32>) : memref<4x12xf32>
  return
}

// -----

func.func @odd_keys_mask(%s: memref<4x12xf32>, %n: index) {
  // expected-error@+1 {{'tile.mask' op expected a multiple of 8 keys in a tile, found 12}}
  tile.mask %s at [%n, %n, %n, %n] keys %n {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
    %visible = arith.cmpi sle, %j, %i : i32
    tile.yield %visible : i1
  } : memref<4x12xf32>
  return
}

// -----

func.func @tensors(%s: tensor<8x16xf32>, %n: index) -> tensor<8xf32> {
  // expected-error@+1 {{'tile.row_max' op expected tiles in buffers; run tile-bufferize before}}
  %m = tile.row_max %s keys %n : tensor<8x16xf32> -> tensor<8xf32>
  return %m : tensor<8xf32>
}

// -----

func.func @loaded_tensors(%x: memref<1x1x?x4xf32>, %n: index) -> tensor<8x4xf32> {
  // expected-error@+1 {{'tile.load' op expected tiles in buffers; run tile-bufferize before}}
  %t = tile.load %x[%n, %n, %n] rows %n : memref<1x1x?x4xf32> -> tensor<8x4xf32>
  return %t : tensor<8x4xf32>
}

// -----

func.func @grid(%n: index) {
  // expected-error@+1 {{'tile.grid' op expected grids and loops to be lowered; run tile-lower-control before}}
  tile.grid (%n) schedule <order = [0]> {
  ^bb0(%i: index):
  }
  return
}

// -----

func.func @key_loop(%n: index) {
  // expected-error@+1 {{'tile.key_loop' op expected grids and loops to be lowered; run tile-lower-control before}}
  tile.key_loop [%n, %n) step 8 init() {
  ^bb0(%j: index, %count: index):
  }
  return
}

// -----

func.func @value_range(%x: memref<?xi32>, %n: index) -> i32 {
  // expected-error@+1 {{'tile.value_range' op expected grids and loops to be lowered; run tile-lower-control before}}
  %min, %max, %bits = tile.value_range %x from [%n] to [%n] : memref<?xi32>
  return %max : i32
}

// -----

func.func @pairs_scaled(%x: memref<1x1x?x4xbf16>, %t: memref<4x8xbf16>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected no scale of pairs}}
  tile.load %x[%i, %i, %i] rows %i scale 2.0 transposed outs(%t : memref<4x8xbf16>) : memref<1x1x?x4xbf16>
  return
}

// -----

func.func @pairs_odd(%x: memref<1x1x?x5xbf16>, %t: memref<5x8xbf16>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected tiles of f32 or f64, found 'bf16'}}
  tile.load %x[%i, %i, %i] rows %i transposed outs(%t : memref<5x8xbf16>) : memref<1x1x?x5xbf16>
  return
}

// -----

func.func @turned_values(%w: memref<8x16xf32>, %v: memref<4x16xf32>, %a: memref<8x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.accumulate' op expected values of the axes (key, feature) beside pairs, rows first, or a guard}}
  tile.accumulate %w, %v value_transposed keys %n into %a : memref<8x16xf32>, memref<4x16xf32>, memref<8x4xf32>
  return
}

// -----

func.func @turned_values_with_guard(%w: memref<16x8xf32>, %v: memref<4x16xf32>, %a: memref<4x8xf32>, %n: index) {
  // expected-error@+1 {{'tile.accumulate' op expected values of the axes (key, feature) beside pairs, rows first, or a guard}}
  tile.accumulate %w, %v value_transposed keys %n into %a guarded %w : memref<16x8xf32> transposed : memref<16x8xf32>, memref<4x16xf32>, memref<4x8xf32>
  return
}

// -----

func.func @rounded_rows_first(%w: memref<8x16xf32>, %p: memref<8x16xbf16>, %n: index) {
  // expected-error@+1 {{'tile.round' op expected f32 to be rounded to bf16, with rows last and an even number of keys}}
  tile.round %w keys %n outs(%p : memref<8x16xbf16>) : memref<8x16xf32>
  return
}

// -----

func.func @pairs_of_two_types(%w: memref<16x8xbf16>, %v: memref<16x4xf16>, %a: memref<4x8xf32>, %r: memref<8xf32>, %n: index) {
  // expected-error@+1 {{'tile.accumulate' op expected weights of 'f32', found 'bf16'}}
  tile.accumulate %w, %v keys %n into %a rescale %r transposed : memref<16x8xbf16>, memref<16x4xf16>, memref<4x8xf32>, memref<8xf32>
  return
}
