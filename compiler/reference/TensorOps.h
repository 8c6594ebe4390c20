//===- TensorOps.h - Operations on whole tensors ---------------*- C++ -*-===//
//
// Private to the reference: every operation on tensors that is neither an
// attend nor element by element, with its error bounds.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_REFERENCE_TENSOROPS_H
#define LADON_COMPILER_REFERENCE_TENSOROPS_H

#include "compiler/reference/Attend.h"

namespace ladon::reference {

Tensor split(const Tensor &source, int64_t heads);
Tensor concat(const Tensor &source);
/// With axes `first` and `second`, which is not before it, exchanged.
Tensor transpose(const Tensor &source, size_t first, size_t second);
/// The positions from `from` on along `axis`, as many as the axis of `shape`
/// has; one, without that axis, where `shape` lacks it.
Tensor slice(const Tensor &source, size_t axis, int64_t from,
             const Extents &shape);
Tensor repeat(const Tensor &source, const Extents &shape);
/// Sums may overflow where those of `stored` do, which are `right` before its
/// factors, or `right` itself.
Tensor matmul(const Tensor &left, const Tensor &right, const Tensor &stored);
Tensor join(const Tensor &left, const Tensor &right, int64_t axis);
Tensor sumAlong(const Tensor &source, int64_t axis);
/// The largest or smallest numbers; of nothing but NaNs that of no numbers.
Tensor extremeAlong(const Tensor &source, int64_t axis, bool isMax);
Tensor iota(ast::ScalarType element, int64_t count);
Tensor rotate(const Tensor &source, const Tensor &cosines, const Tensor &sines,
              bool neighbours);

/// A cache after an append: as it is compared, before the rounding to the type
/// that it holds, and as it is read.
struct AppendResult {
  Tensor written, read;
};
/// `source` in `cache`, which holds `element`: each element at the index of
/// `targets`, or nowhere where that is negative.
AppendResult append(const Tensor &cache, const Tensor &source,
                    llvm::ArrayRef<int64_t> targets, ast::ScalarType element);

/// The position in `tensor` of element `position` of a larger result: shapes
/// are aligned at their last axis, and an axis of extent 1 is repeated.
size_t broadcastIndex(const Tensor &tensor, llvm::ArrayRef<int64_t> position);

} // namespace ladon::reference

#endif // LADON_COMPILER_REFERENCE_TENSOROPS_H
