// RUN: ladon-opt %s --cpu-to-llvm | FileCheck %s

// What a loop asks of LLVM.
// CHECK-LABEL: llvm.func @annotated(
// CHECK: llvm.br ^bb1
// CHECK: llvm.br ^bb1 {loop_annotation = #{{.*}}}
llvm.func @annotated(%context: !llvm.ptr, %arguments: !llvm.ptr) {
  llvm.br ^bb1
^bb1:
  llvm.br ^bb1 {llvm.loop_annotation = #llvm.loop_annotation<vectorize = <disable = false>>}
}
