// RUN: ladon-opt %s --tile-lower-control --tile-bufferize --canonicalize --split-input-file | FileCheck %s

#lanes = [affine_map<(r, c, d) -> (d, r)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (c, r)>]
!heads = memref<?x2x?x4xf32>
!row = tensor<8xf32>
!acc = tensor<4x8xf32>
!keys = tensor<16x4xf32>
!scores = tensor<16x8xf32>

// One chain of updates: weights lie where the scores were, and the state where
// it began. Keys and values are not copied. Nothing is.
// CHECK-LABEL: func.func @chain(
// CHECK-SAME: %[[Q:[^:]*]]: {{[^,]*}}, %[[K:[^:]*]]: {{[^,]*}}, %[[V:[^:]*]]:
// CHECK-NOT: linalg.copy
// CHECK: %[[QT:.*]] = memref.alloc() {alignment = 64 : i64} : memref<4x8xf32>
// CHECK: tile.load %[[Q]]{{.*}} transposed outs(%[[QT]] :
// CHECK: tile.softmax_init outs(%[[M:[^ ]*]], %[[L:[^ ]*]], %[[A:[^ ]*]] :
// CHECK: scf.for %{{.*}} = %{{.*}} to %{{.*}} step %c16 {
// CHECK: memref.reinterpret_cast %[[K]]
// CHECK: tile.contract %[[QT]], %[[KEYS:.*]] columns %[[N:.*]] maps {{.*}} outs(%[[S:[^ ]*]] : memref<16x8xf32>) : memref<4x8xf32>, memref<16x4xf32, strided<[?, 1], offset: ?>>
// CHECK: tile.mask %[[S]] at
// CHECK: tile.row_max %[[S]] keys %[[N]] transposed outs(%[[TOP:[^ ]*]] :
// CHECK: tile.softmax_weights %[[S]] top %[[TOP]] keys %[[N]] state(%[[M]], %[[L]]) transposed outs(%[[F:[^ ]*]] :
// CHECK: memref.reinterpret_cast %[[V]]
// CHECK: tile.accumulate %[[S]], %[[VALUES:.*]] keys %[[N]] into %[[A]] rescale %[[F]] transposed : memref<16x8xf32>, memref<16x4xf32, strided<[?, 1], offset: ?>>
// CHECK-NOT: scf.yield
// CHECK: tile.softmax_finish(%[[M]], %[[L]], %[[A]]) transposed outs(%[[LSE:[^ ]*]] :
// CHECK: tile.store %[[A]],
// CHECK: tile.store %[[LSE]],
// CHECK-NOT: linalg.copy
func.func @chain(%q: !heads, %k: !heads, %v: !heads, %o: !heads, %lse: memref<?x2x?xf32>, %i: index, %T: index) {
  %c0 = arith.constant 0 : index
  %qt = tile.load %q[%i, %i, %i] rows %i scale 0.5 transposed : !heads -> !acc
  %init:3 = tile.softmax_init : !row, !row, !acc
  %st:3 = tile.key_loop [%c0, %T) step 16 init(%init#0, %init#1, %init#2 : !row, !row, !acc) -> !row, !row, !acc {
  ^bb0(%j: index, %n: index, %m: !row, %l: !row, %a: !acc):
    %kt = tile.load %k[%i, %i, %j] rows %n : !heads -> !keys
    %s = tile.contract %qt, %kt columns %n maps #lanes : !acc, !keys -> !scores
    %h = tile.mask %s at [%i, %i, %i, %j] keys %n transposed {
    ^bb0(%b_: i32, %h_: i32, %i_: i32, %j_: i32):
      %visible = arith.cmpi sle, %j_, %i_ : i32
      tile.yield %visible : i1
    } : !scores -> !scores
    %top = tile.row_max %h keys %n transposed : !scores -> !row
    %w:4 = tile.softmax_weights %h top %top keys %n state(%m, %l) transposed : !scores, !row, !row, !row -> !scores, !row, !row, !row
    %vt = tile.load %v[%i, %i, %j] rows %n : !heads -> !keys
    %a1 = tile.accumulate %w#0, %vt keys %n into %a rescale %w#3 transposed : !scores, !keys, !acc, !row -> !acc
    tile.yield %w#1, %w#2, %a1 : !row, !row, !acc
  }
  %out:2 = tile.softmax_finish (%st#0, %st#1, %st#2) transposed : !row, !row, !acc -> !acc, !row
  tile.store %out#0, %o[%i, %i, %i] rows %i transposed : !acc, !heads
  tile.store %out#1, %lse[%i, %i, %i] rows %i : !row, memref<?x2x?xf32>
  return
}

// -----

!heads = memref<?x2x?x16xf32>
!row = tensor<8xf32>
!scores = tensor<16x8xf32>

// Weights go where the scores are, which are stored later: they are copied.
// CHECK-LABEL: func.func @needed_later(
// CHECK: tile.load {{.*}} outs(%[[S:[^ ]*]] :
// CHECK: linalg.copy ins(%[[S]] : memref<16x8xf32>) outs(%[[COPY:.*]] : memref<16x8xf32>)
// CHECK: tile.softmax_weights %[[COPY]] top
// CHECK: tile.store %[[S]], %{{.*}} rows %{{.*}} transposed
// CHECK: tile.store %[[COPY]],
// CHECK-NOT: linalg.copy
func.func @needed_later(%x: !heads, %o: !heads, %p: !heads, %i: index) {
  %s = tile.load %x[%i, %i, %i] rows %i scale 2.0 transposed : !heads -> !scores
  %init:3 = tile.softmax_init : !row, !row, !scores
  %top = tile.row_max %s keys %i transposed : !scores -> !row
  %w:4 = tile.softmax_weights %s top %top keys %i state(%init#0, %init#1) transposed : !scores, !row, !row, !row -> !scores, !row, !row, !row
  tile.store %s, %o[%i, %i, %i] rows %i transposed : !scores, !heads
  tile.store %w#0, %p[%i, %i, %i] rows %i transposed : !scores, !heads
  return
}

// -----

!heads = memref<?x2x?x4xf32>
!row = tensor<8xf32>
!acc = tensor<8x4xf32>

// One initial state that two loops start from is made twice, not copied.
// CHECK-LABEL: func.func @two_states(
// CHECK-NOT: linalg.copy
// CHECK: tile.softmax_init outs(%[[M0:[^ ]*]], %[[L0:[^ ]*]], %[[A0:[^ ]*]] :
// CHECK: scf.for
// CHECK: tile.merge(%[[M0]], %[[L0]], %[[A0]]) with
// CHECK: tile.softmax_init outs(%[[M1:[^ ]*]], %[[L1:[^ ]*]], %[[A1:[^ ]*]] :
// CHECK: scf.for
// CHECK: tile.merge(%[[M1]], %[[L1]], %[[A1]]) with
// CHECK: tile.merge(%[[M0]], %[[L0]], %[[A0]]) with(%[[M1]], %[[L1]], %[[A1]])
// CHECK-NOT: linalg.copy
func.func @two_states(%x: !heads, %y: memref<?x2x?xf32>, %o: !heads, %i: index, %T: index) {
  %init:3 = tile.softmax_init : !row, !row, !acc
  %s:3 = tile.key_loop [%i, %T) step 16 init(%init#0, %init#1, %init#2 : !row, !row, !acc) -> !row, !row, !acc {
  ^bb0(%j: index, %n: index, %m: !row, %l: !row, %a: !acc):
    %m2 = tile.load %y[%i, %i, %j] rows %n : memref<?x2x?xf32> -> !row
    %a2 = tile.load %x[%i, %i, %j] rows %n scale 2.0 : !heads -> !acc
    %r:3 = tile.merge (%m, %l, %a) with (%m2, %m2, %a2) : !row, !row, !acc, !row, !row, !acc -> !row, !row, !acc
    tile.yield %r#0, %r#1, %r#2 : !row, !row, !acc
  }
  %t:3 = tile.key_loop [%i, %T) step 16 init(%init#0, %init#1, %init#2 : !row, !row, !acc) -> !row, !row, !acc {
  ^bb0(%j: index, %n: index, %m: !row, %l: !row, %a: !acc):
    %m2 = tile.load %y[%i, %i, %j] rows %n : memref<?x2x?xf32> -> !row
    %a2 = tile.load %x[%i, %i, %j] rows %n scale 3.0 : !heads -> !acc
    %r:3 = tile.merge (%m, %l, %a) with (%m2, %m2, %a2) : !row, !row, !acc, !row, !row, !acc -> !row, !row, !acc
    tile.yield %r#0, %r#1, %r#2 : !row, !row, !acc
  }
  %u:3 = tile.merge (%s#0, %s#1, %s#2) with (%t#0, %t#1, %t#2) : !row, !row, !acc, !row, !row, !acc -> !row, !row, !acc
  tile.store %u#2, %o[%i, %i, %i] rows %i : !acc, !heads
  return
}

// -----

!heads = memref<?x2x?x4xf32>
!acc = tensor<8x4xf32>

// What changes places goes through a third buffer; at the end of an iteration
// each is where it began.
// CHECK-LABEL: func.func @swap(
// CHECK: tile.load {{.*}} scale 2.000000e+00 outs(%[[A:[^ ]*]] :
// CHECK: tile.load {{.*}} scale 3.000000e+00 outs(%[[B:[^ ]*]] :
// CHECK: scf.for
// CHECK-NOT: scf.yield
// CHECK-DAG: linalg.copy ins(%[[B]] : memref<8x4xf32>) outs(%[[B2:[^ ]*]] : memref<8x4xf32>)
// CHECK-DAG: linalg.copy ins(%[[A]] : memref<8x4xf32>) outs(%[[A2:[^ ]*]] : memref<8x4xf32>)
// CHECK-DAG: linalg.copy ins(%[[B2]] : memref<8x4xf32>) outs(%[[A]] : memref<8x4xf32>)
// CHECK-DAG: linalg.copy ins(%[[A2]] : memref<8x4xf32>) outs(%[[B]] : memref<8x4xf32>)
// CHECK: }
// CHECK: tile.store %[[A]]
// CHECK: tile.store %[[B]]
func.func @swap(%x: !heads, %o: !heads, %p: !heads, %i: index, %T: index) {
  %a = tile.load %x[%i, %i, %i] rows %i scale 2.0 : !heads -> !acc
  %b = tile.load %x[%i, %i, %i] rows %i scale 3.0 : !heads -> !acc
  %s:2 = tile.key_loop [%i, %T) step 16 init(%a, %b : !acc, !acc) -> !acc, !acc {
  ^bb0(%j: index, %n: index, %a0: !acc, %b0: !acc):
    tile.yield %b0, %a0 : !acc, !acc
  }
  tile.store %s#0, %o[%i, %i, %i] rows %i : !acc, !heads
  tile.store %s#1, %p[%i, %i, %i] rows %i : !acc, !heads
  return
}

// -----

#rows = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]
!heads = memref<?x2x?x8xf32>
!square = tensor<8x8xf32>

// A value that every iteration makes anew goes back to where the last one was.
// CHECK-LABEL: func.func @remade(
// CHECK: tile.load {{.*}} scale 2.000000e+00 outs(%[[A:[^ ]*]] :
// CHECK: scf.for
// CHECK: tile.contract %[[A]], %{{.*}} outs(%[[NEW:[^ ]*]] : memref<8x8xf32>)
// CHECK: linalg.copy ins(%[[NEW]] : memref<8x8xf32>) outs(%[[A]] : memref<8x8xf32>)
// CHECK-NOT: linalg.copy
// CHECK: tile.store %[[A]]
func.func @remade(%x: !heads, %o: !heads, %i: index, %T: index) {
  %a = tile.load %x[%i, %i, %i] rows %i scale 2.0 : !heads -> !square
  %s = tile.key_loop [%i, %T) step 8 init(%a : !square) -> !square {
  ^bb0(%j: index, %n: index, %a0: !square):
    %k = tile.load %x[%i, %i, %j] rows %n : !heads -> !square
    %y = tile.contract %a0, %k columns %n maps #rows : !square, !square -> !square
    tile.yield %y : !square
  }
  tile.store %s, %o[%i, %i, %i] rows %i : !square, !heads
  return
}

// -----

!heads = memref<?x2x?x16xf32>
!scores = tensor<8x16xf32>

// Every iteration updates a value from before the loop: it works on a copy.
// CHECK-LABEL: func.func @from_outside(
// CHECK: tile.load {{.*}} scale 2.000000e+00 outs(%[[S:[^ ]*]] :
// CHECK: scf.for
// CHECK: linalg.copy ins(%[[S]] : memref<8x16xf32>) outs(%[[COPY:[^ ]*]] : memref<8x16xf32>)
// CHECK: tile.modify %[[COPY]]
// CHECK: tile.store %[[COPY]]
func.func @from_outside(%x: !heads, %o: !heads, %i: index, %T: index) {
  %s = tile.load %x[%i, %i, %i] rows %i scale 2.0 : !heads -> !scores
  tile.key_loop [%i, %T) step 8 init() {
  ^bb0(%j: index, %n: index):
    %m = tile.modify %s at [%i, %i, %i, %j] keys %n {
    ^bb0(%x_: f32, %b_: i32, %h_: i32, %i_: i32, %j_: i32):
      %y = arith.addf %x_, %x_ : f32
      tile.yield %y : f32
    } : !scores -> !scores
    tile.store %m, %o[%i, %i, %j] rows %n : !scores, !heads
  }
  return
}

// -----

#rows = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]
!heads = memref<?x2x?x4xf32>
!keys = tensor<16x4xf32>

// Rows of any distance are used where they lie if their features do, which is
// known at run time only.
// CHECK-LABEL: func.func @in_place(
// CHECK-SAME: %[[Q:[^:]*]]: {{[^,]*}}, %[[K:[^:]*]]: memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>
// CHECK: %{{.*}}, %{{.*}}, %{{.*}}:4, %[[STRIDES:.*]]:4 = memref.extract_strided_metadata %[[K]]
// CHECK: %[[DENSE:.*]] = arith.cmpi eq, %[[STRIDES]]#3, %c1
// CHECK: %[[ROWS:.*]] = scf.if %[[DENSE]] -> (memref<16x4xf32, strided<[?, 1], offset: ?>>) {
// CHECK: memref.reinterpret_cast %[[K]] to offset: [%{{.*}}], sizes: [16, 4], strides: [%[[STRIDES]]#2, 1]
// CHECK: } else {
// CHECK-NEXT: tile.load %[[K]]{{.*}} outs(%[[COPY:[^ ]*]] : memref<16x4xf32>)
// CHECK-NOT: tile.in_place
// CHECK: memref.cast %[[COPY]]
// CHECK: tile.contract %{{.*}}, %[[ROWS]]
func.func @in_place(%q: !heads, %k: memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>>, %o: memref<?x2x?x16xf32>, %i: index, %n: index) {
  %qt = tile.load %q[%i, %i, %i] rows %i scale 0.5 : !heads -> tensor<8x4xf32>
  %kt = tile.load %k[%i, %i, %i] rows %n : memref<?x2x?x4xf32, strided<[?, ?, ?, ?], offset: ?>> -> !keys
  %s = tile.contract %qt, %kt columns %n maps #rows : tensor<8x4xf32>, !keys -> tensor<8x16xf32>
  tile.store %s, %o[%i, %i, %i] rows %i : tensor<8x16xf32>, memref<?x2x?x16xf32>
  return
}

// -----

#rows = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]
!heads = memref<?x2x?x4xf32>
!halves = memref<?x2x?x4xf16>
!keys = tensor<16x4xf32>
!out = memref<?x2x?x16xf32>

// What is converted, scaled, turned or collected is copied; so are rows of which
// a user may read more than there are: the left operand has no count.
// CHECK-LABEL: func.func @copied(
// CHECK-NOT: reinterpret_cast
// CHECK: return
func.func @copied(%q: !heads, %h: !halves, %pages: memref<?x?xi32>, %o: !out, %p: !out, %r: !out, %t: !out, %i: index, %n: index) {
  %qt = tile.load %q[%i, %i, %i] rows %n : !heads -> tensor<8x4xf32>
  %a = tile.load %h[%i, %i, %i] rows %n : !halves -> !keys
  %s = tile.contract %qt, %a columns %n maps #rows : tensor<8x4xf32>, !keys -> tensor<8x16xf32>
  tile.store %s, %o[%i, %i, %i] rows %i : tensor<8x16xf32>, !out
  %b = tile.load %q[%i, %i, %i] rows %n scale 2.0 : !heads -> !keys
  %u = tile.contract %qt, %b columns %n maps #rows : tensor<8x4xf32>, !keys -> tensor<8x16xf32>
  tile.store %u, %p[%i, %i, %i] rows %i : tensor<8x16xf32>, !out
  %c = tile.load %q[%i, %i, %i] rows %n map affine_map<(r) -> (r mod 2, r floordiv 2)> : !heads -> !keys
  %v = tile.contract %qt, %c columns %n maps #rows : tensor<8x4xf32>, !keys -> tensor<8x16xf32>
  tile.store %v, %r[%i, %i, %i] rows %i : tensor<8x16xf32>, !out
  %d = tile.load %q[%i, %i, %i] rows %n pages %pages : memref<?x?xi32> of 8 : !heads -> !keys
  %w = tile.contract %qt, %d columns %n maps #rows : tensor<8x4xf32>, !keys -> tensor<8x16xf32>
  tile.store %w, %t[%i, %i, %i] rows %i : tensor<8x16xf32>, !out
  return
}

// -----

#rows = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]
!heads = memref<?x2x?x4xf32>
!keys = tensor<16x4xf32>

// More columns than were loaded, and rows that are overwritten while the tile
// lives.
// CHECK-LABEL: func.func @not_in_place(
// CHECK-NOT: reinterpret_cast
// CHECK: return
func.func @not_in_place(%q: !heads, %k: !heads, %o: memref<?x2x?x16xf32>, %i: index, %n: index) {
  %qt = tile.load %q[%i, %i, %i] rows %i scale 0.5 : !heads -> tensor<8x4xf32>
  %kt = tile.load %q[%i, %i, %i] rows %n : !heads -> !keys
  %s = tile.contract %qt, %kt columns %i maps #rows : tensor<8x4xf32>, !keys -> tensor<8x16xf32>
  tile.store %s, %o[%i, %i, %i] rows %i : tensor<8x16xf32>, memref<?x2x?x16xf32>
  %old = tile.load %k[%i, %i, %i] rows %n : !heads -> !keys
  tile.store %qt, %k[%i, %i, %i] rows %i : tensor<8x4xf32>, !heads
  %t = tile.contract %qt, %old columns %n maps #rows : tensor<8x4xf32>, !keys -> tensor<8x16xf32>
  tile.store %t, %o[%i, %i, %i] rows %i : tensor<8x16xf32>, memref<?x2x?x16xf32>
  return
}

// -----

#rows = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]
!heads = memref<?x2x?x4xf32>
!keys = tensor<16x4xf32>

// Rows that an outer loop overwrites, after the loop that loads them.
// CHECK-LABEL: func.func @overwritten_around(
// CHECK-NOT: reinterpret_cast
// CHECK: return
func.func @overwritten_around(%q: !heads, %k: !heads, %o: memref<?x2x?x16xf32>, %i: index, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %b = %c0 to %n step %c1 {
    %qt = tile.load %q[%b, %i, %i] rows %i scale 0.5 : !heads -> tensor<8x4xf32>
    scf.for %h = %c0 to %n step %c1 {
      %old = tile.load %k[%b, %h, %i] rows %n : !heads -> !keys
      %t = tile.contract %qt, %old columns %n maps #rows : tensor<8x4xf32>, !keys -> tensor<8x16xf32>
      tile.store %t, %o[%b, %h, %i] rows %i : tensor<8x16xf32>, memref<?x2x?x16xf32>
    }
    tile.store %qt, %k[%b, %i, %i] rows %i : tensor<8x4xf32>, !heads
  }
  return
}

// -----

!heads = memref<?x2x?x16xf32>
!scores = tensor<8x16xf32>

// An update of a loaded tile is one of a copy of it: what lies in a tensor of
// the caller stays as it is.
// CHECK-LABEL: func.func @updated_load(
// CHECK-SAME: %[[X:[^:]*]]:
// CHECK-NOT: reinterpret_cast
// CHECK: tile.load %[[X]]{{.*}} outs(%[[COPY:[^ ]*]] :
// CHECK: tile.modify %[[COPY]]
// CHECK: tile.store %[[COPY]]
func.func @updated_load(%x: !heads, %o: !heads, %i: index) {
  %s = tile.load %x[%i, %i, %i] rows %i : !heads -> !scores
  %m = tile.modify %s at [%i, %i, %i, %i] keys %i {
  ^bb0(%x_: f32, %b_: i32, %h_: i32, %i_: i32, %j_: i32):
    %y = arith.addf %x_, %x_ : f32
    tile.yield %y : f32
  } : !scores -> !scores
  tile.store %m, %o[%i, %i, %i] rows %i : !scores, !heads
  return
}

// -----

!heads = memref<?x2x?x4xf32>
!wide = memref<?x2x?x16xf32>
!row = tensor<8xf32>
!acc = tensor<8x4xf32>

// What is not read row by row, as many rows as were loaded, is copied: weights
// and guarding scores, values of other keys, more rows than there are, and a
// tile that is turned when it is stored.
// CHECK-LABEL: func.func @not_by_rows(
// CHECK-NOT: reinterpret_cast
// CHECK-COUNT-8: tile.load {{.*}} outs(
// CHECK-NOT: reinterpret_cast
// CHECK: return
func.func @not_by_rows(%k: !heads, %x: !wide, %o: !heads, %p: !wide, %i: index, %n: index) {
  %m, %l, %a = tile.softmax_init : !row, !row, !acc
  %weights = tile.load %x[%i, %i, %i] rows %n : !wide -> tensor<8x16xf32>
  %values = tile.load %k[%i, %i, %i] rows %i : !heads -> tensor<16x4xf32>
  %b = tile.accumulate %weights, %values keys %n into %a rescale %l : tensor<8x16xf32>, tensor<16x4xf32>, !acc, !row -> !acc
  %guard = tile.load %x[%i, %n, %i] rows %i : !wide -> tensor<8x16xf32>
  %scores = tile.load %x[%n, %i, %i] rows %i scale 0.5 : !wide -> tensor<8x16xf32>
  %c = tile.accumulate %scores, %values keys %i into %b rescale %l guarded %guard : tensor<8x16xf32> : tensor<8x16xf32>, tensor<16x4xf32>, !acc, !row -> !acc
  tile.store %c, %o[%i, %i, %i] rows %n : !acc, !heads
  %short = tile.load %k[%i, %n, %i] rows %n : !heads -> !acc
  tile.store %short, %o[%i, %n, %i] rows %i : !acc, !heads
  %turned = tile.load %k[%n, %i, %i] rows %n : !heads -> tensor<16x4xf32>
  tile.store %turned, %p[%i, %i, %i] rows %n transposed : tensor<16x4xf32>, !wide
  %left = tile.load %k[%i, %i, %n] rows %i scale 0.5 : !heads -> !acc
  %right = tile.load %x[%i, %i, %n] rows %n : !wide -> tensor<4x16xf32>
  %product = tile.contract %left, %right columns %n
      maps [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (d, c)>, affine_map<(r, c, d) -> (r, c)>]
    : !acc, tensor<4x16xf32> -> tensor<8x16xf32>
  tile.store %product, %p[%i, %n, %i] rows %i : tensor<8x16xf32>, !wide
  return
}

// -----

!heads = memref<?x2x?x4xf32>
!acc = tensor<8x4xf32>

// The same uses of what was loaded in their number are in place.
// CHECK-LABEL: func.func @by_rows(
// CHECK-COUNT-2: memref.reinterpret_cast
// CHECK: return
func.func @by_rows(%k: !heads, %o: !heads, %i: index, %n: index) {
  %row = tile.load %k[%i, %n, %i] rows %n : !heads -> !acc
  tile.store %row, %o[%i, %n, %i] rows %n : !acc, !heads
  %m, %l, %a = tile.softmax_init : tensor<8xf32>, tensor<8xf32>, !acc
  %values = tile.load %k[%i, %i, %i] rows %n : !heads -> tensor<16x4xf32>
  %x = arith.constant dense<0.5> : tensor<8x16xf32>
  %b = tile.accumulate %x, %values keys %n into %a rescale %l : tensor<8x16xf32>, tensor<16x4xf32>, !acc, tensor<8xf32> -> !acc
  tile.store %b, %o[%i, %i, %i] rows %n : !acc, !heads
  return
}

// -----

#maps = [affine_map<(r, c, d) -> (d, r)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (c, r)>]

// A value that is made anew in each side of a branch is dense like all tiles;
// what one of them updates stays where it is.
// CHECK-LABEL: func.func @branch(
// CHECK: tile.contract {{.*}} outs(%[[S:[a-z0-9_]+]], %[[M:[a-z0-9_]+]] :
// CHECK: %[[B:.*]] = scf.if %{{.*}} -> (memref<8xf32>) {
// CHECK-NEXT: scf.yield %[[M]]
// CHECK-NEXT: } else {
// CHECK-NOT: linalg.copy
// CHECK: tile.mask %[[S]]{{.*}} outs(%[[N:[a-z0-9_]+]] : memref<8xf32>)
// CHECK: scf.yield %[[N]]
// CHECK: tile.store %[[B]],
// CHECK: tile.store %[[S]],
func.func @branch(%q: tensor<4x8xf32>, %k: tensor<16x4xf32>, %i: index, %n: index, %c: i1,
                  %out: memref<?x?x?xf32>, %scores: memref<?x?x?x8xf32>) {
  %raw:2 = tile.contract %q, %k columns %n maps #maps : tensor<4x8xf32>, tensor<16x4xf32> -> tensor<16x8xf32>, tensor<8xf32>
  %s:2 = scf.if %c -> (tensor<16x8xf32>, tensor<8xf32>) {
    scf.yield %raw#0, %raw#1 : tensor<16x8xf32>, tensor<8xf32>
  } else {
    %m:2 = tile.mask %raw#0 at [%i, %i, %i, %i] keys %n transposed {
    ^bb0(%b_: i32, %h_: i32, %i_: i32, %j_: i32):
      %visible = arith.cmpi sle, %j_, %i_ : i32
      tile.yield %visible : i1
    } : tensor<16x8xf32> -> tensor<16x8xf32>, tensor<8xf32>
    scf.yield %m#0, %m#1 : tensor<16x8xf32>, tensor<8xf32>
  }
  tile.store %s#1, %out[%i, %i, %i] rows %n : tensor<8xf32>, memref<?x?x?xf32>
  tile.store %s#0, %scores[%i, %i, %i] rows %n : tensor<16x8xf32>, memref<?x?x?x8xf32>
  return
}

// -----

!heads = memref<?x2x?x4xf32>

// Memory of the call is not that of an argument: what is written there leaves
// rows where they are.
// CHECK-LABEL: func.func @summary(
// CHECK-NOT: tile.load
// CHECK: memref.reinterpret_cast
// CHECK-NOT: tile.load
// CHECK: tile.store
func.func @summary(%k: !heads, %o: !heads, %i: index, %n: index, %x: i64, %c: i1) {
  scf.if %c {
    %memory, %granted = cpu.try_alloc(%n) : memref<?xi64>
    scf.if %granted {
      memref.store %x, %memory[%i] : memref<?xi64>
    }
    %more = cpu.alloc(%n) : memref<?xi64>
    memref.store %x, %more[%i] : memref<?xi64>
    %row = tile.load %k[%i, %i, %i] rows %n : !heads -> tensor<8x4xf32>
    tile.store %row, %o[%i, %i, %i] rows %n : tensor<8x4xf32>, !heads
  }
  return
}
