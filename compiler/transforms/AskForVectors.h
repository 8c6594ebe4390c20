//===- AskForVectors.h - Loops that LLVM vectorises ------------*- C++ -*-===//

#ifndef LADON_COMPILER_TRANSFORMS_ASKFORVECTORS_H
#define LADON_COMPILER_TRANSFORMS_ASKFORVECTORS_H

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace ladon {

/// Has LLVM's vectoriser look at an innermost loop. It looks at no other: most
/// code leaves the compiler as it is to be.
void askForVectors(mlir::scf::ForOp loop);

} // namespace ladon

#endif // LADON_COMPILER_TRANSFORMS_ASKFORVECTORS_H
