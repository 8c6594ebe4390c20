// RUN: ladon-opt %s --tile-to-vectors="vector-bits=256 rows=2 unroll=1" --canonicalize --cse | FileCheck %s

#lanes = [affine_map<(r, c, d) -> (d, r)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (c, r)>]

// Two features of a row of queries are one lane: they are moved as one number.
// CHECK-LABEL: func.func @load(
// CHECK-SAME: %[[TILE:[^:]*]]: memref<20x8xbf16>
// CHECK: %[[FLAT:.*]] = memref.collapse_shape %[[TILE]]
// CHECK: %[[PAIRS:.*]] = memref.expand_shape %[[FLAT]] {{.*}} into memref<10x16xbf16>
// CHECK: %[[X:.*]] = vector.load %{{.*}} : {{.*}}, vector<16xbf16>
// CHECK: vector.bitcast %[[X]] : vector<16xbf16> to vector<8xf32>
// CHECK-COUNT-24: vector.shuffle
// CHECK: %[[Y:.*]] = vector.bitcast %{{.*}} : vector<8xf32> to vector<16xbf16>
// CHECK: vector.store %[[Y]], %[[PAIRS]]
// The last two pairs fill no register.
// CHECK: scf.for %{{.*}} = %c8 to %c10
// CHECK: vector.load %{{.*}} : {{.*}}, vector<2xbf16>
// CHECK-NEXT: vector.store
func.func @load(%t: memref<20x8xbf16>, %x: memref<1x1x?x20xbf16>, %i: index) {
  tile.load %x[%i, %i, %i] rows %i transposed outs(%t : memref<20x8xbf16>) : memref<1x1x?x20xbf16>
  return
}

// A pair of a key is 32 bits that all lanes get; sums are scaled, then compared.
// CHECK-LABEL: func.func @contract(
// CHECK-DAG: %[[SCALE:.*]] = arith.constant dense<5.000000e-01> : vector<8xf32>
// CHECK: scf.for {{.*}} step %c2 iter_args
// CHECK: scf.for %[[PAIR:.*]] = %c0 to %c10 step %c1
// CHECK: vector.load %{{.*}}[%[[PAIR]], %c0] : memref<10x16xbf16>, vector<16xbf16>
// CHECK: %[[AT:.*]] = arith.muli %[[PAIR]], %c2
// CHECK: %[[TWO:.*]] = vector.load %{{.*}}[%{{.*}}, %[[AT]]] : memref<16x20xbf16>, vector<2xbf16>
// CHECK: %[[BITS:.*]] = vector.bitcast %[[TWO]] : vector<2xbf16> to vector<1xi32>
// CHECK: %[[ALL:.*]] = vector.bitcast %{{.*}} : vector<8xi32> to vector<16xbf16>
// CHECK: cpu.dot_pairs %[[ALL]], %{{.*}}, %{{.*}} : vector<16xbf16>, vector<8xf32>
// CHECK: %[[DOT:.*]] = arith.mulf %{{.*}}, %[[SCALE]]
// CHECK: vector.store %[[DOT]]
// CHECK: arith.cmpf ogt, %[[DOT]]
func.func @contract(%q: memref<20x8xbf16>, %k: memref<16x20xbf16>, %s: memref<16x8xf32>, %m: memref<8xf32>, %n: index) {
  tile.contract %q, %k columns %n maps #lanes scale 0.5 outs(%s, %m : memref<16x8xf32>, memref<8xf32>) : memref<20x8xbf16>, memref<16x20xbf16>
  return
}

// An odd number of keys ends with a pair of one weight, and a zero.
// CHECK-LABEL: func.func @round(
// CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : vector<8xf32>
// CHECK: scf.for
// CHECK: cpu.round_pairs
// CHECK: scf.if
// CHECK: cpu.round_pairs %{{.*}}, %[[ZERO]]
func.func @round(%w: memref<16x8xf32>, %p: memref<16x8xbf16>, %n: index) {
  tile.round %w keys %n transposed outs(%p : memref<16x8xbf16>) : memref<16x8xf32>
  return
}

// Rows of values are put in pairs first: registers of 16, of 8, then single
// ones, with zeros beside a row without a partner.
// CHECK-LABEL: func.func @accumulate(
// CHECK: %[[VALUES:.*]] = memref.alloc() {alignment = 64 : i64} : memref<8x50xbf16>
// CHECK: vector.interleave %{{.*}}, %{{.*}} : vector<16xbf16>
// CHECK: vector.interleave %{{.*}}, %{{.*}} : vector<8xbf16>
// CHECK: vector.interleave %{{.*}}, %{{.*}} : vector<1xbf16>
// CHECK: scf.if
// CHECK: vector.interleave %{{.*}}, %cst
// CHECK: %[[COUNT:.*]] = arith.ceildivui %{{.*}}, %c2
// CHECK: scf.for %{{.*}} = %c0 to %[[COUNT]] step %c1
// CHECK: vector.load %[[VALUES]]
// CHECK: cpu.dot_pairs
// CHECK: vector.fma
func.func @accumulate(%w: memref<16x8xbf16>, %v: memref<16x25xbf16>, %acc: memref<25x8xf32>, %r: memref<8xf32>, %n: index) {
  tile.accumulate %w, %v keys %n into %acc rescale %r transposed : memref<16x8xbf16>, memref<16x25xbf16>, memref<25x8xf32>, memref<8xf32>
  return
}

// CHECK-LABEL: func.func @guarded(
// CHECK: vector.deinterleave
// CHECK: arith.select
// CHECK: arith.extf
// CHECK: arith.cmpf une
func.func @guarded(%w: memref<16x8xbf16>, %v: memref<16x25xbf16>, %acc: memref<25x8xf32>, %r: memref<8xf32>, %s: memref<16x8xf32>, %n: index) {
  tile.accumulate %w, %v keys %n into %acc rescale %r guarded %s : memref<16x8xf32> transposed : memref<16x8xbf16>, memref<16x25xbf16>, memref<25x8xf32>, memref<8xf32>
  return
}
