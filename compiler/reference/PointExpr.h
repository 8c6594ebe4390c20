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

#include "llvm/ADT/DenseSet.h"

namespace ladon {

/// A query and a key, and their scaled score.
struct Point {
  int64_t batch = 0, head = 0, kvHead = 0, query = 0, key = 0;
  Value score;
};

/// A search for indices that leave their tensor, with scores and elements of
/// computed tensors that are not known: a condition on one counts as true and
/// as false.
struct IndexSearch {
  bool hit = false;
  std::string tensor; ///< Of the first one that does.
  int64_t axis = 0;   ///< -1: an entry of a table of pages.
  int64_t index = 0, extent = 0;
  std::string unchecked; ///< A tensor with an index that depends on a score,
                         ///< or one that is computed.

  void check(llvm::StringRef name, int64_t ofAxis, int64_t found,
             int64_t ofExtent) {
    if (!hit && (found < 0 || found >= ofExtent))
      *this = {true, name.str(), ofAxis, found, ofExtent, unchecked};
  }
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

  /// Whether an element of a tensor is part of it.
  bool hasReads() const { return readsTensors; }
  /// The name of a computed tensor of which it reads elements; empty for none.
  const std::string &computedTensor() const { return computed; }
  /// The type of the value.
  ast::ScalarType type() const;
  /// With a search, indices are looked at on the way.
  Value evaluate(const Point &point, ScalarMath &math,
                 IndexSearch *search = nullptr) const;

private:
  struct Node;
  struct Frame;
  class Builder;
  std::vector<std::unique_ptr<Node>> nodes;
  const Node *root = nullptr;
  int64_t offset;
  size_t sharedCount = 0, variableCount = 0;
  bool readsTensors = false;
  std::string computed;
  llvm::DenseSet<const Node *> ofScore; ///< What depends on the score,
                                        ///< or on computed tensors.

  void findScores(const Node &node, llvm::DenseSet<const Node *> &visited);
  Value eval(const Node &node, Frame &frame) const;
  Value evalIndex(const Node &node, Frame &frame) const;
  Value evalComputed(const Node &node, Frame &frame) const;
  Value evalReduce(const Node &node, Frame &frame) const;
};

} // namespace ladon

#endif // LADON_COMPILER_REFERENCE_POINTEXPR_H
