// RUN: ladon-opt %s --classify-blocks --split-input-file --verify-diagnostics

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]
!heads = memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>
!row = tensor<24xf32>
!acc = tensor<24x4xf32>
!keys = tensor<128x4xf32>
!scores = tensor<24x128xf32>

func.func @unknown(%q: !heads, %k: !heads, %v: !heads, %x_: f32,
    %b0: index, %h0: index, %i0: index, %rows: index) -> (!row, !row, !acc) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %T = memref.dim %k, %c2 : !heads
  %queries = tile.load %q[%b0, %h0, %i0] rows %rows : !heads -> tensor<24x4xf32>
  %init:3 = tile.softmax_init : !row, !row, !acc
  %state:3 = tile.key_loop [%c0, %T) step 128
      init(%init#0, %init#1, %init#2 : !row, !row, !acc) -> !row, !row, !acc {
  ^bb0(%j0: index, %n: index, %m0: !row, %l0: !row, %acc0: !acc):
    %keys = tile.load %k[%b0, %h0, %j0] rows %n : !heads -> !keys
    %scores = tile.contract %queries, %keys columns %n maps #maps : tensor<24x4xf32>, !keys -> !scores
    // expected-remark @+1 {{every key is visited and every position tested: comparison of real numbers that differ from position to position}}
    %masked = tile.mask %scores at [%b0, %h0, %i0, %j0] keys %n captures(%x_ : f32) {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %x: f32):
      %position = arith.sitofp %j : i32 to f32
      // expected-note @+1 {{used here}}
      %visible = arith.cmpf olt, %position, %x : f32
      tile.yield %visible : i1
    } : !scores -> !scores
    %values = tile.load %v[%b0, %h0, %j0] rows %n : !heads -> !keys
    %top = tile.row_max %masked keys %n : !scores -> !row
    %w:4 = tile.softmax_weights %masked top %top keys %n state(%m0, %l0) : !scores, !row, !row, !row -> !scores, !row, !row, !row
    %next = tile.accumulate %w#0, %values keys %n into %acc0 rescale %w#3 : !scores, !keys, !acc, !row -> !acc
    tile.yield %w#1, %w#2, %next : !row, !row, !acc
  }
  return %state#0, %state#1, %state#2 : !row, !row, !acc
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]
!heads = memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>
!row = tensor<24xf32>
!acc = tensor<24x4xf32>
!keys = tensor<128x4xf32>
!scores = tensor<24x128xf32>

func.func @partly_unknown(%q: !heads, %k: !heads, %v: !heads, %x_: f32,
    %b0: index, %h0: index, %i0: index, %rows: index) -> (!row, !row, !acc) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %T = memref.dim %k, %c2 : !heads
  %queries = tile.load %q[%b0, %h0, %i0] rows %rows : !heads -> tensor<24x4xf32>
  %init:3 = tile.softmax_init : !row, !row, !acc
  %state:3 = tile.key_loop [%c0, %T) step 128
      init(%init#0, %init#1, %init#2 : !row, !row, !acc) -> !row, !row, !acc {
  ^bb0(%j0: index, %n: index, %m0: !row, %l0: !row, %acc0: !acc):
    %keys = tile.load %k[%b0, %h0, %j0] rows %n : !heads -> !keys
    %scores = tile.contract %queries, %keys columns %n maps #maps : tensor<24x4xf32>, !keys -> !scores
    // expected-remark @+1 {{a part of the mask has no bounds: comparison of real numbers that differ from position to position}}
    %masked = tile.mask %scores at [%b0, %h0, %i0, %j0] keys %n captures(%x_ : f32) {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %x: f32):
      %position = arith.sitofp %j : i32 to f32
      // expected-note @+1 {{used here}}
      %near = arith.cmpf olt, %position, %x : f32
      %causal = arith.cmpi sle, %j, %i : i32
      %visible = arith.andi %near, %causal : i1
      tile.yield %visible : i1
    } : !scores -> !scores
    %values = tile.load %v[%b0, %h0, %j0] rows %n : !heads -> !keys
    %top = tile.row_max %masked keys %n : !scores -> !row
    %w:4 = tile.softmax_weights %masked top %top keys %n state(%m0, %l0) : !scores, !row, !row, !row -> !scores, !row, !row, !row
    %next = tile.accumulate %w#0, %values keys %n into %acc0 rescale %w#3 : !scores, !keys, !acc, !row -> !acc
    tile.yield %w#1, %w#2, %next : !row, !row, !acc
  }
  return %state#0, %state#1, %state#2 : !row, !row, !acc
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]
!heads = memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>
!row = tensor<24xf32>
!acc = tensor<24x4xf32>
!keys = tensor<128x4xf32>
!scores = tensor<24x128xf32>

func.func @two_masks(%q: !heads, %k: !heads, %v: !heads, %w_: i32,
    %b0: index, %h0: index, %i0: index, %rows: index) -> (!row, !row, !acc) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %T = memref.dim %k, %c2 : !heads
  %queries = tile.load %q[%b0, %h0, %i0] rows %rows : !heads -> tensor<24x4xf32>
  %init:3 = tile.softmax_init : !row, !row, !acc
  // expected-remark @+1 {{blocks are not classified: expected one mask in the loop, found 2}}
  %state:3 = tile.key_loop [%c0, %T) step 128
      init(%init#0, %init#1, %init#2 : !row, !row, !acc) -> !row, !row, !acc {
  ^bb0(%j0: index, %n: index, %m0: !row, %l0: !row, %acc0: !acc):
    %keys = tile.load %k[%b0, %h0, %j0] rows %n : !heads -> !keys
    %scores = tile.contract %queries, %keys columns %n maps #maps : tensor<24x4xf32>, !keys -> !scores
    %masked = tile.mask %scores at [%b0, %h0, %i0, %j0] keys %n captures(%w_ : i32) {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %w: i32):
      %last = arith.addi %i, %w : i32
      %visible = arith.cmpi sle, %j, %last : i32
      tile.yield %visible : i1
    } : !scores -> !scores
    %again = tile.mask %masked at [%b0, %h0, %i0, %j0] keys %n {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
      %visible = arith.cmpi sle, %j, %i : i32
      tile.yield %visible : i1
    } : !scores -> !scores
    %values = tile.load %v[%b0, %h0, %j0] rows %n : !heads -> !keys
    %top = tile.row_max %again keys %n : !scores -> !row
    %w:4 = tile.softmax_weights %again top %top keys %n state(%m0, %l0) : !scores, !row, !row, !row -> !scores, !row, !row, !row
    %next = tile.accumulate %w#0, %values keys %n into %acc0 rescale %w#3 : !scores, !keys, !acc, !row -> !acc
    tile.yield %w#1, %w#2, %next : !row, !row, !acc
  }
  return %state#0, %state#1, %state#2 : !row, !row, !acc
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]
!heads = memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>
!row = tensor<24xf32>
!acc = tensor<24x4xf32>
!keys = tensor<128x4xf32>
!scores = tensor<24x128xf32>

func.func @other_block(%q: !heads, %k: !heads, %v: !heads, %w_: i32,
    %b0: index, %h0: index, %i0: index, %rows: index) -> (!row, !row, !acc) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %T = memref.dim %k, %c2 : !heads
  %queries = tile.load %q[%b0, %h0, %i0] rows %rows : !heads -> tensor<24x4xf32>
  %init:3 = tile.softmax_init : !row, !row, !acc
  // expected-remark @+1 {{blocks are not classified: the mask is not on the block of the loop}}
  %state:3 = tile.key_loop [%c0, %T) step 128
      init(%init#0, %init#1, %init#2 : !row, !row, !acc) -> !row, !row, !acc {
  ^bb0(%j0: index, %n: index, %m0: !row, %l0: !row, %acc0: !acc):
    %keys = tile.load %k[%b0, %h0, %j0] rows %n : !heads -> !keys
    %scores = tile.contract %queries, %keys columns %n maps #maps : tensor<24x4xf32>, !keys -> !scores
    %masked = tile.mask %scores at [%b0, %h0, %i0, %i0] keys %n captures(%w_ : i32) {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %w: i32):
      %last = arith.addi %i, %w : i32
      %visible = arith.cmpi sle, %j, %last : i32
      tile.yield %visible : i1
    } : !scores -> !scores
    %values = tile.load %v[%b0, %h0, %j0] rows %n : !heads -> !keys
    %top = tile.row_max %masked keys %n : !scores -> !row
    %w:4 = tile.softmax_weights %masked top %top keys %n state(%m0, %l0) : !scores, !row, !row, !row -> !scores, !row, !row, !row
    %next = tile.accumulate %w#0, %values keys %n into %acc0 rescale %w#3 : !scores, !keys, !acc, !row -> !acc
    tile.yield %w#1, %w#2, %next : !row, !row, !acc
  }
  return %state#0, %state#1, %state#2 : !row, !row, !acc
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]
!heads = memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>
!row = tensor<24xf32>
!acc = tensor<24x4xf32>
!keys = tensor<128x4xf32>
!scores = tensor<24x128xf32>

func.func @moving_query(%q: !heads, %k: !heads, %v: !heads, %w_: i32,
    %b0: index, %h0: index, %i0: index, %rows: index) -> (!row, !row, !acc) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %T = memref.dim %k, %c2 : !heads
  %queries = tile.load %q[%b0, %h0, %i0] rows %rows : !heads -> tensor<24x4xf32>
  %init:3 = tile.softmax_init : !row, !row, !acc
  // expected-remark @+1 {{blocks are not classified: the batch, head or query changes within the loop}}
  %state:3 = tile.key_loop [%c0, %T) step 128
      init(%init#0, %init#1, %init#2 : !row, !row, !acc) -> !row, !row, !acc {
  ^bb0(%j0: index, %n: index, %m0: !row, %l0: !row, %acc0: !acc):
    %keys = tile.load %k[%b0, %h0, %j0] rows %n : !heads -> !keys
    %scores = tile.contract %queries, %keys columns %n maps #maps : tensor<24x4xf32>, !keys -> !scores
    %masked = tile.mask %scores at [%b0, %h0, %j0, %j0] keys %n captures(%w_ : i32) {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %w: i32):
      %last = arith.addi %i, %w : i32
      %visible = arith.cmpi sle, %j, %last : i32
      tile.yield %visible : i1
    } : !scores -> !scores
    %values = tile.load %v[%b0, %h0, %j0] rows %n : !heads -> !keys
    %top = tile.row_max %masked keys %n : !scores -> !row
    %w:4 = tile.softmax_weights %masked top %top keys %n state(%m0, %l0) : !scores, !row, !row, !row -> !scores, !row, !row, !row
    %next = tile.accumulate %w#0, %values keys %n into %acc0 rescale %w#3 : !scores, !keys, !acc, !row -> !acc
    tile.yield %w#1, %w#2, %next : !row, !row, !acc
  }
  return %state#0, %state#1, %state#2 : !row, !row, !acc
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]
!heads = memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>
!row = tensor<24xf32>
!acc = tensor<24x4xf32>
!keys = tensor<128x4xf32>
!scores = tensor<24x128xf32>

func.func @has_full_range(%q: !heads, %k: !heads, %v: !heads, %w_: i32,
    %b0: index, %h0: index, %i0: index, %rows: index) -> (!row, !row, !acc) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %T = memref.dim %k, %c2 : !heads
  %queries = tile.load %q[%b0, %h0, %i0] rows %rows : !heads -> tensor<24x4xf32>
  %init:3 = tile.softmax_init : !row, !row, !acc
  // expected-remark @+1 {{blocks are not classified: the loop has a full range already}}
  %state:3 = tile.key_loop [%c0, %T) full [%c0, %c0) step 128
      init(%init#0, %init#1, %init#2 : !row, !row, !acc) -> !row, !row, !acc {
  ^bb0(%j0: index, %n: index, %is_full: i1, %m0: !row, %l0: !row, %acc0: !acc):
    %keys = tile.load %k[%b0, %h0, %j0] rows %n : !heads -> !keys
    %scores = tile.contract %queries, %keys columns %n maps #maps : tensor<24x4xf32>, !keys -> !scores
    %masked = tile.mask %scores at [%b0, %h0, %i0, %j0] keys %n captures(%w_ : i32) {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %w: i32):
      %last = arith.addi %i, %w : i32
      %visible = arith.cmpi sle, %j, %last : i32
      tile.yield %visible : i1
    } : !scores -> !scores
    %values = tile.load %v[%b0, %h0, %j0] rows %n : !heads -> !keys
    %top = tile.row_max %masked keys %n : !scores -> !row
    %w:4 = tile.softmax_weights %masked top %top keys %n state(%m0, %l0) : !scores, !row, !row, !row -> !scores, !row, !row, !row
    %next = tile.accumulate %w#0, %values keys %n into %acc0 rescale %w#3 : !scores, !keys, !acc, !row -> !acc
    tile.yield %w#1, %w#2, %next : !row, !row, !acc
  }
  return %state#0, %state#1, %state#2 : !row, !row, !acc
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]
!heads = memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>
!row = tensor<24xf32>
!acc = tensor<24x4xf32>
!keys = tensor<128x4xf32>
!scores = tensor<24x128xf32>

func.func @conditional(%q: !heads, %k: !heads, %v: !heads, %w_: i32,
    %b0: index, %h0: index, %i0: index, %rows: index, %often: i1) -> (!row, !row, !acc) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %T = memref.dim %k, %c2 : !heads
  %queries = tile.load %q[%b0, %h0, %i0] rows %rows : !heads -> tensor<24x4xf32>
  %init:3 = tile.softmax_init : !row, !row, !acc
  // expected-remark @+1 {{blocks are not classified: the mask is under a condition}}
  %state:3 = tile.key_loop [%c0, %T) step 128
      init(%init#0, %init#1, %init#2 : !row, !row, !acc) -> !row, !row, !acc {
  ^bb0(%j0: index, %n: index, %m0: !row, %l0: !row, %acc0: !acc):
    %keys = tile.load %k[%b0, %h0, %j0] rows %n : !heads -> !keys
    %scores = tile.contract %queries, %keys columns %n maps #maps : tensor<24x4xf32>, !keys -> !scores
    %masked = scf.if %often -> (!scores) {
    %hidden = tile.mask %scores at [%b0, %h0, %i0, %j0] keys %n captures(%w_ : i32) {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %w: i32):
      %last = arith.addi %i, %w : i32
      %visible = arith.cmpi sle, %j, %last : i32
      tile.yield %visible : i1
    } : !scores -> !scores
      scf.yield %hidden : !scores
    } else {
      scf.yield %scores : !scores
    }
    %values = tile.load %v[%b0, %h0, %j0] rows %n : !heads -> !keys
    %top = tile.row_max %masked keys %n : !scores -> !row
    %w:4 = tile.softmax_weights %masked top %top keys %n state(%m0, %l0) : !scores, !row, !row, !row -> !scores, !row, !row, !row
    %next = tile.accumulate %w#0, %values keys %n into %acc0 rescale %w#3 : !scores, !keys, !acc, !row -> !acc
    tile.yield %w#1, %w#2, %next : !row, !row, !acc
  }
  return %state#0, %state#1, %state#2 : !row, !row, !acc
}

// -----

!scores = tensor<24x128xf32>

func.func @other_number_of_keys(%s: !scores, %b0: index, %h0: index, %i0: index, %T: index, %m: index) {
  %c0 = arith.constant 0 : index
  // expected-remark @+1 {{blocks are not classified: the mask is not on the block of the loop}}
  tile.key_loop [%c0, %T) step 128 init() {
  ^bb0(%j0: index, %n: index):
    %masked = tile.mask %s at [%b0, %h0, %i0, %j0] keys %m {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
      %visible = arith.cmpi sle, %j, %i : i32
      tile.yield %visible : i1
    } : !scores -> !scores
  }
  return
}

// -----

!scores = tensor<24x128xf32>

// Rows of a few heads, turn by turn: a bound of one head is none of the others.
func.func @head_of_the_row(%s: !scores, %b0: index, %h0: index, %i0: index, %T: index) {
  %c0 = arith.constant 0 : index
  // expected-remark @+1 {{blocks are not classified: the mask depends on the head, in which the rows differ}}
  tile.key_loop [%c0, %T) step 128 init() {
  ^bb0(%j0: index, %n: index):
    %masked = tile.mask %s at [%b0, %h0, %i0, %j0] keys %n map affine_map<(r) -> (r mod 4, r floordiv 4)> {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
      %last = arith.addi %i, %h : i32
      %visible = arith.cmpi sle, %j, %last : i32
      tile.yield %visible : i1
    } : !scores -> !scores
  }
  return
}

// -----

!scores = tensor<24x128xf32>

func.func @backward_rows(%s: !scores, %b0: index, %h0: index, %i0: index, %T: index) {
  %c0 = arith.constant 0 : index
  // expected-remark @+1 {{blocks are not classified: the rows are mapped in a way that is not analysed}}
  tile.key_loop [%c0, %T) step 128 init() {
  ^bb0(%j0: index, %n: index):
    %masked = tile.mask %s at [%b0, %h0, %i0, %j0] keys %n map affine_map<(r) -> (0, 23 - r)> {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
      %visible = arith.cmpi sle, %j, %i : i32
      tile.yield %visible : i1
    } : !scores -> !scores
  }
  return
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]
!heads = memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>
!row = tensor<24xf32>
!acc = tensor<24x4xf32>
!keys = tensor<128x4xf32>
!scores = tensor<24x128xf32>

// What a call decides, whatever is compared, is not asked position by position.
func.func @decided_by_the_call(%q: !heads, %k: !heads, %v: !heads, %x_: f32,
    %b0: index, %h0: index, %i0: index, %rows: index) -> (!row, !row, !acc) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %T = memref.dim %k, %c2 : !heads
  %queries = tile.load %q[%b0, %h0, %i0] rows %rows : !heads -> tensor<24x4xf32>
  %init:3 = tile.softmax_init : !row, !row, !acc
  %state:3 = tile.key_loop [%c0, %T) step 128
      init(%init#0, %init#1, %init#2 : !row, !row, !acc) -> !row, !row, !acc {
  ^bb0(%j0: index, %n: index, %m0: !row, %l0: !row, %acc0: !acc):
    %keys = tile.load %k[%b0, %h0, %j0] rows %n : !heads -> !keys
    %scores = tile.contract %queries, %keys columns %n maps #maps : tensor<24x4xf32>, !keys -> !scores
    %masked = tile.mask %scores at [%b0, %h0, %i0, %j0] keys %n captures(%x_ : f32) {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %x: f32):
      %half = arith.constant 0.5 : f32
      %sum = arith.addf %x, %half : f32
      %visible = arith.cmpf olt, %sum, %half : f32
      tile.yield %visible : i1
    } : !scores -> !scores
    %values = tile.load %v[%b0, %h0, %j0] rows %n : !heads -> !keys
    %top = tile.row_max %masked keys %n : !scores -> !row
    %w:4 = tile.softmax_weights %masked top %top keys %n state(%m0, %l0) : !scores, !row, !row, !row -> !scores, !row, !row, !row
    %next = tile.accumulate %w#0, %values keys %n into %acc0 rescale %w#3 : !scores, !keys, !acc, !row -> !acc
    tile.yield %w#1, %w#2, %next : !row, !row, !acc
  }
  return %state#0, %state#1, %state#2 : !row, !row, !acc
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]
!heads = memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>
!row = tensor<24xf32>
!acc = tensor<24x4xf32>
!keys = tensor<128x4xf32>
!scores = tensor<24x128xf32>

func.func @unknown_operation(%q: !heads, %k: !heads, %v: !heads, %x_: f32,
    %b0: index, %h0: index, %i0: index, %rows: index) -> (!row, !row, !acc) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %T = memref.dim %k, %c2 : !heads
  %queries = tile.load %q[%b0, %h0, %i0] rows %rows : !heads -> tensor<24x4xf32>
  %init:3 = tile.softmax_init : !row, !row, !acc
  %state:3 = tile.key_loop [%c0, %T) step 128
      init(%init#0, %init#1, %init#2 : !row, !row, !acc) -> !row, !row, !acc {
  ^bb0(%j0: index, %n: index, %m0: !row, %l0: !row, %acc0: !acc):
    %keys = tile.load %k[%b0, %h0, %j0] rows %n : !heads -> !keys
    %scores = tile.contract %queries, %keys columns %n maps #maps : tensor<24x4xf32>, !keys -> !scores
    // expected-remark @+1 {{every key is visited and every position tested: no bounds are known for 'arith.addi'}}
    %masked = tile.mask %scores at [%b0, %h0, %i0, %j0] keys %n captures(%x_ : f32) {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %x: f32):
      %odd = arith.trunci %j : i32 to i1
      %late = arith.trunci %i : i32 to i1
      // expected-note @+1 {{used here}}
      %visible = arith.addi %odd, %late : i1
      tile.yield %visible : i1
    } : !scores -> !scores
    %values = tile.load %v[%b0, %h0, %j0] rows %n : !heads -> !keys
    %top = tile.row_max %masked keys %n : !scores -> !row
    %w:4 = tile.softmax_weights %masked top %top keys %n state(%m0, %l0) : !scores, !row, !row, !row -> !scores, !row, !row, !row
    %next = tile.accumulate %w#0, %values keys %n into %acc0 rescale %w#3 : !scores, !keys, !acc, !row -> !acc
    tile.yield %w#1, %w#2, %next : !row, !row, !acc
  }
  return %state#0, %state#1, %state#2 : !row, !row, !acc
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]
!heads = memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>
!row = tensor<24xf32>
!acc = tensor<24x4xf32>
!keys = tensor<128x4xf32>
!scores = tensor<24x128xf32>

func.func @unknown_loop(%q: !heads, %k: !heads, %v: !heads, %x_: f32,
    %b0: index, %h0: index, %i0: index, %rows: index) -> (!row, !row, !acc) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %T = memref.dim %k, %c2 : !heads
  %queries = tile.load %q[%b0, %h0, %i0] rows %rows : !heads -> tensor<24x4xf32>
  %init:3 = tile.softmax_init : !row, !row, !acc
  %state:3 = tile.key_loop [%c0, %T) step 128
      init(%init#0, %init#1, %init#2 : !row, !row, !acc) -> !row, !row, !acc {
  ^bb0(%j0: index, %n: index, %m0: !row, %l0: !row, %acc0: !acc):
    %keys = tile.load %k[%b0, %h0, %j0] rows %n : !heads -> !keys
    %scores = tile.contract %queries, %keys columns %n maps #maps : tensor<24x4xf32>, !keys -> !scores
    // expected-remark @+1 {{every key is visited and every position tested: reduction over a range that a call gives}}
    %masked = tile.mask %scores at [%b0, %h0, %i0, %j0] keys %n captures(%x_ : f32) {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %x: f32):
      %c0_ = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %false = arith.constant false
      %last = arith.fptosi %x : f32 to i32
      %end = arith.index_cast %last : i32 to index
      // expected-note @+1 {{used here}}
      %visible = scf.for %p = %c0_ to %end step %c1 iter_args(%any = %false) -> i1 {
        %at = arith.index_cast %p : index to i32
        %is = arith.cmpi eq, %at, %j : i32
        %next_ = arith.ori %any, %is : i1
        scf.yield %next_ : i1
      }
      tile.yield %visible : i1
    } : !scores -> !scores
    %values = tile.load %v[%b0, %h0, %j0] rows %n : !heads -> !keys
    %top = tile.row_max %masked keys %n : !scores -> !row
    %w:4 = tile.softmax_weights %masked top %top keys %n state(%m0, %l0) : !scores, !row, !row, !row -> !scores, !row, !row, !row
    %next = tile.accumulate %w#0, %values keys %n into %acc0 rescale %w#3 : !scores, !keys, !acc, !row -> !acc
    tile.yield %w#1, %w#2, %next : !row, !row, !acc
  }
  return %state#0, %state#1, %state#2 : !row, !row, !acc
}

// -----

#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]
!heads = memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>
!row = tensor<24xf32>
!acc = tensor<24x4xf32>
!keys = tensor<128x4xf32>
!scores = tensor<24x128xf32>

func.func @computed_in_the_loop(%q: !heads, %k: !heads, %v: !heads, %x_: f32,
    %b0: index, %h0: index, %i0: index, %rows: index) -> (!row, !row, !acc) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %T = memref.dim %k, %c2 : !heads
  %queries = tile.load %q[%b0, %h0, %i0] rows %rows : !heads -> tensor<24x4xf32>
  %init:3 = tile.softmax_init : !row, !row, !acc
  %state:3 = tile.key_loop [%c0, %T) step 128
      init(%init#0, %init#1, %init#2 : !row, !row, !acc) -> !row, !row, !acc {
  ^bb0(%j0: index, %n: index, %m0: !row, %l0: !row, %acc0: !acc):
    %keys = tile.load %k[%b0, %h0, %j0] rows %n : !heads -> !keys
    %scores = tile.contract %queries, %keys columns %n maps #maps : tensor<24x4xf32>, !keys -> !scores
    %flag_ = arith.cmpi slt, %j0, %rows : index
    // expected-remark @+1 {{every key is visited and every position tested: captured value}}
    %masked = tile.mask %scores at [%b0, %h0, %i0, %j0] keys %n captures(%flag_ : i1) {
    // expected-note @+1 {{used here}}
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %flag: i1):
      %visible = arith.andi %flag, %flag : i1
      tile.yield %visible : i1
    } : !scores -> !scores
    %values = tile.load %v[%b0, %h0, %j0] rows %n : !heads -> !keys
    %top = tile.row_max %masked keys %n : !scores -> !row
    %w:4 = tile.softmax_weights %masked top %top keys %n state(%m0, %l0) : !scores, !row, !row, !row -> !scores, !row, !row, !row
    %next = tile.accumulate %w#0, %values keys %n into %acc0 rescale %w#3 : !scores, !keys, !acc, !row -> !acc
    tile.yield %w#1, %w#2, %next : !row, !row, !acc
  }
  return %state#0, %state#1, %state#2 : !row, !row, !acc
}
