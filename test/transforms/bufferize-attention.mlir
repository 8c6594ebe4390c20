// RUN: ladon-opt %s --attn-bufferize --canonicalize | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, i, h * 64 + d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, j, h * 64 + d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, j, h * 64 + e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, i, h * 64 + e)>
#lse = affine_map<(b, h, i, j, d, e) -> (b, h, i)>
!packed = tensor<?x?x512xf32>

// Results are arguments, with their attributes; the attend writes them itself.
// CHECK-LABEL: func.func @in_place(
// CHECK-SAME: %[[X:.*]]: memref<?x?x512xf32, strided<[?, ?, ?], offset: ?>> {attn.param = #attn.param<input x: f32[B, S, 512]>},
// CHECK-SAME: %[[DOC:.*]]: memref<?x?xi32, strided<[?, ?], offset: ?>>, %[[N:.*]]: i32,
// CHECK-SAME: %[[OUT:.*]]: memref<?x?x512xf32, strided<[?, ?, ?], offset: ?>> {attn.param = #attn.param<output o: f32[B, S, 512]>},
// CHECK-SAME: %[[LSE:.*]]: memref<?x8x?xf32, strided<[?, ?, ?], offset: ?>> {attn.param = #attn.param<output lse: f32[B, 8, S]>}) {
// CHECK-NEXT: attn.attend
// CHECK-NEXT: ins(%[[X]], %[[X]], %[[X]] :
// CHECK-NEXT: captures(%[[DOC]], %[[N]] : memref<?x?xi32, strided<[?, ?], offset: ?>>, i32)
// CHECK-NEXT: outs(%[[OUT]], %[[LSE]] :
// CHECK: mask({{.*}}, %[[D:[^:]*]]: memref<?x?xi32, strided<[?, ?], offset: ?>>, %{{.*}}: i32) {
// CHECK: attn.read %[[D]][%{{.*}}, %{{.*}}] : memref<?x?xi32,
// CHECK-NOT: memref.alloc
// CHECK-NOT: copy
// CHECK: return{{$}}
func.func @in_place(%x: !packed {attn.param = #attn.param<input x: f32[B, S, 512]>}, %doc: tensor<?x?xi32>, %n: i32)
    -> (!packed {attn.param = #attn.param<output o: f32[B, S, 512]>},
        tensor<?x8x?xf32> {attn.param = #attn.param<output lse: f32[B, 8, S]>}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : !packed
  %s = tensor.dim %x, %c1 : !packed
  %init = tensor.empty(%b, %s) : !packed
  %lse = tensor.empty(%b, %s) : tensor<?x8x?xf32>
  %o:2 = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%x, %x, %x : !packed, !packed, !packed)
      captures(%doc, %n : tensor<?x?xi32>, i32)
      outs(%init, %lse : !packed, tensor<?x8x?xf32>)
      maps [#q, #k, #v, #out, #lse]
      mask(%bb: i32, %h: i32, %i: i32, %j: i32, %d: tensor<?x?xi32>, %m: i32) {
        %r = attn.read %d[%bb, %j] : tensor<?x?xi32>, i32, i32 -> i32
        %visible = arith.cmpi eq, %r, %m : i32
        attn.yield %visible : i1
      } -> !packed, tensor<?x8x?xf32>
  return %o#0, %o#1 : !packed, tensor<?x8x?xf32>
}

// Merged destinations come apart: two intermediates, each filled right before
// its product, and no copy; the result is in place.
// CHECK-LABEL: func.func @intermediates(
// CHECK-SAME: %[[X:[^:]*]]: memref<4x8xf32, {{.*}}>, %[[OUT:[^:]*]]: memref<4x8xf32, {{[^%]*}})
// CHECK: %[[P:.*]] = memref.alloc() {alignment = 64 : i64} : memref<4x8xf32>
// CHECK-NEXT: linalg.fill {{.*}} outs(%[[P]]
// CHECK-NEXT: linalg.contract {{.*}} outs(%[[P]]
// CHECK-NEXT: %[[R:.*]] = memref.alloc() {alignment = 64 : i64} : memref<4x8xf32>
// CHECK-NEXT: linalg.fill {{.*}} outs(%[[R]]
// CHECK-NEXT: linalg.contract {{.*}} outs(%[[R]]
// CHECK-NOT: memref.alloc
// CHECK-NOT: linalg.copy
// CHECK: linalg.map { arith.addf } ins(%[[P]], %[[R]] : {{.*}}) outs(%[[OUT]]
#xm = affine_map<(m, n, k) -> (m, k)>
#wm = affine_map<(m, n, k) -> (k, n)>
#om = affine_map<(m, n, k) -> (m, n)>
func.func @intermediates(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>, %u: tensor<8x8xf32>)
    -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4x8xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x8xf32>) -> tensor<4x8xf32>
  %p = linalg.contract indexing_maps = [#xm, #wm, #om] ins(%x, %w : tensor<4x8xf32>, tensor<8x8xf32>) outs(%fill : tensor<4x8xf32>) -> tensor<4x8xf32>
  %r = linalg.contract indexing_maps = [#xm, #wm, #om] ins(%x, %u : tensor<4x8xf32>, tensor<8x8xf32>) outs(%fill : tensor<4x8xf32>) -> tensor<4x8xf32>
  %sum = linalg.map { arith.addf } ins(%p, %r : tensor<4x8xf32>, tensor<4x8xf32>) outs(%empty : tensor<4x8xf32>)
  return %sum : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @returned_argument(
// CHECK-SAME: %[[X:[^:]*]]: memref<?x4xf32, {{.*}}>, %[[OUT:[^:]*]]: memref<?x4xf32,
// CHECK-NEXT: linalg.copy ins(%[[X]] : {{.*}}) outs(%[[OUT]]
// CHECK-NEXT: return
func.func @returned_argument(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  return %x : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @returned_twice(
// CHECK-SAME: %[[X:[^:]*]]: memref<4xf32, {{.*}}>, %[[A:[^:]*]]: memref<4xf32, {{[^%]*}}, %[[B:[^:]*]]: memref<4xf32,
// CHECK-NOT: memref.alloc
// CHECK: linalg.map { math.exp } ins(%[[X]] : {{.*}}) outs(%[[FIRST:.*]] : memref<4xf32, {{.*}}>)
// CHECK-NEXT: linalg.copy ins(%[[FIRST]] : {{.*}}) outs(%{{.*}} : memref<4xf32, {{.*}}>)
// CHECK-NEXT: return
func.func @returned_twice(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %empty = tensor.empty() : tensor<4xf32>
  %y = linalg.map { math.exp } ins(%x : tensor<4xf32>) outs(%empty : tensor<4xf32>)
  return %y, %y : tensor<4xf32>, tensor<4xf32>
}

!cache = tensor<?x2x?x64xf16>

// A cache is written where it is, and read there.
// CHECK-LABEL: func.func @append(
// CHECK-SAME: %[[K:.*]]: memref<?x2x?x64xf32, {{.*}}>, %[[LEN:.*]]: memref<?xi32, {{.*}}>, %[[CACHE:.*]]: memref<?x2x?x64xf16, strided<[?, ?, ?, ?], offset: ?>> {attn.param = #attn.param<inout cache: f16[B, 2, C, 64]>},
// CHECK-SAME: %{{.*}}: memref<?x2x?x64xf32, {{.*}}>, %[[OUT:.*]]: memref<?x2x?x64xf32, {{.*}}> {attn.param = #attn.param<output o: f32[B, 2, C, 64]>})
// CHECK-NEXT: attn.append %[[K]] at %[[LEN]] : {{.*}} into %[[CACHE]] axis 2 : {{.*}}>>{{$}}
// CHECK-NEXT: linalg.generic {{.*}} ins(%[[CACHE]] :{{.*}} outs(%[[OUT]] :
// CHECK-NOT: copy
// CHECK: return{{$}}
#id = affine_map<(a, b, c, d) -> (a, b, c, d)>
func.func @append(%k: tensor<?x2x?x64xf32>, %len: tensor<?xi32>,
                  %cache: !cache {attn.param = #attn.param<inout cache: f16[B, 2, C, 64]>}, %init: tensor<?x2x?x64xf32>)
    -> (tensor<?x2x?x64xf32> {attn.param = #attn.param<output o: f32[B, 2, C, 64]>}) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %b = tensor.dim %cache, %c0 : !cache
  %c = tensor.dim %cache, %c2 : !cache
  %keys = attn.append %k at %len : tensor<?xi32> into %cache axis 2 : tensor<?x2x?x64xf32>, !cache -> !cache
  %e = tensor.empty(%b, %c) : tensor<?x2x?x64xf32>
  %o = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%keys : !cache) outs(%e : tensor<?x2x?x64xf32>) {
  ^bb0(%x: f16, %y: f32):
    %w = arith.extf %x : f16 to f32
    linalg.yield %w : f32
  } -> tensor<?x2x?x64xf32>
  return %o : tensor<?x2x?x64xf32>
}

// A part of it may be read.
// CHECK-LABEL: func.func @append_and_read_a_part(
// CHECK: attn.append
// CHECK-NEXT: %[[PART:.*]] = memref.subview
// CHECK-NEXT: linalg.generic {{.*}} ins(%[[PART]] :
// CHECK-NOT: copy
// CHECK: return{{$}}
func.func @append_and_read_a_part(%k: tensor<?x2x?x64xf32>, %len: tensor<?xi32>,
                                  %cache: !cache {attn.param = #attn.param<inout cache: f16[B, 2, C, 64]>})
    -> (tensor<1x2x8x64xf32> {attn.param = #attn.param<output o: f32[1, 2, 8, 64]>}) {
  %keys = attn.append %k at %len : tensor<?xi32> into %cache axis 2 : tensor<?x2x?x64xf32>, !cache -> !cache
  %part = tensor.extract_slice %keys[0, 0, 0, 0] [1, 2, 8, 64] [1, 1, 1, 1] : !cache to tensor<1x2x8x64xf16>
  %e = tensor.empty() : tensor<1x2x8x64xf32>
  %o = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%part : tensor<1x2x8x64xf16>) outs(%e : tensor<1x2x8x64xf32>) {
  ^bb0(%x: f16, %y: f32):
    %w = arith.extf %x : f16 to f32
    linalg.yield %w : f32
  } -> tensor<1x2x8x64xf32>
  return %o : tensor<1x2x8x64xf32>
}
