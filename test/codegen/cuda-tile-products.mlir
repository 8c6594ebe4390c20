// A product x w becomes a grid over tiles of rows and columns, which adds up
// blocks of what is summed over.
// RUN: ladon-opt %s --cuda-tile-products --split-input-file | FileCheck %s

#x = affine_map<(b, s, n, k) -> (b, s, k)>
#w = affine_map<(b, s, n, k) -> (k, n)>
#out = affine_map<(b, s, n, k) -> (b, s, n)>

// 100 columns are one tile of 64 and one of 36. Types that differ are
// multiplied as f32.
// CHECK-LABEL: func.func @mixed(
// CHECK: tile.grid
// CHECK: %[[OUT:.*]] = memref.subview %{{.*}} : memref<?x1x?x100xf32> to memref<?x1x?x64xf32
// CHECK: %[[SUMS:.*]] = tile.load %[[OUT]]{{.*}} -> tensor<128x64xf32>
// CHECK: %[[ALL:.*]] = scf.for {{.*}} iter_args(%[[ACC:.*]] = %[[SUMS]])
// CHECK: %[[X:.*]] = tile.load %{{.*}} -> tensor<128x32xf32>
// CHECK: %[[W:.*]] = tile.load %{{.*}} -> tensor<32x64xf32>
// CHECK: tile.accumulate %[[X]], %[[W]] keys %{{.*}} into %[[ACC]] : 
// CHECK: tile.store %[[ALL]], %[[OUT]]
// CHECK: tile.grid
// CHECK: tile.load {{.*}} -> tensor<128x36xf32>
// CHECK-NOT: linalg.contract
func.func @mixed(%x: memref<?x?x64xf32>, %w: memref<64x100xf16>, %out: memref<?x?x100xf32>) {
  linalg.contract indexing_maps = [#x, #w, #out] ins(%x, %w : memref<?x?x64xf32>, memref<64x100xf16>) outs(%out : memref<?x?x100xf32>)
  return
}

// -----

#x = affine_map<(s, n, k) -> (s, k)>
#w = affine_map<(s, n, k) -> (k, n)>
#out = affine_map<(s, n, k) -> (s, n)>

// Operands of one 16-bit type keep it. 48 is a multiple of 16, but not of 32.
// CHECK-LABEL: func.func @halves(
// CHECK: tile.load {{.*}} -> tensor<128x16xf16>
// CHECK: tile.load {{.*}} -> tensor<16x64xf16>
func.func @halves(%x: memref<?x48xf16>, %w: memref<48x64xf16>, %out: memref<?x64xf32>) {
  linalg.contract indexing_maps = [#x, #w, #out] ins(%x, %w : memref<?x48xf16>, memref<48x64xf16>) outs(%out : memref<?x64xf32>)
  return
}

// -----

#x = affine_map<(s, n, k) -> (s, k)>
#w = affine_map<(s, n, k) -> (k, n)>
#t = affine_map<(s, n, k) -> (n, k)>
#out = affine_map<(s, n, k) -> (s, n)>

// What units for matrices cannot sum over stays.
// CHECK-LABEL: func.func @others(
// CHECK-COUNT-3: linalg.contract
// CHECK-NOT: tile.
func.func @others(%x: memref<?x50xf32>, %w: memref<50x64xf32>, %out: memref<?x64xf32>, %y: memref<?x64xf64>, %v: memref<64x64xf64>, %sums: memref<?x64xf64>, %t: memref<64x50xf32>) {
  linalg.contract indexing_maps = [#x, #w, #out] ins(%x, %w : memref<?x50xf32>, memref<50x64xf32>) outs(%out : memref<?x64xf32>)
  linalg.contract indexing_maps = [#x, #w, #out] ins(%y, %v : memref<?x64xf64>, memref<64x64xf64>) outs(%sums : memref<?x64xf64>)
  linalg.contract indexing_maps = [#x, #t, #out] ins(%x, %t : memref<?x50xf32>, memref<64x50xf32>) outs(%out : memref<?x64xf32>)
  return
}
