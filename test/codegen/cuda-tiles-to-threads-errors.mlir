// RUN: ladon-opt %s --pass-pipeline='builtin.module(gpu.module(gpu.func(cuda-tiles-to-threads)))' --split-input-file --verify-diagnostics

gpu.module @kernels {
  gpu.func @doubles(%q: memref<?x?x?x32xf64>, %n: index) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    // expected-error @below {{cannot be compiled for a GPU: expected tiles of f32, f16 or bf16, found 'f64'}}
    %rows = tile.load %q[%c0, %c0, %c0] rows %n : memref<?x?x?x32xf64> -> tensor<64x32xf64>
    tile.store %rows, %q[%c0, %c0, %c0] rows %n : tensor<64x32xf64>, memref<?x?x?x32xf64>
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @few_rows(%q: memref<?x?x?x32xf32>, %n: index) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    // expected-error @below {{expected tiles of 64 or 128 rows, found 24}}
    %rows = tile.load %q[%c0, %c0, %c0] rows %n : memref<?x?x?x32xf32> -> tensor<24x32xf32>
    tile.store %rows, %q[%c0, %c0, %c0] rows %n : tensor<24x32xf32>, memref<?x?x?x32xf32>
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @wide(%q: memref<?x?x?x512xf32>, %n: index) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    // expected-error @below {{cannot be compiled for a GPU: expected at most 256 features, found 512}}
    %rows = tile.load %q[%c0, %c0, %c0] rows %n : memref<?x?x?x512xf32> -> tensor<64x512xf32>
    tile.store %rows, %q[%c0, %c0, %c0] rows %n : tensor<64x512xf32>, memref<?x?x?x512xf32>
    gpu.return
  }
}

// -----

#left = affine_map<(r, c, k) -> (r, k)>
#right = affine_map<(r, c, k) -> (c, k)>
#product = affine_map<(r, c, k) -> (r, c)>
gpu.module @kernels {
  gpu.func @not_staged(%q: tensor<64x32xf32>, %k: tensor<64x32xf32>, %n: index) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    // expected-error @below {{expected the right tile in shared memory; run cuda-stage-tiles before}}
    %s = tile.contract %q, %k columns %n maps [#left, #right, #product]
       : tensor<64x32xf32>, tensor<64x32xf32> -> tensor<64x64xf32>
    gpu.return
  }
}

// -----

gpu.module @kernels {
  // expected-error @below {{expected a known block size of whole warps; run cuda-outline-kernels before}}
  gpu.func @unknown() kernel {
    gpu.return
  }
}

// -----

gpu.module @kernels {
  // expected-error @below {{expected a known block size of whole warps; run cuda-outline-kernels before}}
  gpu.func @part_of_a_warp() kernel attributes {known_block_size = array<i32: 48, 1, 1>} {
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @rounded(%q: memref<?x?x?x32xf32>, %to: memref<?x?x?x32xi8>, %n: index) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %rows = tile.load %q[%c0, %c0, %c0] rows %n : memref<?x?x?x32xf32> -> tensor<64x32xf32>
    // expected-error @below {{cannot be compiled for a GPU: nobody rounds to i8 there}}
    tile.store %rows, %to[%c0, %c0, %c0] rows %n : tensor<64x32xf32>, memref<?x?x?x32xi8>
    gpu.return
  }
}
