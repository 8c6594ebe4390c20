//===- InputGenerator.h - Inputs that expose errors ------------*- C++ -*-===//
//
// Makes inputs for a checked attention from a seed: the same seed gives the
// same bits on every machine. Values are chosen by what a parameter is used
// for: queries, keys and values by `ValueKind`; lengths within the keys,
// document numbers in runs, tables normal, masks random and in blocks.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_CHECK_INPUTGENERATOR_H
#define LADON_COMPILER_DRIVER_CHECK_INPUTGENERATOR_H

#include "compiler/driver/check/InputRoles.h"
#include "compiler/driver/check/Random.h"
#include "compiler/driver/host/Sizes.h"

namespace ladon {

/// What queries, keys and values hold.
enum class ValueKind {
  Normal,
  Sharp,     ///< Normal, queries times 30: one key takes nearly all weight.
  Constant,  ///< Equal numbers: each output is the mean of equal numbers.
  OneHot,    ///< v[j, e] = 1 where e = j mod Dv: the output is the weights.
  KeyIndex,  ///< v[j, e] = j: every indexing error shows.
  NonFinite, ///< Normal, some keys and values NaN: they must not spread. Of odd
             ///< seeds one key only, near the end.
  Alternating, ///< Signs alternate with the key, so that sums cancel.
  Wide, ///< Of all exponents; those of a query and a key cancel in a product.
  Subnormal, ///< Keys and values below the smallest normal number.
  Largest,   ///< Values whose sum is not far below the largest number.
  Padding,   ///< Normal; captured rows of the smallest number, or of -inf.
  Peak,      ///< One key of each head far above the others, whose weights would
             ///< overflow were it not the maximum.
  Ascending  ///< Scores ascend with the key, of odd seeds descend: each block
             ///< has a new maximum, or none but the first.
};

/// How tensors lie in memory.
enum class ViewKind {
  Dense,
  Padded,     ///< NaN around the tensor and between its rows.
  Transposed, ///< Axes 1 and 2 swapped in memory: [batch, position, head, D].
  Strided,    ///< Every other element of NaN-filled memory.
  Broadcast   ///< Stride 0 on the first axis.
};

/// Those that suites try: all but Peak and Ascending, which mutants need, too.
llvm::ArrayRef<ValueKind> allValueKinds();
llvm::ArrayRef<ViewKind> allViewKinds();
llvm::StringRef nameOf(ValueKind kind);
llvm::StringRef nameOf(ViewKind kind);

struct InputOptions {
  uint64_t seed = 1;
  ValueKind values = ValueKind::Normal;
  ViewKind views = ViewKind::Dense;
  SizeMap sizes; ///< Every run-time size of the spec.
  /// What a model would see, for pictures and timings: no edge cases among
  /// lengths, documents ascend, few bools are true.
  bool typical = false;
  bool fullCaches = false; ///< After the call; typical ones are.
  /// Only what masks and scores read gets memory; queries, keys, values and
  /// weights are shapes whose data is null.
  bool shapesOnly = false;
};

/// One tensor per parameter, in order. Fails when a size is missing.
llvm::Expected<std::vector<HostTensor>>
generateInputs(const ast::Attention &attention, const InputOptions &options);

/// The same for an attention without a tree, of which only the parameters and
/// the types of the results are known; `roles` has an entry per parameter.
llvm::Expected<std::vector<HostTensor>>
generateInputs(const ast::Attention &attention, llvm::ArrayRef<InputRole> roles,
               const InputOptions &options);

/// A tensor of `element` and `shape` laid out as `view`, unset elements and
/// gaps filled with NaN (integers and bools: with a value out of any range).
HostTensor makeView(ast::ScalarType element, llvm::ArrayRef<int64_t> shape,
                    ViewKind view);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_CHECK_INPUTGENERATOR_H
