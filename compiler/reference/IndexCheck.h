//===- IndexCheck.h - Indices that leave their tensor ----------*- C++ -*-===//
//
// What a call with `check_indices` refuses: the oracle of it, which reads the
// checked tree only.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_REFERENCE_INDEXCHECK_H
#define LADON_COMPILER_REFERENCE_INDEXCHECK_H

#include "compiler/reference/Bindings.h"

#include "llvm/ADT/ArrayRef.h"

namespace ladon {

/// What is known of the indices of a call.
struct IndexCheck {
  bool hasReads = false; ///< Whether there is anything to check.
  /// The sentence about the first index that would be clamped; empty if none.
  std::string clamped;
  /// A tensor with an index that depends on a score, which may be refused
  /// whatever it is; or empty.
  std::string unchecked;
};

/// Evaluates masks, and what scores read, at all positions of every attend that
/// a result or a cache needs, with a tensor per parameter as for `evaluate`.
llvm::Expected<IndexCheck> checkIndices(const ast::Attention &attention,
                                        llvm::ArrayRef<HostTensor> inputs);

} // namespace ladon

#endif // LADON_COMPILER_REFERENCE_INDEXCHECK_H
