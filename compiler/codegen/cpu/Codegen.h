//===- Codegen.h - Tile level to the LLVM dialect --------------*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_CPU_CODEGEN_H
#define LADON_COMPILER_CODEGEN_CPU_CODEGEN_H

#include "compiler/codegen/cpu/CpuTarget.h"
#include "mlir/Pass/PassManager.h"

namespace ladon::cpu {

/// Tile level to loops over vectors of one register of `target`.
void buildVectorPipeline(mlir::OpPassManager &pm, const CpuTarget &target);

/// What a CPU lacks, to be made of what it has.
struct MissingInstructions {
  bool multiplyAdd = false; ///< Rounded once.
  bool half = false;        ///< Conversions of f16.
};

/// From there to the LLVM dialect, with `NAME.run` as the way in.
void buildCodePipeline(mlir::OpPassManager &pm,
                       const MissingInstructions &missing = {});

/// For programs without Ladon's runtime: from vectors to `scf.parallel` loops
/// over calls of tasks, private functions. Signatures stay.
void buildLoopPipeline(mlir::OpPassManager &pm,
                       const MissingInstructions &missing = {});

/// From loops over vectors to the LLVM dialect.
void buildConversionPipeline(mlir::OpPassManager &pm);

} // namespace ladon::cpu

#endif // LADON_COMPILER_CODEGEN_CPU_CODEGEN_H
