// RUN: ladon-opt %s --tile-attention="query-tile=8 key-tile=16" --cse --split-input-file | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// A grid over (batch, head, query tile), last tile first; one loop over all
// keys; scale and log2(e) are in the query. A tile of f64 has half the rows.
// CHECK-LABEL: func.func @plain_f64(
// CHECK-SAME: %[[Q:.*]]: memref<2x3x?x4xf64>, %[[K:.*]]: memref<2x3x?x4xf64>, %[[V:.*]]: memref<2x3x?x5xf64>, %[[OUT:.*]]: memref<2x3x?x5xf64>
// CHECK-DAG: %[[S:.*]] = memref.dim %[[Q]], %c2
// CHECK-DAG: %[[T:.*]] = memref.dim %[[K]], %c2
// CHECK: %[[TILES:.*]] = arith.ceildivsi %[[S]], %c4
// CHECK: scf.forall (%[[B:.*]], %[[H:.*]], %[[N:.*]]) in (%{{.*}}, 3, %[[TILES]])
// CHECK: %[[LAST:.*]] = arith.subi %[[TILES]], %c1
// CHECK: %[[TILE:.*]] = arith.subi %[[LAST]], %[[N]]
// CHECK: %[[I0:.*]] = arith.muli %[[TILE]], %c4
// CHECK: %[[REST:.*]] = arith.subi %[[S]], %[[I0]]
// CHECK: %[[ROWS:.*]] = arith.minsi %[[REST]], %c4
// CHECK: %[[QUERY:.*]] = tile.load %[[Q]][%[[B]], %[[H]], %[[I0]]] rows %[[ROWS]] scale 0.72134752044448169 : {{.*}} -> tensor<4x4xf64>
// CHECK: %[[M0:.*]], %[[L0:.*]], %[[A0:.*]] = tile.softmax_init
// CHECK: %[[STATE:.*]]:3 = tile.key_loop[%c0, %[[T]]) step 16 init(%[[M0]], %[[L0]], %[[A0]] :
// CHECK: ^bb0(%[[J0:.*]]: index, %[[COUNT:.*]]: index, %[[M:[^:]*]]: {{.*}}, %[[L:[^:]*]]: {{.*}}, %[[A:[^:]*]]: {{.*}}):
// CHECK-NEXT: %[[KEYS:.*]] = tile.load %[[K]][%[[B]], %[[H]], %[[J0]]] rows %[[COUNT]]
// CHECK-NEXT: %[[SCORES:.*]] = tile.scores %[[QUERY]], %[[KEYS]] keys %[[COUNT]]
// CHECK-NEXT: %[[VALUES:.*]] = tile.load %[[V]][%[[B]], %[[H]], %[[J0]]] rows %[[COUNT]]
// CHECK-NEXT: tile.softmax_update %[[SCORES]], %[[VALUES]] keys %[[COUNT]] state(%[[M]], %[[L]], %[[A]]) base2 :
// CHECK: %[[RESULT:.*]], %{{.*}} = tile.softmax_finish(%[[STATE]]#0, %[[STATE]]#1, %[[STATE]]#2) base2
// CHECK-NOT: tile.has_non_finite
// CHECK: tile.store %[[RESULT]], %[[OUT]][%[[B]], %[[H]], %[[I0]]] rows %[[ROWS]]
// CHECK-NOT: tile.store
func.func @plain_f64(%q: memref<2x3x?x4xf64>, %k: memref<2x3x?x4xf64>,
    %v: memref<2x3x?x5xf64>, %out: memref<2x3x?x5xf64>) {
  attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 5 scale 0.5
      ins(%q, %k, %v : memref<2x3x?x4xf64>, memref<2x3x?x4xf64>, memref<2x3x?x5xf64>)
      outs(%out : memref<2x3x?x5xf64>) maps [#q, #k, #v, #out]
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, i, h * 16 + d)>
#k = affine_map<(b, h, i, j, d, e) -> (j, (h floordiv 2) * 16 + d, b)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, i, h * 16 + e)>
#lse = affine_map<(b, h, i, j, d, e) -> (h, b, i)>

// Packed operands are viewed head by head in the order (batch, head, position,
// feature). A score expression sees scores in natural units. Two query heads
// share a key head; the lse is stored too.
// CHECK-LABEL: func.func @packed(
// CHECK-SAME: %[[Q:[^:]*]]: memref<?x?x64xf32>, %[[K:[^:]*]]: memref<?x32x?xf32>, %[[V:[^:]*]]: memref<?x2x?x16xf32>, %[[OUT:[^:]*]]: memref<?x?x64xf32>, %[[LSE:[^:]*]]: memref<4x?x?xf32>, %[[BIAS:[^:]*]]: memref<?xf32>
// CHECK: %[[Q3:.*]] = memref.expand_shape %[[Q]] {{\[\[}}0], [1], [2, 3]] output_shape [%{{.*}}, %{{.*}}, 4, 16]
// CHECK-NEXT: %[[QV:.*]] = memref.transpose %[[Q3]] (d0, d1, d2, d3) -> (d0, d2, d1, d3)
// CHECK: %[[K3:.*]] = memref.expand_shape %[[K]] {{\[\[}}0], [1, 2], [3]] output_shape [%{{.*}}, 2, 16, %{{.*}}]
// CHECK-NEXT: %[[KV:.*]] = memref.transpose %[[K3]] (d0, d1, d2, d3) -> (d3, d1, d0, d2)
// CHECK: %[[OUT3:.*]] = memref.expand_shape %[[OUT]]
// CHECK-NEXT: %[[OUTV:.*]] = memref.transpose %[[OUT3]]
// CHECK: %[[LSEV:.*]] = memref.transpose %[[LSE]] (d0, d1, d2) -> (d1, d0, d2)
// CHECK: scf.forall (%[[B:.*]], %[[H:.*]], %{{.*}}) in
// CHECK: %[[HK:.*]] = arith.divui %[[H]], %c2
// CHECK: %[[QUERY:.*]] = tile.load %[[QV]][%[[B]], %[[H]], %[[I0:.*]]] rows %[[ROWS:.*]] scale 2.500000e-01
// CHECK: tile.key_loop
// CHECK: tile.load %[[KV]][%[[B]], %[[HK]], %[[J0:.*]]] rows %[[N:.*]] :
// CHECK-NEXT: %[[RAW:.*]] = tile.scores
// CHECK-NEXT: %[[BIASED:.*]] = tile.modify %[[RAW]] at[%[[B]], %[[H]], %[[I0]], %[[J0]]] keys %[[N]] captures(%[[BIAS]]
// CHECK: %[[MASKED:.*]] = tile.mask %[[BIASED]] at[%[[B]], %[[H]], %[[I0]], %[[J0]]] keys %[[N]] captures(%[[BIAS]]
// CHECK: tile.load %[[V]][%[[B]], %[[HK]], %[[J0]]] rows %[[N]] :
// CHECK-NEXT: tile.softmax_update %[[MASKED]], %{{.*}} state(%{{.*}}) :
// CHECK: %[[O:.*]], %[[L:.*]] = tile.softmax_finish(
// Only a result that is not finite is computed again, guarded.
// CHECK: %[[BAD:.*]] = tile.has_non_finite %[[O]]
// CHECK: %[[FINAL:.*]]:2 = scf.if %[[BAD]]
// CHECK: tile.mask
// CHECK: tile.softmax_update {{.*}} guarded :
// CHECK: } else {
// CHECK-NEXT: scf.yield %[[O]], %[[L]]
// CHECK: tile.store %[[FINAL]]#0, %[[OUTV]][%[[B]], %[[H]], %[[I0]]] rows %[[ROWS]] : tensor<8x16xf32>
// CHECK: tile.store %[[FINAL]]#1, %[[LSEV]][%[[B]], %[[H]], %[[I0]]] rows %[[ROWS]] : tensor<8xf32>
func.func @packed(%q: memref<?x?x64xf32>, %k: memref<?x32x?xf32>, %v: memref<?x2x?x16xf32>,
    %out: memref<?x?x64xf32>, %lse: memref<4x?x?xf32>, %bias: memref<?xf32>) {
  attn.attend heads 4 key_value_heads 2 head_dim 16 value_dim 16 scale 0.25
      ins(%q, %k, %v : memref<?x?x64xf32>, memref<?x32x?xf32>, memref<?x2x?x16xf32>)
      captures(%bias : memref<?xf32>)
      outs(%out, %lse : memref<?x?x64xf32>, memref<4x?x?xf32>) maps [#q, #k, #v, #out, #lse]
      score(%s: f32, %b: i32, %h: i32, %i: i32, %j: i32, %c: memref<?xf32>) {
        %x = attn.read %c[%j] : memref<?xf32>, i32 -> f32
        %y = arith.addf %s, %x : f32
        attn.yield %y : f32
      }
      mask(%b: i32, %h: i32, %i: i32, %j: i32, %c: memref<?xf32>) {
        %visible = arith.cmpi sle, %j, %i : i32
        attn.yield %visible : i1
      }
  return
}
