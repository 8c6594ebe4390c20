// RUN: ladon-opt %s --tile-bufferize --split-input-file --verify-diagnostics

// Control has no form on buffers.
func.func @key_loop(%init: tensor<8xf32>, %n: index) -> tensor<8xf32> {
  // expected-error@+1 {{'tile.key_loop' op expected grids and loops to be lowered; run tile-lower-control before}}
  %r = tile.key_loop [%n, %n) step 8 init(%init : tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%j: index, %count: index, %s: tensor<8xf32>):
    tile.yield %s : tensor<8xf32>
  }
  return %r : tensor<8xf32>
}

// -----

func.func @grid(%x: memref<?x2x?x4xf32>, %o: memref<?x2x?x4xf32>, %n: index) {
  // expected-error@+1 {{'tile.grid' op expected grids and loops to be lowered; run tile-lower-control before}}
  tile.grid (%n) schedule <order = [0]> {
  ^bb0(%i: index):
    %t = tile.load %x[%i, %i, %i] rows %i : memref<?x2x?x4xf32> -> tensor<8x4xf32>
    tile.store %t, %o[%i, %i, %i] rows %i : tensor<8x4xf32>, memref<?x2x?x4xf32>
  }
  return
}
