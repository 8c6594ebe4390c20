// Keys and values go through shared memory: both copies start behind one
// barrier, keys are waited for before the scores, values before the sum.
// RUN: ladon-opt %s --pass-pipeline='builtin.module(gpu.module(gpu.func(cuda-stage-tiles)))' | FileCheck %s

#left = affine_map<(r, c, k) -> (r, k)>
#right = affine_map<(r, c, k) -> (c, k)>
#product = affine_map<(r, c, k) -> (r, c)>

// CHECK: gpu.func @block
// CHECK-SAME: shared_bytes = 18432
// CHECK: gpu.barrier
// CHECK: %[[ALL:.*]] = gpu.dynamic_shared_memory
// CHECK: %[[KEYS:.*]] = memref.subview %{{.*}} : memref<64x72xbf16, #gpu.address_space<workgroup>>
// CHECK: tile.load %arg1{{.*}} outs(%[[KEYS]]
// CHECK-NEXT: nvvm.cp.async.commit.group
// CHECK-NOT: gpu.barrier
// CHECK: %[[VALUES:.*]] = memref.subview
// CHECK: tile.load %arg2{{.*}} outs(%[[VALUES]]
// CHECK-NEXT: nvvm.cp.async.commit.group
// CHECK-NEXT: nvvm.cp.async.wait.group 1
// CHECK-NEXT: gpu.barrier
// CHECK-NEXT: %[[S:.*]] = tile.contract %{{.*}}, %[[KEYS]]
// Columns without a key are hidden before the largest score is looked for.
// CHECK: %[[PART:.*]] = arith.cmpi slt, %arg3
// CHECK: %[[HIDDEN:.*]] = scf.if %[[PART]]
// CHECK: tile.mask %[[S]]
// CHECK: } else {
// CHECK: scf.yield %[[S]]
// CHECK: tile.row_max %[[HIDDEN]]
// CHECK: tile.softmax_weights %[[HIDDEN]]
// CHECK: nvvm.cp.async.wait.group 0
// CHECK-NEXT: gpu.barrier
// CHECK: tile.accumulate %{{.*}}, %[[VALUES]]
gpu.module @kernels {
  gpu.func @block(%q: memref<?x?x?x64xbf16>, %k: memref<?x?x?x64xbf16>, %v: memref<?x?x?x64xbf16>, %n: index) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %rows = tile.load %q[%c0, %c0, %c0] rows %n : memref<?x?x?x64xbf16> -> tensor<64x64xbf16>
    %st:3 = tile.softmax_init : tensor<64xf32>, tensor<64xf32>, tensor<64x64xf32>
    %keys = tile.load %k[%c0, %c0, %c0] rows %n : memref<?x?x?x64xbf16> -> tensor<64x64xbf16>
    %s = tile.contract %rows, %keys columns %n maps [#left, #right, #product] scale 0.125
       : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %top = tile.row_max %s keys %n : tensor<64x64xf32> -> tensor<64xf32>
    %w:4 = tile.softmax_weights %s top %top keys %n state(%st#0, %st#1)
       : tensor<64x64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>
       -> tensor<64x64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>
    %values = tile.load %v[%c0, %c0, %c0] rows %n : memref<?x?x?x64xbf16> -> tensor<64x64xbf16>
    %p = tile.round %w#0 keys %n : tensor<64x64xf32> -> tensor<64x64xbf16>
    %acc = tile.accumulate %p, %values keys %n into %st#2 rescale %w#3
       : tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<64x64xf32>, tensor<64xf32> -> tensor<64x64xf32>
    tile.store %acc, %q[%c0, %c0, %c0] rows %n : tensor<64x64xf32>, memref<?x?x?x64xbf16>
    gpu.return
  }

  // Keys that are their own values are copied twice.
  // CHECK-LABEL: gpu.func @both
  // CHECK-COUNT-2: tile.load %arg0{{.*}} outs
  gpu.func @both(%k: memref<?x?x?x64xbf16>, %q: tensor<64x64xbf16>, %p: tensor<64x64xbf16>, %acc: tensor<64x64xf32>, %r: tensor<64xf32>, %n: index) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %keys = tile.load %k[%c0, %c0, %c0] rows %n : memref<?x?x?x64xbf16> -> tensor<64x64xbf16>
    %s = tile.contract %q, %keys columns %n maps [#left, #right, #product]
       : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %a = tile.accumulate %p, %keys keys %n into %s rescale %r
       : tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<64x64xf32>, tensor<64xf32> -> tensor<64x64xf32>
    tile.store %a, %k[%c0, %c0, %c0] rows %n : tensor<64x64xf32>, memref<?x?x?x64xbf16>
    gpu.return
  }

  // A loop whose blocks follow from its variable copies the next block while it
  // works on this one: one wait and one barrier in each iteration.
  // CHECK-LABEL: gpu.func @ahead
  // CHECK-SAME: shared_bytes = 36864
  // CHECK: gpu.barrier
  // CHECK: %[[ANY:.*]] = arith.cmpi slt, %[[ZERO:.*]], %arg3
  // CHECK: scf.if %[[ANY]] {
  // CHECK: tile.load %arg1[{{.*}}, %[[ZERO]]]
  // CHECK: tile.load %arg2[{{.*}}, %[[ZERO]]]
  // CHECK: }
  // CHECK-NEXT: nvvm.cp.async.commit.group
  // CHECK: scf.for %[[I:.*]] = %[[ZERO]] to %arg3 step %[[STEP:.*]] iter_args
  // CHECK: %[[DONE:.*]] = arith.subi %[[I]], %[[ZERO]]
  // CHECK: %[[NUMBER:.*]] = arith.divui %[[DONE]], %[[STEP]]
  // CHECK: %[[STAGE:.*]] = arith.remui %[[NUMBER]]
  // CHECK: %[[OTHER:.*]] = arith.subi %{{.*}}, %[[STAGE]]
  // CHECK: nvvm.cp.async.wait.group 0
  // CHECK-NEXT: gpu.barrier
  // CHECK-NEXT: %[[NEXT:.*]] = arith.addi %[[I]], %[[STEP]]
  // CHECK-NEXT: %[[MORE:.*]] = arith.cmpi slt, %[[NEXT]], %arg3
  // CHECK-NEXT: scf.if %[[MORE]] {
  // CHECK: arith.muli %[[OTHER]]
  // CHECK: tile.load %arg1[{{.*}}, %[[NEXT]]]
  // CHECK: tile.load %arg2[{{.*}}, %[[NEXT]]]
  // CHECK: }
  // CHECK-NEXT: nvvm.cp.async.commit.group
  // CHECK: arith.muli %[[STAGE]]
  // CHECK-NOT: gpu.barrier
  // CHECK-NOT: nvvm.cp.async.wait
  // CHECK: tile.contract
  // CHECK: tile.accumulate
  // CHECK: gpu.return
  gpu.func @ahead(%q: tensor<64x64xbf16>, %k: memref<?x?x?x64xbf16>, %v: memref<?x?x?x64xbf16>, %n: index, %r: tensor<64xf32>, %zero: tensor<64x64xf32>) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %acc = scf.for %i = %c0 to %n step %c64 iter_args(%a = %zero) -> (tensor<64x64xf32>) {
      %rest = arith.subi %n, %i : index
      %count = arith.minsi %rest, %c64 : index
      %keys = tile.load %k[%c0, %c0, %i] rows %count : memref<?x?x?x64xbf16> -> tensor<64x64xbf16>
      %s = tile.contract %q, %keys columns %count maps [#left, #right, #product]
         : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      %p = tile.round %s keys %count : tensor<64x64xf32> -> tensor<64x64xbf16>
      %values = tile.load %v[%c0, %c0, %i] rows %count : memref<?x?x?x64xbf16> -> tensor<64x64xbf16>
      %next = tile.accumulate %p, %values keys %count into %a rescale %r
         : tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<64x64xf32>, tensor<64xf32> -> tensor<64x64xf32>
      scf.yield %next : tensor<64x64xf32>
    }
    tile.store %acc, %k[%c0, %c0, %c0] rows %n : tensor<64x64xf32>, memref<?x?x?x64xbf16>
    gpu.return
  }

  // Queries that would take 64 registers of a thread lie in shared memory, too.
  // CHECK-LABEL: gpu.func @large_queries
  // CHECK: %[[QUERIES:.*]] = memref.subview {{.*}} : memref<64x264xbf16, #gpu.address_space<workgroup>>
  // CHECK: tile.load %arg0{{.*}} outs(%[[QUERIES]]
  // CHECK: tile.contract %[[QUERIES]]
  gpu.func @large_queries(%q: memref<?x?x?x256xbf16>, %k: memref<?x?x?x256xbf16>, %out: memref<?x?x?x32xf32>, %n: index) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %rows = tile.load %q[%c0, %c0, %c0] rows %n : memref<?x?x?x256xbf16> -> tensor<64x256xbf16>
    %keys = tile.load %k[%c0, %c0, %c0] rows %n : memref<?x?x?x256xbf16> -> tensor<32x256xbf16>
    %s = tile.contract %rows, %keys columns %n maps [#left, #right, #product]
       : tensor<64x256xbf16>, tensor<32x256xbf16> -> tensor<64x32xf32>
    tile.store %s, %out[%c0, %c0, %c0] rows %n : tensor<64x32xf32>, memref<?x?x?x32xf32>
    gpu.return
  }
}
