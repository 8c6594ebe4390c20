// RUN: ladon-opt %s --attn-expand-random | FileCheck %s
// RUN: ladon-opt %s --attn-expand-random --canonicalize | FileCheck %s --check-prefix=KNOWN

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>

// The first words of the counter, their products, and the word of the key; ten
// rounds have twenty products.
// CHECK-LABEL: func.func @dropout
// CHECK: weight(%[[W:.*]]: f32, %[[B:.*]]: i32, %[[H:.*]]: i32, %[[I:.*]]: i32, %[[J:.*]]: i32, %[[SEED:.*]]: i64) {
// CHECK: %[[BLOCK:.*]] = arith.shrui %[[J]], %c2
// CHECK: %[[LOW:.*]] = arith.trunci %[[SEED]] : i64 to i32
// CHECK: %[[SHIFTED:.*]] = arith.shrui %[[SEED]], %c32
// CHECK: %[[HIGH:.*]] = arith.trunci %[[SHIFTED]] : i64 to i32
// CHECK: %[[WIDE:.*]] = arith.extui %[[BLOCK]] : i32 to i64
// CHECK: %[[FIRST:.*]] = arith.muli %[[WIDE]], %c3528531795
// CHECK: arith.extui %[[H]] : i32 to i64
// CHECK-COUNT-19: arith.muli
// CHECK-NOT: arith.muli
// CHECK-NOT: attn.random
// CHECK: arith.andi %[[J]], %c1
// CHECK: arith.andi %[[J]], %c2
// CHECK: %[[LOWER:.*]] = arith.select
// CHECK: %[[UPPER:.*]] = arith.select
// CHECK: %[[BITS:.*]] = arith.select %{{.*}}, %[[UPPER]], %[[LOWER]]
// CHECK: arith.cmpi uge, %[[BITS]]
func.func @dropout(%q: tensor<2x4x8x16xf32>, %init: tensor<2x4x8x16xf32>,
                   %seed: i64) -> tensor<2x4x8x16xf32> {
  %r = attn.attend heads 4 key_value_heads 4 head_dim 16 value_dim 16 scale 0.25
      ins(%q, %q, %q : tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>)
      captures(%seed : i64)
      outs(%init : tensor<2x4x8x16xf32>)
      maps [#q, #k, #v, #out]
      weight(%w: f32, %b: i32, %h: i32, %i: i32, %j: i32, %s: i64) {
        %bits = attn.random %s[%b, %h, %i, %j]
        %half = arith.constant -2147483648 : i32
        %kept = arith.cmpi uge, %bits, %half : i32
        %zero = arith.constant 0.0 : f32
        %twice = arith.addf %w, %w : f32
        %value = arith.select %kept, %twice, %zero : f32
        attn.yield %value : f32
      } -> tensor<2x4x8x16xf32>
  return %r : tensor<2x4x8x16xf32>
}

// The published answer for a counter and a key of zeros.
// KNOWN-LABEL: func.func @known
// KNOWN-DAG: %[[A:.*]] = arith.constant 1713891541 : i32
// KNOWN-DAG: %[[D:.*]] = arith.constant -513161843 : i32
// KNOWN: return %[[A]], %[[D]]
func.func @known() -> (i32, i32) {
  %seed = arith.constant 0 : i64
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %first = attn.random %seed[%zero, %zero, %zero, %zero]
  %second = attn.random %seed[%zero, %zero, %zero, %one]
  return %first, %second : i32, i32
}
