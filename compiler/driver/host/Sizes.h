//===- Sizes.h - Run-time sizes by name -------------------------*- C++ -*-===//
//
// "B=1,S=128,T=128" and the errors about it.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_HOST_SIZES_H
#define LADON_COMPILER_DRIVER_HOST_SIZES_H

#include "compiler/reference/Bindings.h"

namespace ladon {

/// The run-time sizes of a spec, in order of appearance.
std::vector<std::string> sizeNames(const ast::Attention &attention);

/// One batch of 512 positions: B is 1, the others 512.
SizeMap usualSizes(const ast::Attention &attention);

/// Parses sizes of 0 to 2^30 - 1.
llvm::Expected<SizeMap> parseSizes(llvm::StringRef text);

/// Fails unless `sizes` names exactly the run-time sizes of the spec.
llvm::Error checkSizeNames(const ast::Attention &attention,
                           const SizeMap &sizes);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_HOST_SIZES_H
