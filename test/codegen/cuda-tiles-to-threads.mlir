// A tile becomes the elements that a thread holds of it: of 64 x 64 scores 32,
// of rows two. Products are mma.sync, a row's sum goes across four threads.
// RUN: ladon-opt %s --pass-pipeline='builtin.module(gpu.module(gpu.func(cuda-tiles-to-threads)))' --split-input-file | FileCheck %s

#left = affine_map<(r, c, k) -> (r, k)>
#right = affine_map<(r, c, k) -> (c, k)>
#product = affine_map<(r, c, k) -> (r, c)>

// CHECK-LABEL: gpu.func @scores
// 8 groups of keys, 2 steps of 16 features; a matrix load has two groups.
// CHECK-COUNT-8: nvvm.ldmatrix {{.*}}layout = #nvvm.mma_layout<row>
// CHECK: vector.from_elements {{.*}} : vector<32xf32>
// CHECK: arith.mulf {{.*}} : vector<32xf32>
// CHECK: arith.maxnumf
// CHECK-COUNT-4: nvvm.shfl.sync bfly
// CHECK-NOT: tile.
gpu.module @kernels {
  gpu.func @scores(%q: memref<?x?x?x32xbf16>, %out: memref<?x?x?xf32>, %k: memref<64x32xbf16, strided<[40, 1]>, #gpu.address_space<workgroup>>, %n: index) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %rows = tile.load %q[%c0, %c0, %c0] rows %n : memref<?x?x?x32xbf16> -> tensor<64x32xbf16>
    %s = tile.contract %rows, %k columns %n maps [#left, #right, #product] scale 0.125
       : tensor<64x32xbf16>, memref<64x32xbf16, strided<[40, 1]>, #gpu.address_space<workgroup>> -> tensor<64x64xf32>
    %top = tile.row_max %s keys %n : tensor<64x64xf32> -> tensor<64xf32>
    tile.store %top, %out[%c0, %c0, %c0] rows %n : tensor<64xf32>, memref<?x?x?xf32>
    gpu.return
  }
}

// -----

// Units of 16 bytes where rows allow it, zeros for rows that do not exist; else
// element by element.
// CHECK-LABEL: gpu.func @copy
// CHECK: scf.if
// CHECK: arith.select {{.*}} : i32
// CHECK: nvvm.cp.async.shared.global {{.*}}, 16, cache =  cg, %{{.*}} : !llvm.ptr<3>, !llvm.ptr<1>, i32
// CHECK: } else {
// CHECK: scf.for
// CHECK: memref.store
gpu.module @kernels {
  gpu.func @copy(%k: memref<?x?x?x32xbf16, strided<[?, ?, ?, ?], offset: ?>>, %to: memref<64x32xbf16, strided<[40, 1]>, #gpu.address_space<workgroup>>, %n: index) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    tile.load %k[%c0, %c0, %c0] rows %n outs(%to : memref<64x32xbf16, strided<[40, 1]>, #gpu.address_space<workgroup>>)
       : memref<?x?x?x32xbf16, strided<[?, ?, ?, ?], offset: ?>>
    gpu.return
  }
}

// -----

// A warp with 32 rows uses what it reads from shared memory twice: two products
// for each half of a matrix load. Rows of queries in shared memory are read by
// matrix loads as well, four rows of a thread at a time.
#left = affine_map<(r, c, k) -> (r, k)>
#right = affine_map<(r, c, k) -> (c, k)>
#product = affine_map<(r, c, k) -> (r, c)>

// CHECK-LABEL: gpu.func @rows_of_two
// CHECK-COUNT-2: nvvm.ldmatrix
// CHECK: nvvm.ldmatrix
// CHECK-COUNT-4: nvvm.mma.sync
// CHECK-NOT: nvvm.mma.sync
// CHECK: vector.from_elements {{.*}} : vector<16xf32>
// CHECK: vector.from_elements {{.*}} : vector<4xf32>
gpu.module @kernels {
  gpu.func @rows_of_two(%q: memref<128x16xf16, strided<[24, 1]>, #gpu.address_space<workgroup>>, %out: memref<?x?x?xf32>, %k: memref<16x16xf16, strided<[24, 1]>, #gpu.address_space<workgroup>>, %n: index) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %s = tile.contract %q, %k columns %n maps [#left, #right, #product]
       : memref<128x16xf16, strided<[24, 1]>, #gpu.address_space<workgroup>>, memref<16x16xf16, strided<[24, 1]>, #gpu.address_space<workgroup>> -> tensor<128x16xf32>
    %top = tile.row_max %s keys %n : tensor<128x16xf32> -> tensor<128xf32>
    tile.store %top, %out[%c0, %c0, %c0] rows %n : tensor<128xf32>, memref<?x?x?xf32>
    gpu.return
  }
}

// -----

// Rows in pages: each looks up its own, clamped into the pool.
// CHECK-LABEL: gpu.func @pages
// CHECK-SAME: %[[POOL:[a-z0-9]*]]: memref<?x2x24x32xbf16>, %[[TABLE:[a-z0-9]*]]: memref<?x?xi32>
// CHECK: %[[POSITION:.*]] = arith.addi %arg3
// CHECK: %[[PAGE:.*]] = arith.divui %[[POSITION]]
// CHECK: %[[NUMBER:.*]] = memref.load %[[TABLE]][%{{.*}}, %[[PAGE]]]
// CHECK: %[[INDEX:.*]] = arith.index_cast %[[NUMBER]]
// CHECK: %[[SIZE:.*]] = memref.dim %[[POOL]]
// CHECK: %[[LAST:.*]] = arith.subi %[[SIZE]]
// CHECK: %[[LOW:.*]] = arith.minsi %[[INDEX]], %[[LAST]]
// CHECK: arith.maxsi %[[LOW]]
// CHECK: arith.remui
// CHECK: nvvm.cp.async
gpu.module @kernels {
  gpu.func @pages(%k: memref<?x2x24x32xbf16>, %table: memref<?x?xi32>, %to: memref<32x32xbf16, strided<[40, 1]>, #gpu.address_space<workgroup>>, %n: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    tile.load %k[%c0, %c0, %n] rows %n pages %table : memref<?x?xi32> of 24 outs(%to : memref<32x32xbf16, strided<[40, 1]>, #gpu.address_space<workgroup>>)
       : memref<?x2x24x32xbf16>
    gpu.return
  }
}
