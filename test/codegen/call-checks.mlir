// RUN: ladon-opt %s --cpu-to-llvm | FileCheck %s

// A name is there once; who refuses the call returns.
// CHECK-DAG: llvm.mlir.global internal constant @ladon.name.bias("bias\00")
// CHECK-LABEL: llvm.func @entry.run(
// CHECK-SAME: %[[CALL:[^:]*]]: !llvm.ptr, %{{.*}}: !llvm.ptr)
// CHECK: %[[ASKED:.*]] = llvm.call @ladon_rt_checks_indices(%[[CALL]]) : (!llvm.ptr) -> i1
// CHECK: llvm.cond_br %[[ASKED]]
// CHECK: %[[NAME:.*]] = llvm.mlir.addressof @ladon.name.bias
// CHECK: %[[AXIS:.*]] = llvm.mlir.constant(1 : i64)
// CHECK: llvm.call @ladon_rt_refuse_index(%[[CALL]], %[[NAME]], %[[AXIS]], %[[X:.*]], %{{.*}}, %[[X]], %[[X]], %[[X]], %[[X]])
// CHECK-NEXT: llvm.return
// A page has no axis.
// CHECK: llvm.mlir.constant(-1 : i64)
// CHECK: llvm.call @ladon_rt_refuse_index(
// CHECK-NEXT: llvm.return
// CHECK: llvm.call @ladon_rt_refuse_check(%[[CALL]], %{{.*}})
// CHECK-NEXT: llvm.return
llvm.func @entry.run(%call: !llvm.ptr, %args: !llvm.ptr) {
  %x = llvm.mlir.constant(7 : i64) : i64
  %n = llvm.mlir.constant(5 : i64) : i64
  %asked = cpu.checks_indices
  llvm.cond_br %asked, ^check, ^rest
^check:
  cpu.refuse_index %x of %n at(%x, %x, %x, %x) name "bias" axis 1
  cpu.refuse_index %x of %n at(%x, %x, %x, %x) name "bias"
  cpu.refuse_check "bias"
  llvm.br ^rest
^rest:
  llvm.return
}
