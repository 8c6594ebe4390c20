//===- Reference.h - What a spec means, in plain loops ---------*- C++ -*-===//
//
// The oracle: evaluates a checked attention on host tensors, in f64 and
// straight from the tree, one query and one key at a time. It shares no code
// with the compiler below the tree. Keys that a row masks are not read by that
// row. Beside every result runs a bound on the rounding error of a computation
// in the spec's own type, for the numeric gate.
//
// Meaning of every construct: docs/semantics.md.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_REFERENCE_REFERENCE_H
#define LADON_COMPILER_REFERENCE_REFERENCE_H

#include "compiler/reference/HostTensor.h"

#include "llvm/Support/Error.h"

namespace ladon {

/// Where the heads of a result lie, for the correlation per head.
enum class HeadAxis {
  None,    ///< No heads.
  Axis1,   ///< [batch, heads, ...]
  Features ///< [batch, positions, heads * D]
};

/// How often a running error bound may be exceeded: the numeric gate's factor,
/// derived in docs/semantics.md. The reference needs it where a bound is not
/// proportional to the error of the scores.
constexpr double errorFactor = 8;

/// A result: values, and what the numeric gate compares them by. The three
/// vectors are dense, the last axis innermost.
struct ReferenceResult {
  std::string name;
  ast::ScalarType element = ast::ScalarType::F32;
  Extents shape;
  std::vector<double> value;
  /// Bound on the rounding error of a compiled result, in units of the
  /// element's roundoff and up to errorFactor; 0 of an infinity or a NaN that a
  /// compiled result must have too. Infinite where the spec compares
  /// rounded numbers too close to tell, or where sums may overflow.
  std::vector<double> error;
  /// The scale of an element, which an error is divided by when it is reported:
  /// for a row of an attend the largest |v| over its visible keys, for an lse 1
  /// or its own size, for a product the sum of |a| |b|.
  std::vector<double> magnitude;
  /// Whether most of an element's error is that of numbers which a cache of
  /// fewer bits rounds to either side, by a whole step of it: that error is
  /// often reached, so that the element says nothing in a correlation. Empty
  /// where there are no such numbers.
  std::vector<bool> isEitherSide;
  HeadAxis headAxis = HeadAxis::None;
  int64_t heads = 1;

  /// The values, rounded to the element type.
  HostTensor tensor() const;
};

/// How compiled code computes, where the bounds depend on it.
struct Arithmetic {
  /// Products by units that multiply whole matrices: weights are rounded to the
  /// 16-bit type that the values are stored in, and what is below the normal
  /// numbers may count as zero.
  bool matrixUnits = false;
  /// The same, where queries, keys and values are all bf16, the latter two
  /// maybe times a scale.
  bool bf16Pairs = false;
};

/// Evaluates `attention` on one tensor per parameter, in order (a run-time
/// scalar is a tensor without axes). Behind the results stand the inout
/// parameters, as they are after the call; the inputs stay as they are. Fails
/// when the inputs do not fit the spec.
llvm::Expected<std::vector<ReferenceResult>>
evaluate(const ast::Attention &attention, llvm::ArrayRef<HostTensor> inputs,
         Arithmetic arithmetic = {});

} // namespace ladon

#endif // LADON_COMPILER_REFERENCE_REFERENCE_H
