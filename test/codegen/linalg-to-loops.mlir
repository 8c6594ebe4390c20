// RUN: ladon-opt %s --cpu-linalg-to-loops --split-input-file | FileCheck %s

// Neighbours in memory: the innermost loop asks for vectors, the others do not.
// CHECK: #[[$VECTORIZE:.*]] = #llvm.loop_vectorize<disable = false>
// CHECK: #[[$LOOP:.*]] = #llvm.loop_annotation<vectorize = #[[$VECTORIZE]]>
// CHECK-LABEL: func.func @add(
// CHECK: scf.for
// CHECK: scf.for
// CHECK: arith.addf
// CHECK: memref.store
// CHECK: } {llvm.loop_annotation = #[[$LOOP]]}
// CHECK-NEXT: }{{$}}
func.func @add(%x: memref<4x?xf32>, %y: memref<4x?xf32>) {
  linalg.add ins(%x, %y : memref<4x?xf32>, memref<4x?xf32>) outs(%y : memref<4x?xf32>)
  return
}

// -----

#joined = affine_map<(h, d) -> (h * 64 + d + 32)>
#once = affine_map<(h, d) -> (h)>
#both = affine_map<(h, d) -> (h, d)>

// Features of a head in a row of all heads are neighbours, and an element that
// is one for all of them is as good.
// CHECK-LABEL: func.func @features(
// CHECK: {llvm.loop_annotation
func.func @features(%x: memref<512xf32>, %w: memref<8xf32>, %o: memref<8x32xf32>) {
  linalg.generic {indexing_maps = [#joined, #once, #both], iterator_types = ["parallel", "parallel"]}
      ins(%x, %w : memref<512xf32>, memref<8xf32>) outs(%o : memref<8x32xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %r = arith.mulf %a, %b : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// Columns are not neighbours.
// CHECK-LABEL: func.func @transpose(
// CHECK-NOT: {llvm.loop_annotation
func.func @transpose(%x: memref<4x8xf32>, %o: memref<8x4xf32>) {
  linalg.transpose ins(%x : memref<4x8xf32>) outs(%o : memref<8x4xf32>) permutation = [1, 0]
  return
}

// -----

#pairs = affine_map<(d) -> (d * 2)>
#all = affine_map<(d) -> (d)>

// Nor is every second element.
// CHECK-LABEL: func.func @every_second(
// CHECK-NOT: {llvm.loop_annotation
func.func @every_second(%x: memref<16xf32>, %o: memref<8xf32>) {
  linalg.generic {indexing_maps = [#pairs, #all], iterator_types = ["parallel"]}
      ins(%x : memref<16xf32>) outs(%o : memref<8xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  return
}

// -----

#row = affine_map<(s, d) -> (s, d)>
#sum = affine_map<(s, d) -> (s)>

// A sum is carried by the loop, and stored once.
// CHECK-LABEL: func.func @sums(
// CHECK-SAME: %[[X:.*]]: memref<?x64xf32>, %[[O:.*]]: memref<?xf32>
// CHECK: scf.for %[[S:.*]] =
// CHECK: %[[BEFORE:.*]] = memref.load %[[O]][%[[S]]]
// CHECK: %[[AFTER:.*]] = scf.for %[[D:.*]] = {{.*}} iter_args(%[[SO_FAR:.*]] = %[[BEFORE]])
// CHECK: %[[A:.*]] = memref.load %[[X]][%[[S]], %[[D]]]
// CHECK-NOT: memref.load
// CHECK: %[[NEXT:.*]] = arith.addf %[[A]], %[[SO_FAR]] fastmath<reassoc>
// CHECK-NOT: memref.store
// CHECK: scf.yield %[[NEXT]]
// CHECK: } {llvm.loop_annotation
// CHECK: memref.store %[[AFTER]], %[[O]][%[[S]]]
func.func @sums(%x: memref<?x64xf32>, %o: memref<?xf32>) {
  linalg.generic {indexing_maps = [#row, #sum], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x64xf32>) outs(%o : memref<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.addf %a, %b fastmath<reassoc> : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// A number is stored once, without any loop.
// CHECK-LABEL: func.func @one(
// CHECK-NOT: scf.for
// CHECK: memref.store
func.func @one(%o: memref<f32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%o : memref<f32>)
  return
}
