//===- Reproducer.h - What an internal error leaves behind -----*- C++ -*-===//

#ifndef LADON_COMPILER_DRIVER_COMPILE_REPRODUCER_H
#define LADON_COMPILER_DRIVER_COMPILE_REPRODUCER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

#include <string>

namespace ladon {

/// Runs `work`; false when it crashed.
bool survives(llvm::function_ref<void()> work);

/// A folder for what reproduces an internal error; empty when none can be made.
std::string makeReproducerFolder(llvm::StringRef name);

/// Writes the text of a spec or module; nothing without a folder.
void writeReproducer(llvm::StringRef folder, llvm::StringRef file,
                     llvm::StringRef text);

/// Writes `module` as a test of ladon-opt that runs the passes of `pm` on it.
void writeReproducer(llvm::StringRef folder, llvm::StringRef file,
                     mlir::PassManager &pm, mlir::ModuleOp module);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_COMPILE_REPRODUCER_H
