// RUN: ladon-opt %s --attn-fuse-weights --canonicalize --split-input-file | FileCheck %s

#x = affine_map<(b, m, n, k) -> (b, m, k)>
#w = affine_map<(b, m, n, k) -> (k, n)>
#o = affine_map<(b, m, n, k) -> (b, m, n)>

// The weights are read as they lie, [out, in].
// CHECK: #[[W:.*]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// CHECK-LABEL: func.func @linear(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x?x7xf32>, %[[W0:[^:]*]]: tensor<20x7xbf16>
// CHECK-NOT: linalg.transpose
// CHECK: linalg.contract indexing_maps = [#{{.*}}, #[[W]], #{{.*}}] ins(%[[X]], %[[W0]] : tensor<?x?x7xf32>, tensor<20x7xbf16>)
func.func @linear(%x: tensor<?x?x7xf32>, %w: tensor<20x7xbf16>, %o: tensor<?x?x20xf32>) -> tensor<?x?x20xf32> {
  %empty = tensor.empty() : tensor<7x20xbf16>
  %t = linalg.transpose ins(%w : tensor<20x7xbf16>) outs(%empty : tensor<7x20xbf16>) permutation = [1, 0]
  %r = linalg.contract indexing_maps = [#x, #w, #o]
      ins(%x, %t : tensor<?x?x7xf32>, tensor<7x20xbf16>) outs(%o : tensor<?x?x20xf32>) -> tensor<?x?x20xf32>
  return %r : tensor<?x?x20xf32>
}

// -----

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (k, n)>
#o = affine_map<(m, n, k) -> (m, n)>

// A transpose that something else reads stays, and the product does without it;
// that of the first operand is left alone.
// CHECK-LABEL: func.func @other_users(
// CHECK-SAME: %{{[^:]*}}: tensor<7x4xf32>, %[[W:[^:]*]]: tensor<7x7xf32>
// CHECK: %[[X:.*]] = linalg.transpose ins(%{{.*}} : tensor<7x4xf32>)
// CHECK: %[[T:.*]] = linalg.transpose ins(%[[W]]
// CHECK: %[[R:.*]] = linalg.contract {{.*}} ins(%[[X]], %[[W]] :
// CHECK: return %[[R]], %[[T]]
func.func @other_users(%x: tensor<7x4xf32>, %w: tensor<7x7xf32>, %o: tensor<4x7xf32>) -> (tensor<4x7xf32>, tensor<7x7xf32>) {
  %e0 = tensor.empty() : tensor<4x7xf32>
  %tx = linalg.transpose ins(%x : tensor<7x4xf32>) outs(%e0 : tensor<4x7xf32>) permutation = [1, 0]
  %e1 = tensor.empty() : tensor<7x7xf32>
  %tw = linalg.transpose ins(%w : tensor<7x7xf32>) outs(%e1 : tensor<7x7xf32>) permutation = [1, 0]
  %r = linalg.contract indexing_maps = [#x, #w, #o]
      ins(%tx, %tw : tensor<4x7xf32>, tensor<7x7xf32>) outs(%o : tensor<4x7xf32>) -> tensor<4x7xf32>
  return %r, %tw : tensor<4x7xf32>, tensor<7x7xf32>
}

// -----

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (k, n)>
#o = affine_map<(m, n, k) -> (m, n)>

// Twice transposed is as it was.
// CHECK: #[[W:.*]] = affine_map<(d0, d1, d2) -> (d2, d1)>
// CHECK-LABEL: func.func @twice(
// CHECK-SAME: %[[W0:[^:]*]]: tensor<7x20xf32>
// CHECK-NOT: linalg.transpose
// CHECK: linalg.contract indexing_maps = [#{{.*}}, #[[W]], #{{.*}}] ins(%{{.*}}, %[[W0]] :
func.func @twice(%w: tensor<7x20xf32>, %x: tensor<4x7xf32>, %o: tensor<4x20xf32>) -> tensor<4x20xf32> {
  %e0 = tensor.empty() : tensor<20x7xf32>
  %t0 = linalg.transpose ins(%w : tensor<7x20xf32>) outs(%e0 : tensor<20x7xf32>) permutation = [1, 0]
  %e1 = tensor.empty() : tensor<7x20xf32>
  %t1 = linalg.transpose ins(%t0 : tensor<20x7xf32>) outs(%e1 : tensor<7x20xf32>) permutation = [1, 0]
  %r = linalg.contract indexing_maps = [#x, #w, #o]
      ins(%x, %t1 : tensor<4x7xf32>, tensor<7x20xf32>) outs(%o : tensor<4x20xf32>) -> tensor<4x20xf32>
  return %r : tensor<4x20xf32>
}

// -----

#x = affine_map<(b, m, n, k) -> (b, m, k)>
#w = affine_map<(b, m, n, k) -> (k, n)>
#o = affine_map<(b, m, n, k) -> (b, m, n)>
#all = affine_map<(k, n) -> (k, n)>
#n = affine_map<(k, n) -> (n)>

// Bytes with a scale per column: the sums are scaled, and then the bias is added.
// CHECK: #[[COLUMN:.*]] = affine_map<(d0, d1, d2) -> (d2)>
// CHECK: #[[ALL:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-LABEL: func.func @scaled(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4x7xf32>, %[[W:[^:]*]]: tensor<7x20xi8>, %[[SCALE:[^:]*]]: tensor<20xf32>, %[[BIAS:[^:]*]]: tensor<20xf32>
// CHECK: %[[ZERO:.*]] = linalg.fill ins(%cst : f32)
// CHECK: %[[SUMS:.*]] = linalg.contract {{.*}} ins(%[[X]], %[[W]] : tensor<?x4x7xf32>, tensor<7x20xi8>) outs(%[[ZERO]] :
// CHECK: %[[R:.*]] = linalg.generic {indexing_maps = [#[[COLUMN]], #[[ALL]], #[[COLUMN]], #[[ALL]]], iterator_types = ["parallel", "parallel", "parallel"]} ins(%[[SCALE]], %[[SUMS]], %[[BIAS]] :
// CHECK-NEXT: ^bb0(%[[S:.*]]: f32, %[[SUM:.*]]: f32, %[[B:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT: %[[HALF:.*]] = arith.mulf %[[SUM]], %cst{{.*}} : f32
// CHECK-NEXT: %[[SCALED:.*]] = arith.mulf %[[HALF]], %[[S]] : f32
// CHECK-NEXT: %[[BOTH:.*]] = arith.addf %[[SCALED]], %[[B]] : f32
// CHECK-NEXT: linalg.yield %[[BOTH]]
// CHECK: return %[[R]]
func.func @scaled(%x: tensor<?x4x7xf32>, %w: tensor<7x20xi8>, %scale: tensor<20xf32>,
    %bias: tensor<20xf32>, %o: tensor<?x4x20xf32>) -> tensor<?x4x20xf32> {
  %half = arith.constant 0.5 : f32
  %empty = tensor.empty() : tensor<7x20xf32>
  %f = linalg.generic {indexing_maps = [#all, #n, #all], iterator_types = ["parallel", "parallel"]}
      ins(%w, %scale : tensor<7x20xi8>, tensor<20xf32>) outs(%empty : tensor<7x20xf32>) {
  ^bb0(%e: i8, %s: f32, %out: f32):
    %wide = arith.extsi %e : i8 to i32
    %number = arith.sitofp %wide : i32 to f32
    %halved = arith.mulf %number, %half : f32
    %product = arith.mulf %halved, %s : f32
    linalg.yield %product : f32
  } -> tensor<7x20xf32>
  %b = linalg.broadcast ins(%bias : tensor<20xf32>) outs(%o : tensor<?x4x20xf32>) dimensions = [0, 1]
  %r = linalg.contract indexing_maps = [#x, #w, #o]
      ins(%x, %f : tensor<?x4x7xf32>, tensor<7x20xf32>) outs(%b : tensor<?x4x20xf32>) -> tensor<?x4x20xf32>
  return %r : tensor<?x4x20xf32>
}

// -----

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (k, n)>
#o = affine_map<(m, n, k) -> (m, n)>
#all = affine_map<(n, k) -> (n, k)>
#row = affine_map<(n, k) -> (n)>

// The same as nn.Linear has it, divided, and transposed after that: both are
// gone, and what the sums started from is added.
// CHECK: #[[T:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK: #[[COLUMN:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func @scaled_then_transposed(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4x7xf32>, %[[W:[^:]*]]: tensor<20x7xbf16>, %[[SCALE:[^:]*]]: tensor<20xf32>, %[[OLD:[^:]*]]: tensor<4x20xf32>
// CHECK: %[[SUMS:.*]] = linalg.contract indexing_maps = [#{{.*}}, #[[T]], #{{.*}}] ins(%[[X]], %[[W]] :
// CHECK: linalg.generic {indexing_maps = [#[[COLUMN]], {{.*}}} ins(%[[SCALE]], %[[SUMS]], %[[OLD]] :
// CHECK: %[[Q:.*]] = arith.divf
// CHECK-NEXT: arith.addf %[[Q]]
func.func @scaled_then_transposed(%x: tensor<4x7xf32>, %w: tensor<20x7xbf16>, %scale: tensor<20xf32>,
    %o: tensor<4x20xf32>) -> tensor<4x20xf32> {
  %empty = tensor.empty() : tensor<20x7xf32>
  %f = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]}
      ins(%w, %scale : tensor<20x7xbf16>, tensor<20xf32>) outs(%empty : tensor<20x7xf32>) {
  ^bb0(%e: bf16, %s: f32, %out: f32):
    %number = arith.extf %e : bf16 to f32
    %product = arith.divf %number, %s : f32
    linalg.yield %product : f32
  } -> tensor<20x7xf32>
  %e1 = tensor.empty() : tensor<7x20xf32>
  %t = linalg.transpose ins(%f : tensor<20x7xf32>) outs(%e1 : tensor<7x20xf32>) permutation = [1, 0]
  %r = linalg.contract indexing_maps = [#x, #w, #o]
      ins(%x, %t : tensor<4x7xf32>, tensor<7x20xf32>) outs(%o : tensor<4x20xf32>) -> tensor<4x20xf32>
  return %r : tensor<4x20xf32>
}

// -----

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (k, n)>
#o = affine_map<(m, n, k) -> (m, n)>
#all = affine_map<(k, n) -> (k, n)>
#k = affine_map<(k, n) -> (k)>

// A scale that differs along what is summed stays, and so do weights that are
// not stored times a factor.
// CHECK-LABEL: func.func @left_alone(
// CHECK: %[[F:.*]] = linalg.generic
// CHECK: linalg.contract {{.*}} ins(%{{.*}}, %[[F]] :
// CHECK: %[[G:.*]] = linalg.generic
// CHECK: linalg.contract {{.*}} ins(%{{.*}}, %[[G]] :
func.func @left_alone(%x: tensor<4x7xf32>, %w: tensor<7x20xi8>, %scale: tensor<7xf32>,
    %o: tensor<4x20xf32>) -> (tensor<4x20xf32>, tensor<4x20xf32>) {
  %one = arith.constant 1.0 : f32
  %empty = tensor.empty() : tensor<7x20xf32>
  %f = linalg.generic {indexing_maps = [#all, #k, #all], iterator_types = ["parallel", "parallel"]}
      ins(%w, %scale : tensor<7x20xi8>, tensor<7xf32>) outs(%empty : tensor<7x20xf32>) {
  ^bb0(%e: i8, %s: f32, %out: f32):
    %wide = arith.extsi %e : i8 to i32
    %number = arith.sitofp %wide : i32 to f32
    %product = arith.mulf %number, %s : f32
    linalg.yield %product : f32
  } -> tensor<7x20xf32>
  %r = linalg.contract indexing_maps = [#x, #w, #o]
      ins(%x, %f : tensor<4x7xf32>, tensor<7x20xf32>) outs(%o : tensor<4x20xf32>) -> tensor<4x20xf32>
  %g = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<7x20xi8>) outs(%empty : tensor<7x20xf32>) {
  ^bb0(%e: i8, %out: f32):
    %wide = arith.extsi %e : i8 to i32
    %number = arith.sitofp %wide : i32 to f32
    %off = arith.addf %number, %one : f32
    linalg.yield %off : f32
  } -> tensor<7x20xf32>
  %q = linalg.contract indexing_maps = [#x, #w, #o]
      ins(%x, %g : tensor<4x7xf32>, tensor<7x20xf32>) outs(%o : tensor<4x20xf32>) -> tensor<4x20xf32>
  return %r, %q : tensor<4x20xf32>, tensor<4x20xf32>
}
