// RUN: ladon-opt %s --attn-canonicalize-masks --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
!heads = tensor<?x8x?x64xf32>

// A bound stands where its comparison was written.
// CHECK-LABEL: func.func @window
// CHECK: arith.cmpi sge, {{.*}} loc("near")
// CHECK: arith.cmpi sle, {{.*}} loc("causal")
func.func @window(%q: !heads, %k: !heads, %v: !heads, %init: !heads) -> !heads {
  %o = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%q, %k, %v : !heads, !heads, !heads) outs(%init : !heads)
      maps [#q, #k, #v, #out]
      mask(%b: i32, %h: i32, %i: i32, %j: i32) {
        %five = arith.constant 5 : i32
        %distance = arith.subi %i, %j : i32 loc("distance")
        %near = arith.cmpi sle, %distance, %five : i32 loc("near")
        %causal = arith.cmpi sle, %j, %i : i32 loc("causal")
        %visible = arith.andi %near, %causal : i1 loc("both")
        attn.yield %visible : i1
      } -> !heads
  return %o : !heads
}
