//===- Passes.td - Passes of the Halide back end -----------*- tablegen -*-===//

#ifndef LADON_COMPILER_CODEGEN_HALIDE_PASSES_TD
#define LADON_COMPILER_CODEGEN_HALIDE_PASSES_TD

include "mlir/Pass/PassBase.td"

def OutlineAttend : Pass<"halide-outline-attend", "::mlir::ModuleOp"> {
  let summary = "Make every attend a grid of calls of a kernel of Halide";
  let description = [{
    An `attn.attend` on buffers becomes an `scf.forall` over (batch, head, tile
    of queries), last tile first, as tall as `tile.shape` says. A grid point
    computes which keys its rows may see and which they all see, by the analysis
    of masks, describes its part of each operand as a buffer of Halide, and
    calls the kernel: a function without a body. Its attribute `cpu.kernel` is
    the text of a module with that attend alone, of which Halide makes the code.
    Attends that are the same but for their operands share a kernel.

    Where rows can be hidden from, a result that is not finite is computed again
    by a second kernel, `cpu.guarded`, that keeps away what hidden keys hold.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::ladon::cpu::CpuDialect", "::mlir::LLVM::LLVMDialect"
  ];
}

#endif // LADON_COMPILER_CODEGEN_HALIDE_PASSES_TD
