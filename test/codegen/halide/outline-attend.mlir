// RUN: ladon-opt %s --halide-outline-attend --canonicalize --cse | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// A kernel without a body for each text: what the mask hides may hold what is
// not finite, so that there is a guarded one, too.
// CHECK-DAG: func.func private @[[PLAIN:ladon_halide[_0-9]*]]({{.*}}) -> i32 attributes {cpu.kernel = "{{.*}}attn.attend
// CHECK-DAG: func.func private @[[GUARDED:ladon_halide[_0-9]*]]({{.*}}) -> i32 attributes {cpu.guarded, cpu.kernel =

// A grid of batches, heads and tiles, last tile first; two heads share one of
// the keys.
// CHECK-LABEL: func.func @causal(
// CHECK: scf.forall (%[[B:.*]], %[[H:.*]], %[[T:.*]]) in (%{{.*}}, 4, %[[TILES:.*]])
// CHECK: %[[LAST:.*]] = arith.subi %[[TILES]], %c1
// CHECK: %[[TILE:.*]] = arith.subi %[[LAST]], %[[T]]
// CHECK: %[[FIRST:.*]] = arith.muli %[[TILE]], %c24
// CHECK: %[[ROWS:.*]] = arith.minsi %{{.*}}, %c24
// CHECK: arith.divui %[[H]], %c2
// The keys that rows may see end behind those of the last row.
// CHECK: %[[OTHERS:.*]] = arith.addi %[[ROWS]], %c-1
// CHECK: %[[LASTROW:.*]] = arith.addi %[[FIRST]], %[[OTHERS]]
// CHECK: %[[NEXT:.*]] = arith.addi %[[LASTROW]], %c1
// CHECK: arith.minsi %[[NEXT]]
// Its memory, then the buffers of q, k and v.
// CHECK: memref.alloc() {alignment = 64 : i64} : memref<{{[0-9]+}}xi8>
// CHECK: func.call @ladon_halide{{.*}}(
// CHECK: scf.if
// CHECK-NEXT: func.call @ladon_halide
// CHECK: llvm.func @halide_malloc
// An array that is freed before one behind it leaves the cursor where it is.
// CHECK: llvm.func @halide_free
// CHECK: llvm.br ^[[LOOP:bb[0-9]+]]
// CHECK: ^[[LOOP]]:
// CHECK: llvm.cond_br %{{.*}}, ^[[EXIT:bb[0-9]+]], ^[[CHECK:bb[0-9]+]]
// CHECK: ^[[CHECK]]:
// CHECK: llvm.cond_br %{{.*}}, ^[[POP:bb[0-9]+]], ^[[EXIT]]
// CHECK: ^[[POP]]:
// CHECK: llvm.br ^[[LOOP]]
func.func @causal(%q: memref<?x4x?x8xf32>, %k: memref<?x2x?x8xf32>, %v: memref<?x2x?x8xf32>, %out: memref<?x4x?x8xf32>) {
  attn.attend heads 4 key_value_heads 2 head_dim 8 value_dim 8 scale 1.250000e-01
      ins(%q, %k, %v : memref<?x4x?x8xf32>, memref<?x2x?x8xf32>, memref<?x2x?x8xf32>)
      outs(%out : memref<?x4x?x8xf32>)
      maps [#q, #k, #v, #o]
      mask(%b: i32, %h: i32, %i: i32, %j: i32) {
        %visible = arith.cmpi sle, %j, %i : i32
        attn.yield %visible : i1
      } {tile.shape = #tile.shape<queries = 24, keys = 128>}
  return
}
