//===- Fold.h - Values of constant expressions -----------------*- C++ -*-===//
//
// Sema keeps integer and bool constants folded to literals; constant floats
// stay as written and are evaluated here where their value matters, each step
// rounded to its type as it is at run time. In sizes, params and scales that
// type is f64.
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

/// The value of a function of integers, whose type has `bits` bits; none when
/// it is a function of floats.
std::optional<int64_t> foldInteger(ast::Builtin builtin,
                                   llvm::ArrayRef<int64_t> x, unsigned bits);

/// The shortest text that reads back as `value`.
std::string numberText(double value);

bool foldCompare(ast::BinaryOp op, int64_t left, int64_t right);

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_FOLD_H
