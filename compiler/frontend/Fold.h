//===- Fold.h - Values of constant expressions -----------------*- C++ -*-===//
//
// Sema keeps integer and bool constants folded to literals; constant floats
// stay as written and are evaluated here, in f64, where their value matters.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_FOLD_H
#define LADON_COMPILER_FRONTEND_FOLD_H

#include "compiler/frontend/AST.h"

namespace ladon {

/// The value of a constant number or bool, or none when `expr` depends on
/// something known only at run time.
std::optional<double> foldFloat(const ast::Expr *expr);

/// `left op right` on integers: floor semantics for `//` and `%`; none when the
/// result leaves i64 or the operation has no value there.
std::optional<int64_t> foldInteger(ast::BinaryOp op, int64_t left,
                                   int64_t right);

/// The shortest text that reads back as `value`.
std::string numberText(double value);

bool foldCompare(ast::BinaryOp op, int64_t left, int64_t right);

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_FOLD_H
