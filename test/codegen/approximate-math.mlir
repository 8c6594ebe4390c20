// RUN: ladon-opt %s --cpu-approximate-math | FileCheck %s

// f32 functions with a good polynomial become arithmetic.
// CHECK-LABEL: func.func @polynomials(
// CHECK-NOT: math.{{exp|log|tanh|erf}}
// CHECK: return
func.func @polynomials(%x: vector<8xf32>) -> vector<8xf32> {
  %0 = math.exp %x : vector<8xf32>
  %1 = math.log %0 : vector<8xf32>
  %2 = math.log2 %1 : vector<8xf32>
  %3 = math.log1p %2 : vector<8xf32>
  %4 = math.expm1 %3 : vector<8xf32>
  %5 = math.tanh %4 : vector<8xf32>
  %6 = math.erf %5 : vector<8xf32>
  %7 = math.exp2 %6 : vector<8xf32>
  return %7 : vector<8xf32>
}

// Those that lose accuracy for large arguments, and those of f64, stay for the C
// library.
// CHECK-LABEL: func.func @c_library(
// CHECK-SAME: %[[X:.*]]: vector<8xf32>, %[[Y:.*]]: vector<4xf64>)
// CHECK: %[[SIN:.*]] = math.sin %[[X]]
// CHECK: %[[COS:.*]] = math.cos %[[SIN]]
// CHECK: %[[POW:.*]] = math.powf %[[COS]], %[[X]]
// CHECK: %[[EXP:.*]] = math.exp %[[Y]]
// CHECK: %[[TANH:.*]] = math.tanh %[[EXP]]
// CHECK: %[[EXP2:.*]] = math.exp2 %[[TANH]]
// CHECK: return %[[POW]], %[[EXP2]]
func.func @c_library(%x: vector<8xf32>, %y: vector<4xf64>) -> (vector<8xf32>, vector<4xf64>) {
  %0 = math.sin %x : vector<8xf32>
  %1 = math.cos %0 : vector<8xf32>
  %2 = math.powf %1, %x : vector<8xf32>
  %3 = math.exp %y : vector<4xf64>
  %4 = math.tanh %3 : vector<4xf64>
  %5 = math.exp2 %4 : vector<4xf64>
  return %2, %5 : vector<8xf32>, vector<4xf64>
}

// Scalars too: parts of a score that are the same for all lanes.
// CHECK-LABEL: func.func @scalars(
// CHECK-NOT: math.{{exp|log}}
// CHECK: return
func.func @scalars(%x: f32) -> f32 {
  %0 = math.exp %x : f32
  %1 = math.exp2 %0 : f32
  %2 = math.log %1 : f32
  %3 = math.log2 %2 : f32
  return %3 : f32
}

// log1p and expm1 keep small arguments, in f64 too.
// CHECK-LABEL: func.func @small(
// CHECK-SAME: %[[X:.*]]: f64)
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1.0
// CHECK: %[[U:.*]] = arith.addf %[[X]], %[[ONE]]
// CHECK: %[[REST:.*]] = arith.subf %[[U]], %[[ONE]]
// CHECK: %[[LOG:.*]] = math.log %[[U]]
// CHECK: %[[RATIO:.*]] = arith.divf %[[X]], %[[REST]]
// CHECK: arith.mulf %[[LOG]], %[[RATIO]]
// CHECK: %[[POWER:.*]] = math.exp
// CHECK: math.log %[[POWER]]
func.func @small(%x: f64) -> f64 {
  %0 = math.log1p %x : f64
  %1 = math.expm1 %0 : f64
  return %1 : f64
}

// The power of two of an exponential comes in two factors, so that a result may
// be subnormal; the argument is clamped so that NaN stays NaN.
// CHECK-LABEL: func.func @exp2(
// CHECK-SAME: %[[X:.*]]: f32)
// CHECK-DAG: %[[LOW:.*]] = arith.constant -1.510000e+02 : f32
// CHECK: %[[BELOW:.*]] = arith.cmpf ogt, %[[LOW]], %[[X]]
// CHECK: arith.select %[[BELOW]], %[[LOW]], %[[X]]
// CHECK: %[[HALF:.*]] = arith.shrsi
// CHECK: arith.subi %{{.*}}, %[[HALF]]
// CHECK: arith.mulf
// CHECK: %[[RESULT:.*]] = arith.mulf
// CHECK: return %[[RESULT]]
func.func @exp2(%x: f32) -> f32 {
  %0 = math.exp2 %x : f32
  return %0 : f32
}
