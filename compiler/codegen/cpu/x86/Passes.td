//===- Passes.td - Passes for x86-64 -----------------------*- tablegen -*-===//

#ifndef LADON_COMPILER_CODEGEN_CPU_X86_PASSES_TD
#define LADON_COMPILER_CODEGEN_CPU_X86_PASSES_TD

include "mlir/Pass/PassBase.td"

def PairsToX86 : Pass<"x86-lower-pairs", "::mlir::func::FuncOp"> {
  let summary = "Lower operations on pairs to instructions of AVX512-BF16";
  let description = [{
    `cpu.dot_pairs` becomes `vdpbf16ps`, and `cpu.round_pairs` `vcvtne2ps2bf16`
    with a permutation, on vectors of 512 bits. Both take subnormal numbers for
    zero, and round to nearest whatever the mode is.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::mlir::vector::VectorDialect"];
}

#endif // LADON_COMPILER_CODEGEN_CPU_X86_PASSES_TD
