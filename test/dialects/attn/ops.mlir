// The textual form survives a round trip, and so does the generic one.
// RUN: ladon-opt %s | ladon-opt | FileCheck %s
// RUN: ladon-opt %s --mlir-print-op-generic | ladon-opt | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>
#joined_q = affine_map<(b, h, i, j, d, e) -> (b, i, h * 64 + d)>
#joined_v = affine_map<(b, h, i, j, d, e) -> (b, j, (h floordiv 4) * 32 + e)>

// CHECK-DAG: #[[Q:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d4)>
// CHECK-DAG: #[[JOINED_V:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d3, (d1 floordiv 4) * 32 + d5)>

// CHECK-LABEL: func.func @heads
func.func @heads(%x: tensor<?x?x512xf32>) -> tensor<?x?x512xf32> {
  // CHECK: attn.split_heads %{{.*}} heads 8 : tensor<?x?x512xf32> -> tensor<?x8x?x64xf32>
  %s = attn.split_heads %x heads 8 : tensor<?x?x512xf32> -> tensor<?x8x?x64xf32>
  // CHECK: attn.concat_heads %{{.*}} : tensor<?x8x?x64xf32> -> tensor<?x?x512xf32>
  %c = attn.concat_heads %s : tensor<?x8x?x64xf32> -> tensor<?x?x512xf32>
  return %c : tensor<?x?x512xf32>
}

// CHECK-LABEL: func.func @plain
func.func @plain(%q: tensor<?x8x?x64xf64>, %k: tensor<?x2x?x64xf64>,
                 %v: tensor<?x2x?x32xf64>, %init: tensor<?x8x?x32xf64>)
    -> tensor<?x8x?x32xf64> {
  // CHECK: attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 1.250000e-01
  // CHECK-NEXT: ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<?x8x?x64xf64>, tensor<?x2x?x64xf64>, tensor<?x2x?x32xf64>)
  // CHECK-NEXT: outs(%{{.*}} : tensor<?x8x?x32xf64>)
  // CHECK-NEXT: maps [#[[Q]], {{.*}}] -> tensor<?x8x?x32xf64>
  %o = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf64>, tensor<?x2x?x64xf64>, tensor<?x2x?x32xf64>)
      outs(%init : tensor<?x8x?x32xf64>)
      maps [#q, #k, #v, #out] -> tensor<?x8x?x32xf64>
  return %o : tensor<?x8x?x32xf64>
}

// CHECK-LABEL: func.func @normalized
func.func @normalized(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>,
                   %v: tensor<?x2x?x32xf32>, %init: tensor<?x8x?x32xf32>,
                   %sums: tensor<?x8x?xf32>, %dest: tensor<?x8x?x?xf16>)
    -> tensor<?x8x?x?xf16> {
  // CHECK: outs(%{{.*}}, %{{.*}}, %{{.*}} : tensor<?x8x?x32xf32>, tensor<?x8x?xf32>, tensor<?x8x?x?xf16>)
  // CHECK-NEXT: maps [{{.*}}] {normalized} -> tensor<?x8x?x32xf32>, tensor<?x8x?xf32>, tensor<?x8x?x?xf16>
  %o:3 = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x32xf32>)
      outs(%init, %sums, %dest : tensor<?x8x?x32xf32>, tensor<?x8x?xf32>, tensor<?x8x?x?xf16>)
      maps [#q, #k, #v, #out, #lse, affine_map<(b, h, i, j, d, e) -> (b, h, i, j)>]
      {normalized} -> tensor<?x8x?x32xf32>, tensor<?x8x?xf32>, tensor<?x8x?x?xf16>
  return %o#2 : tensor<?x8x?x?xf16>
}

// CHECK-LABEL: func.func @stored_with_sinks
func.func @stored_with_sinks(%q: tensor<?x8x?x64xbf16>, %k: tensor<?x2x?x64xf16>,
                             %v: tensor<?x2x?x32xf32>, %offset: i32,
                             %sinks: tensor<8xbf16>, %init: tensor<?x8x?x32xf16>)
    -> tensor<?x8x?x32xf16> {
  // CHECK: ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<?x8x?x64xbf16>, tensor<?x2x?x64xf16>, tensor<?x2x?x32xf32>)
  // CHECK-NEXT: captures(%{{.*}} : i32)
  // CHECK-NEXT: sinks(%{{.*}} : tensor<8xbf16>)
  // CHECK-NEXT: outs(%{{.*}} : tensor<?x8x?x32xf16>)
  %o = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xbf16>, tensor<?x2x?x64xf16>, tensor<?x2x?x32xf32>)
      captures(%offset : i32)
      sinks(%sinks : tensor<8xbf16>)
      outs(%init : tensor<?x8x?x32xf16>)
      maps [#q, #k, #v, #out]
      // CHECK: score(%[[S:.*]]: f32,
      score(%s: f32, %b: i32, %h: i32, %i: i32, %j: i32, %c: i32) {
        %d = arith.sitofp %c : i32 to f32
        %f = arith.addf %s, %d : f32
        attn.yield %f : f32
      } -> tensor<?x8x?x32xf16>
  return %o : tensor<?x8x?x32xf16>
}

// One batch entry of queries, of one head, and one head of values for all.
// CHECK-LABEL: func.func @shared
func.func @shared(%q: tensor<1x1x?x64xf32>, %k: tensor<?x8x?x64xf32>,
                  %v: tensor<?x1x?x32xf32>, %init: tensor<?x8x?x32xf32>)
    -> tensor<?x8x?x32xf32> {
  // CHECK: maps [#[[Q:.*]], #{{.*}}, #[[V:.*]], #{{.*}}]
  %o = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<1x1x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x1x?x32xf32>)
      outs(%init : tensor<?x8x?x32xf32>)
      maps [affine_map<(b, h, i, j, d, e) -> (0, 0, i, d)>,
            affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>,
            affine_map<(b, h, i, j, d, e) -> (b, 0, j, e)>, #out]
      -> tensor<?x8x?x32xf32>
  return %o : tensor<?x8x?x32xf32>
}

// CHECK-LABEL: func.func @random
// CHECK: attn.random %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}]
func.func @random(%seed: i64, %b: i32, %h: i32, %i: i32, %j: i32) -> i32 {
  %bits = attn.random %seed[%b, %h, %i, %j]
  return %bits : i32
}

// Keys and values lie in pages of 16 positions of one head after the other.
// CHECK-LABEL: func.func @in_pages
func.func @in_pages(%q: tensor<?x8x?x64xf32>, %k: tensor<?x16x128xf32>,
                    %v: tensor<?x2x16x32xf32>, %table: tensor<?x?xi32>,
                    %init: tensor<?x8x?x32xf32>) -> tensor<?x8x?x32xf32> {
  // CHECK: ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<?x8x?x64xf32>, tensor<?x16x128xf32>, tensor<?x2x16x32xf32>)
  // CHECK-NEXT: pages(%{{.*}} : tensor<?x?xi32>)
  // CHECK-NEXT: outs(%{{.*}} : tensor<?x8x?x32xf32>)
  %o = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x16x128xf32>, tensor<?x2x16x32xf32>)
      pages(%table : tensor<?x?xi32>)
      outs(%init : tensor<?x8x?x32xf32>)
      maps [#q, affine_map<(b, h, i, j, d, e) -> (b, j, (h floordiv 4) * 64 + d)>, #v, #out]
      -> tensor<?x8x?x32xf32>
  return %o : tensor<?x8x?x32xf32>
}

// CHECK-LABEL: func.func @on_memory
func.func @on_memory(%q: memref<?x?x512xf32>, %k: memref<?x2x?x64xf32>,
                     %v: memref<?x?x64xf32>, %doc: memref<?x?xi32>, %n: i32,
                     %out: memref<?x8x?x32xf32>, %lse: memref<?x8x?xf32>) {
  // CHECK: captures(%{{.*}}, %{{.*}} : memref<?x?xi32>, i32)
  // CHECK-NEXT: outs(%{{.*}}, %{{.*}} : memref<?x8x?x32xf32>, memref<?x8x?xf32>)
  // CHECK-NEXT: maps [#{{.*}}, #{{.*}}, #[[JOINED_V]], #{{.*}}, #{{.*}}]
  // CHECK-NEXT: score(%[[S:.*]]: f32, %{{.*}}: i32, %{{.*}}: i32, %{{.*}}: i32, %{{.*}}: i32, %{{.*}}: memref<?x?xi32>, %{{.*}}: i32) {
  // CHECK-NEXT:   arith.addf %[[S]], %[[S]] : f32
  // CHECK-NEXT:   attn.yield
  // CHECK-NEXT: }
  // CHECK-NEXT: mask(%[[B:.*]]: i32, %{{.*}}: i32, %{{.*}}: i32, %[[J:.*]]: i32, %[[DOC:.*]]: memref<?x?xi32>, %[[N:.*]]: i32) {
  // CHECK-NEXT:   %[[D:.*]] = attn.read %[[DOC]][%[[B]], %[[J]]] : memref<?x?xi32>, i32, i32 -> i32
  // CHECK-NEXT:   arith.cmpi eq, %[[D]], %[[N]]
  // CHECK:      } {note = "kept"}
  attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : memref<?x?x512xf32>, memref<?x2x?x64xf32>, memref<?x?x64xf32>)
      captures(%doc, %n : memref<?x?xi32>, i32)
      outs(%out, %lse : memref<?x8x?x32xf32>, memref<?x8x?xf32>)
      maps [#joined_q, #k, #joined_v, #out, #lse]
      score(%s: f32, %b: i32, %h: i32, %i: i32, %j: i32, %c: memref<?x?xi32>, %m: i32) {
        %t = arith.addf %s, %s : f32
        attn.yield %t : f32
      }
      mask(%b: i32, %h: i32, %i: i32, %j: i32, %c: memref<?x?xi32>, %m: i32) {
        %d = attn.read %c[%b, %j] : memref<?x?xi32>, i32, i32 -> i32
        %same = arith.cmpi eq, %d, %m : i32
        attn.yield %same : i1
      } {note = "kept"}
  return
}

// Keys and values of bytes, and a weight of which values get more or less.
// CHECK-LABEL: func.func @weights
func.func @weights(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xi8>,
                   %v: tensor<?x2x?x32xi8>, %scales: tensor<?x?xf32>,
                   %out: tensor<?x8x?x32xf32>) -> tensor<?x8x?x32xf32> {
  // CHECK: ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<?x8x?x64xf32>, tensor<?x2x?x64xi8>, tensor<?x2x?x32xi8>)
  // CHECK: maps
  // CHECK-NEXT: weight(%[[W:.*]]: f32, %[[B:.*]]: i32, %{{.*}}: i32, %{{.*}}: i32, %[[J:.*]]: i32, %[[C:.*]]: tensor<?x?xf32>) {
  // CHECK-NEXT:   %[[SCALE:.*]] = attn.read %[[C]][%[[B]], %[[J]]]
  // CHECK-NEXT:   arith.mulf %[[W]], %[[SCALE]] : f32
  // CHECK-NEXT:   attn.yield
  // CHECK-NEXT: } -> tensor<?x8x?x32xf32>
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 32 scale 0.125
      ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xi8>, tensor<?x2x?x32xi8>)
      captures(%scales : tensor<?x?xf32>)
      outs(%out : tensor<?x8x?x32xf32>)
      maps [#q, #k, #v, #out]
      weight(%w: f32, %b: i32, %h: i32, %i: i32, %j: i32, %c: tensor<?x?xf32>) {
        %scale = attn.read %c[%b, %j] : tensor<?x?xf32>, i32, i32 -> f32
        %scaled = arith.mulf %w, %scale : f32
        attn.yield %scaled : f32
      } -> tensor<?x8x?x32xf32>
  return %r : tensor<?x8x?x32xf32>
}

// CHECK-LABEL: func.func @append
func.func @append(%k: tensor<?x2x?x64xf32>, %len: tensor<?xi32>, %cache: tensor<?x2x?x64xf16>)
    -> tensor<?x2x?x64xf16> {
  // CHECK: attn.append %{{.*}} at %{{.*}} : tensor<?xi32> into %{{.*}} axis 2 : tensor<?x2x?x64xf32>, tensor<?x2x?x64xf16> -> tensor<?x2x?x64xf16>
  %keys = attn.append %k at %len : tensor<?xi32> into %cache axis 2
      : tensor<?x2x?x64xf32>, tensor<?x2x?x64xf16> -> tensor<?x2x?x64xf16>
  return %keys : tensor<?x2x?x64xf16>
}

// CHECK-LABEL: func.func @append_to_pages
func.func @append_to_pages(%k: memref<?x2x?x64xf32>, %at: i64, %table: memref<?x?xi32>,
                           %pool: memref<?x2x16x64xf32>) {
  // CHECK: attn.append %{{.*}} at %{{.*}} : i64 pages %{{.*}} : memref<?x?xi32> into %{{.*}} axis 2 : memref<?x2x?x64xf32>, memref<?x2x16x64xf32>{{$}}
  attn.append %k at %at : i64 pages %table : memref<?x?xi32> into %pool axis 2
      : memref<?x2x?x64xf32>, memref<?x2x16x64xf32>
  return
}
