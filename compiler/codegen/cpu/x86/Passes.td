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

def SplitProducts : Pass<"x86-split-products", "::mlir::func::FuncOp"> {
  let summary = "Multiply words of even and of odd lanes apart";
  let description = [{
    x86 multiplies words of every other lane, to products of twice the width
    (`pmuludq`). Of vectors of i32 that are extended to i64, without a sign, and
    multiplied by a constant of 32 bits, lower and upper words

        arith.trunci (x * c)      arith.trunci (arith.shrui (x * c), 32)

    become shuffles of two such products: of the even lanes, and of the odd ones
    moved down. Products of which more is used, or of fewer than four lanes, are
    left alone.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::vector::VectorDialect"];
}

#endif // LADON_COMPILER_CODEGEN_CPU_X86_PASSES_TD
