//===- KeepHeads.h - Parts of what a spec computes -------------*- C++ -*-===//
//
// Heads that nobody reads need no projection: a part of the columns of a
// product takes these columns of its matrix only. Here a part of a tensor
// expression becomes an expression of parts, down to the weights.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_KEEPHEADS_H
#define LADON_COMPILER_FRONTEND_KEEPHEADS_H

#include "compiler/frontend/AST.h"

#include "llvm/ADT/DenseSet.h"

#include <map>

namespace ladon {

/// Positions [from, from + count) along an axis.
struct AxisRun {
  int64_t from, count;
  bool operator<(const AxisRun &o) const {
    return std::pair(from, count) < std::pair(o.from, o.count);
  }
};
using AxisRuns = std::vector<AxisRun>;

/// Runs of `numbers`, which ascend, each of `size` positions.
AxisRuns runsOf(llvm::ArrayRef<int64_t> numbers, int64_t size);

class PartBuilder {
public:
  explicit PartBuilder(const ast::Attention &attention);

  /// The positions `runs` along `axis` of `expr`, one run after the other. Null
  /// where that would compute the whole, or copy what is as long as a sequence.
  const ast::Expr *part(const ast::Expr *expr, int64_t axis,
                        const AxisRuns &runs);

  /// The product of concatenated heads that are not all kept and a matrix, as
  /// one of the kept heads and their rows; null for anything else, and where
  /// something besides needs these heads.
  const ast::Expr *productOfKept(const ast::Expr *product);

private:
  using Expr = ast::Expr;
  void markWhole(const Expr *expr);
  const Expr *skipLets(const Expr *expr) const;
  const Expr *keptAttend(const Expr *expr);
  const Expr *make(const Expr *expr, int64_t axis, const AxisRuns &runs);
  const Expr *elementwise(const Expr *expr, int64_t axis, const AxisRuns &runs);
  const Expr *slice(const Expr *expr, int64_t axis, const AxisRuns &runs);
  const Expr *cut(const Expr *expr, int64_t axis, const AxisRuns &runs);
  /// A copy of `expr` whose extent on `axis` is another.
  Expr *resized(const Expr *expr, int64_t axis, int64_t extent);

  ast::ASTContext context;                ///< Owns what is made.
  llvm::DenseSet<const ast::Let *> whole; ///< Something reads all of them.
  std::map<std::tuple<const Expr *, int64_t, AxisRuns>, const Expr *> known;
};

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_KEEPHEADS_H
