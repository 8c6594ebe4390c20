// RUN: ladon-opt %s --cpu-expand-half | FileCheck %s

// Conversions of f16 are arithmetic on 32 bits and one operation on floats.
// CHECK-LABEL: func.func @extend(
// CHECK-SAME: %[[X:.*]]: vector<4xf16>)
// CHECK-NOT: arith.extf
// CHECK: %[[BITS:.*]] = arith.bitcast %[[X]] : vector<4xf16> to vector<4xi16>
// CHECK: %[[WORD:.*]] = arith.extui %[[BITS]] : vector<4xi16> to vector<4xi32>
// CHECK: arith.mulf {{.*}} : vector<4xf32>
// CHECK: %[[RESULT:.*]] = arith.bitcast {{.*}} : vector<4xi32> to vector<4xf32>
// CHECK: return %[[RESULT]]
func.func @extend(%x: vector<4xf16>) -> vector<4xf32> {
  %0 = arith.extf %x : vector<4xf16> to vector<4xf32>
  return %0 : vector<4xf32>
}

// CHECK-LABEL: func.func @truncate(
// CHECK-NOT: arith.truncf
// CHECK: arith.addf {{.*}} : f32
// CHECK: %[[BITS:.*]] = arith.trunci {{.*}} : i32 to i16
// CHECK: %[[RESULT:.*]] = arith.bitcast %[[BITS]] : i16 to f16
// CHECK: return %[[RESULT]]
func.func @truncate(%x: f32) -> f16 {
  %0 = arith.truncf %x : f32 to f16
  return %0 : f16
}

// f64 is exact by way of f32.
// CHECK-LABEL: func.func @double(
// CHECK: arith.bitcast {{.*}} : i32 to f32
// CHECK: %[[RESULT:.*]] = arith.extf %{{.*}} : f32 to f64
// CHECK: return %[[RESULT]]
func.func @double(%x: f16) -> f64 {
  %0 = arith.extf %x : f16 to f64
  return %0 : f64
}

// Other types stay.
// CHECK-LABEL: func.func @others(
// CHECK: arith.extf %{{.*}} : bf16 to f32
// CHECK: arith.truncf %{{.*}} : f64 to f32
func.func @others(%x: bf16, %y: f64) -> (f32, f32) {
  %0 = arith.extf %x : bf16 to f32
  %1 = arith.truncf %y : f64 to f32
  return %0, %1 : f32, f32
}
