//===- MaskExpression.h - A mask in normal form ----------------*- C++ -*-===//
//
// The region of a mask as a formula: conjunctions and disjunctions over
// comparisons `lhs <= rhs` of linear forms, negations pushed to the leaves. A
// linear form is `constant + sum of coefficient * atom`; atoms are the
// positions i and j, scalars that are the same for the whole tile, and
// operations that are not linear (floor division, captured tensors, ...).
// What has no such form is an unknown condition or an opaque atom, never an
// error.
//
// The normal form is about integers without wraparound. Where an operation of
// the region could wrap, the linear form carries an obligation: a linear form
// and the range that it must stay in for the rest to be true.
//
// Sizes and positions are below 2^30 (the entry checks of an artefact enforce
// it), so that i + offset, j - i and the like need no obligation in i32.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_ANALYSIS_MASKEXPRESSION_H
#define LADON_COMPILER_ANALYSIS_MASKEXPRESSION_H

#include "compiler/analysis/ScalarEmitter.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ladon::analysis {

__extension__ using Wide = __int128;

/// Positions and sizes lie below this.
constexpr int64_t kMaxPosition = int64_t(1) << 30;

/// Values known without any run-time information.
struct StaticRange {
  Wide min = 0;
  Wide max = 0;
};

/// The values of an integer or index type.
StaticRange rangeOfType(mlir::Type type);

struct Atom;
struct Condition;
struct Obligation;

/// constant + sum of coefficient * atom, atoms in order of creation, no
/// coefficient zero.
struct Linear {
  int64_t constant = 0;
  llvm::SmallVector<std::pair<const Atom *, int64_t>, 2> terms;
  /// What must hold for this form to equal the value in the region.
  llvm::SmallVector<const Obligation *, 1> obligations;

  /// A coefficient left 64 bits: the form says nothing.
  bool overflowed = false;

  bool isConstant() const { return terms.empty() && !overflowed; }
  bool isConstant(int64_t c) const { return isConstant() && constant == c; }
  bool dependsOnQuery() const;
  bool dependsOnKey() const;
  bool isUniform() const { return !dependsOnQuery() && !dependsOnKey(); }
  StaticRange range() const;
  /// Whether no partial sum leaves +-`limit`.
  bool isWithin(int64_t limit) const;
};

/// `value` must lie in [min, max].
struct Obligation {
  Linear value;
  int64_t min;
  int64_t max;
};

struct Atom {
  enum class Kind {
    Query,    ///< i
    Key,      ///< j
    Uniform,  ///< `value`, an integer or index from outside the loop
    FloorDiv, ///< args[0] // args[1], the divisor uniform and at least 1
    FloorMod, ///< args[0] mod args[1], likewise
    Min,      ///< of args[0] and args[1]
    Max,      ///< of args[0] and args[1]
    Abs,      ///< |args[0]|
    Mul,      ///< args[0] * args[1]
    Select,   ///< args[0] where `condition`, else args[1]
    Read,     ///< `value`[args...], a captured tensor, indices clamped
    BitsAnd,  ///< of two values that are not negative
    BitsOr,   ///< likewise; also bounds exclusive or
    Opaque    ///< anything of its type
  };
  Kind kind;
  unsigned id; ///< Order of creation.
  mlir::Value value;
  llvm::SmallVector<Linear, 2> args;
  const Condition *condition = nullptr;
  const Condition *otherwise = nullptr; ///< The negation of `condition`.
  StaticRange range;
  /// Whether the bounds of the atom depend on the rows of the tile; set also
  /// where the value varies in a way that its bounds do not follow.
  bool onQuery = false;
  /// Whether the bounds of the atom depend on the block of keys. Not so for
  /// (nearly) every value of `range` taken within any block of keys, where
  /// looking at one block tells no more than `range` does.
  bool onKey = false;
};

struct Condition {
  enum class Kind {
    Constant,  ///< `truth`
    Uniform,   ///< `value`, an i1 from outside the loop, negated if not `truth`
    LessEqual, ///< lhs <= rhs, or lhs < rhs if `strict`
    And,
    Or,
    Unknown ///< `reason`, at `value`
  };
  Kind kind;
  bool truth = false;
  mlir::Value value;
  /// With `rhs` 0 unless the difference could leave +-kScalarLimit.
  Linear lhs, rhs;
  bool strict = false;
  const Condition *left = nullptr, *right = nullptr;
  std::string reason;
};

/// Where the arguments of a mask region come from.
struct MaskSite {
  mlir::Value batch, head; ///< index
  mlir::ValueRange captures;
  /// Keys of a full block.
  int64_t step;
};

class MaskExpression {
public:
  /// `body` has the arguments (b, h, i, j, captures...) and yields an i1.
  MaskExpression(mlir::Block &body, const MaskSite &site,
                 ScalarEmitter &emitter);

  /// When a key is visible.
  const Condition *visible() const { return root; }
  /// A condition that is unknown, if there is one: the first found.
  const Condition *firstUnknown() const { return unknown; }

private:
  // Conditions.
  const Condition *condition(mlir::Value value, bool truth);
  const Condition *buildCondition(mlir::Value value, bool truth);
  const Condition *compare(mlir::arith::CmpIOp op, bool truth);
  const Condition *constant(bool truth);
  const Condition *unknownCondition(mlir::Value value, std::string reason);
  const Condition *lessEqual(Linear lhs, Linear rhs, bool strict = false);
  const Condition *equals(const Linear &lhs, const Linear &rhs, bool truth);
  const Condition *combine(Condition::Kind kind, const Condition *left,
                           const Condition *right);

  // Linear forms.
  Linear linear(mlir::Value value);
  Linear buildLinear(mlir::Value value);
  Linear argument(mlir::BlockArgument arg);
  Linear select(mlir::arith::SelectOp op);
  Linear floorDiv(Linear a, Linear b, mlir::Value value);
  Linear floorMod(Linear a, Linear b, mlir::Value value);
  Linear minimum(const Linear &a, const Linear &b, bool isMax);
  Linear absolute(const Linear &a);
  Linear multiply(const Linear &a, const Linear &b, mlir::Value value);
  Linear bits(mlir::Operation *op, const Linear &a, const Linear &b);
  Linear opaque(mlir::Value value);
  Linear read(mlir::Operation *op);
  /// `form` as the value of `value`: with an obligation where it may wrap.
  Linear fitted(Linear form, mlir::Value value);

  // Values that are the same for the whole tile.
  bool isUniform(mlir::Value value);
  mlir::Value cloneOutside(mlir::Value value);

  const Atom *atom(Atom::Kind kind, llvm::ArrayRef<Linear> args,
                   StaticRange range, mlir::Value value = {},
                   const Condition *condition = nullptr);
  Linear atomForm(const Atom *a);

  MaskSite site;
  ScalarEmitter &emitter;
  mlir::Block &body;
  std::vector<std::unique_ptr<Atom>> atoms;
  std::vector<std::unique_ptr<Condition>> conditions;
  std::vector<std::unique_ptr<Obligation>> obligations;
  llvm::DenseMap<mlir::Value, Linear> linearOf;
  llvm::DenseMap<std::pair<mlir::Value, unsigned>, const Condition *>
      conditionOf;
  llvm::DenseMap<mlir::Value, mlir::Value> outside;
  llvm::DenseMap<mlir::Value, bool> uniformity;
  const Condition *unknown = nullptr;
  const Condition *root = nullptr;
};

// Arithmetic of linear forms.
Linear add(const Linear &a, const Linear &b, int64_t factor = 1);
Linear scaled(const Linear &a, int64_t factor);
bool sameForm(const Linear &a, const Linear &b);

/// The residue class that a form is known to be in: value = residue modulo
/// modulus. A modulus of 0 means that the value is the residue.
struct Congruence {
  int64_t modulus;
  int64_t residue;
};
Congruence congruence(const Linear &a);

} // namespace ladon::analysis

#endif // LADON_COMPILER_ANALYSIS_MASKEXPRESSION_H
