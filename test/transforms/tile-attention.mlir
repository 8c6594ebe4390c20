// RUN: ladon-opt %s --tile-attention="query-tile=8 key-tile=16" --cse --split-input-file | FileCheck %s
// RUN: ladon-opt %s --tile-attention="query-tile=8 key-tile=16 transposed=false" --cse --split-input-file | FileCheck %s --check-prefix=UNTURNED

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// A grid over (batch, head, query tile); one loop over all keys; scale and
// log2(e) are in the query. Only the rows that exist are computed; vectors of
// keys are full in any case. The shape of the tiles is what stands beside the
// attend, whatever the options say.
// CHECK-DAG: #[[$LEFT:.*]] = affine_map<(d0, d1, d2) -> (d2, d0)>
// CHECK-DAG: #[[$RIGHT:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG: #[[$PRODUCT:.*]] = affine_map<(d0, d1, d2) -> (d1, d0)>
// CHECK-LABEL: func.func @plain_f64(
// CHECK-SAME: %[[Q:.*]]: memref<2x3x?x4xf64>, %[[K:.*]]: memref<2x3x?x4xf64>, %[[V:.*]]: memref<2x3x?x5xf64>, %[[OUT:.*]]: memref<2x3x?x5xf64>
// CHECK-DAG: %[[S:.*]] = memref.dim %[[Q]], %c2
// CHECK-DAG: %[[T:.*]] = memref.dim %[[K]], %c2
// CHECK: %[[TILES:.*]] = arith.ceildivsi %[[S]], %c4
// CHECK: tile.grid(%{{.*}}, %c3, %[[TILES]]) schedule <order = [0, 1, 2]> {
// CHECK-NEXT: ^bb0(%[[B:.*]]: index, %[[H:.*]]: index, %[[TILE:.*]]: index):
// CHECK-NEXT: %[[I0:.*]] = arith.muli %[[TILE]], %c4
// CHECK-NEXT: %[[REST:.*]] = arith.subi %[[S]], %[[I0]]
// CHECK-NEXT: %[[ROWS:.*]] = arith.minsi %[[REST]], %c4
// CHECK-NEXT: %[[QUERY:.*]] = tile.load %[[Q]][%[[B]], %[[H]], %[[I0]]] rows %[[ROWS]] scale 0.72134752044448169 transposed : {{.*}} -> tensor<4x4xf64>
// CHECK-NEXT: %[[INIT:.*]]:3 = tile.softmax_init : tensor<4xf64>, tensor<4xf64>, tensor<5x4xf64>
// CHECK-NEXT: %[[STATE:.*]]:3 = tile.key_loop[%c0, %[[T]]) step 16 init(%[[INIT]]#0, %[[INIT]]#1, %[[INIT]]#2 :
// CHECK-NEXT: ^bb0(%[[J0:.*]]: index, %[[COUNT:.*]]: index, %[[M:[^:]*]]: {{.*}}, %[[L:[^:]*]]: {{.*}}, %[[A:[^:]*]]: {{.*}}):
// CHECK-NEXT: %[[KEYS:.*]] = tile.load %[[K]][%[[B]], %[[H]], %[[J0]]] rows %[[COUNT]]
// CHECK-NEXT: %[[SCORES:.*]] = tile.contract %[[QUERY]], %[[KEYS]] columns %[[COUNT]] rows %[[ROWS]] maps [#[[$LEFT]], #[[$RIGHT]], #[[$PRODUCT]]] : tensor<4x4xf64>, tensor<16x4xf64> -> tensor<16x4xf64>
// CHECK-NEXT: %[[TOP:.*]] = tile.row_max %[[SCORES]] keys %[[COUNT]] rows %[[ROWS]] transposed
// CHECK-NEXT: %[[W:.*]]:4 = tile.softmax_weights %[[SCORES]] top %[[TOP]] keys %[[COUNT]] rows %[[ROWS]] state(%[[M]], %[[L]]) base2 transposed :
// CHECK-NEXT: %[[VALUES:.*]] = tile.load %[[V]][%[[B]], %[[H]], %[[J0]]] rows %[[COUNT]]
// CHECK-NEXT: %[[NEXT:.*]] = tile.accumulate %[[W]]#0, %[[VALUES]] keys %[[COUNT]] rows %[[ROWS]] into %[[A]] rescale %[[W]]#3 transposed :
// CHECK-NEXT: tile.yield %[[W]]#1, %[[W]]#2, %[[NEXT]]
// CHECK: %[[RESULT:.*]]:2 = tile.softmax_finish(%[[STATE]]#0, %[[STATE]]#1, %[[STATE]]#2) rows %{{.*}} base2 transposed
// CHECK-NOT: tile.has_non_finite
// CHECK: tile.store %[[RESULT]]#0, %[[OUT]][%[[B]], %[[H]], %[[I0]]] rows %[[ROWS]] transposed
// CHECK-NOT: tile.store

// The same with rows first: keys and values are as they were, all else is
// turned.
// UNTURNED-DAG: #[[$LEFT:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// UNTURNED-DAG: #[[$RIGHT:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// UNTURNED-DAG: #[[$PRODUCT:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// UNTURNED-LABEL: func.func @plain_f64(
// UNTURNED-NOT: transposed
// UNTURNED: tile.softmax_init : tensor<4xf64>, tensor<4xf64>, tensor<4x5xf64>
// UNTURNED-NOT: transposed
// UNTURNED: tile.contract %{{[^ ]*}}, %{{[^ ]*}} columns %{{[^ ]*}} rows %{{[^ ]*}} maps [#[[$LEFT]], #[[$RIGHT]], #[[$PRODUCT]]] : tensor<4x4xf64>, tensor<16x4xf64> -> tensor<4x16xf64>
// UNTURNED-NOT: transposed
// UNTURNED: tile.accumulate {{.*}} : tensor<4x16xf64>, tensor<16x5xf64>, tensor<4x5xf64>, tensor<4xf64> -> tensor<4x5xf64>
// UNTURNED-NOT: transposed
// UNTURNED: tile.store
func.func @plain_f64(%q: memref<2x3x?x4xf64>, %k: memref<2x3x?x4xf64>,
    %v: memref<2x3x?x5xf64>, %out: memref<2x3x?x5xf64>) {
  attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 5 scale 0.5
      ins(%q, %k, %v : memref<2x3x?x4xf64>, memref<2x3x?x4xf64>, memref<2x3x?x5xf64>)
      outs(%out : memref<2x3x?x5xf64>) maps [#q, #k, #v, #out]
      {tile.shape = #tile.shape<queries = 4, keys = 16>}
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
// share a key head, and so the lanes of a tile, four positions each; the lse is
// stored too.
// CHECK-DAG: #[[$ROWS:.*]] = affine_map<(d0) -> (d0 mod 2, d0 floordiv 2)>
// CHECK-LABEL: func.func @packed(
// CHECK-SAME: %[[Q:[^:]*]]: memref<?x?x64xf32>, %[[K:[^:]*]]: memref<?x32x?xf32>, %[[V:[^:]*]]: memref<?x2x?x16xf32>, %[[OUT:[^:]*]]: memref<?x?x64xf32>, %[[LSE:[^:]*]]: memref<4x?x?xf32>, %[[BIAS:[^:]*]]: memref<?xf32>
// CHECK: %[[Q3:.*]] = memref.expand_shape %[[Q]] {{\[\[}}0], [1], [2, 3]] output_shape [%{{.*}}, %{{.*}}, 4, 16]
// CHECK-NEXT: %[[QV:.*]] = memref.transpose %[[Q3]] (d0, d1, d2, d3) -> (d0, d2, d1, d3)
// CHECK: %[[K3:.*]] = memref.expand_shape %[[K]] {{\[\[}}0], [1, 2], [3]] output_shape [%{{.*}}, 2, 16, %{{.*}}]
// CHECK-NEXT: %[[KV:.*]] = memref.transpose %[[K3]] (d0, d1, d2, d3) -> (d3, d1, d0, d2)
// CHECK: %[[OUT3:.*]] = memref.expand_shape %[[OUT]]
// CHECK-NEXT: %[[OUTV:.*]] = memref.transpose %[[OUT3]]
// CHECK: %[[LSEV:.*]] = memref.transpose %[[LSE]] (d0, d1, d2) -> (d1, d0, d2)
// CHECK: tile.grid
// CHECK-NEXT: ^bb0(%[[B:.*]]: index, %[[HK:.*]]: index, %[[TILE:.*]]: index):
// CHECK-NEXT: %[[I0:.*]] = arith.muli %[[TILE]], %c4
// CHECK: %[[POSITIONS:.*]] = arith.minsi %{{.*}}, %c4
// CHECK-NEXT: %[[ROWS:.*]] = arith.muli %[[POSITIONS]], %c2
// CHECK-NEXT: %[[H:.*]] = arith.muli %[[HK]], %c2
// CHECK: %[[QUERY:.*]] = tile.load %[[QV]][%[[B]], %[[H]], %[[I0]]] rows %[[ROWS]] map #[[$ROWS]] scale 2.500000e-01 transposed
// CHECK: %[[INIT:.*]]:3 = tile.softmax_init
// CHECK: tile.key_loop
// CHECK: %[[KEY:.*]] = tile.load %[[KV]][%[[B]], %[[HK]], %[[J0:.*]]] rows %[[N:.*]] :
// CHECK-NEXT: %[[RAW:.*]] = tile.contract %[[QUERY]], %[[KEY]] columns %[[N]] rows %[[ROWS]] maps
// CHECK-NOT: compact
// CHECK: %[[BIASED:.*]] = tile.modify %[[RAW]] at[%[[B]], %[[H]], %[[I0]], %[[J0]]] keys %[[N]] rows %[[ROWS]] map #[[$ROWS]] transposed captures(%[[BIAS]]
// CHECK: %[[MASKED:.*]] = tile.mask %[[BIASED]] at[%[[B]], %[[H]], %[[I0]], %[[J0]]] keys %[[N]] rows %[[ROWS]] map #[[$ROWS]] transposed captures(%[[BIAS]]
// CHECK: %[[TOP:.*]] = tile.row_max %[[MASKED]] keys %[[N]] rows %[[ROWS]] transposed
// CHECK-NEXT: %[[W:.*]]:4 = tile.softmax_weights %[[MASKED]] top %[[TOP]] keys %[[N]] rows %[[ROWS]] state(%{{[^)]*}}) transposed :
// CHECK-NEXT: %[[VALUE:.*]] = tile.load %[[V]][%[[B]], %[[HK]], %[[J0]]] rows %[[N]] :
// CHECK-NEXT: tile.accumulate %[[W]]#0, %[[VALUE]] keys %[[N]] rows %[[ROWS]] into %{{[^ ]*}} rescale %[[W]]#3 transposed :
// CHECK: %[[O:.*]]:2 = tile.softmax_finish({{.*}}) rows %[[ROWS]] transposed :
// Only a result that is not finite is computed again from the start, guarded
// by the scores.
// CHECK: %[[BAD:.*]] = tile.has_non_finite %[[O]]#0 rows %[[ROWS]] transposed
// CHECK: %[[FINAL:.*]]:2 = scf.if %[[BAD]]
// CHECK: tile.key_loop[%c0, %{{.*}}) step 16 init(%[[INIT]]#0, %[[INIT]]#1, %[[INIT]]#2 :
// CHECK: tile.contract {{.*}} compact :
// CHECK: %[[AGAIN:.*]] = tile.mask
// CHECK: tile.accumulate {{.*}} guarded %[[AGAIN]] : tensor<16x8xf32> transposed :
// CHECK: %[[SAFE:.*]]:2 = tile.softmax_finish(
// CHECK-NEXT: scf.yield %[[SAFE]]#0, %[[SAFE]]#1
// CHECK-NEXT: } else {
// CHECK-NEXT: scf.yield %[[O]]#0, %[[O]]#1
// CHECK: tile.store %[[FINAL]]#1, %[[LSEV]][%[[B]], %[[H]], %[[I0]]] rows %[[ROWS]] map #[[$ROWS]] : tensor<8xf32>
// CHECK: tile.store %[[FINAL]]#0, %[[OUTV]][%[[B]], %[[H]], %[[I0]]] rows %[[ROWS]] map #[[$ROWS]] transposed : tensor<16x8xf32>

// UNTURNED-LABEL: func.func @packed(
// UNTURNED-NOT: transposed
// UNTURNED: tile.modify {{.*}} captures
// UNTURNED: } : tensor<8x16xf32> -> tensor<8x16xf32>
// UNTURNED: tile.mask {{.*}} captures
// UNTURNED: } : tensor<8x16xf32> -> tensor<8x16xf32>
// UNTURNED-NOT: transposed
// UNTURNED: return
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

// -----

// Elements are converted where they are loaded and stored; a sink is a state of
// its own, merged once all keys have been seen.
#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
// CHECK-LABEL: func.func @stored_with_sinks(
// CHECK-SAME: %[[Q:.*]]: memref<2x4x?x4xbf16>, %[[K:.*]]: memref<2x2x?x4xf16>, %[[V:.*]]: memref<2x2x?x5xbf16>, %[[SINKS:.*]]: memref<4xbf16>, %[[OUT:.*]]: memref<2x4x?x5xf16>
// CHECK: tile.load %[[Q]]{{.*}} transposed : memref<2x4x?x4xbf16> -> tensor<4x8xf32>
// CHECK: tile.key_loop
// CHECK: tile.load %[[K]]{{.*}} : memref<2x2x?x4xf16> -> tensor<16x4xf32>
// CHECK: tile.load %[[V]]{{.*}} : memref<2x2x?x5xbf16> -> tensor<16x5xf32>
// CHECK: tile.yield
// CHECK: %[[VIEW:.*]] = memref.expand_shape %[[SINKS]]
// CHECK: %[[TILE:.*]] = tile.load %[[VIEW]][%c0, %{{.*}}, %c0] rows %{{.*}} map #{{.*}} scale 1.4426950408889634 : memref<1x4x1xbf16> -> tensor<8xf32>
// CHECK: %[[SINK:.*]]:3 = tile.softmax_init sinks(%[[TILE]] : tensor<8xf32>)
// CHECK: tile.merge{{.*}} with{{ ?}}(%[[SINK]]#0, %[[SINK]]#1, %[[SINK]]#2) rows %{{.*}} base2 transposed
// CHECK: tile.softmax_finish
// CHECK: tile.store %{{.*}}, %[[OUT]]{{.*}} : tensor<5x8xf32>, memref<2x4x?x5xf16>
func.func @stored_with_sinks(%q: memref<2x4x?x4xbf16>, %k: memref<2x2x?x4xf16>,
    %v: memref<2x2x?x5xbf16>, %sinks: memref<4xbf16>, %out: memref<2x4x?x5xf16>) {
  attn.attend heads 4 key_value_heads 2 head_dim 4 value_dim 5 scale 0.5
      ins(%q, %k, %v : memref<2x4x?x4xbf16>, memref<2x2x?x4xf16>, memref<2x2x?x5xbf16>)
      sinks(%sinks : memref<4xbf16>)
      outs(%out : memref<2x4x?x5xf16>) maps [#q, #k, #v, #out]
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
// As many keys as the table has pages for, and none without a page.
// CHECK-LABEL: func.func @in_pages(
// CHECK-SAME: %[[Q:.*]]: memref<2x4x?x4xf32>, %[[K:.*]]: memref<?x2x8x4xf32>, %[[V:.*]]: memref<?x2x8x5xf32>, %[[TABLE:.*]]: memref<2x?xi32>,
// CHECK: %[[SIZE:.*]] = memref.dim %[[K]], %c2
// CHECK: %[[PAGES:.*]] = memref.dim %[[TABLE]], %c1
// CHECK: %[[POOL:.*]] = memref.dim %[[K]], %c0
// CHECK: %[[EMPTY:.*]] = arith.cmpi eq, %[[POOL]], %c0
// CHECK: %[[SOME:.*]] = arith.select %[[EMPTY]], %c0{{.*}}, %[[PAGES]]
// CHECK: %[[KEYS:.*]] = arith.muli %[[SOME]], %[[SIZE]]
// CHECK: tile.key_loop[%c0, %[[KEYS]]) step 16 init
// CHECK-NEXT: ^bb0(%[[J:.*]]: index, %[[N:.*]]: index, %{{.*}}: tensor<8xf32>, %{{.*}}
// CHECK: tile.load %[[K]][%[[B:.*]], %[[H:.*]], %[[J]]] rows %[[N]] pages %[[TABLE]] : memref<2x?xi32> of 8 : memref<?x2x8x4xf32> -> tensor<16x4xf32>
// CHECK: tile.load %[[V]][%[[B]], %[[H]], %[[J]]] rows %[[N]] pages %[[TABLE]] : memref<2x?xi32> of 8 : memref<?x2x8x5xf32> -> tensor<16x5xf32>
func.func @in_pages(%q: memref<2x4x?x4xf32>, %k: memref<?x2x8x4xf32>,
    %v: memref<?x2x8x5xf32>, %table: memref<2x?xi32>, %out: memref<2x4x?x5xf32>) {
  attn.attend heads 4 key_value_heads 2 head_dim 4 value_dim 5 scale 0.5
      ins(%q, %k, %v : memref<2x4x?x4xf32>, memref<?x2x8x4xf32>, memref<?x2x8x5xf32>)
      pages(%table : memref<2x?xi32>)
      outs(%out : memref<2x4x?x5xf32>) maps [#q, #k, #v, #out]
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
// Blocks of 64 keys, of which a page has two, are read where they lie.
// CHECK-LABEL: func.func @in_one_page(
// CHECK-SAME: %[[Q:.*]]: memref<2x4x?x4xf32>, %[[K:.*]]: memref<?x2x128x4xf32>, %[[V:.*]]: memref<?x2x128x5xf32>, %[[TABLE:.*]]: memref<2x?xi32>,
// CHECK: tile.key_loop[%{{.*}}, %{{.*}}) step 64 aligned init
// CHECK-NEXT: ^bb0(%[[J:.*]]: index, %[[N:.*]]: index, %{{.*}}: tensor<8xf32>, %{{.*}}
// CHECK: %[[NUMBER:.*]] = arith.divui %[[J]], %c128
// CHECK: %[[ENTRY:.*]] = memref.load %[[TABLE]][%[[B:.*]], %[[NUMBER]]] : memref<2x?xi32>
// CHECK: %[[INDEX:.*]] = arith.index_cast %[[ENTRY]] : i32 to index
// CHECK: %[[LEAST:.*]] = arith.minsi %[[INDEX]], %{{.*}} : index
// CHECK: %[[PAGE:.*]] = arith.maxsi %[[LEAST]], %c0{{.*}} : index
// CHECK: %[[AT:.*]] = arith.remui %[[J]], %c128
// CHECK: tile.load %[[K]][%[[PAGE]], %{{.*}}, %[[AT]]] rows %[[N]] : memref<?x2x128x4xf32> -> tensor<64x4xf32>
// CHECK: tile.load %[[V]][%{{.*}}, %{{.*}}, %{{.*}}] rows %[[N]] : memref<?x2x128x5xf32> -> tensor<64x5xf32>
func.func @in_one_page(%q: memref<2x4x?x4xf32>, %k: memref<?x2x128x4xf32>,
    %v: memref<?x2x128x5xf32>, %table: memref<2x?xi32>, %out: memref<2x4x?x5xf32>) {
  attn.attend heads 4 key_value_heads 2 head_dim 4 value_dim 5 scale 0.5
      ins(%q, %k, %v : memref<2x4x?x4xf32>, memref<?x2x128x4xf32>, memref<?x2x128x5xf32>)
      pages(%table : memref<2x?xi32>)
      outs(%out : memref<2x4x?x5xf32>) maps [#q, #k, #v, #out]
      {tile.shape = #tile.shape<queries = 8, keys = 64>}
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>
#scores = affine_map<(b, h, i, j, d, e) -> (b, h, i, j)>

// Weights in a narrower type than that of the scores: once the state is known
// the keys are visited again, hidden ones too.
// CHECK-LABEL: func.func @narrow_weights(
// CHECK: tile.load {{.*}} scale 0.72134752044448169
// CHECK: %[[STATE:.*]]:3 = tile.key_loop[{{.*}}) step 16 init
// CHECK-NOT: columns %{{.*}} transposed
// CHECK: tile.softmax_finish(%[[STATE]]#0, %[[STATE]]#1, %[[STATE]]#2) rows %{{.*}} base2
// CHECK: scf.for %[[FIRST:.*]] = %c0 to %[[T:.*]] step %c16 {
// CHECK-NEXT: %[[REST:.*]] = arith.subi %[[T]], %[[FIRST]]
// CHECK-NEXT: %[[COUNT:.*]] = arith.minsi %[[REST]], %c16
// CHECK-NEXT: tile.load {{.*}} rows %[[COUNT]]
// CHECK-NEXT: %[[S:.*]] = tile.contract
// CHECK-NEXT: %[[W:.*]] = tile.softmax_normalize %[[S]] keys %[[COUNT]] rows %{{.*}} state(%[[STATE]]#0, %[[STATE]]#1) base2 transposed
// CHECK: %[[PART:.*]] = memref.subview %arg5[0, 0, 0, %[[FIRST]]] [2, 3, %{{.*}}, %[[COUNT]]] [1, 1, 1, 1]
// CHECK-NEXT: tile.store %[[W]], %[[PART]]{{.*}} columns %[[COUNT]] transposed
func.func @narrow_weights(%q: memref<2x3x?x4xf32>, %k: memref<2x3x?x4xf32>,
    %v: memref<2x3x?x5xf32>, %out: memref<2x3x?x5xf32>,
    %lse: memref<2x3x?xf32>, %weights: memref<2x3x?x?xbf16>) {
  attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 5 scale 0.5
      ins(%q, %k, %v : memref<2x3x?x4xf32>, memref<2x3x?x4xf32>, memref<2x3x?x5xf32>)
      outs(%out, %lse, %weights : memref<2x3x?x5xf32>, memref<2x3x?xf32>, memref<2x3x?x?xbf16>)
      maps [#q, #k, #v, #out, #lse, #scores] {normalized}
  return
}

// Else they are stored as they are made, in blocks that have a number each,
// beside the maxima of that time, and normalized in their place.
// CHECK-LABEL: func.func @weights(
// CHECK: %[[T:.*]] = memref.dim %arg1, %c2
// CHECK: %[[BLOCKS:.*]] = arith.ceildivsi %[[T]], %c16
// CHECK: %[[PLACES:.*]] = arith.muli %[[BLOCKS]], %[[S:.*]] : index
// CHECK: %[[KEPT:.*]] = memref.alloc(%{{.*}}, %[[PLACES]]) {alignment = 64 : i64} : memref<?x3x?xf64>
// CHECK-NOT: linalg.fill
// CHECK: tile.load {{.*}} scale 0.72134752044448169
// CHECK: %[[STATE:.*]]:3 = tile.key_loop[{{.*}}) step 16 aligned
// CHECK: ^bb0(%[[FIRST:.*]]: index, %[[COUNT:.*]]: index,
// CHECK: %[[W:.*]]:4 = tile.softmax_weights
// CHECK: %[[PART:.*]] = memref.subview %arg5[0, 0, 0, %[[FIRST]]] [2, 3, %{{.*}}, %[[COUNT]]] [1, 1, 1, 1]
// CHECK-NEXT: tile.store %[[W]]#0, %[[PART]]{{.*}} columns %[[COUNT]] transposed
// CHECK-NEXT: %[[BLOCK:.*]] = arith.divui %[[FIRST]], %c16
// CHECK-NEXT: %[[BEFORE:.*]] = arith.muli %[[BLOCK]], %[[S]]
// CHECK-NEXT: %[[PLACE:.*]] = arith.addi %[[BEFORE]], %[[I:.*]] : index
// CHECK-NEXT: tile.store %[[W]]#1, %[[KEPT]][%{{.*}}, %{{.*}}, %[[PLACE]]]
// CHECK: tile.accumulate %[[W]]#0
// CHECK: scf.for %[[FIRST:.*]] = %c0 to %[[T]] step %c16 {
// CHECK-NOT: tile.contract
// CHECK: %[[SEEN:.*]] = tile.load %[[KEPT]]
// CHECK: tile.normalize_stored %{{.*}}[%{{.*}}, %{{.*}}, %[[I]]] rows %{{.*}} columns %{{.*}} seen %[[SEEN]] state(%[[STATE]]#0, %[[STATE]]#1) base2
func.func @weights(%q: memref<2x3x?x4xf64>, %k: memref<2x3x?x4xf64>,
    %v: memref<2x3x?x5xf64>, %out: memref<2x3x?x5xf64>,
    %lse: memref<2x3x?xf64>, %weights: memref<2x3x?x?xf64>) {
  attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 5 scale 0.5
      ins(%q, %k, %v : memref<2x3x?x4xf64>, memref<2x3x?x4xf64>, memref<2x3x?x5xf64>)
      outs(%out, %lse, %weights : memref<2x3x?x5xf64>, memref<2x3x?xf64>, memref<2x3x?x?xf64>)
      maps [#q, #k, #v, #out, #lse, #scores] {normalized}
  return
}

// Blocks that a mask hides are not visited, which is seen by their maxima.
// CHECK-LABEL: func.func @masked_weights(
// CHECK: %[[KEPT:.*]] = memref.alloc
// CHECK: %[[NAN:.*]] = arith.constant 0x7FF8000000000000 : f64
// CHECK-NEXT: linalg.fill ins(%[[NAN]] : f64) outs(%[[KEPT]]
// Keys of a visited block that the loop ends before.
// CHECK: tile.key_loop
// CHECK: tile.store %{{.*}}, %[[KEPT]]
// CHECK: %[[HIDDEN:.*]] = memref.subview %arg5[%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}] [1, 1, %{{.*}}, %{{.*}}]
// CHECK: linalg.fill {{.*}} outs(%[[HIDDEN]]
// CHECK: tile.accumulate
func.func @masked_weights(%q: memref<2x3x?x4xf64>, %k: memref<2x3x?x4xf64>,
    %v: memref<2x3x?x5xf64>, %out: memref<2x3x?x5xf64>,
    %lse: memref<2x3x?xf64>, %weights: memref<2x3x?x?xf64>) {
  attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 5 scale 0.5
      ins(%q, %k, %v : memref<2x3x?x4xf64>, memref<2x3x?x4xf64>, memref<2x3x?x5xf64>)
      outs(%out, %lse, %weights : memref<2x3x?x5xf64>, memref<2x3x?xf64>, memref<2x3x?x?xf64>)
      maps [#q, #k, #v, #out, #lse, #scores]
      mask(%b: i32, %h: i32, %i: i32, %j: i32) {
        %visible = arith.cmpi sle, %j, %i : i32
        attn.yield %visible : i1
      } {normalized}
  return
}

// Sums over the heads are zero at first; a grid point goes through the heads,
// whose weights are stored in memory for one head, and adds them.
#sum = affine_map<(b, h, i, j, d, e) -> (b, i, j)>
// CHECK-LABEL: func.func @sums(
// CHECK: %[[VIEW:.*]] = memref.expand_shape %arg5 {{.*}} : memref<2x?x?xf32> into memref<2x?x?x1xf32>
// CHECK: %[[SUMS:.*]] = memref.transpose %[[VIEW]] {{.*}} : memref<2x?x?x1xf32> to memref<2x1x?x?xf32
// CHECK: linalg.fill {{.*}} outs(%[[SUMS]]
// CHECK: %[[WEIGHTS:.*]] = memref.alloc({{.*}}) {alignment = 64 : i64} : memref<?x1x?x?xf32>
// CHECK: tile.grid(%{{.*}}, %c1{{.*}}, %{{.*}})
// CHECK: scf.for %[[HEAD:.*]] = %c0{{.*}} to %c4
// CHECK: tile.load %arg0[%{{.*}}, %[[HEAD]], %{{.*}}]
// CHECK: tile.key_loop
// CHECK: memref.subview %[[WEIGHTS]]
// CHECK: tile.normalize_stored %{{.*}}[%{{.*}}, %c0{{.*}}, %{{.*}}]
// CHECK: %[[SUM:.*]] = memref.subview %[[SUMS]]
// CHECK: %[[PART:.*]] = memref.subview %[[WEIGHTS]]
// CHECK: linalg.add ins(%[[SUM]], %[[PART]] : {{.*}}) outs(%[[SUM]]
// CHECK: tile.store %{{.*}}, %arg3[%{{.*}}, %[[HEAD]], %{{.*}}]
func.func @sums(%q: memref<2x4x?x4xf32>, %k: memref<2x4x?x4xf32>,
    %v: memref<2x4x?x5xf32>, %out: memref<2x4x?x5xf32>,
    %lse: memref<2x4x?xf32>, %weights: memref<2x?x?xf32>) {
  attn.attend heads 4 key_value_heads 4 head_dim 4 value_dim 5 scale 0.5
      ins(%q, %k, %v : memref<2x4x?x4xf32>, memref<2x4x?x4xf32>, memref<2x4x?x5xf32>)
      outs(%out, %lse, %weights : memref<2x4x?x5xf32>, memref<2x4x?xf32>, memref<2x?x?xf32>)
      maps [#q, #k, #v, #out, #lse, #sum] {normalized}
  return
}

// Scores in natural units; a few queries have no form of their own.
// CHECK-LABEL: func.func @scores(
// CHECK: tile.load {{.*}} scale 5.000000e-01
// CHECK: tile.key_loop
// CHECK-NOT: base2
// CHECK-NOT: tile.softmax_normalize
// CHECK: tile.store {{.*}} columns
// CHECK-NOT: tile.grid
func.func @scores(%q: memref<2x3x?x4xf64>, %k: memref<2x3x?x4xf64>,
    %v: memref<2x3x?x5xf64>, %out: memref<2x3x?x5xf64>,
    %lse: memref<2x3x?xf64>, %scores: memref<2x3x?x?xf64>) {
  attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 5 scale 0.5
      ins(%q, %k, %v : memref<2x3x?x4xf64>, memref<2x3x?x4xf64>, memref<2x3x?x5xf64>)
      outs(%out, %lse, %scores : memref<2x3x?x5xf64>, memref<2x3x?xf64>, memref<2x3x?x?xf64>)
      maps [#q, #k, #v, #out, #lse, #scores]
      {tile.shape = #tile.shape<queries = 4, keys = 16, few = 8, chunk = 64>}
  return
}

// Where nobody reads out and lse, the softmax is not computed.
// CHECK-LABEL: func.func @scores_only(
// CHECK: tile.grid
// CHECK-NOT: tile.key_loop
// CHECK-NOT: tile.softmax
// CHECK: tile.store {{.*}} columns
// CHECK-NOT: tile.store
func.func @scores_only(%q: memref<2x3x7x4xf64>, %k: memref<2x3x?x4xf64>,
    %v: memref<2x3x?x5xf64>, %scores: memref<2x3x7x?xf64>) {
  %out = memref.alloc() : memref<2x3x7x5xf64>
  %lse = memref.alloc() : memref<2x3x7xf64>
  attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 5 scale 0.5
      ins(%q, %k, %v : memref<2x3x7x4xf64>, memref<2x3x?x4xf64>, memref<2x3x?x5xf64>)
      outs(%out, %lse, %scores : memref<2x3x7x5xf64>, memref<2x3x7xf64>, memref<2x3x7x?xf64>)
      maps [#q, #k, #v, #out, #lse, #scores]
  return
}

// -----

// One batch entry and one head of queries, and one head of values: all grid points
// read those, and the result says how many there are.
// CHECK-LABEL: func.func @shared(
// CHECK-SAME: %[[Q:.*]]: memref<1x1x?x4xf32>, %[[K:.*]]: memref<?x3x?x4xf32>, %[[V:.*]]: memref<?x1x?x5xf32>, %[[OUT:.*]]: memref<?x3x?x5xf32>
// CHECK: %[[BATCHES:.*]] = memref.dim %[[OUT]], %c0
// CHECK: tile.grid(%[[BATCHES]], %c3, %{{.*}})
// CHECK-NEXT: ^bb0(%[[B:.*]]: index, %[[H:.*]]: index, %{{.*}}: index):
// CHECK: tile.load %[[Q]][%c0, %c0, %{{.*}}]
// CHECK: tile.load %[[K]][%[[B]], %[[H]], %{{.*}}]
// CHECK: tile.load %[[V]][%[[B]], %c0, %{{.*}}]
// CHECK: tile.store %{{.*}}, %[[OUT]][%[[B]], %[[H]], %{{.*}}]
func.func @shared(%q: memref<1x1x?x4xf32>, %k: memref<?x3x?x4xf32>,
    %v: memref<?x1x?x5xf32>, %out: memref<?x3x?x5xf32>) {
  attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 5 scale 0.5
      ins(%q, %k, %v : memref<1x1x?x4xf32>, memref<?x3x?x4xf32>, memref<?x1x?x5xf32>)
      outs(%out : memref<?x3x?x5xf32>)
      maps [affine_map<(b, h, i, j, d, e) -> (0, 0, i, d)>,
            affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>,
            affine_map<(b, h, i, j, d, e) -> (b, 0, j, e)>,
            affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>]
      {tile.shape = #tile.shape<queries = 8, keys = 16>}
  return
}

// -----

// One head of queries for two that share a key head: their rows differ in the
// result only.
// CHECK-DAG: #[[$QUERY:.*]] = affine_map<(d0) -> (0, d0 floordiv 2)>
// CHECK-DAG: #[[$ROWS:.*]] = affine_map<(d0) -> (d0 mod 2, d0 floordiv 2)>
// CHECK-LABEL: func.func @shared_by_groups(
// CHECK: tile.load %arg0[%c0, %c0, {{.*}} map #[[$QUERY]]
// CHECK: tile.store {{.*}} map #[[$ROWS]]
func.func @shared_by_groups(%q: memref<1x1x?x4xf32>, %k: memref<?x2x?x4xf32>,
    %v: memref<?x2x?x5xf32>, %out: memref<?x4x?x5xf32>) {
  attn.attend heads 4 key_value_heads 2 head_dim 4 value_dim 5 scale 0.5
      ins(%q, %k, %v : memref<1x1x?x4xf32>, memref<?x2x?x4xf32>, memref<?x2x?x5xf32>)
      outs(%out : memref<?x4x?x5xf32>)
      maps [affine_map<(b, h, i, j, d, e) -> (0, 0, i, d)>,
            affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, d)>,
            affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, e)>,
            affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>]
      {tile.shape = #tile.shape<queries = 8, keys = 16>}
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// Heads that see other keys have tiles of their own, as have those that read an
// element for each head and key, which they would have to gather.
// CHECK-LABEL: func.func @masks_of_heads(
// CHECK: tile.load %arg0{{.*}} rows %{{[0-9]+}} scale
// CHECK: tile.mask {{.*}} rows %{{[0-9]+}} transposed
func.func @masks_of_heads(%q: memref<2x4x?x8xf32>, %k: memref<2x2x?x8xf32>,
    %out: memref<2x4x?x8xf32>) {
  attn.attend heads 4 key_value_heads 2 head_dim 8 value_dim 8 scale 0.5
      ins(%q, %k, %k : memref<2x4x?x8xf32>, memref<2x2x?x8xf32>, memref<2x2x?x8xf32>)
      outs(%out : memref<2x4x?x8xf32>) maps [#q, #k, #v, #out]
      mask(%b: i32, %h: i32, %i: i32, %j: i32) {
        %0 = arith.cmpi sle, %j, %h : i32
        attn.yield %0 : i1
      }
  return
}

// CHECK-LABEL: func.func @bias_of_head_and_key(
// CHECK: tile.load %arg0{{.*}} rows %{{[0-9]+}} scale
// CHECK: tile.modify {{.*}} rows %{{[0-9]+}} transposed
func.func @bias_of_head_and_key(%q: memref<2x4x?x8xf32>, %k: memref<2x2x?x8xf32>,
    %out: memref<2x4x?x8xf32>, %bias: memref<?x?xf32>) {
  attn.attend heads 4 key_value_heads 2 head_dim 8 value_dim 8 scale 0.5
      ins(%q, %k, %k : memref<2x4x?x8xf32>, memref<2x2x?x8xf32>, memref<2x2x?x8xf32>)
      captures(%bias : memref<?x?xf32>)
      outs(%out : memref<2x4x?x8xf32>) maps [#q, #k, #v, #out]
      score(%s: f32, %b: i32, %h: i32, %i: i32, %j: i32, %c: memref<?x?xf32>) {
        %0 = arith.addi %h, %i : i32
        %1 = attn.read %c[%0, %j] : memref<?x?xf32>, i32, i32 -> f32
        %2 = arith.addf %s, %1 : f32
        attn.yield %2 : f32
      }
  return
}

// A slope of each head is read once for all keys.
// CHECK-LABEL: func.func @slopes(
// CHECK: tile.load %arg0{{.*}} rows %{{[0-9]+}} map
// CHECK: tile.modify {{.*}} map
func.func @slopes(%q: memref<2x4x?x8xf32>, %k: memref<2x2x?x8xf32>,
    %out: memref<2x4x?x8xf32>, %slope: memref<?xf32>) {
  attn.attend heads 4 key_value_heads 2 head_dim 8 value_dim 8 scale 0.5
      ins(%q, %k, %k : memref<2x4x?x8xf32>, memref<2x2x?x8xf32>, memref<2x2x?x8xf32>)
      captures(%slope : memref<?xf32>)
      outs(%out : memref<2x4x?x8xf32>) maps [#q, #k, #v, #out]
      score(%s: f32, %b: i32, %h: i32, %i: i32, %j: i32, %c: memref<?xf32>) {
        %0 = attn.read %c[%h] : memref<?xf32>, i32 -> f32
        %1 = arith.sitofp %j : i32 to f32
        %2 = arith.mulf %0, %1 : f32
        %3 = arith.addf %s, %2 : f32
        attn.yield %3 : f32
      }
  return
}

// -----

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 12, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 12, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// Of twelve heads that share a key head, four share the lanes of a tile of eight.
// CHECK-DAG: #[[$ROWS:.*]] = affine_map<(d0) -> (d0 mod 4, d0 floordiv 4)>
// CHECK-LABEL: func.func @part_of_a_group(
// CHECK: tile.grid(%{{.*}}, %c6, %{{.*}})
// CHECK-NEXT: ^bb0(%[[B:.*]]: index, %[[PART:.*]]: index, %{{.*}}: index):
// CHECK: %[[H:.*]] = arith.muli %[[PART]], %c4
// CHECK: %[[HK:.*]] = arith.divui %[[H]], %c12
// CHECK: tile.load %arg0[%[[B]], %[[H]], {{.*}} map #[[$ROWS]]
// CHECK: tile.load %arg1[%[[B]], %[[HK]],
func.func @part_of_a_group(%q: memref<2x24x?x8xf32>, %k: memref<2x2x?x8xf32>,
    %out: memref<2x24x?x8xf32>) {
  attn.attend heads 24 key_value_heads 2 head_dim 8 value_dim 8 scale 0.5
      ins(%q, %k, %k : memref<2x24x?x8xf32>, memref<2x2x?x8xf32>, memref<2x2x?x8xf32>)
      outs(%out : memref<2x24x?x8xf32>) maps [#q, #k, #v, #out]
  return
}
