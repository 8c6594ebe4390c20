// Every clause of the verifiers, and every constraint on types, once.
// RUN: ladon-opt %s --split-input-file --verify-diagnostics

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

// -----

func.func @load_source_rank(%x: memref<?x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected a source of rank 4, found rank 3}}
  %t = tile.load %x[%i, %i, %i] rows %i : memref<?x?x4xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @load_row_source_rank(%x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected a source of rank 3, found rank 4}}
  %t = tile.load %x[%i, %i, %i] rows %i : memref<?x2x?x4xf32> -> tensor<8xf32>
  return
}

// -----

func.func @load_tile_rank(%x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected a tile of rank 1 or 2, found rank 3}}
  %t = tile.load %x[%i, %i, %i] rows %i : memref<?x2x?x4xf32> -> tensor<2x4x4xf32>
  return
}

// -----

func.func @load_features(%x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected 4 features in the tile, found 5}}
  %t = tile.load %x[%i, %i, %i] rows %i : memref<?x2x?x4xf32> -> tensor<8x5xf32>
  return
}

// -----

func.func @load_transposed_features(%x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected 4 features in the tile, found 8}}
  %t = tile.load %x[%i, %i, %i] rows %i transposed : memref<?x2x?x4xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @load_transposed_row(%x: memref<?x2x?xf32>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected a tile of rank 2 to transpose}}
  %t = tile.load %x[%i, %i, %i] rows %i transposed : memref<?x2x?xf32> -> tensor<8xf32>
  return
}

// -----

func.func @load_dynamic_tile(%x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.load' op result #0 must be statically shaped tensor of 8-bit signless integer or 16-bit float or bfloat16 type or 32-bit float or 64-bit float values, but got 'tensor<?x4xf32>'}}
  %t = tile.load %x[%i, %i, %i] rows %i : memref<?x2x?x4xf32> -> tensor<?x4xf32>
  return
}

// -----

func.func @load_tile_type(%x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.load' op result #0 must be statically shaped tensor of 8-bit signless integer or 16-bit float or bfloat16 type or 32-bit float or 64-bit float values, but got 'tensor<8x4xi32>'}}
  %t = tile.load %x[%i, %i, %i] rows %i : memref<?x2x?x4xf32> -> tensor<8x4xi32>
  return
}

// -----

func.func @load_source_type(%x: memref<?x2x?x4xi32>, %i: index) {
  // expected-error@+1 {{'tile.load' op operand #0 must be memref of 8-bit signless integer or 16-bit float or bfloat16 type or 32-bit float or 64-bit float values, but got 'memref<?x2x?x4xi32>'}}
  %t = tile.load %x[%i, %i, %i] rows %i : memref<?x2x?x4xi32> -> tensor<8x4xf32>
  return
}

// -----

func.func @load_out_type(%x: memref<?x2x?x4xf32>, %i: index, %t: memref<?x4xf32>) {
  // expected-error@+1 {{'tile.load' op operand #5 must be variadic of statically shaped memref of 8-bit signless integer or 16-bit float or bfloat16 type or 32-bit float or 64-bit float values, but got 'memref<?x4xf32>'}}
  tile.load %x[%i, %i, %i] rows %i outs(%t : memref<?x4xf32>) : memref<?x2x?x4xf32>
  return
}

// -----

func.func @load_nowhere(%x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected one result on tensors, or one buffer to fill}}
  tile.load %x[%i, %i, %i] rows %i : memref<?x2x?x4xf32>
  return
}

// -----

func.func @load_twice(%x: memref<?x2x?x4xf32>, %i: index, %t: memref<8x4xf32>) {
  // expected-error@+1 {{'tile.load' op expected one result on tensors, or one buffer to fill}}
  %r = tile.load %x[%i, %i, %i] rows %i outs(%t : memref<8x4xf32>) : memref<?x2x?x4xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @load_two_outs(%x: memref<?x2x?x4xf32>, %i: index, %t: memref<8x4xf32>) {
  // expected-error@+1 {{'tile.load' op expected one result on tensors, or one buffer to fill}}
  tile.load %x[%i, %i, %i] rows %i outs(%t, %t : memref<8x4xf32>, memref<8x4xf32>) : memref<?x2x?x4xf32>
  return
}

// -----

func.func @load_map_results(%x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected a row map (row) -> (head, position)}}
  %t = tile.load %x[%i, %i, %i] rows %i map affine_map<(r) -> (r)> : memref<?x2x?x4xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @load_map_dims(%x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected a row map (row) -> (head, position)}}
  %t = tile.load %x[%i, %i, %i] rows %i map affine_map<(r, s) -> (r, s)> : memref<?x2x?x4xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @load_map_symbols(%x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected a row map (row) -> (head, position)}}
  %t = tile.load %x[%i, %i, %i] rows %i map affine_map<(r)[s] -> (s, r)> : memref<?x2x?x4xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @load_no_page_size(%x: memref<?x2x?x4xf32>, %i: index, %p: memref<?x?xi32>) {
  // expected-error@+1 {{'tile.load' op expected a page table together with a page size}}
  %t = "tile.load"(%x, %i, %i, %i, %i, %p) <{operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 0>}> : (memref<?x2x?x4xf32>, index, index, index, index, memref<?x?xi32>) -> tensor<8x4xf32>
  return
}

// -----

func.func @load_no_pages(%x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected a page table together with a page size}}
  %t = "tile.load"(%x, %i, %i, %i, %i) <{operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0, 0>, page_size = 8 : i64}> : (memref<?x2x?x4xf32>, index, index, index, index) -> tensor<8x4xf32>
  return
}

// -----

func.func @load_empty_pages(%x: memref<?x2x?x4xf32>, %i: index, %p: memref<?x?xi32>) {
  // expected-error@+1 {{'tile.load' op expected a page size of at least 1}}
  %t = tile.load %x[%i, %i, %i] rows %i pages %p : memref<?x?xi32> of 0 : memref<?x2x?x4xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @load_page_type(%x: memref<?x2x?x4xf32>, %i: index, %p: memref<?x?xi64>) {
  // expected-error@+1 {{'tile.load' op operand #5 must be 2D memref of 32-bit signless integer values, but got 'memref<?x?xi64>'}}
  %t = tile.load %x[%i, %i, %i] rows %i pages %p : memref<?x?xi64> of 8 : memref<?x2x?x4xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @load_page_rank(%x: memref<?x2x?x4xf32>, %i: index, %p: memref<?xi32>) {
  // expected-error@+1 {{'tile.load' op operand #5 must be 2D memref of 32-bit signless integer values, but got 'memref<?xi32>'}}
  %t = tile.load %x[%i, %i, %i] rows %i pages %p : memref<?xi32> of 8 : memref<?x2x?x4xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @store_rank(%t: tensor<8xf32>, %x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.store' op expected a destination of rank 3, found rank 4}}
  tile.store %t, %x[%i, %i, %i] rows %i : tensor<8xf32>, memref<?x2x?x4xf32>
  return
}

// -----

func.func @store_tile_rank(%t: tensor<2x8x4xf32>, %x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.store' op expected a tile of rank 1 or 2, found rank 3}}
  tile.store %t, %x[%i, %i, %i] rows %i : tensor<2x8x4xf32>, memref<?x2x?x4xf32>
  return
}

// -----

func.func @store_features(%t: tensor<8x5xf32>, %x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.store' op expected 4 features in the tile, found 5}}
  tile.store %t, %x[%i, %i, %i] rows %i : tensor<8x5xf32>, memref<?x2x?x4xf32>
  return
}

// -----

func.func @store_transposed(%t: tensor<8x4xf32>, %x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.store' op expected 4 features in the tile, found 8}}
  tile.store %t, %x[%i, %i, %i] rows %i transposed : tensor<8x4xf32>, memref<?x2x?x4xf32>
  return
}

// -----

func.func @store_map(%t: tensor<8x4xf32>, %x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.store' op expected a row map (row) -> (head, position)}}
  tile.store %t, %x[%i, %i, %i] rows %i map affine_map<(r) -> (0, r, r)> : tensor<8x4xf32>, memref<?x2x?x4xf32>
  return
}

// -----

func.func @store_tile_type(%t: tensor<?x4xf32>, %x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.store' op operand #0 must be statically shaped tensor of 16-bit float or bfloat16 type or 32-bit float or 64-bit float values or statically shaped memref of 16-bit float or bfloat16 type or 32-bit float or 64-bit float values, but got 'tensor<?x4xf32>'}}
  tile.store %t, %x[%i, %i, %i] rows %i : tensor<?x4xf32>, memref<?x2x?x4xf32>
  return
}

// -----

func.func @store_dest_type(%t: tensor<8x4xf32>, %x: memref<?x2x?x4xi32>, %i: index) {
  // expected-error@+1 {{'tile.store' op operand #1 must be memref of 8-bit signless integer or 16-bit float or bfloat16 type or 32-bit float or 64-bit float values, but got 'memref<?x2x?x4xi32>'}}
  tile.store %t, %x[%i, %i, %i] rows %i : tensor<8x4xf32>, memref<?x2x?x4xi32>
  return
}

// -----

func.func @value_range_bounds(%x: memref<?x?xi32>, %i: index) {
  // expected-error@+1 {{'tile.value_range' op expected 2 bounds on each side, found 2 in all}}
  %min, %max, %bits = tile.value_range %x from [%i] to [%i] : memref<?x?xi32>
  return
}

// -----

func.func @value_range_sides(%x: memref<?x?xi32>, %i: index) {
  // expected-error@+1 {{'tile.value_range' op expected 2 bounds on each side, found 3 in all}}
  "tile.value_range"(%x, %i, %i, %i) : (memref<?x?xi32>, index, index, index) -> (i32, i32, i64)
  return
}

// -----

func.func @value_range_min(%x: memref<?xi32>, %i: index) {
  // expected-error@+1 {{'tile.value_range' op failed to verify that min has the element type of the source}}
  "tile.value_range"(%x, %i, %i) : (memref<?xi32>, index, index) -> (i64, i32, i64)
  return
}

// -----

func.func @value_range_max(%x: memref<?xi32>, %i: index) {
  // expected-error@+1 {{'tile.value_range' op failed to verify that max has the element type of the source}}
  "tile.value_range"(%x, %i, %i) : (memref<?xi32>, index, index) -> (i32, i64, i64)
  return
}

// -----

func.func @value_range_signature(%x: memref<?xi32>, %i: index) {
  // expected-error@+1 {{'tile.value_range' op result #2 must be 64-bit signless integer, but got 'i32'}}
  "tile.value_range"(%x, %i, %i) : (memref<?xi32>, index, index) -> (i32, i32, i32)
  return
}

// -----

func.func @value_range_type(%x: memref<?xf32>, %i: index) {
  // expected-error@+1 {{'tile.value_range' op result #0 must be integer, but got 'f32'}}
  tile.value_range %x from [%i] to [%i] : memref<?xf32>
  return
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

// -----

func.func @grid_no_axis(%i: index) {
  // expected-error@+1 {{'tile.grid' op expected at least one axis}}
  tile.grid () schedule <order = [0]> {
  ^bb0(%a: index):
  }
  return
}

// -----

func.func @grid_arguments(%i: index) {
  // expected-error@+1 {{'tile.grid' op expected 2 body arguments of type index}}
  tile.grid (%i, %i) schedule <order = [0, 1]> {
  ^bb0(%a: index):
  }
  return
}

// -----

func.func @grid_argument_type(%i: index) {
  // expected-error@+1 {{'tile.grid' op expected 1 body arguments of type index}}
  tile.grid (%i) schedule <order = [0]> {
  ^bb0(%a: i32):
  }
  return
}

// -----

func.func @grid_order_missing(%i: index) {
  // expected-error@+1 {{'tile.grid' op expected an order of the axes 0 to 1}}
  tile.grid (%i, %i) schedule <order = [0]> {
  ^bb0(%a: index, %b: index):
  }
  return
}

// -----

func.func @grid_order_twice(%i: index) {
  // expected-error@+1 {{'tile.grid' op expected an order of the axes 0 to 1}}
  tile.grid (%i, %i) schedule <order = [1, 1]> {
  ^bb0(%a: index, %b: index):
  }
  return
}

// -----

func.func @grid_order_range(%i: index) {
  // expected-error@+1 {{'tile.grid' op expected an order of the axes 0 to 1}}
  tile.grid (%i, %i) schedule <order = [1, 2]> {
  ^bb0(%a: index, %b: index):
  }
  return
}

// -----

func.func @grid_descending(%i: index) {
  // expected-error@+1 {{'tile.grid' op expected descending axes below 2, found 2}}
  tile.grid (%i, %i) schedule <order = [0, 1], descending = [2]> {
  ^bb0(%a: index, %b: index):
  }
  return
}

// -----

func.func @grid_descending_negative(%i: index) {
  // expected-error@+1 {{'tile.grid' op expected descending axes below 2, found -1}}
  tile.grid (%i, %i) schedule <order = [0, 1], descending = [-1]> {
  ^bb0(%a: index, %b: index):
  }
  return
}

// -----

func.func @grid_yield(%i: index) {
  // expected-error@+1 {{'tile.grid' op expected a body that yields nothing}}
  tile.grid (%i) schedule <order = [0]> {
  ^bb0(%a: index):
    tile.yield %a : index
  }
  return
}

// -----

func.func @loop_step(%i: index) {
  // expected-error@+1 {{'tile.key_loop' op expected a step of at least 1}}
  tile.key_loop [%i, %i) step 0 init() {
  ^bb0(%j0: index, %n: index):
  }
  return
}

// -----

func.func @loop_one_excepted_end(%i: index) {
  // expected-error@+1 {{'tile.key_loop' op expected both ends of the full range, or none}}
  "tile.key_loop"(%i, %i, %i) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>, step = 4}> ({
  ^bb0(%j0: index, %n: index):
    "tile.yield"() : () -> ()
  }) : (index, index, index) -> ()
  return
}

// -----

func.func @loop_body_arguments(%i: index, %s: tensor<8xf32>) {
  // expected-error@+1 {{'tile.key_loop' op expected 3 body arguments (first key, number of keys, state), found 2}}
  %r = tile.key_loop [%i, %i) step 4 init(%s : tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%j0: index, %n: index):
    tile.yield %s : tensor<8xf32>
  }
  return
}

// -----

func.func @loop_key_types(%i: index) {
  // expected-error@+1 {{'tile.key_loop' op expected the first key and the number of keys of type index}}
  tile.key_loop [%i, %i) step 4 init() {
  ^bb0(%j0: index, %n: i32):
  }
  return
}

// -----

func.func @full_loop_arguments(%i: index, %s: tensor<8xf32>) {
  // expected-error@+1 {{'tile.key_loop' op expected 4 body arguments (first key, number of keys, whether the block is full, state), found 3}}
  %r = tile.key_loop [%i, %i) full [%i, %i) step 4 init(%s : tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%j: index, %n: index, %x: tensor<8xf32>):
    tile.yield %x : tensor<8xf32>
  }
  return
}

// -----

func.func @full_loop_class(%i: index) {
  // expected-error@+1 {{'tile.key_loop' op expected whether the block is full of type i1}}
  tile.key_loop [%i, %i) full [%i, %i) step 4 init() {
  ^bb0(%j: index, %n: index, %f: index):
    tile.yield
  }
  return
}

// -----

func.func @loop_state_types(%i: index, %s: tensor<8xf32>) {
  // expected-error@+1 {{'tile.key_loop' op expected initial values, body arguments and results of the same types}}
  %r = tile.key_loop [%i, %i) step 4 init(%s : tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%j0: index, %n: index, %s0: tensor<9xf32>):
    tile.yield %s : tensor<8xf32>
  }
  return
}

// -----

func.func @loop_result_types(%i: index, %s: tensor<8xf32>) {
  // expected-error@+1 {{'tile.key_loop' op expected initial values, body arguments and results of the same types}}
  tile.key_loop [%i, %i) step 4 init(%s : tensor<8xf32>) {
  ^bb0(%j0: index, %n: index, %s0: tensor<8xf32>):
  }
  return
}

// -----

func.func @loop_yield(%i: index, %s: tensor<8xf32>) {
  %r = tile.key_loop [%i, %i) step 4 init(%s : tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%j0: index, %n: index, %s0: tensor<8xf32>):
    // expected-error@+1 {{'tile.yield' op expected values of the loop's result types}}
    tile.yield %s0, %s0 : tensor<8xf32>, tensor<8xf32>
  }
  return
}

// -----

func.func @loop_state_type(%i: index, %s: tensor<?xf32>) {
  // expected-error@+1 {{'tile.key_loop' op operand #2 must be variadic of statically shaped tensor of 16-bit float or bfloat16 type or 32-bit float or 64-bit float values, but got 'tensor<?xf32>'}}
  %r = tile.key_loop [%i, %i) step 4 init(%s : tensor<?xf32>) -> tensor<?xf32> {
  ^bb0(%j0: index, %n: index, %s0: tensor<?xf32>):
    tile.yield %s0 : tensor<?xf32>
  }
  return
}

// -----

func.func @yield_parent(%i: index) {
  // expected-error@+1 {{'tile.yield' op expects parent op to be one of 'tile.grid, tile.key_loop, tile.modify, tile.mask'}}
  tile.yield
  return
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]

func.func @contract_left_rank(%q: tensor<4xf32>, %k: tensor<16x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.contract' op expected tiles of rank 2, found rank 1}}
  %s = tile.contract %q, %k columns %n maps #maps : tensor<4xf32>, tensor<16x4xf32> -> tensor<1x16xf32>
  return
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]

func.func @contract_right_rank(%q: tensor<8x4xf32>, %k: tensor<4xf32>, %n: index) {
  // expected-error@+1 {{'tile.contract' op expected tiles of rank 2, found rank 1}}
  %s = tile.contract %q, %k columns %n maps #maps : tensor<8x4xf32>, tensor<4xf32> -> tensor<8x16xf32>
  return
}

// -----

func.func @contract_two_maps(%q: tensor<8x4xf32>, %k: tensor<16x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.contract' op expected maps of left over (row, depth), right over (column, depth) and product over (row, column)}}
  %s = tile.contract %q, %k columns %n maps [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>] : tensor<8x4xf32>, tensor<16x4xf32> -> tensor<8x16xf32>
  return
}

// -----

func.func @contract_left_map(%q: tensor<8x4xf32>, %k: tensor<16x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.contract' op expected maps of left over (row, depth), right over (column, depth) and product over (row, column)}}
  %s = tile.contract %q, %k columns %n maps [affine_map<(r, c, d) -> (r, c)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>] : tensor<8x4xf32>, tensor<16x4xf32> -> tensor<8x16xf32>
  return
}

// -----

func.func @contract_right_map(%q: tensor<8x4xf32>, %k: tensor<16x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.contract' op expected maps of left over (row, depth), right over (column, depth) and product over (row, column)}}
  %s = tile.contract %q, %k columns %n maps [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (r, c)>] : tensor<8x4xf32>, tensor<16x4xf32> -> tensor<8x16xf32>
  return
}

// -----

func.func @contract_product_map(%q: tensor<8x4xf32>, %k: tensor<16x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.contract' op expected maps of left over (row, depth), right over (column, depth) and product over (row, column)}}
  %s = tile.contract %q, %k columns %n maps [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, d)>] : tensor<8x4xf32>, tensor<16x4xf32> -> tensor<8x16xf32>
  return
}

// -----

func.func @contract_map_expression(%q: tensor<8x4xf32>, %k: tensor<16x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.contract' op expected maps of left over (row, depth), right over (column, depth) and product over (row, column)}}
  %s = tile.contract %q, %k columns %n maps [affine_map<(r, c, d) -> (r, d + 1)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>] : tensor<8x4xf32>, tensor<16x4xf32> -> tensor<8x16xf32>
  return
}

// -----

func.func @contract_map_dims(%q: tensor<8x4xf32>, %k: tensor<16x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.contract' op expected maps of left over (row, depth), right over (column, depth) and product over (row, column)}}
  %s = tile.contract %q, %k columns %n maps [affine_map<(r, c) -> (r, c)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>] : tensor<8x4xf32>, tensor<16x4xf32> -> tensor<8x16xf32>
  return
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]

func.func @contract_operand_types(%q: tensor<8x4xf32>, %k: tensor<16x4xf64>, %n: index) {
  // expected-error@+1 {{'tile.contract' op expected products at least as wide as the operands, found 'f32' of 'f64'}}
  %s = tile.contract %q, %k columns %n maps #maps : tensor<8x4xf32>, tensor<16x4xf64> -> tensor<8x16xf32>
  return
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]

func.func @contract_depth(%q: tensor<8x4xf32>, %k: tensor<16x5xf32>, %n: index) {
  // expected-error@+1 {{'tile.contract' op expected equal depths, found 4 and 5}}
  %s = tile.contract %q, %k columns %n maps #maps : tensor<8x4xf32>, tensor<16x5xf32> -> tensor<8x16xf32>
  return
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]

func.func @contract_no_product(%q: tensor<8x4xf32>, %k: tensor<16x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.contract' op expected a product}}
  tile.contract %q, %k columns %n maps #maps : tensor<8x4xf32>, tensor<16x4xf32>
  return
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]

func.func @contract_narrow_product(%q: tensor<8x4xf64>, %k: tensor<16x4xf64>, %n: index) {
  // expected-error@+1 {{'tile.contract' op expected products at least as wide as the operands, found 'f32' of 'f64'}}
  %s = tile.contract %q, %k columns %n maps #maps : tensor<8x4xf64>, tensor<16x4xf64> -> tensor<8x16xf32>
  return
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]

func.func @contract_shape(%q: tensor<8x4xf32>, %k: tensor<16x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.contract' op expected result 0 of 8x16xf32, found 16x8xf32}}
  %s = tile.contract %q, %k columns %n maps #maps : tensor<8x4xf32>, tensor<16x4xf32> -> tensor<16x8xf32>
  return
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]

func.func @contract_max(%q: tensor<8x4xf32>, %k: tensor<16x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.contract' op expected result 1 of 8xf32, found 16xf32}}
  %s:2 = tile.contract %q, %k columns %n maps #maps : tensor<8x4xf32>, tensor<16x4xf32> -> tensor<8x16xf32>, tensor<16xf32>
  return
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]

func.func @contract_results(%q: tensor<8x4xf32>, %k: tensor<16x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.contract' op expected 2 results, found 3}}
  %s:3 = tile.contract %q, %k columns %n maps #maps : tensor<8x4xf32>, tensor<16x4xf32> -> tensor<8x16xf32>, tensor<8xf32>, tensor<8xf32>
  return
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]

func.func @contract_result_type(%q: tensor<8x4xf32>, %k: tensor<16x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.contract' op result #0 must be variadic of statically shaped tensor of 32-bit float or 64-bit float values, but got 'tensor<8x16xf16>'}}
  %s = tile.contract %q, %k columns %n maps #maps : tensor<8x4xf32>, tensor<16x4xf32> -> tensor<8x16xf16>
  return
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]

func.func @contract_left_type(%q: tensor<?x4xf32>, %k: tensor<16x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.contract' op operand #0 must be statically shaped tensor of 16-bit float or bfloat16 type or 32-bit float or 64-bit float values or statically shaped memref of 16-bit float or bfloat16 type or 32-bit float or 64-bit float values, but got 'tensor<?x4xf32>'}}
  %s = tile.contract %q, %k columns %n maps #maps : tensor<?x4xf32>, tensor<16x4xf32> -> tensor<8x16xf32>
  return
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]

func.func @contract_right_type(%q: tensor<8x4xi32>, %k: tensor<16x4xi32>, %n: index) {
  // expected-error@+1 {{'tile.contract' op operand #0 must be statically shaped tensor of 16-bit float or bfloat16 type or 32-bit float or 64-bit float values or statically shaped memref of 16-bit float or bfloat16 type or 32-bit float or 64-bit float values, but got 'tensor<8x4xi32>'}}
  %s = tile.contract %q, %k columns %n maps #maps : tensor<8x4xi32>, tensor<16x4xi32> -> tensor<8x16xf32>
  return
}

//===----------------------------------------------------------------------===//
// The two forms, by the example of contract, row_max and accumulate
//===----------------------------------------------------------------------===//

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]

func.func @form_mixed(%q: memref<8x4xf32>, %k: tensor<16x4xf32>, %s: memref<8x16xf32>, %n: index) {
  // expected-error@+1 {{'tile.contract' op expected either tensors or buffers, found both}}
  tile.contract %q, %k columns %n maps #maps outs(%s : memref<8x16xf32>) : memref<8x4xf32>, tensor<16x4xf32>
  return
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]

func.func @form_outs_on_tensors(%q: tensor<8x4xf32>, %k: tensor<16x4xf32>, %n: index, %s: memref<8x16xf32>) {
  // expected-error@+1 {{'tile.contract' op expected no outs on tensors}}
  tile.contract %q, %k columns %n maps #maps outs(%s : memref<8x16xf32>) : tensor<8x4xf32>, tensor<16x4xf32>
  return
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]

func.func @form_results_on_buffers(%q: memref<8x4xf32>, %k: memref<16x4xf32>, %s: memref<8x16xf32>, %n: index) {
  // expected-error@+1 {{'tile.contract' op expected no results on buffers}}
  %r = tile.contract %q, %k columns %n maps #maps outs(%s : memref<8x16xf32>) : memref<8x4xf32>, memref<16x4xf32> -> tensor<8x16xf32>
  return
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]

func.func @form_out_shape(%q: memref<8x4xf32>, %k: memref<16x4xf32>, %s: memref<16x8xf32>, %n: index) {
  // expected-error@+1 {{'tile.contract' op expected out 0 of 8x16xf32, found 16x8xf32}}
  tile.contract %q, %k columns %n maps #maps outs(%s : memref<16x8xf32>) : memref<8x4xf32>, memref<16x4xf32>
  return
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]

func.func @form_outs(%q: memref<8x4xf32>, %k: memref<16x4xf32>, %s: memref<8x16xf32>, %n: index, %m: memref<8xf32>) {
  // expected-error@+1 {{'tile.contract' op expected 2 outs, found 3}}
  tile.contract %q, %k columns %n maps #maps outs(%s, %m, %m : memref<8x16xf32>, memref<8xf32>, memref<8xf32>) : memref<8x4xf32>, memref<16x4xf32>
  return
}

// -----

func.func @form_no_outs(%s: memref<8x16xf32>, %n: index) {
  // expected-error@+1 {{'tile.row_max' op expected 1 outs, found 0}}
  tile.row_max %s keys %n : memref<8x16xf32>
  return
}

// -----

func.func @form_no_result(%s: tensor<8x16xf32>, %n: index) {
  // expected-error@+1 {{'tile.row_max' op expected 1 results, found 0}}
  tile.row_max %s keys %n : tensor<8x16xf32>
  return
}

// -----

func.func @form_dynamic_out(%s: memref<8x16xf32>, %m: memref<?xf32>, %n: index) {
  // expected-error@+1 {{'tile.row_max' op operand #2 must be variadic of statically shaped memref of 16-bit float or bfloat16 type or 32-bit float or 64-bit float values, but got 'memref<?xf32>'}}
  tile.row_max %s keys %n outs(%m : memref<?xf32>) : memref<8x16xf32>
  return
}

//===----------------------------------------------------------------------===//
// Scores, row by row
//===----------------------------------------------------------------------===//

// -----

func.func @row_max_rank(%s: tensor<8xf32>, %n: index) {
  // expected-error@+1 {{'tile.row_max' op expected scores of rank 2, found rank 1}}
  %m = tile.row_max %s keys %n : tensor<8xf32> -> tensor<8xf32>
  return
}

// -----

func.func @row_max_shape(%s: tensor<8x16xf32>, %n: index) {
  // expected-error@+1 {{'tile.row_max' op expected result 0 of 16xf32, found 8xf32}}
  %m = tile.row_max %s keys %n transposed : tensor<8x16xf32> -> tensor<8xf32>
  return
}

// -----

func.func @row_max_type(%s: tensor<8x16xf16>, %n: index) {
  // expected-error@+1 {{'tile.row_max' op operand #0 must be statically shaped tensor of 32-bit float or 64-bit float values or statically shaped memref of 32-bit float or 64-bit float values, but got 'tensor<8x16xf16>'}}
  %m = tile.row_max %s keys %n : tensor<8x16xf16> -> tensor<8xf32>
  return
}

// -----

func.func @modify_rank(%s: tensor<8xf32>, %i: index) {
  // expected-error@+1 {{'tile.modify' op expected scores of rank 2, found rank 1}}
  %m = tile.modify %s at [%i, %i, %i, %i] keys %i {
  ^bb0(%x: f32, %b: i32, %h: i32, %q: i32, %k: i32):
    tile.yield %x : f32
  } : tensor<8xf32> -> tensor<8xf32>
  return
}

// -----

func.func @modify_map(%s: tensor<8x16xf32>, %i: index) {
  // expected-error@+1 {{'tile.modify' op expected a row map (row) -> (head, position)}}
  %m = tile.modify %s at [%i, %i, %i, %i] keys %i map affine_map<(r) -> (r)> {
  ^bb0(%x: f32, %b: i32, %h: i32, %q: i32, %k: i32):
    tile.yield %x : f32
  } : tensor<8x16xf32> -> tensor<8x16xf32>
  return
}

// -----

func.func @modify_shape(%s: tensor<8x16xf32>, %i: index) {
  // expected-error@+1 {{'tile.modify' op expected result 0 of 8x16xf32, found 8x8xf32}}
  %m = tile.modify %s at [%i, %i, %i, %i] keys %i {
  ^bb0(%x: f32, %b: i32, %h: i32, %q: i32, %k: i32):
    tile.yield %x : f32
  } : tensor<8x16xf32> -> tensor<8x8xf32>
  return
}

// -----

func.func @modify_max(%s: tensor<8x16xf32>, %i: index) {
  // expected-error@+1 {{'tile.modify' op expected result 1 of 16xf32, found 8xf32}}
  %m:2 = tile.modify %s at [%i, %i, %i, %i] keys %i transposed {
  ^bb0(%x: f32, %b: i32, %h: i32, %q: i32, %k: i32):
    tile.yield %x : f32
  } : tensor<8x16xf32> -> tensor<8x16xf32>, tensor<8xf32>
  return
}

// -----

func.func @modify_outs(%s: memref<8x16xf32>, %i: index, %t: memref<8xf32>) {
  // expected-error@+1 {{'tile.modify' op expected 1 outs, found 2}}
  tile.modify %s at [%i, %i, %i, %i] keys %i outs(%t, %t : memref<8xf32>, memref<8xf32>) {
  ^bb0(%x: f32, %b: i32, %h: i32, %q: i32, %k: i32):
    tile.yield %x : f32
  } : memref<8x16xf32>
  return
}

// -----

func.func @modify_type(%s: tensor<8x16xf16>, %i: index) {
  // expected-error@+1 {{'tile.modify' op operand #0 must be statically shaped tensor of 32-bit float or 64-bit float values or statically shaped memref of 32-bit float or 64-bit float values, but got 'tensor<8x16xf16>'}}
  %m = tile.modify %s at [%i, %i, %i, %i] keys %i {
  ^bb0(%x: f32, %b: i32, %h: i32, %q: i32, %k: i32):
    tile.yield %x : f32
  } : tensor<8x16xf16> -> tensor<8x16xf32>
  return
}

// -----

func.func @modify_capture_type(%s: tensor<8x16xf32>, %i: index, %c: tensor<8xf32>) {
  // expected-error@+1 {{'tile.modify' op operand #6 must be variadic of memref of any type values or integer or floating-point, but got 'tensor<8xf32>'}}
  %m = tile.modify %s at [%i, %i, %i, %i] keys %i captures(%c : tensor<8xf32>) {
  ^bb0(%x: f32, %b: i32, %h: i32, %q: i32, %k: i32):
    tile.yield %x : f32
  } : tensor<8x16xf32> -> tensor<8x16xf32>
  return
}

// -----

func.func @mask_rank(%s: tensor<8xf32>, %i: index) {
  // expected-error@+1 {{'tile.mask' op expected scores of rank 2, found rank 1}}
  %m = tile.mask %s at [%i, %i, %i, %i] keys %i {
  ^bb0(%b: i32, %h: i32, %q: i32, %k: i32):
    %v = arith.cmpi sle, %k, %q : i32
    tile.yield %v : i1
  } : tensor<8xf32> -> tensor<8xf32>
  return
}

// -----

func.func @mask_map(%s: tensor<8x16xf32>, %i: index) {
  // expected-error@+1 {{'tile.mask' op expected a row map (row) -> (head, position)}}
  %m = tile.mask %s at [%i, %i, %i, %i] keys %i map affine_map<(r) -> (r)> {
  ^bb0(%b: i32, %h: i32, %q: i32, %k: i32):
    %v = arith.cmpi sle, %k, %q : i32
    tile.yield %v : i1
  } : tensor<8x16xf32> -> tensor<8x16xf32>
  return
}

// -----

func.func @mask_shape(%s: tensor<8x16xf32>, %i: index) {
  // expected-error@+1 {{'tile.mask' op expected result 0 of 8x16xf32, found 8x8xf32}}
  %m = tile.mask %s at [%i, %i, %i, %i] keys %i {
  ^bb0(%b: i32, %h: i32, %q: i32, %k: i32):
    %v = arith.cmpi sle, %k, %q : i32
    tile.yield %v : i1
  } : tensor<8x16xf32> -> tensor<8x8xf32>
  return
}

// -----

func.func @mask_max(%s: tensor<8x16xf32>, %i: index) {
  // expected-error@+1 {{'tile.mask' op expected result 1 of 16xf32, found 8xf32}}
  %m:2 = tile.mask %s at [%i, %i, %i, %i] keys %i transposed {
  ^bb0(%b: i32, %h: i32, %q: i32, %k: i32):
    %v = arith.cmpi sle, %k, %q : i32
    tile.yield %v : i1
  } : tensor<8x16xf32> -> tensor<8x16xf32>, tensor<8xf32>
  return
}

// -----

func.func @mask_outs(%s: memref<8x16xf32>, %i: index, %t: memref<8xf32>) {
  // expected-error@+1 {{'tile.mask' op expected 1 outs, found 2}}
  tile.mask %s at [%i, %i, %i, %i] keys %i outs(%t, %t : memref<8xf32>, memref<8xf32>) {
  ^bb0(%b: i32, %h: i32, %q: i32, %k: i32):
    %v = arith.cmpi sle, %k, %q : i32
    tile.yield %v : i1
  } : memref<8x16xf32>
  return
}

// -----

func.func @mask_type(%s: tensor<8x16xf16>, %i: index) {
  // expected-error@+1 {{'tile.mask' op operand #0 must be statically shaped tensor of 32-bit float or 64-bit float values or statically shaped memref of 32-bit float or 64-bit float values, but got 'tensor<8x16xf16>'}}
  %m = tile.mask %s at [%i, %i, %i, %i] keys %i {
  ^bb0(%b: i32, %h: i32, %q: i32, %k: i32):
    %v = arith.cmpi sle, %k, %q : i32
    tile.yield %v : i1
  } : tensor<8x16xf16> -> tensor<8x16xf32>
  return
}

// -----

func.func @mask_capture_type(%s: tensor<8x16xf32>, %i: index, %c: tensor<8xf32>) {
  // expected-error@+1 {{'tile.mask' op operand #6 must be variadic of memref of any type values or integer or floating-point, but got 'tensor<8xf32>'}}
  %m = tile.mask %s at [%i, %i, %i, %i] keys %i captures(%c : tensor<8xf32>) {
  ^bb0(%b: i32, %h: i32, %q: i32, %k: i32):
    %v = arith.cmpi sle, %k, %q : i32
    tile.yield %v : i1
  } : tensor<8x16xf32> -> tensor<8x16xf32>
  return
}

// -----

func.func @modify_arguments(%s: tensor<8x16xf32>, %i: index) {
  // expected-error@+1 {{'tile.modify' op expected body arguments of types 'f32', 'i32', 'i32', 'i32', 'i32', found 'i32', 'i32', 'i32', 'i32'}}
  %m = tile.modify %s at [%i, %i, %i, %i] keys %i {
  ^bb0(%b: i32, %h: i32, %q: i32, %k: i32):
    %x = arith.constant 0.0 : f32
    tile.yield %x : f32
  } : tensor<8x16xf32> -> tensor<8x16xf32>
  return
}

// -----

func.func @modify_captures(%s: tensor<8x16xf32>, %i: index, %c: memref<?xf32>) {
  // expected-error@+1 {{'tile.modify' op expected body arguments of types 'f32', 'i32', 'i32', 'i32', 'i32', 'memref<?xf32>', found 'f32', 'i32', 'i32', 'i32', 'i32'}}
  %m = tile.modify %s at [%i, %i, %i, %i] keys %i captures(%c : memref<?xf32>) {
  ^bb0(%x: f32, %b: i32, %h: i32, %q: i32, %k: i32):
    tile.yield %x : f32
  } : tensor<8x16xf32> -> tensor<8x16xf32>
  return
}

// -----

func.func @modify_yield(%s: tensor<8x16xf32>, %i: index) {
  // expected-error@+1 {{'tile.modify' op expected the body to yield one 'f32'}}
  %m = tile.modify %s at [%i, %i, %i, %i] keys %i {
  ^bb0(%x: f32, %b: i32, %h: i32, %q: i32, %k: i32):
    tile.yield %b : i32
  } : tensor<8x16xf32> -> tensor<8x16xf32>
  return
}

// -----

func.func @modify_yield_two(%s: tensor<8x16xf32>, %i: index) {
  // expected-error@+1 {{'tile.modify' op expected the body to yield one 'f32'}}
  %m = tile.modify %s at [%i, %i, %i, %i] keys %i {
  ^bb0(%x: f32, %b: i32, %h: i32, %q: i32, %k: i32):
    tile.yield %x, %x : f32, f32
  } : tensor<8x16xf32> -> tensor<8x16xf32>
  return
}

// -----

func.func @mask_arguments(%s: tensor<8x16xf32>, %i: index) {
  // expected-error@+1 {{'tile.mask' op expected body arguments of types 'i32', 'i32', 'i32', 'i32', found 'index', 'i32', 'i32', 'i32'}}
  %m = tile.mask %s at [%i, %i, %i, %i] keys %i {
  ^bb0(%b: index, %h: i32, %q: i32, %k: i32):
    %v = arith.cmpi sle, %k, %q : i32
    tile.yield %v : i1
  } : tensor<8x16xf32> -> tensor<8x16xf32>
  return
}

// -----

func.func @mask_yield(%s: tensor<8x16xf32>, %i: index) {
  // expected-error@+1 {{'tile.mask' op expected the body to yield one 'i1'}}
  %m = tile.mask %s at [%i, %i, %i, %i] keys %i {
  ^bb0(%b: i32, %h: i32, %q: i32, %k: i32):
    tile.yield %b : i32
  } : tensor<8x16xf32> -> tensor<8x16xf32>
  return
}

//===----------------------------------------------------------------------===//
// Online softmax
//===----------------------------------------------------------------------===//

// -----

func.func @init_parts(%n: index) {
  // expected-error@+1 {{'tile.softmax_init' op expected max, sum and acc, as results or as outs}}
  %r:2 = tile.softmax_init : tensor<8xf32>, tensor<8xf32>
  return
}

// -----

func.func @init_nothing(%n: index) {
  // expected-error@+1 {{'tile.softmax_init' op expected max, sum and acc, as results or as outs}}
  tile.softmax_init
  return
}

// -----

func.func @init_twice(%m: memref<8xf32>, %a: memref<8x4xf32>) {
  // expected-error@+1 {{'tile.softmax_init' op expected max, sum and acc, as results or as outs}}
  %r:3 = tile.softmax_init outs(%m, %m, %a : memref<8xf32>, memref<8xf32>, memref<8x4xf32>) : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @init_acc_rank(%n: index) {
  // expected-error@+1 {{'tile.softmax_init' op expected acc of rank 2, found rank 1}}
  %r:3 = tile.softmax_init : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  return
}

// -----

func.func @init_max_rank(%n: index) {
  // expected-error@+1 {{'tile.softmax_init' op expected max of rank 1, found rank 2}}
  %r:3 = tile.softmax_init : tensor<8x4xf32>, tensor<8xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @init_sum(%n: index) {
  // expected-error@+1 {{'tile.softmax_init' op expected sum of 8xf32, found 9xf32}}
  %r:3 = tile.softmax_init : tensor<8xf32>, tensor<9xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @init_sinks(%s: tensor<4xf32>) {
  // expected-error@+1 {{'tile.softmax_init' op expected sinks of 8xf32, found 4xf32}}
  %r:3 = tile.softmax_init sinks(%s : tensor<4xf32>) : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @init_rows(%n: index) {
  // expected-error@+1 {{'tile.softmax_init' op expected acc with 8 rows of 'f32', found 9x4xf32}}
  %r:3 = tile.softmax_init : tensor<8xf32>, tensor<8xf32>, tensor<9x4xf32>
  return
}

// -----

func.func @init_type(%n: index) {
  // expected-error@+1 {{'tile.softmax_init' op expected acc with 8 rows of 'f32', found 8x4xf64}}
  %r:3 = tile.softmax_init : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf64>
  return
}

// -----

func.func @init_result_type(%n: index) {
  // expected-error@+1 {{'tile.softmax_init' op result #0 must be variadic of statically shaped tensor of 32-bit float or 64-bit float values, but got 'tensor<8xf16>'}}
  %r:3 = tile.softmax_init : tensor<8xf16>, tensor<8xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @weights_rank(%s: tensor<8xf32>, %t: tensor<8xf32>, %m: tensor<8xf32>, %l: tensor<8xf32>, %n: index) {
  // expected-error@+1 {{'tile.softmax_weights' op expected scores of rank 2, found rank 1}}
  %w:4 = tile.softmax_weights %s top %t keys %n state(%m, %l) : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32> -> tensor<8x16xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  return
}

// -----

func.func @weights_top(%s: tensor<8x16xf32>, %t: tensor<16xf32>, %m: tensor<8xf32>, %l: tensor<8xf32>, %n: index) {
  // expected-error@+1 {{'tile.softmax_weights' op expected top of 8xf32, found 16xf32}}
  %w:4 = tile.softmax_weights %s top %t keys %n state(%m, %l) : tensor<8x16xf32>, tensor<16xf32>, tensor<8xf32>, tensor<8xf32> -> tensor<8x16xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  return
}

// -----

func.func @weights_max(%s: tensor<8x16xf32>, %t: tensor<8xf32>, %m: tensor<9xf32>, %l: tensor<8xf32>, %n: index) {
  // expected-error@+1 {{'tile.softmax_weights' op expected max of 8xf32, found 9xf32}}
  %w:4 = tile.softmax_weights %s top %t keys %n state(%m, %l) : tensor<8x16xf32>, tensor<8xf32>, tensor<9xf32>, tensor<8xf32> -> tensor<8x16xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  return
}

// -----

func.func @weights_sum(%s: tensor<8x16xf32>, %t: tensor<8xf32>, %m: tensor<8xf32>, %l: tensor<8xf64>, %n: index) {
  // expected-error@+1 {{'tile.softmax_weights' op expected sum of 8xf32, found 8xf64}}
  %w:4 = tile.softmax_weights %s top %t keys %n state(%m, %l) : tensor<8x16xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf64> -> tensor<8x16xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  return
}

// -----

func.func @weights_transposed(%s: tensor<8x16xf32>, %t: tensor<8xf32>, %m: tensor<8xf32>, %l: tensor<8xf32>, %n: index) {
  // expected-error@+1 {{'tile.softmax_weights' op expected top of 16xf32, found 8xf32}}
  %w:4 = tile.softmax_weights %s top %t keys %n state(%m, %l) transposed : tensor<8x16xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32> -> tensor<8x16xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  return
}

// -----

func.func @weights_results(%s: tensor<8x16xf32>, %t: tensor<8xf32>, %m: tensor<8xf32>, %l: tensor<8xf32>, %n: index) {
  // expected-error@+1 {{'tile.softmax_weights' op expected 4 results, found 3}}
  %w:3 = tile.softmax_weights %s top %t keys %n state(%m, %l) : tensor<8x16xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32> -> tensor<8x16xf32>, tensor<8xf32>, tensor<8xf32>
  return
}

// -----

func.func @weights_result(%s: tensor<8x16xf32>, %t: tensor<8xf32>, %m: tensor<8xf32>, %l: tensor<8xf32>, %n: index) {
  // expected-error@+1 {{'tile.softmax_weights' op expected result 3 of 8xf32, found 9xf32}}
  %w:4 = tile.softmax_weights %s top %t keys %n state(%m, %l) : tensor<8x16xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32> -> tensor<8x16xf32>, tensor<8xf32>, tensor<8xf32>, tensor<9xf32>
  return
}

// -----

func.func @weights_type(%s: tensor<8x16xf16>, %t: tensor<8xf32>, %m: tensor<8xf32>, %l: tensor<8xf32>, %n: index) {
  // expected-error@+1 {{'tile.softmax_weights' op operand #0 must be statically shaped tensor of 32-bit float or 64-bit float values or statically shaped memref of 32-bit float or 64-bit float values, but got 'tensor<8x16xf16>'}}
  %w:4 = tile.softmax_weights %s top %t keys %n state(%m, %l) : tensor<8x16xf16>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32> -> tensor<8x16xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  return
}

// -----

func.func @weights_rescale(%s: memref<8x16xf32>, %t: memref<8xf32>, %f: memref<9xf32>, %n: index) {
  // expected-error@+1 {{'tile.softmax_weights' op expected out 0 of 8xf32, found 9xf32}}
  tile.softmax_weights %s top %t keys %n state(%t, %t) outs(%f : memref<9xf32>) : memref<8x16xf32>, memref<8xf32>, memref<8xf32>, memref<8xf32>
  return
}

// -----

func.func @accumulate_weights_rank(%w: tensor<8xf32>, %v: tensor<16x4xf32>, %a: tensor<8x4xf32>, %r: tensor<8xf32>, %n: index) {
  // expected-error@+1 {{'tile.accumulate' op expected weights of rank 2, found rank 1}}
  %x = tile.accumulate %w, %v keys %n into %a rescale %r : tensor<8xf32>, tensor<16x4xf32>, tensor<8x4xf32>, tensor<8xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @accumulate_values_rank(%w: tensor<8x16xf32>, %v: tensor<16xf32>, %a: tensor<8x4xf32>, %r: tensor<8xf32>, %n: index) {
  // expected-error@+1 {{'tile.accumulate' op expected values of rank 2, found rank 1}}
  %x = tile.accumulate %w, %v keys %n into %a rescale %r : tensor<8x16xf32>, tensor<16xf32>, tensor<8x4xf32>, tensor<8xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @accumulate_keys(%w: tensor<8x16xf32>, %v: tensor<15x4xf32>, %a: tensor<8x4xf32>, %r: tensor<8xf32>, %n: index) {
  // expected-error@+1 {{'tile.accumulate' op expected 16 keys in the value tile, found 15}}
  %x = tile.accumulate %w, %v keys %n into %a rescale %r : tensor<8x16xf32>, tensor<15x4xf32>, tensor<8x4xf32>, tensor<8xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @accumulate_transposed_keys(%w: tensor<8x16xf32>, %v: tensor<16x4xf32>, %a: tensor<8x4xf32>, %r: tensor<8xf32>, %n: index) {
  // expected-error@+1 {{'tile.accumulate' op expected 8 keys in the value tile, found 16}}
  %x = tile.accumulate %w, %v keys %n into %a rescale %r transposed : tensor<8x16xf32>, tensor<16x4xf32>, tensor<8x4xf32>, tensor<8xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @accumulate_wide_values(%w: tensor<8x16xf32>, %v: tensor<16x4xf64>, %a: tensor<8x4xf32>, %r: tensor<8xf32>, %n: index) {
  // expected-error@+1 {{'tile.accumulate' op expected values no wider than the weights, found 'f64' and 'f32'}}
  %x = tile.accumulate %w, %v keys %n into %a rescale %r : tensor<8x16xf32>, tensor<16x4xf64>, tensor<8x4xf32>, tensor<8xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @accumulate_acc(%w: tensor<8x16xf32>, %v: tensor<16x4xf32>, %a: tensor<8x5xf32>, %r: tensor<8xf32>, %n: index) {
  // expected-error@+1 {{'tile.accumulate' op expected acc of 8x4xf32, found 8x5xf32}}
  %x = tile.accumulate %w, %v keys %n into %a rescale %r : tensor<8x16xf32>, tensor<16x4xf32>, tensor<8x5xf32>, tensor<8xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @accumulate_acc_layout(%w: tensor<8x16xf32>, %v: tensor<8x4xf32>, %a: tensor<16x4xf32>, %r: tensor<16xf32>, %n: index) {
  // expected-error@+1 {{'tile.accumulate' op expected acc of 4x16xf32, found 16x4xf32}}
  %x = tile.accumulate %w, %v keys %n into %a rescale %r transposed : tensor<8x16xf32>, tensor<8x4xf32>, tensor<16x4xf32>, tensor<16xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @accumulate_acc_type(%w: tensor<8x16xf32>, %v: tensor<16x4xf32>, %a: tensor<8x4xf64>, %r: tensor<8xf32>, %n: index) {
  // expected-error@+1 {{'tile.accumulate' op expected rescale of 8xf64, found 8xf32}}
  %x = tile.accumulate %w, %v keys %n into %a rescale %r : tensor<8x16xf32>, tensor<16x4xf32>, tensor<8x4xf64>, tensor<8xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @accumulate_rescale(%w: tensor<8x16xf32>, %v: tensor<16x4xf32>, %a: tensor<8x4xf32>, %r: tensor<9xf32>, %n: index) {
  // expected-error@+1 {{'tile.accumulate' op expected rescale of 8xf32, found 9xf32}}
  %x = tile.accumulate %w, %v keys %n into %a rescale %r : tensor<8x16xf32>, tensor<16x4xf32>, tensor<8x4xf32>, tensor<9xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @accumulate_guard(%w: tensor<8x16xf32>, %v: tensor<16x4xf32>, %a: tensor<8x4xf32>, %r: tensor<8xf32>, %n: index, %g: tensor<16x8xf32>) {
  // expected-error@+1 {{'tile.accumulate' op expected guarding scores of 8x16xf32, found 16x8xf32}}
  %x = tile.accumulate %w, %v keys %n into %a rescale %r guarded %g : tensor<16x8xf32> : tensor<8x16xf32>, tensor<16x4xf32>, tensor<8x4xf32>, tensor<8xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @accumulate_guard_form(%w: tensor<8x16xf32>, %v: tensor<16x4xf32>, %a: tensor<8x4xf32>, %r: tensor<8xf32>, %n: index, %g: memref<8x16xf32>) {
  // expected-error@+1 {{'tile.accumulate' op expected either tensors or buffers, found both}}
  %x = tile.accumulate %w, %v keys %n into %a rescale %r guarded %g : memref<8x16xf32> : tensor<8x16xf32>, tensor<16x4xf32>, tensor<8x4xf32>, tensor<8xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @accumulate_result(%w: tensor<8x16xf32>, %v: tensor<16x4xf32>, %a: tensor<8x4xf32>, %r: tensor<8xf32>, %n: index) {
  // expected-error@+1 {{'tile.accumulate' op expected result 0 of 8x4xf32, found 4x8xf32}}
  %x = tile.accumulate %w, %v keys %n into %a rescale %r : tensor<8x16xf32>, tensor<16x4xf32>, tensor<8x4xf32>, tensor<8xf32> -> tensor<4x8xf32>
  return
}

// -----

func.func @accumulate_weights_type(%w: tensor<8x16xbf16>, %v: tensor<16x4xf32>, %a: tensor<8x4xf32>, %r: tensor<8xf32>, %n: index) {
  // expected-error@+1 {{'tile.accumulate' op expected values no wider than the weights, found 'f32' and 'bf16'}}
  %x = tile.accumulate %w, %v keys %n into %a rescale %r : tensor<8x16xbf16>, tensor<16x4xf32>, tensor<8x4xf32>, tensor<8xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @merge_acc_rank(%m: tensor<8xf32>, %l: tensor<8xf32>, %a: tensor<8xf32>, %m2: tensor<8xf32>, %l2: tensor<8xf32>, %a2: tensor<8x4xf32>) {
  // expected-error@+1 {{'tile.merge' op expected acc of rank 2, found rank 1}}
  %r:3 = tile.merge (%m, %l, %a) with (%m2, %l2, %a2) : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32> -> tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @merge_max(%m: tensor<9xf32>, %l: tensor<8xf32>, %a: tensor<8x4xf32>, %m2: tensor<8xf32>, %l2: tensor<8xf32>, %a2: tensor<8x4xf32>) {
  // expected-error@+1 {{'tile.merge' op expected max of 8xf32, found 9xf32}}
  %r:3 = tile.merge (%m, %l, %a) with (%m2, %l2, %a2) : tensor<9xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32> -> tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @merge_sum(%m: tensor<8xf32>, %l: tensor<8xf64>, %a: tensor<8x4xf32>, %m2: tensor<8xf32>, %l2: tensor<8xf32>, %a2: tensor<8x4xf32>) {
  // expected-error@+1 {{'tile.merge' op expected sum of 8xf32, found 8xf64}}
  %r:3 = tile.merge (%m, %l, %a) with (%m2, %l2, %a2) : tensor<8xf32>, tensor<8xf64>, tensor<8x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32> -> tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @merge_transposed(%m: tensor<8xf32>, %l: tensor<8xf32>, %a: tensor<8x4xf32>, %m2: tensor<8xf32>, %l2: tensor<8xf32>, %a2: tensor<8x4xf32>) {
  // expected-error@+1 {{'tile.merge' op expected max of 4xf32, found 8xf32}}
  %r:3 = tile.merge (%m, %l, %a) with (%m2, %l2, %a2) transposed : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32> -> tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @merge_other_max(%m: tensor<8xf32>, %l: tensor<8xf32>, %a: tensor<8x4xf32>, %m2: tensor<9xf32>, %l2: tensor<8xf32>, %a2: tensor<8x4xf32>) {
  // expected-error@+1 {{'tile.merge' op expected other max of 8xf32, found 9xf32}}
  %r:3 = tile.merge (%m, %l, %a) with (%m2, %l2, %a2) : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<9xf32>, tensor<8xf32>, tensor<8x4xf32> -> tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @merge_other_sum(%m: tensor<8xf32>, %l: tensor<8xf32>, %a: tensor<8x4xf32>, %m2: tensor<8xf32>, %l2: tensor<9xf32>, %a2: tensor<8x4xf32>) {
  // expected-error@+1 {{'tile.merge' op expected other sum of 8xf32, found 9xf32}}
  %r:3 = tile.merge (%m, %l, %a) with (%m2, %l2, %a2) : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<8xf32>, tensor<9xf32>, tensor<8x4xf32> -> tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @merge_other_acc(%m: tensor<8xf32>, %l: tensor<8xf32>, %a: tensor<8x4xf32>, %m2: tensor<8xf32>, %l2: tensor<8xf32>, %a2: tensor<8x5xf32>) {
  // expected-error@+1 {{'tile.merge' op expected other acc of 8x4xf32, found 8x5xf32}}
  %r:3 = tile.merge (%m, %l, %a) with (%m2, %l2, %a2) : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x5xf32> -> tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @merge_result(%m: tensor<8xf32>, %l: tensor<8xf32>, %a: tensor<8x4xf32>, %m2: tensor<8xf32>, %l2: tensor<8xf32>, %a2: tensor<8x4xf32>) {
  // expected-error@+1 {{'tile.merge' op expected result 2 of 8x4xf32, found 8x5xf32}}
  %r:3 = tile.merge (%m, %l, %a) with (%m2, %l2, %a2) : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32> -> tensor<8xf32>, tensor<8xf32>, tensor<8x5xf32>
  return
}

// -----

func.func @merge_results(%m: tensor<8xf32>, %l: tensor<8xf32>, %a: tensor<8x4xf32>, %m2: tensor<8xf32>, %l2: tensor<8xf32>, %a2: tensor<8x4xf32>) {
  // expected-error@+1 {{'tile.merge' op expected 3 results, found 2}}
  %r:2 = tile.merge (%m, %l, %a) with (%m2, %l2, %a2) : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32> -> tensor<8xf32>, tensor<8xf32>
  return
}

// -----

func.func @merge_type(%m: tensor<8xf16>, %l: tensor<8xf32>, %a: tensor<8x4xf32>, %m2: tensor<8xf32>, %l2: tensor<8xf32>, %a2: tensor<8x4xf32>) {
  // expected-error@+1 {{'tile.merge' op operand #0 must be statically shaped tensor of 32-bit float or 64-bit float values or statically shaped memref of 32-bit float or 64-bit float values, but got 'tensor<8xf16>'}}
  %r:3 = tile.merge (%m, %l, %a) with (%m2, %l2, %a2) : tensor<8xf16>, tensor<8xf32>, tensor<8x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32> -> tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @finish_acc_rank(%m: tensor<8xf32>, %l: tensor<8xf32>, %a: tensor<8xf32>) {
  // expected-error@+1 {{'tile.softmax_finish' op expected acc of rank 2, found rank 1}}
  %r:2 = tile.softmax_finish (%m, %l, %a) : tensor<8xf32>, tensor<8xf32>, tensor<8xf32> -> tensor<8x4xf32>, tensor<8xf32>
  return
}

// -----

func.func @finish_max(%m: tensor<9xf32>, %l: tensor<8xf32>, %a: tensor<8x4xf32>) {
  // expected-error@+1 {{'tile.softmax_finish' op expected max of 8xf32, found 9xf32}}
  %r:2 = tile.softmax_finish (%m, %l, %a) : tensor<9xf32>, tensor<8xf32>, tensor<8x4xf32> -> tensor<8x4xf32>, tensor<8xf32>
  return
}

// -----

func.func @finish_sum(%m: tensor<8xf32>, %l: tensor<9xf32>, %a: tensor<8x4xf32>) {
  // expected-error@+1 {{'tile.softmax_finish' op expected sum of 8xf32, found 9xf32}}
  %r:2 = tile.softmax_finish (%m, %l, %a) : tensor<8xf32>, tensor<9xf32>, tensor<8x4xf32> -> tensor<8x4xf32>, tensor<8xf32>
  return
}

// -----

func.func @finish_transposed(%m: tensor<8xf32>, %l: tensor<8xf32>, %a: tensor<8x4xf32>) {
  // expected-error@+1 {{'tile.softmax_finish' op expected max of 4xf32, found 8xf32}}
  %r:2 = tile.softmax_finish (%m, %l, %a) transposed : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32> -> tensor<8x4xf32>, tensor<8xf32>
  return
}

// -----

func.func @finish_out(%m: tensor<8xf32>, %l: tensor<8xf32>, %a: tensor<8x4xf32>) {
  // expected-error@+1 {{'tile.softmax_finish' op expected result 0 of 8x4xf32, found 4x8xf32}}
  %r:2 = tile.softmax_finish (%m, %l, %a) : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32> -> tensor<4x8xf32>, tensor<8xf32>
  return
}

// -----

func.func @finish_lse(%m: tensor<8xf32>, %l: tensor<8xf32>, %a: tensor<8x4xf32>) {
  // expected-error@+1 {{'tile.softmax_finish' op expected result 1 of 8xf32, found 4xf32}}
  %r:2 = tile.softmax_finish (%m, %l, %a) : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32> -> tensor<8x4xf32>, tensor<4xf32>
  return
}

// -----

func.func @finish_results(%m: tensor<8xf32>, %l: tensor<8xf32>, %a: tensor<8x4xf32>) {
  // expected-error@+1 {{'tile.softmax_finish' op expected 2 results, found 1}}
  %r:1 = tile.softmax_finish (%m, %l, %a) : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @finish_type(%m: tensor<8xf32>, %l: tensor<8xf32>, %a: tensor<8x4xbf16>) {
  // expected-error@+1 {{'tile.softmax_finish' op operand #2 must be statically shaped tensor of 32-bit float or 64-bit float values or statically shaped memref of 32-bit float or 64-bit float values, but got 'tensor<8x4xbf16>'}}
  %r:2 = tile.softmax_finish (%m, %l, %a) : tensor<8xf32>, tensor<8xf32>, tensor<8x4xbf16> -> tensor<8x4xf32>, tensor<8xf32>
  return
}

// -----

func.func @non_finite_type(%t: tensor<8x4xf16>) {
  // expected-error@+1 {{'tile.has_non_finite' op operand #0 must be statically shaped tensor of 32-bit float or 64-bit float values or statically shaped memref of 32-bit float or 64-bit float values, but got 'tensor<8x4xf16>'}}
  %r = tile.has_non_finite %t : tensor<8x4xf16>
  return
}

// -----

// expected-error@+1 {{expected at least one query and one key, found 0 and 16}}
func.func private @shape_rows() attributes {tile.shape = #tile.shape<queries = 0, keys = 16>}

// -----

// expected-error@+1 {{expected queries that fill whole registers of lanes, found 24 queries and 16 lanes}}
func.func private @shape_lanes() attributes {tile.shape = #tile.shape<queries = 24, keys = 16, lanes = 16>}

// -----

// expected-error@+1 {{expected queries that fill whole registers of lanes, found 24 queries and -8 lanes}}
func.func private @shape_no_lanes() attributes {tile.shape = #tile.shape<queries = 24, keys = 16, lanes = -8>}

// -----

// expected-error@+1 {{expected a number of few queries, found -1}}
func.func private @shape_few() attributes {tile.shape = #tile.shape<queries = 8, keys = 16, few = -1>}

// -----

// expected-error@+1 {{expected chunks of whole blocks of 16 keys, found 40}}
func.func private @shape_chunk() attributes {tile.shape = #tile.shape<queries = 8, keys = 16, few = 8, chunk = 40>}

// -----

// expected-error@+1 {{expected chunks of whole blocks of 16 keys, found 0}}
func.func private @shape_no_chunk() attributes {tile.shape = #tile.shape<queries = 8, keys = 16, few = 8>}

// -----

// expected-error@+1 {{expected 'tile.shape' to be a #tile.shape, found 8 : i64}}
func.func private @shape_kind() attributes {tile.shape = 8}

// -----

// expected-error@+1 {{unknown attribute "tile.size"}}
func.func private @shape_name() attributes {tile.size = 8}

// -----

func.func @in_place_store(%t: tensor<8x4xf32>, %x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{expected "tile.in_place" to be a flag of a tile.load}}
  tile.store %t, %x[%i, %i, %i] rows %i {tile.in_place} : tensor<8x4xf32>, memref<?x2x?x4xf32>
  return
}

// -----

func.func @sparse_elsewhere(%i: index) {
  // expected-error@+1 {{expected "tile.sparse" to be a flag of a tile.load}}
  %j = arith.addi %i, %i {tile.sparse} : index
  return
}

// -----

func.func @in_place_value(%x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{expected "tile.in_place" to be a flag of a tile.load}}
  %t = tile.load %x[%i, %i, %i] rows %i {tile.in_place = true} : memref<?x2x?x4xf32> -> tensor<8x4xf32>
  return
}

// -----

// expected-error@+1 {{expected at least one query and one key, found 8 and 0}}
func.func private @shape_keys() attributes {tile.shape = #tile.shape<queries = 8, keys = 0>}

// -----

// expected-error@+1 {{expected chunks of whole blocks of 16 keys, found 8}}
func.func private @shape_short_chunk() attributes {tile.shape = #tile.shape<queries = 8, keys = 16, few = 1, chunk = 8>}

// -----

func.func @weights_wider_than_acc(%w: tensor<8x16xf64>, %v: tensor<16x4xf32>, %a: tensor<8x4xf32>, %r: tensor<8xf32>, %n: index) {
  // expected-error@+1 {{'tile.accumulate' op expected weights no wider than acc, found 'f64' and 'f32'}}
  %x = tile.accumulate %w, %v keys %n into %a rescale %r : tensor<8x16xf64>, tensor<16x4xf32>, tensor<8x4xf32>, tensor<8xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @load_converted_integers(%x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected a tile of integers to be loaded as it is, found a source of 'f32'}}
  %t = tile.load %x[%i, %i, %i] rows %i : memref<?x2x?x4xf32> -> tensor<8x4xi8>
  return
}

// -----

func.func @load_scaled_integers(%x: memref<?x2x?x4xi8>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected a tile of integers to be loaded as it is, found a source of 'i8' and a scale}}
  %t = tile.load %x[%i, %i, %i] rows %i scale 2.0 : memref<?x2x?x4xi8> -> tensor<8x4xi8>
  return
}

// -----

func.func @normalize_rank(%s: tensor<8xf32>, %m: tensor<8xf32>, %i: index) {
  // expected-error@+1 {{'tile.softmax_normalize' op expected scores of rank 2, found rank 1}}
  %r = tile.softmax_normalize %s keys %i state(%m, %m) : tensor<8xf32>, tensor<8xf32>, tensor<8xf32> -> tensor<8xf32>
  return
}

// -----

func.func @normalize_max(%s: tensor<8x4xf32>, %m: tensor<4xf32>, %l: tensor<8xf32>, %i: index) {
  // expected-error@+1 {{'tile.softmax_normalize' op expected max of 8xf32, found 4xf32}}
  %r = tile.softmax_normalize %s keys %i state(%m, %l) : tensor<8x4xf32>, tensor<4xf32>, tensor<8xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @normalize_sum(%s: tensor<8x4xf32>, %m: tensor<8xf32>, %l: tensor<4xf32>, %i: index) {
  // expected-error@+1 {{'tile.softmax_normalize' op expected sum of 8xf32, found 4xf32}}
  %r = tile.softmax_normalize %s keys %i state(%m, %l) : tensor<8x4xf32>, tensor<8xf32>, tensor<4xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @normalize_stored_rank(%w: memref<?x2x?x?xf32>, %s: tensor<8x4xf32>, %m: tensor<8xf32>, %i: index) {
  // expected-error@+1 {{'tile.normalize_stored' op expected seen of rank 1, found rank 2}}
  tile.normalize_stored %w[%i, %i, %i] rows %i columns %i seen %s state(%m, %m) : memref<?x2x?x?xf32>, tensor<8x4xf32>, tensor<8xf32>, tensor<8xf32>
  return
}

// -----

func.func @normalize_stored_max(%w: memref<?x2x?x?xf32>, %s: tensor<8xf32>, %m: tensor<4xf32>, %i: index) {
  // expected-error@+1 {{'tile.normalize_stored' op expected max of 8xf32, found 4xf32}}
  tile.normalize_stored %w[%i, %i, %i] rows %i columns %i seen %s state(%m, %s) : memref<?x2x?x?xf32>, tensor<8xf32>, tensor<4xf32>, tensor<8xf32>
  return
}

// -----

func.func @normalize_stored_sum(%w: memref<?x2x?x?xf32>, %s: tensor<8xf32>, %l: tensor<4xf32>, %i: index) {
  // expected-error@+1 {{'tile.normalize_stored' op expected sum of 8xf32, found 4xf32}}
  tile.normalize_stored %w[%i, %i, %i] rows %i columns %i seen %s state(%s, %l) : memref<?x2x?x?xf32>, tensor<8xf32>, tensor<8xf32>, tensor<4xf32>
  return
}

// -----

func.func @normalize_stored_type(%w: memref<?x2x?x?xf64>, %s: tensor<8xf32>, %i: index) {
  // expected-error@+1 {{'tile.normalize_stored' op expected weights of 'f32' as seen is, found 'f64'}}
  tile.normalize_stored %w[%i, %i, %i] rows %i columns %i seen %s state(%s, %s) : memref<?x2x?x?xf64>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  return
}

// -----

func.func @normalize_stored_map(%w: memref<?x2x?x?xf32>, %s: tensor<8xf32>, %i: index) {
  // expected-error@+1 {{'tile.normalize_stored' op expected a row map (row) -> (head, position)}}
  tile.normalize_stored %w[%i, %i, %i] rows %i columns %i seen %s state(%s, %s) map affine_map<(r) -> (r)> : memref<?x2x?x?xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  return
}

// -----

func.func @normalize_stored_mixed(%w: memref<?x2x?x?xf32>, %s: tensor<8xf32>, %m: memref<8xf32>, %i: index) {
  // expected-error@+1 {{'tile.normalize_stored' op expected}}
  tile.normalize_stored %w[%i, %i, %i] rows %i columns %i seen %s state(%m, %m) : memref<?x2x?x?xf32>, tensor<8xf32>, memref<8xf32>, memref<8xf32>
  return
}

// -----

func.func @normalize_result(%s: tensor<8x4xf32>, %m: tensor<8xf32>, %i: index) {
  // expected-error@+1 {{'tile.softmax_normalize' op expected result 0 of 8x4xf32, found 4x8xf32}}
  %r = tile.softmax_normalize %s keys %i state(%m, %m) : tensor<8x4xf32>, tensor<8xf32>, tensor<8xf32> -> tensor<4x8xf32>
  return
}

// -----

func.func @store_columns_of_row(%t: tensor<8xf32>, %x: memref<?x2x?xf32>, %i: index) {
  // expected-error@+1 {{'tile.store' op expected a tile of rank 2 to store columns of}}
  tile.store %t, %x[%i, %i, %i] rows %i columns %i : tensor<8xf32>, memref<?x2x?xf32>
  return
}

// -----

// expected-error@+1 {{expected a block, at least one row and a number of chunks for few queries, found -16, 1 and 0}}
func.func private @shape_few_keys() attributes {tile.shape = #tile.shape<queries = 8, keys = 16, few = 8, chunk = 16, few_keys = -16>}

// -----

// expected-error@+1 {{expected a block, at least one row and a number of chunks for few queries, found 0, 0 and 0}}
func.func private @shape_few_rows() attributes {tile.shape = #tile.shape<queries = 8, keys = 16, few = 8, chunk = 16, few_rows = 0>}

// -----

// expected-error@+1 {{expected a block, at least one row and a number of chunks for few queries, found 0, 1 and -2}}
func.func private @shape_few_chunks() attributes {tile.shape = #tile.shape<queries = 8, keys = 16, few = 8, chunk = 16, few_chunks = -2>}

// -----

// A chunk has whole blocks of the form for few.
// expected-error@+1 {{expected chunks of whole blocks of 48 keys, found 64}}
func.func private @shape_few_block() attributes {tile.shape = #tile.shape<queries = 8, keys = 16, few = 8, chunk = 64, few_keys = 48>}

// -----

func.func @round_of_a_vector(%x: tensor<8xf32>, %n: index) {
  // expected-error@+1 {{'tile.round' op expected a tile of rank 2, found rank 1}}
  %r = tile.round %x keys %n : tensor<8xf32> -> tensor<8xbf16>
  return
}

// -----

func.func @round_wider(%x: tensor<8x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.round' op expected a type narrower than 'f32', found 'f32'}}
  %r = tile.round %x keys %n : tensor<8x4xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @round_shape(%x: tensor<8x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.round' op expected result 0 of 8x4xbf16, found 4x8xbf16}}
  %r = tile.round %x keys %n : tensor<8x4xf32> -> tensor<4x8xbf16>
  return
}

// -----

func.func @round_without_result(%x: memref<8x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.round' op expected one result on tensors, or one buffer to fill}}
  tile.round %x keys %n : memref<8x4xf32>
  return
}

// -----

// expected-error@+1 {{expected rows first (narrow) or last (pairs), found both}}
#shape = #tile.shape<queries = 64, keys = 64, narrow = true, pairs = true>

// -----

// expected-error@+1 {{expected 'tile.projection' to be a #tile.projection, found 8 : i64}}
func.func private @projection_kind() attributes {tile.projection = 8}

// -----

// expected-error@+1 {{expected numbers of at least 0, found -1 keys and 8 tiles}}
func.func private @projection_keys() attributes {tile.projection = #tile.projection<most_keys = -1, least_tiles = 8>}

// -----

// expected-error@+1 {{expected numbers of at least 0, found 1 keys and -8 tiles}}
func.func private @projection_tiles() attributes {tile.projection = #tile.projection<most_keys = 1, least_tiles = -8>}

// -----

func.func @accumulate_value_transposed(%w: tensor<8x16xf32>, %v: tensor<16x4xf32>, %a: tensor<8x4xf32>, %n: index) {
  // expected-error@+1 {{expected 16 keys in the value tile, found 4}}
  %x = tile.accumulate %w, %v value_transposed keys %n into %a : tensor<8x16xf32>, tensor<16x4xf32>, tensor<8x4xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @accumulate_transposed_acc(%w: tensor<8x16xf32>, %v: tensor<5x16xf32>, %a: tensor<8x4xf32>, %n: index) {
  // expected-error@+1 {{expected acc}}
  %x = tile.accumulate %w, %v value_transposed keys %n into %a : tensor<8x16xf32>, tensor<5x16xf32>, tensor<8x4xf32> -> tensor<8x4xf32>
  return
}
