//===- PointExpr.h - A score or mask at one position -----------*- C++ -*-===//
//
// A scalar expression of a checked spec, bound to the sizes and tensors of one
// evaluation, and its value at a position (b, h, i, j). `and`, `or` and `if`
// evaluate only what they need. Building never fails on a checked tree;
// evaluating is safe from several threads, each with a ScalarMath of its own.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_REFERENCE_POINTEXPR_H
#define LADON_COMPILER_REFERENCE_POINTEXPR_H

#include "compiler/reference/Bindings.h"
#include "compiler/reference/ScalarMath.h"

namespace ladon {

/// A query and a key, and their scaled score.
struct Point {
  int64_t batch = 0, head = 0, kvHead = 0, query = 0, key = 0;
  Value score;
};

/// A scalar expression, bound.
class PointExpr {
public:
  /// `offset` is T - S of the attend that the expression belongs to;
  /// `scoreType` the type of `s`, in which integers become floats.
  PointExpr(const ast::Expr *expr, const Bindings &bindings, int64_t offset,
            ast::ScalarType scoreType);
  ~PointExpr();
  PointExpr(const PointExpr &) = delete;
  PointExpr &operator=(const PointExpr &) = delete;

  /// The type of the value.
  ast::ScalarType type() const;
  Value evaluate(const Point &point, ScalarMath &math) const;

private:
  struct Node;
  struct Frame;
  class Builder;
  std::vector<std::unique_ptr<Node>> nodes;
  const Node *root = nullptr;
  int64_t offset;
  size_t sharedCount = 0;

  Value eval(const Node &node, Frame &frame) const;
  Value evalIndex(const Node &node, Frame &frame) const;
};

} // namespace ladon

#endif // LADON_COMPILER_REFERENCE_POINTEXPR_H
