// Every clause of the verifiers, once.
// RUN: ladon-opt %s --split-input-file --verify-diagnostics

func.func @load_source_rank(%x: memref<?x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected a source of rank 4 (batch, head, position, feature), found rank 3}}
  %t = tile.load %x[%i, %i, %i] rows %i : memref<?x?x4xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @load_tile_rank(%x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected a tile of rank 2, found rank 1}}
  %t = tile.load %x[%i, %i, %i] rows %i : memref<?x2x?x4xf32> -> tensor<8xf32>
  return
}

// -----

func.func @load_element_type(%x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected a tile of 'f32', found 'f64'}}
  %t = tile.load %x[%i, %i, %i] rows %i : memref<?x2x?x4xf32> -> tensor<8x4xf64>
  return
}

// -----

func.func @load_features(%x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.load' op expected 4 features in the tile, found 5}}
  %t = tile.load %x[%i, %i, %i] rows %i : memref<?x2x?x4xf32> -> tensor<8x5xf32>
  return
}

// -----

func.func @load_dynamic_tile(%x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.load' op result #0 must be statically shaped tensor of 32-bit float or 64-bit float values, but got 'tensor<?x4xf32>'}}
  %t = tile.load %x[%i, %i, %i] rows %i : memref<?x2x?x4xf32> -> tensor<?x4xf32>
  return
}

// -----

func.func @store_element_type(%t: tensor<8x4xf32>, %x: memref<?x2x?x4xf64>, %i: index) {
  // expected-error@+1 {{'tile.store' op expected a destination of 'f32', found 'f64'}}
  tile.store %t, %x[%i, %i, %i] rows %i : tensor<8x4xf32>, memref<?x2x?x4xf64>
  return
}

// -----

func.func @store_rank(%t: tensor<8xf32>, %x: memref<?x2x?x4xf32>, %i: index) {
  // expected-error@+1 {{'tile.store' op expected a destination of rank 3, found rank 4}}
  tile.store %t, %x[%i, %i, %i] rows %i : tensor<8xf32>, memref<?x2x?x4xf32>
  return
}

// -----

func.func @value_range_bounds(%x: memref<?x?xi32>, %i: index) {
  // expected-error@+1 {{'tile.value_range' op expected 2 bounds on each side, found 1}}
  %min, %max = tile.value_range %x from [%i] to [%i] : memref<?x?xi32>
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
  // expected-error@+1 {{'tile.key_loop' op expected both ends of the excepted range, or none}}
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

func.func @yield_parent(%i: index) {
  // expected-error@+1 {{'tile.yield' op expects parent op to be one of 'tile.key_loop, tile.modify, tile.mask'}}
  tile.yield
  return
}

// -----

func.func @scores_rank(%q: tensor<4xf32>, %k: tensor<16x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.scores' op expected tiles of rank 2}}
  %s = tile.scores %q, %k keys %n : tensor<4xf32>, tensor<16x4xf32> -> tensor<1x16xf32>
  return
}

// -----

func.func @scores_features(%q: tensor<8x4xf32>, %k: tensor<16x5xf32>, %n: index) {
  // expected-error@+1 {{'tile.scores' op expected query and key of the same feature size, found 4 and 5}}
  %s = tile.scores %q, %k keys %n : tensor<8x4xf32>, tensor<16x5xf32> -> tensor<8x16xf32>
  return
}

// -----

func.func @scores_shape(%q: tensor<8x4xf32>, %k: tensor<16x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.scores' op expected scores of 8x16, found 16x8}}
  %s = tile.scores %q, %k keys %n : tensor<8x4xf32>, tensor<16x4xf32> -> tensor<16x8xf32>
  return
}

// -----

func.func @modify_arguments(%s: tensor<8x16xf32>, %i: index) {
  // expected-error@+1 {{'tile.modify' op expected body arguments of types 'f32', 'i32', 'i32', 'i32', 'i32', found 'i32', 'i32', 'i32', 'i32'}}
  %m = tile.modify %s at [%i, %i, %i, %i] keys %i {
  ^bb0(%b: i32, %h: i32, %q: i32, %k: i32):
    %x = arith.constant 0.0 : f32
    tile.yield %x : f32
  } : tensor<8x16xf32>
  return
}

// -----

func.func @modify_captures(%s: tensor<8x16xf32>, %i: index, %c: memref<?xf32>) {
  // expected-error@+1 {{'tile.modify' op expected body arguments of types 'f32', 'i32', 'i32', 'i32', 'i32', 'memref<?xf32>', found 'f32', 'i32', 'i32', 'i32', 'i32'}}
  %m = tile.modify %s at [%i, %i, %i, %i] keys %i captures(%c : memref<?xf32>) {
  ^bb0(%x: f32, %b: i32, %h: i32, %q: i32, %k: i32):
    tile.yield %x : f32
  } : tensor<8x16xf32>
  return
}

// -----

func.func @modify_yield(%s: tensor<8x16xf32>, %i: index) {
  // expected-error@+1 {{'tile.modify' op expected the body to yield one 'f32'}}
  %m = tile.modify %s at [%i, %i, %i, %i] keys %i {
  ^bb0(%x: f32, %b: i32, %h: i32, %q: i32, %k: i32):
    tile.yield %b : i32
  } : tensor<8x16xf32>
  return
}

// -----

func.func @mask_arguments(%s: tensor<8x16xf32>, %i: index) {
  // expected-error@+1 {{'tile.mask' op expected body arguments of types 'i32', 'i32', 'i32', 'i32', found 'index', 'i32', 'i32', 'i32'}}
  %m = tile.mask %s at [%i, %i, %i, %i] keys %i {
  ^bb0(%b: index, %h: i32, %q: i32, %k: i32):
    %x = arith.constant true
    tile.yield %x : i1
  } : tensor<8x16xf32>
  return
}

// -----

func.func @mask_yield(%s: tensor<8x16xf32>, %i: index) {
  // expected-error@+1 {{'tile.mask' op expected the body to yield one 'i1'}}
  %m = tile.mask %s at [%i, %i, %i, %i] keys %i {
  ^bb0(%b: i32, %h: i32, %q: i32, %k: i32):
    tile.yield %b : i32
  } : tensor<8x16xf32>
  return
}

// -----

func.func @update_rank(%s: tensor<8x16xf32>, %v: tensor<16x4xf32>, %m: tensor<8x1xf32>, %l: tensor<8xf32>,
    %acc: tensor<8x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.softmax_update' op expected scores, value and acc of rank 2, max and sum of rank 1}}
  %m1, %l1, %acc1 = tile.softmax_update %s, %v keys %n state(%m, %l, %acc)
      : tensor<8x16xf32>, tensor<16x4xf32>, tensor<8x1xf32>, tensor<8xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @update_keys(%s: tensor<8x16xf32>, %v: tensor<15x4xf32>, %m: tensor<8xf32>, %l: tensor<8xf32>,
    %acc: tensor<8x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.softmax_update' op expected 16 keys in the value tile, found 15}}
  %m1, %l1, %acc1 = tile.softmax_update %s, %v keys %n state(%m, %l, %acc)
      : tensor<8x16xf32>, tensor<15x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @update_rows(%s: tensor<8x16xf32>, %v: tensor<16x4xf32>, %m: tensor<8xf32>, %l: tensor<9xf32>,
    %acc: tensor<8x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.softmax_update' op expected a state of 8 rows}}
  %m1, %l1, %acc1 = tile.softmax_update %s, %v keys %n state(%m, %l, %acc)
      : tensor<8x16xf32>, tensor<16x4xf32>, tensor<8xf32>, tensor<9xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @update_features(%s: tensor<8x16xf32>, %v: tensor<16x4xf32>, %m: tensor<8xf32>, %l: tensor<8xf32>,
    %acc: tensor<8x5xf32>, %n: index) {
  // expected-error@+1 {{'tile.softmax_update' op expected 4 features in acc, found 5}}
  %m1, %l1, %acc1 = tile.softmax_update %s, %v keys %n state(%m, %l, %acc)
      : tensor<8x16xf32>, tensor<16x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x5xf32>
  return
}
