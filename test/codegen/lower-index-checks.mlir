// RUN: ladon-opt %s --cpu-lower-index-checks | FileCheck %s

// What no head changes is looked at for one of them.
// CHECK-LABEL: func.func @check(
// CHECK-SAME: %[[B:.*]]: index, %[[H:.*]]: index, %[[S:.*]]: index, %[[T:.*]]: index, %[[X:.*]]: memref<?xi32>
// CHECK: %[[ASKED:.*]] = cpu.checks_indices
// CHECK: scf.if %[[ASKED]] {
// CHECK: scf.for %[[I0:.*]] = %{{.*}} to %[[B]] step
// CHECK: %[[ONE:.*]] = arith.minsi %[[H]], %{{.*}}
// CHECK: scf.for %[[I1:.*]] = %{{.*}} to %[[ONE]] step
// CHECK: scf.for %[[I2:.*]] = %{{.*}} to %[[S]] step
// CHECK: scf.for %[[I3:.*]] = %{{.*}} to %[[T]] step
// CHECK: %[[EMPTY:.*]] = arith.cmpi eq, %{{.*}}, %{{.*}} : index
// CHECK: %[[READ:.*]] = scf.if %[[EMPTY]] -> (i32) {
// CHECK: } else {
// CHECK: memref.load %[[X]][%{{.*}}]
// An index below zero is beyond every extent.
// CHECK: %[[EXTENT:.*]] = arith.index_cast %{{.*}} : index to i64
// CHECK: %[[FOUND:.*]] = arith.extsi %[[READ]] : i32 to i64
// CHECK: %[[LEAVES:.*]] = arith.cmpi uge, %[[FOUND]], %[[EXTENT]] : i64
// CHECK: %[[WRONG:.*]] = arith.andi %{{.*}}, %[[LEAVES]]
// CHECK: scf.if %[[WRONG]] {
// CHECK: cpu.refuse_index %[[FOUND]] of %[[EXTENT]] at(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) name "x" axis 0
func.func @check(%B: index, %H: index, %S: index, %T: index, %x: memref<?xi32>) {
  attn.check_indices over(%B, %H, %S, %T) captures(%x : memref<?xi32>) {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %t: memref<?xi32>):
    %at = arith.subi %i, %j : i32
    %visible = arith.cmpi sge, %at, %b : i32
    %found = attn.read %t[%at] : memref<?xi32>, i32 -> i32
    attn.expect_index %found in %t axis 0 name "x" if %visible : i32, memref<?xi32>
  }
  return
}

// CHECK-LABEL: func.func @unchecked(
// CHECK: %[[ASKED:.*]] = cpu.checks_indices
// CHECK-NEXT: scf.if %[[ASKED]] {
// CHECK-NEXT: cpu.refuse_check "x"
// CHECK-NEXT: }
func.func @unchecked(%B: index) {
  attn.check_indices over(%B, %B, %B, %B) unchecked "x" {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
  }
  return
}
