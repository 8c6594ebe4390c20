// A tool that is not Ladon's, with the plugin: attends are lowered to dialects
// of MLIR, with upstream's bufferization between Ladon's pipelines. Signatures stay.
// RUN: mlir-opt --load-dialect-plugin=%plugin --load-pass-plugin=%plugin %s \
// RUN:   --pass-pipeline='builtin.module(ladon-tensor-pipeline,one-shot-bufferize{bufferize-function-boundaries},ladon-loop-pipeline{cpu=x86-64-v4})' \
// RUN:   | FileCheck %s --implicit-check-not=attn. --implicit-check-not=tile. --implicit-check-not=cpu.
// RUN: mlir-opt --load-dialect-plugin=%plugin --load-pass-plugin=%plugin %s \
// RUN:   --pass-pipeline='builtin.module(ladon-llvm-pipeline)' | FileCheck %s --check-prefix=LLVM

// The loops may be anybody's threads.
// RUN: mlir-opt --load-dialect-plugin=%plugin --load-pass-plugin=%plugin %s \
// RUN:   --pass-pipeline='builtin.module(ladon-tensor-pipeline,one-shot-bufferize{bufferize-function-boundaries},ladon-loop-pipeline,buffer-deallocation-pipeline,convert-scf-to-openmp,ladon-conversion-pipeline)' \
// RUN:   | FileCheck %s --check-prefix=OPENMP --implicit-check-not=builtin.unrealized_conversion_cast

// CHECK: func.func @attend(%{{.*}}: memref<1x2x?x32xf32, strided{{.*}}>, %{{.*}}) -> memref<1x2x?x32xf32>
// CHECK: scf.parallel
// CHECK: call @attend.task0
// CHECK: func.func private @attend.task0({{.*}}llvm.linkage = #llvm.linkage<internal>
// CHECK: vector<16xf32>

// Nothing but functions of C is called.
// LLVM-DAG: llvm.func @malloc(i64)
// LLVM-DAG: llvm.func @free(!llvm.ptr)
// The stack does not grow from one task to the next.
// LLVM: llvm.func @attend(
// LLVM-NOT: llvm.alloca
// LLVM: llvm.call @attend.task0(
// LLVM: llvm.func internal @attend.task0(
// LLVM: llvm.alloca
// LLVM: vector<8xf32>
// LLVM-NOT: ladon_rt
// OPENMP: omp.parallel
// OPENMP: omp.wsloop
// OPENMP: llvm.call @attend.task0(
func.func @attend(%q: tensor<1x2x?x32xf32>, %k: tensor<1x2x?x32xf32>, %v: tensor<1x2x?x32xf32>)
    -> tensor<1x2x?x32xf32> {
  %c2 = arith.constant 2 : index
  %positions = tensor.dim %q, %c2 : tensor<1x2x?x32xf32>
  %empty = tensor.empty(%positions) : tensor<1x2x?x32xf32>
  %out = attn.attend heads 2 key_value_heads 2 head_dim 32 value_dim 32 scale 0.25
      ins(%q, %k, %v : tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32>)
      outs(%empty : tensor<1x2x?x32xf32>)
      maps [affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>,
            affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>,
            affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>,
            affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>]
      -> tensor<1x2x?x32xf32>
  return %out : tensor<1x2x?x32xf32>
}
