//===- MaskRange.h - Masks that are decided at compile time ----*- C++ -*-===//
//
// A small decision procedure for masks: integer expressions as linear forms
// over positions and sizes with intervals, booleans in three values. It is
// sound (an answer other than Unknown holds for every shape) and far from
// complete; block classes at run time are the work of compiler/analysis.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_MASKRANGE_H
#define LADON_COMPILER_FRONTEND_MASKRANGE_H

#include "compiler/frontend/AST.h"

namespace ladon {

/// The extents an attend runs over.
struct AttendShape {
  ast::Dim batch, heads, kvHeads, queries, keys;
};

enum class Truth { False, True, Unknown };

/// The value of `mask` for every query and key of an attend of this shape that
/// has at least one of each and sizes up to 2^30.
Truth decideMask(const ast::Expr *mask, const AttendShape &shape);

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_MASKRANGE_H
