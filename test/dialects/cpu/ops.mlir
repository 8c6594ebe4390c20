// Every operation of the dialect, printed and read again.
// RUN: ladon-opt %s | ladon-opt | FileCheck %s

// CHECK-LABEL: func.func @entry
// CHECK: %[[X:.*]] = cpu.argument 0 : memref<?x4xf32, strided<[?, ?], offset: ?>>
// CHECK: %[[N:.*]] = cpu.argument 1 : index
// CHECK: %[[CAP:.*]] = cpu.argument 2 : f32
// CHECK: %[[FLAG:.*]] = cpu.argument 3 : i1
// CHECK: %[[A:.*]] = cpu.alloc(%[[N]]) : memref<?x4xf32>
// CHECK: %[[B:.*]] = cpu.alloc() : memref<4xf64>
// CHECK: %[[S:.*]], %[[GRANTED:.*]] = cpu.try_alloc(%[[N]], %[[N]]) : memref<?x?xi32>
// CHECK: cpu.launch @task[%[[N]]] scratch 64(%[[A]], %[[CAP]] : memref<?x4xf32>, f32) disjoint [0]
// CHECK: cpu.launch @empty[%[[N]]] scratch 0()
func.func @entry() {
  %x = cpu.argument 0 : memref<?x4xf32, strided<[?, ?], offset: ?>>
  %n = cpu.argument 1 : index
  %cap = cpu.argument 2 : f32
  %flag = cpu.argument 3 : i1
  %a = cpu.alloc(%n) : memref<?x4xf32>
  %b = cpu.alloc() : memref<4xf64>
  %s, %granted = cpu.try_alloc(%n, %n) : memref<?x?xi32>
  cpu.launch @task[%n] scratch 64 (%a, %cap : memref<?x4xf32>, f32) disjoint [0]
  cpu.launch @empty[%n] scratch 0 ()
  return
}
func.func private @task(memref<?x4xf32>, f32, index, memref<64xi8>)
func.func private @empty(index, memref<0xi8>)

// CHECK-LABEL: func.func @pairs
// CHECK: %[[PAIRS:.*]] = cpu.round_pairs %{{.*}}, %{{.*}} : vector<16xf32> -> vector<32xbf16>
// CHECK: cpu.dot_pairs %[[PAIRS]], %{{.*}}, %{{.*}} : vector<32xbf16>, vector<16xf32>
func.func @pairs(%x: vector<16xf32>, %y: vector<16xf32>, %z: vector<32xbf16>) -> vector<16xf32> {
  %pairs = cpu.round_pairs %x, %y : vector<16xf32> -> vector<32xbf16>
  %sums = cpu.dot_pairs %pairs, %z, %x : vector<32xbf16>, vector<16xf32>
  return %sums : vector<16xf32>
}
