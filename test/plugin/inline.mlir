// A function with an attend goes where it is called, its heads, too.
// RUN: mlir-opt --load-dialect-plugin=%plugin --load-pass-plugin=%plugin %s --inline | FileCheck %s

// CHECK-LABEL: func.func @caller(
// CHECK-NOT: call
// CHECK: attn.split_heads
// CHECK: attn.attend
// CHECK: mask(
// CHECK: attn.yield
// CHECK: return
!packed = tensor<1x8x64xf32>
!heads = tensor<1x2x8x32xf32>
func.func private @attend(%x: !packed) -> !heads {
  %s = attn.split_heads %x heads 2 : !packed -> !heads
  %empty = tensor.empty() : !heads
  %out = attn.attend heads 2 key_value_heads 2 head_dim 32 value_dim 32 scale 0.25
      ins(%s, %s, %s : !heads, !heads, !heads)
      outs(%empty : !heads)
      maps [affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>,
            affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>,
            affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>,
            affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>]
      mask(%b: i32, %h: i32, %i: i32, %j: i32) {
        %visible = arith.cmpi sle, %j, %i : i32
        attn.yield %visible : i1
      } -> !heads
  return %out : !heads
}
func.func @caller(%x: !packed) -> !heads {
  %out = call @attend(%x) : (!packed) -> !heads
  return %out : !heads
}
