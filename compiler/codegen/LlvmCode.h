//===- LlvmCode.h - What LLVM does with a module ----------------*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_LLVMCODE_H
#define LADON_COMPILER_CODEGEN_LLVMCODE_H

#include "llvm/Support/CodeGen.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

#include <string>

namespace ladon {

/// Runs the passes of `pipeline`, in the syntax of `opt -passes`, for a
/// machine.
void optimize(llvm::Module &module, llvm::TargetMachine &machine,
              llvm::StringRef pipeline);

/// The module as assembly text or an object file.
llvm::Expected<std::string> emitFile(llvm::Module &module,
                                     llvm::TargetMachine &machine,
                                     llvm::CodeGenFileType type);

} // namespace ladon

#endif // LADON_COMPILER_CODEGEN_LLVMCODE_H
