// RUN: ladon-opt %s --tile-to-cpu=vector-bits=256 --split-input-file --verify-diagnostics

!heads = memref<1x1x?x4xf32>

func.func @odd_tile(%x: !heads, %T: index) {
  %c0 = arith.constant 0 : index
  // expected-error@+1 {{'scf.forall' op expected a query tile that is a multiple of 8 rows, found 12}}
  scf.forall (%b) in (1) {
    %q = tile.load %x[%b, %b, %c0] rows %T : !heads -> tensor<12x4xf32>
    %m, %l, %acc = tile.softmax_init : tensor<12xf32>, tensor<12xf32>, tensor<12x4xf32>
    %k = tile.load %x[%b, %b, %c0] rows %T : !heads -> tensor<16x4xf32>
    %s = tile.scores %q, %k keys %T : tensor<12x4xf32>, tensor<16x4xf32> -> tensor<12x16xf32>
    %m1, %l1, %acc1 = tile.softmax_update %s, %k keys %T state(%m, %l, %acc)
        : tensor<12x16xf32>, tensor<16x4xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12x4xf32>
  }
  return
}

// -----

!heads = memref<1x1x?x4xf32>

func.func @two_shapes(%x: !heads, %T: index) {
  %c0 = arith.constant 0 : index
  // expected-error@+1 {{'scf.forall' op expected one attention, with tiles of one shape, in a grid point}}
  scf.forall (%b) in (1) {
    %q = tile.load %x[%b, %b, %c0] rows %T : !heads -> tensor<8x4xf32>
    %m, %l, %acc = tile.softmax_init : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
    %k = tile.load %x[%b, %b, %c0] rows %T : !heads -> tensor<16x4xf32>
    %s = tile.scores %q, %k keys %T : tensor<8x4xf32>, tensor<16x4xf32> -> tensor<8x16xf32>
    %m1, %l1, %acc1 = tile.softmax_update %s, %k keys %T state(%m, %l, %acc)
        : tensor<8x16xf32>, tensor<16x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
    %more = tile.load %x[%b, %b, %c0] rows %T : !heads -> tensor<32x4xf32>
    %t = tile.scores %q, %more keys %T : tensor<8x4xf32>, tensor<32x4xf32> -> tensor<8x32xf32>
  }
  return
}

// -----

func.func @no_scores() {
  // expected-error@+1 {{'scf.forall' op expected one attention, with tiles of one shape, in a grid point}}
  scf.forall (%b) in (1) {
    %m, %l, %acc = tile.softmax_init : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
  }
  return
}

// -----

!heads = memref<1x1x?x4xf32>

func.func @scaled_key(%x: !heads, %T: index) {
  %c0 = arith.constant 0 : index
  scf.forall (%b) in (1) {
    %q = tile.load %x[%b, %b, %c0] rows %T : !heads -> tensor<8x4xf32>
    %m, %l, %acc = tile.softmax_init : tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
    // expected-error@+1 {{'tile.load' op expected a scale on a query tile only}}
    %k = tile.load %x[%b, %b, %c0] rows %T scale 2.0 : !heads -> tensor<16x4xf32>
    %s = tile.scores %q, %k keys %T : tensor<8x4xf32>, tensor<16x4xf32> -> tensor<8x16xf32>
    %m1, %l1, %acc1 = tile.softmax_update %s, %k keys %T state(%m, %l, %acc)
        : tensor<8x16xf32>, tensor<16x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x4xf32>
  }
  return
}
