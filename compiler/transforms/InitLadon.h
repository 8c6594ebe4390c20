//===- InitLadon.h - Dialects and passes for tools -------------*- C++ -*-===//

#ifndef LADON_COMPILER_TRANSFORMS_INITLADON_H
#define LADON_COMPILER_TRANSFORMS_INITLADON_H

#include "mlir/IR/DialectRegistry.h"

namespace ladon {

/// Every dialect that a module may hold on its way from import to LLVM, and
/// what one-shot bufferization needs to know about them.
void registerDialects(mlir::DialectRegistry &registry);

/// The passes of this directory, the pipelines, and the upstream passes that
/// tests use beside them.
void registerPasses();

} // namespace ladon

#endif // LADON_COMPILER_TRANSFORMS_INITLADON_H
