// RUN: ladon-opt %s --x86-split-products --canonicalize --cse | FileCheck %s

// Both words of a product come from the same two products.
// CHECK-LABEL: func.func @both(
// CHECK-SAME: %[[X:.*]]: vector<8xi32>)
// CHECK-DAG: %[[SHIFT:.*]] = arith.constant dense<32> : vector<4xi64>
// CHECK-DAG: %[[WORD:.*]] = arith.constant dense<4294967295> : vector<4xi64>
// CHECK-DAG: %[[FACTOR:.*]] = arith.constant dense<3528531795> : vector<4xi64>
// CHECK: %[[PAIRS:.*]] = vector.bitcast %[[X]] : vector<8xi32> to vector<4xi64>
// CHECK: %[[EVEN:.*]] = arith.andi %[[PAIRS]], %[[WORD]]
// CHECK: %[[P:.*]] = arith.muli %[[EVEN]], %[[FACTOR]] : vector<4xi64>
// CHECK: %[[A:.*]] = vector.bitcast %[[P]] : vector<4xi64> to vector<8xi32>
// CHECK: %[[ODD:.*]] = arith.shrui %[[PAIRS]], %[[SHIFT]]
// CHECK: %[[Q:.*]] = arith.muli %[[ODD]], %[[FACTOR]] : vector<4xi64>
// CHECK: %[[B:.*]] = vector.bitcast %[[Q]] : vector<4xi64> to vector<8xi32>
// CHECK: %[[LOWER:.*]] = vector.shuffle %[[A]], %[[B]] [0, 8, 2, 10, 4, 12, 6, 14]
// CHECK: %[[UPPER:.*]] = vector.shuffle %[[A]], %[[B]] [1, 9, 3, 11, 5, 13, 7, 15]
// CHECK: return %[[LOWER]], %[[UPPER]]
func.func @both(%x: vector<8xi32>) -> (vector<8xi32>, vector<8xi32>) {
  %factor = arith.constant 3528531795 : i64
  %factors = vector.broadcast %factor : i64 to vector<8xi64>
  %shift = arith.constant dense<32> : vector<8xi64>
  %wide = arith.extui %x : vector<8xi32> to vector<8xi64>
  %product = arith.muli %wide, %factors : vector<8xi64>
  %lower = arith.trunci %product : vector<8xi64> to vector<8xi32>
  %shifted = arith.shrui %product, %shift : vector<8xi64>
  %upper = arith.trunci %shifted : vector<8xi64> to vector<8xi32>
  return %lower, %upper : vector<8xi32>, vector<8xi32>
}

// Nor a sign, nor a factor that is wider, nor other bits, nor a pair of lanes.
// CHECK-LABEL: func.func @others(
// CHECK-NOT: vector.bitcast
// CHECK-NOT: vector.shuffle
// CHECK: return
func.func @others(%x: vector<8xi32>, %two: vector<2xi32>)
    -> (vector<8xi32>, vector<8xi32>, vector<8xi32>, vector<2xi32>) {
  %factor = arith.constant dense<3528531795> : vector<8xi64>
  %large = arith.constant dense<4294967296> : vector<8xi64>
  %shift = arith.constant dense<31> : vector<8xi64>
  %signed = arith.extsi %x : vector<8xi32> to vector<8xi64>
  %wide = arith.extui %x : vector<8xi32> to vector<8xi64>
  %a = arith.muli %signed, %factor : vector<8xi64>
  %b = arith.muli %wide, %large : vector<8xi64>
  %c = arith.muli %wide, %factor : vector<8xi64>
  %d = arith.shrui %c, %shift : vector<8xi64>
  %aw = arith.trunci %a : vector<8xi64> to vector<8xi32>
  %bw = arith.trunci %b : vector<8xi64> to vector<8xi32>
  %dw = arith.trunci %d : vector<8xi64> to vector<8xi32>
  %few = arith.constant dense<5> : vector<2xi64>
  %pair = arith.extui %two : vector<2xi32> to vector<2xi64>
  %p = arith.muli %pair, %few : vector<2xi64>
  %pw = arith.trunci %p : vector<2xi64> to vector<2xi32>
  return %aw, %bw, %dw, %pw : vector<8xi32>, vector<8xi32>, vector<8xi32>, vector<2xi32>
}
