//===- LinearForm.h - Integers as sums of atoms ----------------*- C++ -*-===//
//
// A linear form is `constant + sum of coefficient * atom`; atoms are the
// positions i and j, scalars that are the same for the whole tile, and
// operations that are not linear (floor division, captured tensors, ...).
//
// Forms are about integers without wraparound. Where an operation could wrap,
// its form carries an obligation: a linear form and the range that it must stay
// in for the rest to be true. Positions and sizes are below 2^30, so that
// i + offset, j - i and the like need no obligation in i32.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_ANALYSIS_LINEARFORM_H
#define LADON_COMPILER_ANALYSIS_LINEARFORM_H

#include "compiler/analysis/IntegerRanges.h"
#include "llvm/ADT/SmallVector.h"

#include <optional>

namespace ladon::analysis {

/// Scalars of emitted code stay within +-kScalarLimit.
constexpr int64_t kScalarLimit = int64_t(1) << 62;

/// A form of more terms and obligations says nothing, nor does one with larger
/// coefficients: its range fits a Wide.
constexpr size_t kTerms = 64;
constexpr int64_t kCoefficients = int64_t(1) << 56;

struct Atom;
struct Condition;
struct Obligation;

/// constant + sum of coefficient * atom, atoms in order of creation, no
/// coefficient zero.
struct LinearForm {
  int64_t constant = 0;
  llvm::SmallVector<std::pair<const Atom *, int64_t>, 2> terms;
  /// What must hold for this form to equal the value in the region.
  llvm::SmallVector<const Obligation *, 1> obligations;
  /// A number became too large, or the form too long: it says nothing.
  bool overflowed = false;

  LinearForm() = default;
  LinearForm(int64_t constant) : constant(constant) {}
  /// The form that says nothing.
  static LinearForm nothing() {
    LinearForm r;
    r.overflowed = true;
    return r;
  }

  bool isConstant() const { return terms.empty() && !overflowed; }
  bool isConstant(int64_t c) const { return isConstant() && constant == c; }
  /// Whether the form is one atom and nothing else.
  bool isAtom() const {
    return constant == 0 && terms.size() == 1 && terms[0].second == 1;
  }
  bool onSolved() const;
  bool onFixed() const;
  bool isUniform() const { return !onSolved() && !onFixed(); }
  IntegerRange range() const;
  /// Whether no partial sum leaves +-`limit`.
  bool isWithin(int64_t limit) const;
};

/// `value` must lie in [min, max].
struct Obligation {
  LinearForm value;
  int64_t min, max;
};

struct Atom {
  enum class Kind {
    Query,    ///< i
    Key,      ///< j
    Uniform,  ///< `source`, which is the same for the whole tile
    FloorDiv, ///< args[0] // args[1], the divisor uniform and at least 1
    FloorMod, ///< args[0] mod args[1], likewise
    Min,      ///< of args[0] and args[1]
    Max,      ///< of args[0] and args[1]
    Abs,      ///< |args[0]|
    Mul,      ///< args[0] * args[1]
    Select,   ///< args[0] where `condition`, else args[1]
    Read,     ///< `source`[args...], a captured tensor, indices clamped
    BitsAnd,  ///< of two values, the first not negative
    BitsOr,   ///< of two that are not negative; also bounds exclusive or
    Opaque    ///< anything of its type
  };
  Kind kind;
  unsigned id; ///< Order of creation.
  /// The value of the region that the atom stands for, if there is one.
  mlir::Value value;
  /// The tensor that is read, the condition that chooses, or the value of an
  /// atom without arguments.
  mlir::Value source;
  llvm::SmallVector<LinearForm, 2> args;
  const Condition *condition = nullptr; ///< When a choice takes args[0].
  IntegerRange range;
  /// Of a captured scalar: how it is computed from sizes, if it is.
  std::optional<LinearForm> definition;
  /// Whether the bounds of the atom depend on the block of positions along the
  /// solved axis.
  bool onSolved = false;
  /// Whether they depend on the rows of the tile along the other axis; set also
  /// where the value varies in a way that its bounds do not follow.
  bool onFixed = false;
  /// (Nearly) every value of `range` is taken within any block, so that looking
  /// at one block tells no more than `range` does.
  bool isCoarse = false;

  bool isPosition() const { return kind == Kind::Query || kind == Kind::Key; }
};

/// What an operation can give, by the ranges of its operands.
template <typename Number>
Interval<Number> boundsOf(Atom::Kind kind,
                          llvm::ArrayRef<Interval<Number>> args) {
  using std::min;
  const Interval<Number> &a = args.front(), &b = args.back();
  switch (kind) {
  case Atom::Kind::FloorDiv:
    return floorDiv(a, b);
  case Atom::Kind::FloorMod:
    return floorMod(a, b);
  case Atom::Kind::Min:
    return min(a, b);
  case Atom::Kind::Max:
    return max(a, b);
  case Atom::Kind::Abs:
    return abs(a);
  case Atom::Kind::Mul:
    return a * b;
  case Atom::Kind::Select:
    return hull(a, b);
  case Atom::Kind::BitsAnd:
    return {0, isNatural(b.min) ? min(a.max, b.max) : a.max};
  case Atom::Kind::BitsOr:
    return {0, a.max + b.max};
  default:
    llvm_unreachable("not an operation");
  }
}

LinearForm add(const LinearForm &a, const LinearForm &b, int64_t factor = 1);
inline LinearForm scaled(const LinearForm &a, int64_t factor) {
  return add(LinearForm(), a, factor);
}
/// `form` with the obligations of `of` added to its own.
inline LinearForm keepObligations(const LinearForm &form,
                                  const LinearForm &of) {
  return add(form, of, 0);
}
bool sameForm(const LinearForm &a, const LinearForm &b);

/// The greatest common divisor of the coefficients and `of`.
int64_t commonFactor(const LinearForm &a, int64_t of);

} // namespace ladon::analysis

#endif // LADON_COMPILER_ANALYSIS_LINEARFORM_H
