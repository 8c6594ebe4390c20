//===- Codegen.h - Tile level to x86-64 object code ------------*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_CPU_CODEGEN_H
#define LADON_COMPILER_CODEGEN_CPU_CODEGEN_H

#include "compiler/codegen/cpu/CpuTarget.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

#include <memory>
#include <string>

namespace ladon::cpu {

/// Tile level to loops over native vectors.
void buildVectorPipeline(mlir::OpPassManager &pm, const CpuTarget &target);

/// Tile level to the LLVM dialect, with `NAME.run` as the way in.
void buildCpuPipeline(mlir::OpPassManager &pm, const CpuTarget &target);

/// A machine for `target` that makes position-independent code.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const CpuTarget &target);

/// Translates a module in the LLVM dialect.
llvm::Expected<std::unique_ptr<llvm::Module>>
translateToLLVM(mlir::ModuleOp module, llvm::LLVMContext &context,
                llvm::TargetMachine &machine);

/// Runs LLVM's optimiser.
void optimize(llvm::Module &module, llvm::TargetMachine &machine);

/// Emits assembly text or an object file.
llvm::Expected<std::string> emitCode(llvm::Module &module,
                                     llvm::TargetMachine &machine,
                                     llvm::CodeGenFileType type);

} // namespace ladon::cpu

#endif // LADON_COMPILER_CODEGEN_CPU_CODEGEN_H
