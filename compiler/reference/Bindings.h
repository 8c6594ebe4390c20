//===- Bindings.h - Sizes and tensors of one evaluation --------*- C++ -*-===//
//
// What the names of a spec stand for in one call: the run-time sizes, taken
// from the shapes of the inputs, and the inputs themselves. Binding checks
// element types, ranks and extents; a mismatch is an error in the user's words.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_REFERENCE_BINDINGS_H
#define LADON_COMPILER_REFERENCE_BINDINGS_H

#include "compiler/reference/HostTensor.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

namespace ladon {

/// Run-time sizes by name.
using SizeMap = llvm::StringMap<int64_t>;

/// A computed tensor that is read element by element, the last axis innermost,
/// with the error bounds of the elements.
struct ComputedTensor {
  Extents shape;
  std::vector<double> value, error;
};

/// The names of one evaluation.
struct Bindings {
  SizeMap sizes;
  llvm::DenseMap<const ast::Param *, HostTensor> inputs;
  /// What lets stand for that a score or mask reads, where it is known.
  llvm::DenseMap<const ast::Let *, std::shared_ptr<const ComputedTensor>> lets;

  int64_t extent(const ast::Dim &dim) const;
  Extents shape(const ast::Type &type) const;
  /// The largest value that an integer of a parameter may have; none without a
  /// bound.
  std::optional<int64_t> largestValue(const ast::Param &param) const;
  /// T: how many keys an attend has, in pages or not.
  int64_t keyCount(const ast::AttendArgs &args) const;
};

/// Binds `inputs`, one per parameter in order.
llvm::Expected<Bindings> bindInputs(const ast::Attention &attention,
                                    llvm::ArrayRef<HostTensor> inputs);

} // namespace ladon

#endif // LADON_COMPILER_REFERENCE_BINDINGS_H
