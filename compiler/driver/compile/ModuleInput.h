//===- ModuleInput.h - Modules that a user wrote ---------------*- C++ -*-===//
//
// A module of MLIR comes from anywhere, so it is checked before any pass sees
// it: it holds functions on tensors and nothing else, each of them an entry
// point that can be exported, made of operations that have a lowering.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_COMPILE_MODULEINPUT_H
#define LADON_COMPILER_DRIVER_COMPILE_MODULEINPUT_H

#include "mlir/IR/BuiltinOps.h"

namespace ladon {

/// Whether a file is a module: by its name, or on standard input ("-") by its
/// text.
bool isModuleFile(llvm::StringRef path, llvm::StringRef text);

/// Reports what cannot be compiled at the operation.
mlir::LogicalResult checkModule(mlir::ModuleOp module);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_COMPILE_MODULEINPUT_H
