//===- MaskFormula.h - A mask as a tree of comparisons ---------*- C++ -*-===//
//
// The normal form of a mask. A comparison whose sides could wrap keeps its
// form, so that a formula means exactly what the mask as written means.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_TRANSFORMS_MASKFORMULA_H
#define LADON_COMPILER_TRANSFORMS_MASKFORMULA_H

#include "compiler/transforms/IntegerForms.h"

#include <vector>

namespace ladon {

/// A condition on positions, without negations.
struct Formula {
  enum Kind {
    True,
    False,
    Value,   ///< `value`, an i1 of the region, or its negation
    Compare, ///< `predicate` of `left` and `right`, as in the region
    Bound,   ///< j `predicate` `form`, one of sle, sge, eq, ne
    And,     ///< of `parts`
    Or       ///< of `parts`
  };
  Kind kind;
  mlir::Location loc;
  mlir::Value value = {};
  bool negated = false;
  mlir::arith::CmpIPredicate predicate = mlir::arith::CmpIPredicate::eq;
  mlir::Value left = {}, right = {};
  LinearForm form = {};
  std::vector<Formula> parts = {};

  /// How to write a bound: the predicate, strict where that saves adding 1, and
  /// the constant that is left to add.
  std::pair<mlir::arith::CmpIPredicate, int64_t> getWritten() const;
  /// The terms of a bound in the order in which to add them: those with a
  /// positive factor first, so that no leading negation is needed.
  llvm::SmallVector<std::pair<mlir::Value, int64_t>> getOrderedTerms() const;
};

class FormulaBuilder {
public:
  explicit FormulaBuilder(attn::AttendOp op);

  /// When `value`, an i1 of the mask, equals `truth`.
  Formula build(mlir::Value value, bool truth);

private:
  Formula buildCompare(mlir::arith::CmpIOp op, bool truth);
  std::optional<Formula> buildAbsolute(mlir::arith::CmpIPredicate predicate,
                                       mlir::Value inside,
                                       const LinearForm &limit,
                                       mlir::Location loc);
  std::optional<Formula> buildBound(mlir::arith::CmpIPredicate predicate,
                                    const LinearForm &left,
                                    const LinearForm &right,
                                    mlir::Location loc);
  bool canWrite(const Formula &bound);

  mlir::Value key;
  IntegerForms forms;
  /// Conditions that may still be taken apart: a shared one is, once for each
  /// use, which adds up. The rest stays as written.
  unsigned budget = 200000;
};

} // namespace ladon

#endif // LADON_COMPILER_TRANSFORMS_MASKFORMULA_H
