//===- CheckMasks.h - Masks that are the same everywhere -------*- C++ -*-===//

#ifndef LADON_COMPILER_FRONTEND_CHECKMASKS_H
#define LADON_COMPILER_FRONTEND_CHECKMASKS_H

#include "compiler/frontend/Frontend.h"

namespace ladon {

/// Reports the masks of `spec` that the mask analysis finds to be true or false
/// at every position, whatever the sizes.
void checkMasks(const CheckedSpec &spec, const llvm::SourceMgr &sources,
                DiagnosticEngine &diagnostics);

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_CHECKMASKS_H
