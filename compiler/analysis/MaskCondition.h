//===- MaskCondition.h - A mask in normal form -----------------*- C++ -*-===//
//
// The region of a mask as a tree: conjunctions and disjunctions over
// comparisons of linear forms, negations pushed to the leaves. A comparison is
// taken apart until the positions along one axis, the solved one, stand in it
// as they are where the algebra allows: |j - i| <= 3 is two comparisons, so is
// j // 8 == i // 8. What has no such form is an unknown condition or an opaque
// atom, never an error.
//
// Whoever asks which keys a query sees solves for keys; which queries see a
// key, for queries.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_ANALYSIS_MASKCONDITION_H
#define LADON_COMPILER_ANALYSIS_MASKCONDITION_H

#include "compiler/analysis/LinearForm.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Block.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace ladon::analysis {

enum class Axis { Query, Key };

/// What the analysis of one mask may cost, so that none takes long: steps of
/// simplification, and atoms. Beyond the steps conditions stay as they are;
/// comparisons of values beyond the atoms are unknown.
constexpr unsigned kSteps = 10000;
constexpr unsigned kAtoms = 1024;

struct Condition {
  enum class Kind {
    Constant, ///< `truth`
    Uniform,  ///< `value`, the same for the whole tile, negated if not `truth`
    Compare,  ///< of `form` with 0
    And,      ///< of `parts`
    Or,       ///< of `parts`
    Unknown   ///< `reason`
  };
  enum class Relation {
    LessEqual, ///< form <= 0
    Equal,     ///< form == 0
    NotEqual   ///< form != 0
  };
  Kind kind;
  bool truth = false;
  /// The i1 that the condition comes from, or its negation if not `truth`. Null
  /// for a junction of several.
  mlir::Value value;
  Relation relation = Relation::LessEqual;
  /// A form beyond division or choice; the region compares it in another way.
  bool isDerived = false;
  /// Of two values so large that their difference leaves +-kScalarLimit, the
  /// form is still that difference.
  LinearForm form;
  llvm::SmallVector<const Condition *, 2> parts;
  std::string reason;

  bool isTrue() const { return kind == Kind::Constant && truth; }
  bool isFalse() const { return kind == Kind::Constant && !truth; }
  bool isJunction() const { return kind == Kind::And || kind == Kind::Or; }
  bool onSolved() const;
  bool onFixed() const;
};

/// Where a mask stands.
struct MaskSite {
  Axis solved = Axis::Key;
  /// What b, h, i and j can be.
  IntegerRange positions[4] = {kPositions, kPositions, kPositions, kPositions};
  /// The operands behind the arguments after the positions.
  mlir::ValueRange captures;
  /// What changes within it is not the same for the whole tile; may be null.
  mlir::Region *loop = nullptr;
  /// Positions of a full block along the solved axis; 0 if there are no blocks.
  int64_t step = 0;
  /// Which argument (b, i or j, by number) an index outside counts, if it is
  /// the extent of its axis; may be null.
  std::function<std::optional<unsigned>(mlir::Value)> axisOfExtent;

  /// What is known of the arguments of a region here, from b on.
  IntegerRanges rangesOf(llvm::ArrayRef<mlir::BlockArgument> arguments) const;
};

class MaskCondition {
public:
  /// `body` has the arguments (b, h, i, j, captures...) and yields an i1.
  MaskCondition(mlir::Block &body, const MaskSite &site);

  /// When a key is visible.
  const Condition *visible() const { return root; }
  /// A condition that is unknown, if there is one: the first found.
  const Condition *firstUnknown() const { return unknown; }
  const MaskSite &getSite() const { return site; }
  IntegerRanges &getRanges() { return ranges; }

private:
  // Conditions: MaskCondition.cpp.
  const Condition *condition(mlir::Value value);
  const Condition *buildCondition(mlir::Value value);
  const Condition *junction(mlir::Operation *op);
  const Condition *negation(const Condition *c);
  const Condition *same(const Condition *a, const Condition *b);
  const Condition *choose(const Condition *c, const Condition *yes,
                          const Condition *no);
  const Condition *combine(Condition::Kind kind,
                           llvm::ArrayRef<const Condition *> parts);
  const Condition *both(const Condition *left, const Condition *right) {
    return combine(Condition::Kind::And, {left, right});
  }
  const Condition *either(const Condition *left, const Condition *right) {
    return combine(Condition::Kind::Or, {left, right});
  }
  const Condition *constant(bool truth);
  const Condition *unknownCondition(mlir::Value value, std::string reason,
                                    bool truth = true);
  const Condition *named(const Condition *built, mlir::Value value,
                         bool truth = true);
  Condition *create(Condition::Kind kind, bool truth = false,
                    mlir::Value value = {});
  std::optional<const Condition *>
  merge(Condition::Kind kind, const Condition *known, const Condition *next);
  std::optional<const Condition *> compareParts(bool isAnd, const Condition *a,
                                                const Condition *b);

  // Comparisons: MaskComparison.cpp.
  /// The i1 that a comparison is taken from, and how.
  struct Origin {
    mlir::Value value;
    bool truth;
    bool isDerived = false;
  };
  const Condition *compare(mlir::arith::CmpIOp op);
  const Condition *lessEqual(const LinearForm &lhs, const LinearForm &rhs,
                             Origin origin);
  const Condition *equals(const LinearForm &lhs, const LinearForm &rhs,
                          Origin origin);
  const Condition *notPositive(const LinearForm &form, Origin origin,
                               unsigned depth = 0);
  const Condition *comparison(Condition::Relation relation,
                              const LinearForm &form, Origin origin);
  const Condition *takeApart(const LinearForm &form, Origin origin,
                             unsigned depth);
  static const std::pair<const Atom *, int64_t> *
  findOpenable(const LinearForm &form);
  IntegerRange widestRange(const LinearForm &form);

  // Linear forms: LinearReader.cpp.
  LinearForm linear(mlir::Value value);
  LinearForm buildLinear(mlir::Value value);
  LinearForm argument(mlir::BlockArgument arg);
  LinearForm definitionOf(mlir::Value outside);
  LinearForm leaf(Atom::Kind kind, mlir::Value value);
  LinearForm opaque(mlir::Value v) { return leaf(Atom::Kind::Opaque, v); }
  LinearForm uniform(mlir::Value v) { return leaf(Atom::Kind::Uniform, v); }
  /// `form` as the value of `value`: with an obligation where it may wrap.
  LinearForm fitted(LinearForm form, mlir::Value value);
  /// Whether a value is the same for the whole tile.
  bool isUniform(mlir::Value value);
  Atom *atom(Atom::Kind kind, llvm::ArrayRef<LinearForm> args,
             IntegerRange range, mlir::Value source = {});
  LinearForm atomForm(const Atom *a);
  void oblige(LinearForm &form, Wide min, Wide max);
  LinearForm apply(mlir::Operation *op, const LinearForm &a,
                   const LinearForm &b);

  // Operations that are not linear: LinearOperations.cpp.
  LinearForm operation(Atom::Kind kind, llvm::ArrayRef<LinearForm> args,
                       mlir::Value choice = {});
  std::optional<LinearForm> correctedRemainder(mlir::arith::SelectOp op);
  LinearForm choice(mlir::Value value, const LinearForm &yes,
                    const LinearForm &no);
  LinearForm floorDiv(const LinearForm &a, LinearForm b);
  LinearForm floorMod(LinearForm a, const LinearForm &b);
  LinearForm minimum(const LinearForm &a, const LinearForm &b, bool isMax);
  LinearForm absolute(const LinearForm &a);
  LinearForm multiply(const LinearForm &a, const LinearForm &b);
  LinearForm bits(mlir::Operation *op, LinearForm a, LinearForm b);
  LinearForm read(mlir::Operation *op);

  mlir::Block &body;
  MaskSite site;
  IntegerRanges ranges;
  std::vector<std::unique_ptr<Atom>> atoms;
  std::vector<std::unique_ptr<Condition>> conditions;
  std::vector<std::unique_ptr<Obligation>> obligations;
  /// The extents of b, i and j, by number, once something refers to them.
  std::map<unsigned, const Atom *> extents;
  llvm::DenseMap<mlir::Value, LinearForm> linearOf;
  llvm::DenseMap<mlir::Value, const Condition *> conditionOf;
  llvm::DenseMap<const Condition *, const Condition *> negations;
  llvm::DenseMap<mlir::Value, bool> uniformity;
  /// What may still be done beyond reading each value once: holding comparisons
  /// against each other and taking them apart. Then they stay as they are.
  unsigned stepsLeft = kSteps;
  const Condition *unknown = nullptr;
  const Condition *root;
};

} // namespace ladon::analysis

#endif // LADON_COMPILER_ANALYSIS_MASKCONDITION_H
