// RUN: ladon-opt %s --classify-blocks --canonicalize --cse --split-input-file | FileCheck %s

#maps = [affine_map<(r, c, d) -> (d, r)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (c, r)>]
!heads = memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>
!row = tensor<24xf32>
!acc = tensor<4x24xf32>
!keys = tensor<128x4xf32>
!scores = tensor<128x24xf32>

// Keys up to the first row's last one need no mask and are visited first; the
// loop ends at the last row's last key.
// CHECK-LABEL: func.func @ranges
// CHECK: %[[T:.*]] = memref.dim %arg1
// CHECK: %[[OFFSET:.*]] = arith.subi %[[T]]
// CHECK: %[[MORE:.*]] = arith.addi %[[ROWS:.*]], %c-1
// CHECK: %[[LAST:.*]] = arith.addi %[[I0:.*]], %[[MORE]]
// CHECK: %[[FIRST_END:.*]] = arith.addi %[[I0]], %[[OFFSET]]
// CHECK: %[[LAST_END:.*]] = arith.addi %[[LAST]], %[[OFFSET]]
// CHECK: %[[LAST_HIGH:.*]] = arith.addi %[[LAST_END]], %c1
// CHECK: %[[FIRST_HIGH:.*]] = arith.addi %[[FIRST_END]], %c1
// CHECK: %[[CUT:.*]] = arith.minsi %[[LAST_HIGH]], %[[T]]
// CHECK: %[[HIGH:.*]] = arith.maxsi %[[CUT]], %c0
// CHECK: %[[START:.*]] = arith.maxsi %[[FIRST_HIGH]], %c0
// CHECK: %[[SHARED:.*]] = arith.minsi %[[START]], %[[HIGH]]
// CHECK: %[[ENOUGH:.*]] = arith.cmpi sge, %[[SHARED]], %c64
// CHECK: %[[FULL:.*]] = arith.select %[[ENOUGH]], %[[SHARED]], %c0
// CHECK: tile.key_loop[%c0, %[[HIGH]]) full[%c0, %[[FULL]]) step 128
// CHECK-NEXT: ^bb0(%{{.*}}: index, %{{.*}}: index, %[[IS_FULL:.*]]: i1,
// CHECK: %[[SCORES:.*]] = tile.contract
// CHECK-NEXT: %[[MASKED:.*]] = scf.if %[[IS_FULL]]
// CHECK-NEXT: scf.yield %[[SCORES]]
// CHECK-NEXT: } else {
// CHECK-NEXT: %[[M:.*]] = tile.mask %[[SCORES]]
// CHECK: scf.yield %[[M]]
// CHECK: tile.softmax_weights %[[MASKED]]
// CHECK-NOT: tile.key_loop
func.func @ranges(%q: !heads, %k: !heads, %v: !heads,
    %b0: index, %h0: index, %i0: index, %rows: index) -> (!row, !row, !acc) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %T = memref.dim %k, %c2 : !heads
  %S = memref.dim %q, %c2 : !heads
  %difference = arith.subi %T, %S : index
  %off_ = arith.index_cast %difference : index to i32
  %queries = tile.load %q[%b0, %h0, %i0] rows %rows transposed : !heads -> !acc
  %init:3 = tile.softmax_init : !row, !row, !acc
  %state:3 = tile.key_loop [%c0, %T) step 128
      init(%init#0, %init#1, %init#2 : !row, !row, !acc) -> !row, !row, !acc {
  ^bb0(%j0: index, %n: index, %m0: !row, %l0: !row, %acc0: !acc):
    %keys = tile.load %k[%b0, %h0, %j0] rows %n : !heads -> !keys
    %scores = tile.contract %queries, %keys columns %n maps #maps : !acc, !keys -> !scores
    %masked = tile.mask %scores at [%b0, %h0, %i0, %j0] keys %n transposed captures(%off_ : i32) {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %off: i32):
      %last = arith.addi %i, %off : i32
      %visible = arith.cmpi sle, %j, %last : i32
      tile.yield %visible : i1
    } : !scores -> !scores
    %values = tile.load %v[%b0, %h0, %j0] rows %n : !heads -> !keys
    %top = tile.row_max %masked keys %n transposed : !scores -> !row
    %w:4 = tile.softmax_weights %masked top %top keys %n state(%m0, %l0) transposed : !scores, !row, !row, !row -> !scores, !row, !row, !row
    %next = tile.accumulate %w#0, %values keys %n into %acc0 rescale %w#3 transposed : !scores, !keys, !acc, !row -> !acc
    tile.yield %w#1, %w#2, %next : !row, !row, !acc
  }
  return %state#0, %state#1, %state#2 : !row, !row, !acc
}

// -----

#maps = [affine_map<(r, c, d) -> (d, r)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (c, r)>]
!heads = memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>
!row = tensor<24xf32>
!acc = tensor<4x24xf32>
!keys = tensor<128x4xf32>
!scores = tensor<128x24xf32>

// Each block is tested before anything of it is read.
// CHECK-LABEL: func.func @blocks
// CHECK: %[[MIN_I:.*]], %[[MAX_I:.*]], %[[BITS_I:.*]] = tile.value_range %[[DOC:.*]] from[%[[B:.*]], %[[I0:.*]]] to[%[[B]],
// CHECK: tile.key_loop[%c0, %{{.*}}) step 128
// CHECK-NEXT: ^bb0(%[[J0:.*]]: index, %[[N:.*]]: index,
// CHECK: %[[MIN_J:.*]], %[[MAX_J:.*]], %[[BITS_J:.*]] = tile.value_range %[[DOC]] from[%[[B]], %[[J0]]] to[%[[B]],
// CHECK: %[[THERE:.*]] = arith.index_cast %[[BITS_J]] : i64 to index
// CHECK: %[[COMMON:.*]] = arith.andi %{{.*}}, %[[THERE]] : index
// CHECK: %[[MEET:.*]] = arith.cmpi ne, %[[COMMON]], %c0
// CHECK: %[[OVERLAP:.*]] = arith.andi %{{.*}}, %{{.*}} : i1
// CHECK: %[[SOME:.*]] = arith.andi %[[OVERLAP]], %[[MEET]] : i1
// CHECK: %[[ALL:.*]] = arith.andi
// CHECK-NOT: tile.load
// CHECK: scf.if %[[SOME]]
// CHECK:   tile.load %arg1
// CHECK:   %[[SCORES:.*]] = tile.contract
// CHECK-NEXT: scf.if %[[ALL]]
// CHECK-NEXT: scf.yield %[[SCORES]]
// CHECK:   } else {
// CHECK:     tile.mask %[[SCORES]]
// CHECK:   tile.accumulate
// CHECK: } else {
// CHECK-NEXT: scf.yield %arg
func.func @blocks(%q: !heads, %k: !heads, %v: !heads, %doc_: memref<?x?xi32, strided<[?, ?], offset: ?>>,
    %b0: index, %h0: index, %i0: index, %rows: index) -> (!row, !row, !acc) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %T = memref.dim %k, %c2 : !heads
  %queries = tile.load %q[%b0, %h0, %i0] rows %rows transposed : !heads -> !acc
  %init:3 = tile.softmax_init : !row, !row, !acc
  %state:3 = tile.key_loop [%c0, %T) step 128
      init(%init#0, %init#1, %init#2 : !row, !row, !acc) -> !row, !row, !acc {
  ^bb0(%j0: index, %n: index, %m0: !row, %l0: !row, %acc0: !acc):
    %keys = tile.load %k[%b0, %h0, %j0] rows %n : !heads -> !keys
    %scores = tile.contract %queries, %keys columns %n maps #maps : !acc, !keys -> !scores
    %masked = tile.mask %scores at [%b0, %h0, %i0, %j0] keys %n transposed captures(%doc_ : memref<?x?xi32, strided<[?, ?], offset: ?>>) {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %doc: memref<?x?xi32, strided<[?, ?], offset: ?>>):
      %x = attn.read %doc[%b, %i] : memref<?x?xi32, strided<[?, ?], offset: ?>>, i32, i32 -> i32
      %y = attn.read %doc[%b, %j] : memref<?x?xi32, strided<[?, ?], offset: ?>>, i32, i32 -> i32
      %visible = arith.cmpi eq, %x, %y : i32
      tile.yield %visible : i1
    } : !scores -> !scores
    %values = tile.load %v[%b0, %h0, %j0] rows %n : !heads -> !keys
    %top = tile.row_max %masked keys %n transposed : !scores -> !row
    %w:4 = tile.softmax_weights %masked top %top keys %n state(%m0, %l0) transposed : !scores, !row, !row, !row -> !scores, !row, !row, !row
    %next = tile.accumulate %w#0, %values keys %n into %acc0 rescale %w#3 transposed : !scores, !keys, !acc, !row -> !acc
    tile.yield %w#1, %w#2, %next : !row, !row, !acc
  }
  return %state#0, %state#1, %state#2 : !row, !row, !acc
}

// -----

#maps = [affine_map<(r, c, d) -> (d, r)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (c, r)>]
!heads = memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>
!row = tensor<24xf32>
!acc = tensor<4x24xf32>
!keys = tensor<128x4xf32>
!scores = tensor<128x24xf32>

// A guarded loop is tightened and keeps its mask.
// CHECK-LABEL: func.func @guarded
// CHECK-COUNT-1: tile.key_loop
// CHECK-NOT: full[
// CHECK-NOT: scf.if
// CHECK: tile.mask
// CHECK-NOT: tile.key_loop
func.func @guarded(%q: !heads, %k: !heads, %v: !heads,
    %b0: index, %h0: index, %i0: index, %rows: index) -> (!row, !row, !acc) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %T = memref.dim %k, %c2 : !heads
  %S = memref.dim %q, %c2 : !heads
  %difference = arith.subi %T, %S : index
  %off_ = arith.index_cast %difference : index to i32
  %queries = tile.load %q[%b0, %h0, %i0] rows %rows transposed : !heads -> !acc
  %init:3 = tile.softmax_init : !row, !row, !acc
  %state:3 = tile.key_loop [%c0, %T) step 128
      init(%init#0, %init#1, %init#2 : !row, !row, !acc) -> !row, !row, !acc {
  ^bb0(%j0: index, %n: index, %m0: !row, %l0: !row, %acc0: !acc):
    %keys = tile.load %k[%b0, %h0, %j0] rows %n : !heads -> !keys
    %scores = tile.contract %queries, %keys columns %n maps #maps : !acc, !keys -> !scores
    %masked = tile.mask %scores at [%b0, %h0, %i0, %j0] keys %n transposed captures(%off_ : i32) {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %off: i32):
      %last = arith.addi %i, %off : i32
      %visible = arith.cmpi sle, %j, %last : i32
      tile.yield %visible : i1
    } : !scores -> !scores
    %values = tile.load %v[%b0, %h0, %j0] rows %n : !heads -> !keys
    %top = tile.row_max %masked keys %n transposed : !scores -> !row
    %w:4 = tile.softmax_weights %masked top %top keys %n state(%m0, %l0) transposed : !scores, !row, !row, !row -> !scores, !row, !row, !row
    %next = tile.accumulate %w#0, %values keys %n into %acc0 rescale %w#3 guarded %masked : !scores transposed : !scores, !keys, !acc, !row -> !acc
    tile.yield %w#1, %w#2, %next : !row, !row, !acc
  }
  return %state#0, %state#1, %state#2 : !row, !row, !acc
}

// -----

#maps = [affine_map<(r, c, d) -> (d, r)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (c, r)>]
!heads = memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>
!row = tensor<24xf32>
!acc = tensor<4x24xf32>
!keys = tensor<128x4xf32>
!scores = tensor<128x24xf32>

// A mask that is always true goes.
// CHECK-LABEL: func.func @always
// CHECK-NOT: tile.mask
// CHECK: return
func.func @always(%q: !heads, %k: !heads, %v: !heads,
    %b0: index, %h0: index, %i0: index, %rows: index) -> (!row, !row, !acc) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %T = memref.dim %k, %c2 : !heads
  %queries = tile.load %q[%b0, %h0, %i0] rows %rows transposed : !heads -> !acc
  %init:3 = tile.softmax_init : !row, !row, !acc
  %state:3 = tile.key_loop [%c0, %T) step 128
      init(%init#0, %init#1, %init#2 : !row, !row, !acc) -> !row, !row, !acc {
  ^bb0(%j0: index, %n: index, %m0: !row, %l0: !row, %acc0: !acc):
    %keys = tile.load %k[%b0, %h0, %j0] rows %n : !heads -> !keys
    %scores = tile.contract %queries, %keys columns %n maps #maps : !acc, !keys -> !scores
    %masked = tile.mask %scores at [%b0, %h0, %i0, %j0] keys %n transposed {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
      %zero = arith.constant 0 : i32
      %visible = arith.cmpi sge, %j, %zero : i32
      tile.yield %visible : i1
    } : !scores -> !scores
    %values = tile.load %v[%b0, %h0, %j0] rows %n : !heads -> !keys
    %top = tile.row_max %masked keys %n transposed : !scores -> !row
    %w:4 = tile.softmax_weights %masked top %top keys %n state(%m0, %l0) transposed : !scores, !row, !row, !row -> !scores, !row, !row, !row
    %next = tile.accumulate %w#0, %values keys %n into %acc0 rescale %w#3 transposed : !scores, !keys, !acc, !row -> !acc
    tile.yield %w#1, %w#2, %next : !row, !row, !acc
  }
  return %state#0, %state#1, %state#2 : !row, !row, !acc
}

// -----

#maps = [affine_map<(r, c, d) -> (d, r)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (c, r)>]
!heads = memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>
!row = tensor<24xf32>
!acc = tensor<4x24xf32>
!keys = tensor<128x4xf32>
!scores = tensor<128x24xf32>

// %w * %i may leave 32 bits; then no key is skipped.
// CHECK-LABEL: func.func @wrapping
// CHECK: arith.cmpi sge, %[[LOW:.*]], %c-2147483648
// CHECK: arith.cmpi sle, %[[HIGH:.*]], %c2147483647
// CHECK: %[[FITS:.*]] = arith.andi
// CHECK: arith.select %[[FITS]], %{{.*}}, %{{.*}}
// CHECK: tile.key_loop
func.func @wrapping(%q: !heads, %k: !heads, %v: !heads, %w_: i32,
    %b0: index, %h0: index, %i0: index, %rows: index) -> (!row, !row, !acc) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %T = memref.dim %k, %c2 : !heads
  %queries = tile.load %q[%b0, %h0, %i0] rows %rows transposed : !heads -> !acc
  %init:3 = tile.softmax_init : !row, !row, !acc
  %state:3 = tile.key_loop [%c0, %T) step 128
      init(%init#0, %init#1, %init#2 : !row, !row, !acc) -> !row, !row, !acc {
  ^bb0(%j0: index, %n: index, %m0: !row, %l0: !row, %acc0: !acc):
    %keys = tile.load %k[%b0, %h0, %j0] rows %n : !heads -> !keys
    %scores = tile.contract %queries, %keys columns %n maps #maps : !acc, !keys -> !scores
    %masked = tile.mask %scores at [%b0, %h0, %i0, %j0] keys %n transposed captures(%w_ : i32) {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %w: i32):
      %last = arith.muli %i, %w : i32
      %visible = arith.cmpi sle, %j, %last : i32
      tile.yield %visible : i1
    } : !scores -> !scores
    %values = tile.load %v[%b0, %h0, %j0] rows %n : !heads -> !keys
    %top = tile.row_max %masked keys %n transposed : !scores -> !row
    %w:4 = tile.softmax_weights %masked top %top keys %n state(%m0, %l0) transposed : !scores, !row, !row, !row -> !scores, !row, !row, !row
    %next = tile.accumulate %w#0, %values keys %n into %acc0 rescale %w#3 transposed : !scores, !keys, !acc, !row -> !acc
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

// The same for a tile of few rows, which lie along the other axis.
// CHECK-LABEL: func.func @few_rows
// CHECK: %[[HIGH:.*]] = arith.maxsi %{{.*}}, %c0
// CHECK: %[[SHARED:.*]] = arith.minsi %{{.*}}, %[[HIGH]]
// CHECK: %[[ENOUGH:.*]] = arith.cmpi sge, %[[SHARED]], %c64
// CHECK: %[[END:.*]] = arith.select %[[ENOUGH]], %[[SHARED]], %c0
// CHECK: tile.key_loop[%c0, %[[HIGH]]) full[%c0, %[[END]]) step 128
// CHECK-NEXT: ^bb0(%{{.*}}: index, %{{.*}}: index, %[[FULL:.*]]: i1,
// CHECK: %[[SCORES:.*]] = tile.contract
// CHECK: scf.if %[[FULL]]
// CHECK-NEXT: scf.yield %[[SCORES]]
// CHECK: tile.mask %[[SCORES]]
// CHECK: tile.accumulate
// CHECK-NOT: tile.key_loop
func.func @few_rows(%q: !heads, %k: !heads, %v: !heads,
    %b0: index, %h0: index, %i0: index, %rows: index) -> (!row, !row, !acc) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %T = memref.dim %k, %c2 : !heads
  %S = memref.dim %q, %c2 : !heads
  %difference = arith.subi %T, %S : index
  %off_ = arith.index_cast %difference : index to i32
  %queries = tile.load %q[%b0, %h0, %i0] rows %rows : !heads -> tensor<24x4xf32>
  %init:3 = tile.softmax_init : !row, !row, !acc
  %state:3 = tile.key_loop [%c0, %T) step 128
      init(%init#0, %init#1, %init#2 : !row, !row, !acc) -> !row, !row, !acc {
  ^bb0(%j0: index, %n: index, %m0: !row, %l0: !row, %acc0: !acc):
    %keys = tile.load %k[%b0, %h0, %j0] rows %n : !heads -> !keys
    %scores = tile.contract %queries, %keys columns %n maps #maps : tensor<24x4xf32>, !keys -> !scores
    %masked = tile.mask %scores at [%b0, %h0, %i0, %j0] keys %n captures(%off_ : i32) {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %off: i32):
      %last = arith.addi %i, %off : i32
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

// A block that no row sees is not read, one that all see has no mask.
// CHECK-LABEL: func.func @few_rows_of_documents
// CHECK: %[[MEET:.*]] = arith.cmpi ne
// CHECK: %[[SOME:.*]] = arith.andi %{{.*}}, %[[MEET]] : i1
// CHECK: %[[ALL:.*]] = arith.andi
// CHECK-NOT: tile.load
// CHECK: scf.if %[[SOME]]
// CHECK: tile.contract
// CHECK: scf.if %[[ALL]]
// CHECK: tile.mask
// CHECK: tile.accumulate
// CHECK: } else {
// CHECK-NEXT: scf.yield %arg
func.func @few_rows_of_documents(%q: !heads, %k: !heads, %v: !heads, %doc_: memref<?x?xi32, strided<[?, ?], offset: ?>>,
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
    %masked = tile.mask %scores at [%b0, %h0, %i0, %j0] keys %n captures(%doc_ : memref<?x?xi32, strided<[?, ?], offset: ?>>) {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %doc: memref<?x?xi32, strided<[?, ?], offset: ?>>):
      %x = attn.read %doc[%b, %i] : memref<?x?xi32, strided<[?, ?], offset: ?>>, i32, i32 -> i32
      %y = attn.read %doc[%b, %j] : memref<?x?xi32, strided<[?, ?], offset: ?>>, i32, i32 -> i32
      %visible = arith.cmpi eq, %x, %y : i32
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

// Numbers of 64 bits have no difference that fits; their ranges and signatures
// are compared all the same.
// CHECK-LABEL: func.func @documents_of_64_bits
// CHECK: %[[MIN_I:.*]], %[[MAX_I:.*]], %[[BITS_I:.*]] = tile.value_range
// CHECK: tile.key_loop
// CHECK: %[[MIN_J:.*]], %[[MAX_J:.*]], %[[BITS_J:.*]] = tile.value_range
// CHECK: %[[BELOW:.*]] = arith.cmpi sle, %{{.*}}, %{{.*}} : index
// CHECK: arith.cmpi sle
// CHECK: arith.cmpi sle
// CHECK: arith.cmpi sle
// CHECK: %[[COMMON:.*]] = arith.andi %{{.*}}, %{{.*}} : index
// CHECK: %[[MEET:.*]] = arith.cmpi ne, %[[COMMON]], %c0
// CHECK: %[[SOME:.*]] = arith.andi %{{.*}}, %[[MEET]] : i1
// CHECK: %[[ALL:.*]] = arith.andi
// CHECK: scf.if %[[SOME]]
// CHECK: scf.if %[[ALL]]
func.func @documents_of_64_bits(%q: !heads, %k: !heads, %v: !heads, %doc_: memref<?x?xi64, strided<[?, ?], offset: ?>>,
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
    %masked = tile.mask %scores at [%b0, %h0, %i0, %j0] keys %n captures(%doc_ : memref<?x?xi64, strided<[?, ?], offset: ?>>) {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %doc: memref<?x?xi64, strided<[?, ?], offset: ?>>):
      %x = attn.read %doc[%b, %i] : memref<?x?xi64, strided<[?, ?], offset: ?>>, i32, i32 -> i64
      %y = attn.read %doc[%b, %j] : memref<?x?xi64, strided<[?, ?], offset: ?>>, i32, i32 -> i64
      %visible = arith.cmpi eq, %x, %y : i64
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

#maps = [affine_map<(r, c, d) -> (d, r)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (c, r)>]
!heads = memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>
!row = tensor<24xf32>
!acc = tensor<4x24xf32>
!keys = tensor<16x4xf32>
!scores = tensor<16x24xf32>

// In an aligned loop, bounds are those of whole blocks: rounded down, but for
// the first key that every row sees, which is rounded up, and the end.
// CHECK-LABEL: func.func @aligned
// CHECK: %[[FROM:.*]] = arith.minsi %{{.*}}, %arg6
// CHECK: %[[TO:.*]] = arith.minsi %{{.*}}, %arg6
// CHECK: %[[BLOCK:.*]] = arith.floordivsi %[[FROM]], %c16
// CHECK: %[[LOW:.*]] = arith.muli %[[BLOCK]], %c16
// CHECK: %[[HIGH:.*]] = arith.maxsi %[[TO]], %[[LOW]]
// CHECK: %[[MORE:.*]] = arith.addi %{{.*}}, %c15
// CHECK: %[[UP:.*]] = arith.floordivsi %[[MORE]], %c16
// CHECK: %[[FULL_LOW:.*]] = arith.muli %[[UP]], %c16
// CHECK: %[[ALL:.*]] = arith.cmpi sle, %[[HIGH]], %[[END:.*]] : index
// CHECK: %[[DOWN:.*]] = arith.floordivsi %[[END]], %c16
// CHECK: %[[WHOLE:.*]] = arith.muli %[[DOWN]], %c16
// CHECK: %[[FULL_HIGH:.*]] = arith.select %[[ALL]], %[[HIGH]], %[[WHOLE]]
// CHECK: %[[KEYS:.*]] = arith.subi %[[FULL_HIGH]], %[[FULL_LOW]]
// CHECK: %[[ENOUGH:.*]] = arith.cmpi sge, %[[KEYS]], %c8
// CHECK: %[[A:.*]] = arith.select %[[ENOUGH]], %[[FULL_LOW]], %[[LOW]]
// CHECK: %[[B:.*]] = arith.select %[[ENOUGH]], %[[FULL_HIGH]], %[[LOW]]
// CHECK: tile.key_loop[%[[LOW]], %[[HIGH]]) full[%[[A]], %[[B]]) step 16 aligned
func.func @aligned(%q: !heads, %k: !heads,
    %b0: index, %h0: index, %i0: index, %rows: index, %T: index) -> (!row, !row) {
  %c0 = arith.constant 0 : index
  %queries = tile.load %q[%b0, %h0, %i0] rows %rows transposed : !heads -> !acc
  %init:3 = tile.softmax_init : !row, !row, !acc
  %state:2 = tile.key_loop [%c0, %T) step 16 aligned
      init(%init#0, %init#1 : !row, !row) -> !row, !row {
  ^bb0(%j0: index, %n: index, %m0: !row, %l0: !row):
    %keys = tile.load %k[%b0, %h0, %j0] rows %n : !heads -> !keys
    %scores = tile.contract %queries, %keys columns %n maps #maps : !acc, !keys -> !scores
    %masked = tile.mask %scores at [%b0, %h0, %i0, %j0] keys %n transposed {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
      %c100 = arith.constant 100 : i32
      %first = arith.subi %i, %c100 : i32
      %behind = arith.cmpi sge, %j, %first : i32
      %ahead = arith.cmpi sle, %j, %i : i32
      %visible = arith.andi %behind, %ahead : i1
      tile.yield %visible : i1
    } : !scores -> !scores
    %top = tile.row_max %masked keys %n transposed : !scores -> !row
    %w:4 = tile.softmax_weights %masked top %top keys %n state(%m0, %l0) transposed : !scores, !row, !row, !row -> !scores, !row, !row, !row
    tile.yield %w#1, %w#2 : !row, !row
  }
  return %state#0, %state#1 : !row, !row
}

// -----

#maps = [affine_map<(r, c, d) -> (d, r)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (c, r)>]
!heads = memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>
!row = tensor<24xf32>
!acc = tensor<4x24xf32>
!keys = tensor<16x4xf32>
!scores = tensor<16x24xf32>

// Every block has all remainders of a distance: none is asked for its class.
// Of queries that come from elsewhere nobody knows how many there are.
// CHECK-LABEL: func.func @coarse
// CHECK: tile.key_loop[%c0, %arg5) step 16 init
// CHECK: %[[SCORES:.*]] = tile.contract
// CHECK-NEXT: tile.mask %[[SCORES]]
func.func @coarse(%queries: !acc, %k: !heads, %b0: index, %h0: index, %i0: index, %T: index)
    -> (!row, !row) {
  %c0 = arith.constant 0 : index
  %init:3 = tile.softmax_init : !row, !row, !acc
  %state:2 = tile.key_loop [%c0, %T) step 16
      init(%init#0, %init#1 : !row, !row) -> !row, !row {
  ^bb0(%j0: index, %n: index, %m0: !row, %l0: !row):
    %keys = tile.load %k[%b0, %h0, %j0] rows %n : !heads -> !keys
    %scores = tile.contract %queries, %keys columns %n maps #maps : !acc, !keys -> !scores
    %masked = tile.mask %scores at [%b0, %h0, %i0, %j0] keys %n transposed {
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
      %zero = arith.constant 0 : i32
      %two = arith.constant 2 : i32
      %difference = arith.subi %i, %j : i32
      %distance = math.absi %difference : i32
      %rest = arith.remsi %distance, %two : i32
      %visible = arith.cmpi sle, %rest, %zero : i32
      tile.yield %visible : i1
    } : !scores -> !scores
    %top = tile.row_max %masked keys %n transposed : !scores -> !row
    %w:4 = tile.softmax_weights %masked top %top keys %n state(%m0, %l0) transposed : !scores, !row, !row, !row -> !scores, !row, !row, !row
    tile.yield %w#1, %w#2 : !row, !row
  }
  return %state#0, %state#1 : !row, !row
}
