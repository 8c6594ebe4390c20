//===- Codegen.h - Tile level to object code -------------------*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_CPU_CODEGEN_H
#define LADON_COMPILER_CODEGEN_CPU_CODEGEN_H

#include "compiler/codegen/Backend.h"
#include "compiler/codegen/cpu/CpuTarget.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

#include <string>

namespace ladon::cpu {

/// Tile level to loops over vectors of one register of `target`.
void buildVectorPipeline(mlir::OpPassManager &pm, const CpuTarget &target);

/// From there to the LLVM dialect, with `NAME.run` as the way in.
void buildCodePipeline(mlir::OpPassManager &pm);

/// Translates a module in the LLVM dialect, adds the entry points of
/// `programs`, and has LLVM optimise it and make code for `machine`.
llvm::Expected<std::string>
emitModule(mlir::ModuleOp module,
           llvm::ArrayRef<artifact::ProgramSpec> programs,
           llvm::TargetMachine &machine, CodeKind kind);

} // namespace ladon::cpu

#endif // LADON_COMPILER_CODEGEN_CPU_CODEGEN_H
