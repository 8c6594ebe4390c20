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
  gpu.func @scores(%q: memref<?x?x?x32xbf16>, %out: memref<?x?x?xf32>, %k: memref<64x32xbf16, strided<[40, 1]>, #gpu.address_space<workgroup>>, %n: index) kernel {
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
  gpu.func @copy(%k: memref<?x?x?x32xbf16, strided<[?, ?, ?, ?], offset: ?>>, %to: memref<64x32xbf16, strided<[40, 1]>, #gpu.address_space<workgroup>>, %n: index) kernel {
    %c0 = arith.constant 0 : index
    tile.load %k[%c0, %c0, %c0] rows %n outs(%to : memref<64x32xbf16, strided<[40, 1]>, #gpu.address_space<workgroup>>)
       : memref<?x?x?x32xbf16, strided<[?, ?, ?, ?], offset: ?>>
    gpu.return
  }
}
