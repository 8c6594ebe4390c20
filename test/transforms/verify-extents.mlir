// RUN: ladon-opt %s --attn-verify-extents -o %t
// RUN: ladon-opt %s -o %t.before
// RUN: diff %t.before %t

// Functions whose extents follow from those of their arguments. The pass
// changes nothing.

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>
!heads = tensor<?x2x?x8xf32>

func.func @attend(
    %q: !heads {attn.param = #attn.param<input q: f32[B, 2, S, 8]>},
    %k: !heads {attn.param = #attn.param<input k: f32[B, 2, T, 8]>},
    %v: !heads {attn.param = #attn.param<input v: f32[B, 2, T, 8]>})
    -> (!heads {attn.param = #attn.param<output out: f32[B, 2, S, 8]>},
        tensor<?x2x?xf32> {attn.param = #attn.param<output lse: f32[B, 2, S]>}) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  // The batch size of another operand is the same.
  %b = tensor.dim %v, %c0 : !heads
  %s = tensor.dim %q, %c2 : !heads
  %init = tensor.empty(%b, %s) : !heads
  %lses = tensor.empty(%b, %s) : tensor<?x2x?xf32>
  %out:2 = attn.attend heads 2 key_value_heads 2 head_dim 8 value_dim 8 scale 0.5
      ins(%q, %k, %v : !heads, !heads, !heads)
      outs(%init, %lses : !heads, tensor<?x2x?xf32>)
      maps [#q, #k, #v, #out, #lse] -> !heads, tensor<?x2x?xf32>
  return %out#0, %out#1 : !heads, tensor<?x2x?xf32>
}

func.func @heads(%x: tensor<?x?x16xf32> {attn.param = #attn.param<input x: f32[B, S, 16]>})
    -> (tensor<?x?x16xf32> {attn.param = #attn.param<output y: f32[B, S, 16]>}) {
  %split = attn.split_heads %x heads 2 : tensor<?x?x16xf32> -> !heads
  %y = attn.concat_heads %split : !heads -> tensor<?x?x16xf32>
  return %y : tensor<?x?x16xf32>
}

// A copy through a map that joins two axes of known sizes.
func.func @joined(%x: tensor<?x4xf32> {attn.param = #attn.param<input x: f32[N, 4]>})
    -> (tensor<?x2x2xf32> {attn.param = #attn.param<output y: f32[N, 2, 2]>}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %empty = tensor.empty(%n) : tensor<?x2x2xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(n, h, d) -> (n, h * 2 + d)>, affine_map<(n, h, d) -> (n, h, d)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<?x4xf32>) outs(%empty : tensor<?x2x2xf32>) {
  ^bb0(%in: f32, %old: f32):
    linalg.yield %in : f32
  } -> tensor<?x2x2xf32>
  return %y : tensor<?x2x2xf32>
}

// What is known to be a number may have a dynamic type on its way.
func.func @numbers(%x: tensor<4xf32> {attn.param = #attn.param<input x: f32[4]>})
    -> (tensor<4xf32> {attn.param = #attn.param<output y: f32[4]>}) {
  %c0 = arith.constant 0 : index
  %dynamic = tensor.cast %x : tensor<4xf32> to tensor<?xf32>
  %n = tensor.dim %dynamic, %c0 : tensor<?xf32>
  %empty = tensor.empty(%n) : tensor<?xf32>
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %sum = linalg.add ins(%dynamic, %one : tensor<?xf32>, tensor<4xf32>) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
  %y = tensor.cast %sum : tensor<?xf32> to tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @slices(%x: tensor<?x8xf32> {attn.param = #attn.param<input x: f32[N, 8]>})
    -> (tensor<?xf32> {attn.param = #attn.param<output column: f32[N]>},
        tensor<?x8xf32> {attn.param = #attn.param<output even: f32[N, 8]>}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %column = tensor.extract_slice %x[0, 7] [%n, 1] [1, 1] : tensor<?x8xf32> to tensor<?xf32>
  %even = tensor.extract_slice %x[0, 0] [%n, 4] [1, 2] : tensor<?x8xf32> to tensor<?x4xf32>
  %twice = tensor.insert_slice %even into %x[0, 4] [%n, 4] [1, 1] : tensor<?x4xf32> into tensor<?x8xf32>
  return %column, %twice : tensor<?xf32>, tensor<?x8xf32>
}

func.func @reshapes(%x: tensor<?x2x8xf32> {attn.param = #attn.param<input x: f32[N, 2, 8]>})
    -> (tensor<?x16xf32> {attn.param = #attn.param<output flat: f32[N, 16]>},
        tensor<1x?x4x4xf32> {attn.param = #attn.param<output parts: f32[1, N, 4, 4]>}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x2x8xf32>
  %flat = tensor.collapse_shape %x [[0], [1, 2]] : tensor<?x2x8xf32> into tensor<?x16xf32>
  %parts = tensor.expand_shape %flat [[0, 1], [2, 3]] output_shape [1, %n, 4, 4] : tensor<?x16xf32> into tensor<1x?x4x4xf32>
  return %flat, %parts : tensor<?x16xf32>, tensor<1x?x4x4xf32>
}

// An axis without elements is accessed nowhere.
func.func @none(%x: tensor<0xf32> {attn.param = #attn.param<input x: f32[0]>},
                %table: tensor<3xf32> {attn.param = #attn.param<input table: f32[3]>})
    -> (tensor<0xf32> {attn.param = #attn.param<output y: f32[0]>}) {
  %any = tensor.cast %x : tensor<0xf32> to tensor<?xf32>
  %none = linalg.generic {
      indexing_maps = [affine_map<(n) -> (n + 100)>, affine_map<(n) -> (n)>],
      iterator_types = ["parallel"]}
      ins(%table : tensor<3xf32>) outs(%any : tensor<?xf32>) {
  ^bb0(%in: f32, %old: f32):
    linalg.yield %in : f32
  } -> tensor<?xf32>
  %y = tensor.cast %none : tensor<?xf32> to tensor<0xf32>
  return %y : tensor<0xf32>
}

// Nobody calls this one from outside.
func.func @undeclared(%x: tensor<?xf32>, %n: index) -> tensor<?xf32> {
  %y = tensor.extract_slice %x[0] [%n] [1] : tensor<?xf32> to tensor<?xf32>
  return %y : tensor<?xf32>
}

// Sizes that are computed from names, and parts that fill an axis.
func.func @computed(
    %x: tensor<?xf32> {attn.param = #attn.param<input x: f32[N]>},
    %y: tensor<?xf32> {attn.param = #attn.param<input y: f32[P]>},
    %z: tensor<?xf32> {attn.param = #attn.param<input z: f32["(N + 15) // 16"]>})
    -> (tensor<?xf32> {attn.param = #attn.param<output all: f32["N + P + 1"]>},
        tensor<?xf32> {attn.param = #attn.param<output blocks: f32["(N + 15) // 16"]>}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c15 = arith.constant 15 : index
  %c16 = arith.constant 16 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %p = tensor.dim %y, %c0 : tensor<?xf32>
  %np = arith.addi %p, %n : index
  %sum = arith.addi %np, %c1 : index
  %init = tensor.empty(%sum) : tensor<?xf32>
  %first = tensor.insert_slice %x into %init[0] [%n] [1] : tensor<?xf32> into tensor<?xf32>
  %second = tensor.insert_slice %y into %first[%n] [%p] [1] : tensor<?xf32> into tensor<?xf32>
  %one = tensor.extract_slice %x[0] [%n] [1] : tensor<?xf32> to tensor<?xf32>
  %up = arith.addi %n, %c15 : index
  %blocks = arith.floordivsi %up, %c16 : index
  %empty = tensor.empty(%blocks) : tensor<?xf32>
  %copy = linalg.copy ins(%z : tensor<?xf32>) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
  return %second, %copy : tensor<?xf32>, tensor<?xf32>
}

// A cache with one use, and places and pages that the entry point checks.
func.func @caches(
    %k: tensor<?x2x?x8xf32> {attn.param = #attn.param<input k: f32[B, 2, S, 8]>},
    %len: tensor<?xi32> {attn.param = #attn.param<input len: i32[B] to ["C - S", "16 * P - S"]>},
    %cache: tensor<?x2x?x8xf16> {attn.param = #attn.param<inout cache: f16[B, 2, C, 8]>},
    %table: tensor<?x?xi32> {attn.param = #attn.param<input table: i32[B, P] writes [["len", "S", 16, "N"]]>},
    %pool: tensor<?x2x16x8xf32> {attn.param = #attn.param<inout pool: f32[N, 2, 16, 8]>})
    -> (tensor<?x2x?x8xf16> {attn.param = #attn.param<output out: f16[B, 2, C, 8]>}) {
  %c2 = arith.constant 2 : index
  %c = tensor.dim %cache, %c2 : tensor<?x2x?x8xf16>
  %keys = attn.append %k at %len : tensor<?xi32> into %cache axis 2 : tensor<?x2x?x8xf32>, tensor<?x2x?x8xf16> -> tensor<?x2x?x8xf16>
  %pages = attn.append %k at %len : tensor<?xi32> pages %table : tensor<?x?xi32> into %pool axis 2
      : tensor<?x2x?x8xf32>, tensor<?x2x16x8xf32> -> tensor<?x2x16x8xf32>
  return %keys : tensor<?x2x?x8xf16>
}
