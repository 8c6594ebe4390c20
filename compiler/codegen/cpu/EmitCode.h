//===- EmitCode.h - The LLVM dialect to object code -------------*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_CPU_EMITCODE_H
#define LADON_COMPILER_CODEGEN_CPU_EMITCODE_H

#include "compiler/codegen/Backend.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

#include <string>
#include <vector>

namespace ladon::cpu {

/// What makes a machine of LLVM to emit code for; called on several threads.
using MachineFactory =
    llvm::function_ref<std::unique_ptr<llvm::TargetMachine>()>;

/// Translates a module in the LLVM dialect, adds the entry points of
/// `programs`, and has LLVM optimise it and make code; `sanitize` with calls of
/// AddressSanitizer's runtime.
llvm::Expected<std::string>
emitModule(mlir::ModuleOp module,
           llvm::ArrayRef<artifact::ProgramSpec> programs,
           MachineFactory createMachine, CodeKind kind, bool sanitize = false);

/// The same as object files to be linked: tasks are compiled side by side, on
/// as many threads as there are cores. Their number and bytes depend on the
/// module only. The names of functions get `suffix`; without entry points the
/// ways in are for the code of another module to call.
llvm::Expected<std::vector<std::string>>
emitObjects(mlir::ModuleOp module,
            llvm::ArrayRef<artifact::ProgramSpec> programs,
            MachineFactory createMachine, llvm::StringRef suffix,
            bool sanitize = false);

} // namespace ladon::cpu

#endif // LADON_COMPILER_CODEGEN_CPU_EMITCODE_H
