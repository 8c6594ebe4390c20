//===- Debug.h - Dumps of passes, in every build ---------------*- C++ -*-===//
//
// LLVM_DEBUG prints in builds with assertions only, and the LLVM of a
// distribution has none. This is the same for our own passes in every build.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_SUPPORT_DEBUG_H
#define LADON_COMPILER_SUPPORT_DEBUG_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"

#include <string>

namespace ladon {

/// What `--debug-only` names: DEBUG_TYPEs, which are the flags of passes.
void setDebugTypes(llvm::ArrayRef<std::string> types);
bool isDebugType(llvm::StringRef type);

} // namespace ladon

/// Prints to standard error when `--debug-only` names DEBUG_TYPE:
/// `LADON_DEBUG("mask: " << mask << '\n')`.
#define LADON_DEBUG(...)                                                       \
  do {                                                                         \
    if (::ladon::isDebugType(DEBUG_TYPE))                                      \
      ::llvm::errs() << DEBUG_TYPE << ": " << __VA_ARGS__;                     \
  } while (false)

#endif // LADON_COMPILER_SUPPORT_DEBUG_H
