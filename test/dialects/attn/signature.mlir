// What a function says of itself to callers, read back as it is written.
// RUN: ladon-opt %s | ladon-opt | FileCheck %s

// CHECK-LABEL: func.func @tensors(
// CHECK-SAME: %{{.*}}: tensor<?x8x?x64xf32> {attn.param = #attn.param<input q: f32[B, 8, S, 64], "the queries">},
// CHECK-SAME: %{{.*}}: tensor<?x?xi8> {attn.param = #attn.param<input visible: bool[B, T]>},
// CHECK-SAME: %{{.*}}: tensor<0xf64> {attn.param = #attn.param<input none: f64[0]>},
// CHECK-SAME: %{{.*}}: tensor<?xbf16> {attn.param = #attn.param<input half: bf16[B]>},
// CHECK-SAME: %{{.*}}: tensor<?xi8> {attn.param = #attn.param<input bytes: ui8["2 * B - 1"]>},
// CHECK-SAME: %{{.*}}: tensor<?xi16> {attn.param = #attn.param<input words: i16["(B + T) // 16"]>},
// CHECK-SAME: %{{.*}}: i8 {attn.param = #attn.param<scalar flag: bool>},
// CHECK-SAME: %{{.*}}: i64 {attn.param = #attn.param<scalar span: i64>},
// A name may be a word of MLIR.
// CHECK-SAME: %{{.*}}: f32 {attn.param = #attn.param<scalar loc: f32>})
// CHECK-SAME: -> (tensor<?x8x?x64xf32> {attn.param = #attn.param<output out: f32[B, 8, S, 64]>})
// CHECK-SAME: attributes {attn.settings = {span = "64"}, attn.source = "the text"}
func.func @tensors(
    %q: tensor<?x8x?x64xf32> {attn.param = #attn.param<input q: f32[B, 8, S, 64], "the queries">},
    %visible: tensor<?x?xi8> {attn.param = #attn.param<input visible: bool["B", "T"]>},
    %none: tensor<0xf64> {attn.param = #attn.param<input none: f64[0]>},
    %half: tensor<?xbf16> {attn.param = #attn.param<input half: bf16[B]>},
    %bytes: tensor<?xi8> {attn.param = #attn.param<input bytes: ui8["2 * B - 1"]>},
    %words: tensor<?xi16> {attn.param = #attn.param<input words: i16["(B + T) // 16"]>},
    %flag: i8 {attn.param = #attn.param<scalar flag: bool>},
    %span: i64 {attn.param = #attn.param<scalar "span": i64>},
    %loc: f32 {attn.param = #attn.param<scalar loc: f32>})
    -> (tensor<?x8x?x64xf32> {attn.param = #attn.param<output out: f32[B, 8, S, 64]>})
    attributes {attn.settings = {span = "64"}, attn.source = "the text"} {
  return %q : tensor<?x8x?x64xf32>
}

// Caches, and what is demanded of the values that say where they grow.
// CHECK-LABEL: func.func @caches(
// CHECK-SAME: {attn.param = #attn.param<inout cache: f16[B, C, 64]>}
// CHECK-SAME: {attn.param = #attn.param<input len: i32[B] to ["C - S", 60]>}
// CHECK-SAME: {attn.param = #attn.param<scalar at: i64 to ["C - S"], "for all">}
// CHECK-SAME: {attn.param = #attn.param<input table: i32[B, P] writes {{\[\[}}"len", "S", 16, 9]{{\]}}>}
func.func @caches(
    %cache: tensor<?x?x64xf16> {attn.param = #attn.param<inout cache: f16[B, C, 64]>},
    %len: tensor<?xi32> {attn.param = #attn.param<input len: i32[B] to ["C - S", 60]>},
    %at: i64 {attn.param = #attn.param<scalar at: i64 to ["C - S"], "for all">},
    %table: tensor<?x?xi32> {attn.param = #attn.param<input table: i32[B, P] writes [["len", "S", 16, 9]]>}) {
  return
}

// Once results are arguments, so are outputs.
// CHECK-LABEL: func.func @memrefs(
// CHECK-SAME: {attn.param = #attn.param<input x: bool[N]>}
// CHECK-SAME: {attn.param = #attn.param<output y: f32[N, 4]>}
func.func @memrefs(
    %x: memref<?xi8, strided<[?], offset: ?>> {attn.param = #attn.param<input x: bool[N]>},
    %y: memref<?x4xf32> {attn.param = #attn.param<output y: f32[N, 4]>}) {
  return
}

// CHECK-LABEL: llvm.func @lowered(%{{.*}}: !llvm.ptr, %{{.*}}: i8 {attn.param = #attn.param<scalar flag: bool>})
llvm.func @lowered(%context: !llvm.ptr, %flag: i8 {attn.param = #attn.param<scalar flag: bool>}) {
  llvm.return
}
