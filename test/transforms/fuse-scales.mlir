// RUN: ladon-opt %s --attn-fuse-scales --canonicalize --split-input-file | FileCheck %s

#id = affine_map<(b, h, j, d) -> (b, h, j, d)>
#perKey = affine_map<(b, h, j, d) -> (b, h, j)>
#perHead = affine_map<(b, h, j, d) -> (0, h, 0)>
#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 4, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// A scale per key of k goes to the score, and a constant to the scale of all; a
// scale per key of v goes to the weight. No product is computed beforehand.
// CHECK-LABEL: func.func @cache
// CHECK-SAME: %[[Q:[^:]*]]: tensor<?x8x?x64xf32>, %[[K:[^:]*]]: tensor<?x2x?x64xi8>, %[[KS:[^:]*]]: tensor<?x2x?xf32>, %[[V:[^:]*]]: tensor<?x2x?x64xi8>, %[[VS:[^:]*]]: tensor<1x2x1xf16>
// CHECK-NOT: linalg
// CHECK: attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 64 scale 6.250000e-02
// CHECK-NEXT: ins(%[[Q]], %[[K]], %[[V]] :
// CHECK-NEXT: captures(%[[KS]], %[[VS]] :
// CHECK: score(%[[S:.*]]: f32, %[[B:.*]]: i32, %[[H:.*]]: i32, %{{.*}}: i32, %[[J:.*]]: i32, %[[SCALES:.*]]: tensor<?x2x?xf32>, %{{.*}}: tensor<1x2x1xf16>)
// CHECK: %[[GROUP:.*]] = arith.divui %[[H]], %{{.*}} : i32
// CHECK: %[[FACTOR:.*]] = attn.read %[[SCALES]][%[[B]], %[[GROUP]], %[[J]]]
// CHECK: %[[SCALED:.*]] = arith.mulf %[[S]], %[[FACTOR]] : f32
// CHECK: attn.yield %[[SCALED]]
// CHECK: weight(%[[W:.*]]: f32, %{{.*}}: i32, %[[H:.*]]: i32, %{{.*}}: i32, %{{.*}}: i32, %{{.*}}: tensor<?x2x?xf32>, %[[SCALES:.*]]: tensor<1x2x1xf16>)
// CHECK: %[[GROUP:.*]] = arith.divui %[[H]], %{{.*}} : i32
// CHECK: %[[NARROW:.*]] = attn.read %[[SCALES]][%c0{{.*}}, %[[GROUP]], %c0{{.*}}]
// CHECK: %[[FACTOR:.*]] = arith.extf %[[NARROW]]
// CHECK: %[[SCALED:.*]] = arith.divf %[[W]], %[[FACTOR]] : f32
// CHECK: attn.yield %[[SCALED]]
func.func @cache(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xi8>,
                 %ks: tensor<?x2x?xf32>, %v: tensor<?x2x?x64xi8>,
                 %vs: tensor<1x2x1xf16>, %wide: tensor<?x2x?x64xf32>,
                 %init: tensor<?x8x?x64xf32>) -> tensor<?x8x?x64xf32> {
  %two = arith.constant 2.0 : f32
  %keys = linalg.generic {indexing_maps = [#id, #perKey, #id],
                          iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%k, %ks : tensor<?x2x?x64xi8>, tensor<?x2x?xf32>)
      outs(%wide : tensor<?x2x?x64xf32>) {
  ^bb0(%x: i8, %s: f32, %o: f32):
    %integer = arith.extsi %x : i8 to i32
    %number = arith.sitofp %integer : i32 to f32
    %half = arith.divf %number, %two : f32
    %scaled = arith.mulf %s, %half : f32
    linalg.yield %scaled : f32
  } -> tensor<?x2x?x64xf32>
  %values = linalg.generic {indexing_maps = [#id, #perHead, #id],
                            iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%v, %vs : tensor<?x2x?x64xi8>, tensor<1x2x1xf16>)
      outs(%wide : tensor<?x2x?x64xf32>) {
  ^bb0(%x: i8, %s: f16, %o: f32):
    %number = arith.sitofp %x : i8 to f32
    %factor = arith.extf %s : f16 to f32
    %scaled = arith.divf %number, %factor : f32
    linalg.yield %scaled : f32
  } -> tensor<?x2x?x64xf32>
  %r = attn.attend heads 8 key_value_heads 2 head_dim 64 value_dim 64 scale 0.125
      ins(%q, %keys, %values : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>)
      outs(%init : tensor<?x8x?x64xf32>)
      maps [#q, #k, #v, #out] -> tensor<?x8x?x64xf32>
  return %r : tensor<?x8x?x64xf32>
}

// -----

#id = affine_map<(b, h, j, d) -> (b, h, j, d)>
#perKey = affine_map<(b, h, j, d) -> (b, h, j)>
#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// Before an expression of the score, and where keys lie in pages, the scale is
// that of the page's position.
// CHECK-LABEL: func.func @pages
// CHECK-SAME: %[[K:[^:]*]]: tensor<?x8x16x64xbf16>, %[[KS:[^:]*]]: tensor<?x8x16xf32>
// CHECK-NOT: linalg
// CHECK: ins(%{{.*}}, %[[K]], %[[K]] :
// CHECK: score(%[[S:.*]]: f32, %[[B:.*]]: i32, %[[H:.*]]: i32, %{{.*}}: i32, %[[J:.*]]: i32, %[[SCALES:.*]]: tensor<?x8x16xf32>, %[[TABLE:.*]]: tensor<?x?xi32>)
// CHECK-DAG: %[[NUMBER:.*]] = arith.divui %[[J]], %c16{{.*}} : i32
// CHECK-DAG: %[[PAGE:.*]] = attn.read %[[TABLE]][%[[B]], %[[NUMBER]]]
// CHECK-DAG: %[[AT:.*]] = arith.remui %[[J]], %c16{{.*}} : i32
// CHECK: %[[FACTOR:.*]] = attn.read %[[SCALES]][%[[PAGE]], %[[H]], %[[AT]]]
// CHECK: %[[SCALED:.*]] = arith.mulf %[[S]], %[[FACTOR]] : f32
// CHECK: %[[SQUARE:.*]] = arith.mulf %[[SCALED]], %[[SCALED]] : f32
// CHECK: attn.yield %[[SQUARE]]
// CHECK-NOT: weight
func.func @pages(%q: tensor<?x8x?x64xf32>, %k: tensor<?x8x16x64xbf16>,
                 %ks: tensor<?x8x16xf32>, %table: tensor<?x?xi32>,
                 %wide: tensor<?x8x16x64xf32>,
                 %init: tensor<?x8x?x64xf32>) -> tensor<?x8x?x64xf32> {
  %keys = linalg.generic {indexing_maps = [#id, #perKey, #id],
                          iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%k, %ks : tensor<?x8x16x64xbf16>, tensor<?x8x16xf32>)
      outs(%wide : tensor<?x8x16x64xf32>) {
  ^bb0(%x: bf16, %s: f32, %o: f32):
    %number = arith.extf %x : bf16 to f32
    %scaled = arith.mulf %number, %s : f32
    linalg.yield %scaled : f32
  } -> tensor<?x8x16x64xf32>
  %r = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%q, %keys, %k : tensor<?x8x?x64xf32>, tensor<?x8x16x64xf32>, tensor<?x8x16x64xbf16>)
      pages(%table : tensor<?x?xi32>)
      outs(%init : tensor<?x8x?x64xf32>)
      maps [#q, #k, #v, #out]
      score(%s: f32, %b: i32, %h: i32, %i: i32, %j: i32) {
        %square = arith.mulf %s, %s : f32
        attn.yield %square : f32
      } -> tensor<?x8x?x64xf32>
  return %r : tensor<?x8x?x64xf32>
}

// -----

#id = affine_map<(b, h, j, d) -> (b, h, j, d)>
#turned = affine_map<(b, h, j, d) -> (b, j, h, d)>
#perFeature = affine_map<(b, h, j, d) -> (d)>
#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// A factor per feature stays, and so does a sum; elements that would have to be
// read in another order, too.
// CHECK-LABEL: func.func @left
// CHECK-COUNT-3: linalg.generic
// CHECK: attn.attend
// CHECK-NOT: score
// CHECK-NOT: weight
func.func @left(%q: tensor<?x8x?x64xf32>, %k: tensor<?x8x?x64xi8>,
                %ks: tensor<64xf32>, %turned: tensor<?x?x8x64xi8>,
                %wide: tensor<?x8x?x64xf32>, %init: tensor<?x8x?x64xf32>)
    -> (tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>) {
  %one = arith.constant 1.0 : f32
  %keys = linalg.generic {indexing_maps = [#id, #perFeature, #id],
                          iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%k, %ks : tensor<?x8x?x64xi8>, tensor<64xf32>)
      outs(%wide : tensor<?x8x?x64xf32>) {
  ^bb0(%x: i8, %s: f32, %o: f32):
    %number = arith.sitofp %x : i8 to f32
    %scaled = arith.mulf %number, %s : f32
    linalg.yield %scaled : f32
  } -> tensor<?x8x?x64xf32>
  %values = linalg.generic {indexing_maps = [#id, #id],
                            iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%k : tensor<?x8x?x64xi8>) outs(%wide : tensor<?x8x?x64xf32>) {
  ^bb0(%x: i8, %o: f32):
    %number = arith.sitofp %x : i8 to f32
    %more = arith.addf %number, %one : f32
    linalg.yield %more : f32
  } -> tensor<?x8x?x64xf32>
  %moved = linalg.generic {indexing_maps = [#turned, #id],
                           iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%turned : tensor<?x?x8x64xi8>) outs(%wide : tensor<?x8x?x64xf32>) {
  ^bb0(%x: i8, %o: f32):
    %number = arith.sitofp %x : i8 to f32
    %half = arith.divf %number, %one : f32
    linalg.yield %half : f32
  } -> tensor<?x8x?x64xf32>
  %r = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%q, %keys, %values : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>)
      outs(%init : tensor<?x8x?x64xf32>)
      maps [#q, #k, #v, #out] -> tensor<?x8x?x64xf32>
  %s = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%q, %moved, %values : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>)
      outs(%init : tensor<?x8x?x64xf32>)
      maps [#q, #k, #v, #out] -> tensor<?x8x?x64xf32>
  return %r, %s : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>
}
