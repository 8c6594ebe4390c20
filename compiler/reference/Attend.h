//===- Attend.h - The reference's dense tensors and attend -----*- C++ -*-===//
//
// Private to the reference: the tensors it computes on, and one attend.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_REFERENCE_ATTEND_H
#define LADON_COMPILER_REFERENCE_ATTEND_H

#include "compiler/reference/Bindings.h"
#include "compiler/reference/Reference.h"

#include <limits>

namespace ladon::reference {

/// Summing n numbers one after the other errs by at most the roundoff times the
/// sum of the n absolute partial sums. That is a bound in full, so it needs
/// none of the factor that the numeric gate allows on a ReferenceResult's
/// error.
constexpr double summationShare = 1 / errorFactor;

/// The error bound of an element of which nothing is known.
constexpr double openError = std::numeric_limits<double>::infinity();

/// The error bound of a sum of terms in any order: `inherited`, which the terms
/// have, and the rounding of the sum itself. `absolute` is the sum of their
/// absolute values. An infinity or a NaN has no error; where numbers may
/// overflow in one order and not in another, or an inherited one is infinite,
/// nothing is known.
double errorOfSum(double inherited, double rounding, double absolute,
                  bool areFinite, ast::ScalarType type);

/// A dense tensor with its error bounds; see ReferenceResult.
struct Tensor {
  ast::ScalarType element = ast::ScalarType::F32;
  Extents shape;
  std::vector<double> value, error, magnitude;
  HeadAxis headAxis = HeadAxis::None;
  int64_t heads = 1;

  Tensor() = default;
  Tensor(ast::ScalarType element, llvm::ArrayRef<int64_t> shape)
      : element(element), shape(shape.begin(), shape.end()),
        value(elementCount(shape)), error(value.size()),
        magnitude(value.size()) {}
};

/// The results of an attend: out [B, H, S, Dv] and lse [B, H, S]; and where
/// they are asked for scores and weights [B, H, S, T].
struct AttendResult {
  Tensor out, lse, scores, weights;
};

/// What matrix units do to the weights of at most 1, and to the values.
struct MatrixUnitRounding {
  double relative = 0; ///< Error of a weight, of its size.
  double absolute = 0; ///< Of a weight below the normal numbers.
  double value = 0;    ///< Of a value or a sum below the normal numbers.
};
/// For values stored as `type`.
MatrixUnitRounding matrixUnitRounding(ast::ScalarType type);

/// q [B, H, S, D], k [B, Hk, T, D], v [B, Hk, T, Dv]. Scores and weights are
/// computed where there is a number of `places` for their keys, which is T
/// unless there are no keys.
AttendResult attend(const ast::AttendArgs &args, const Tensor &q,
                    const Tensor &k, const Tensor &v, const Bindings &bindings,
                    MatrixUnitRounding rounding, std::optional<int64_t> places);

} // namespace ladon::reference

#endif // LADON_COMPILER_REFERENCE_ATTEND_H
