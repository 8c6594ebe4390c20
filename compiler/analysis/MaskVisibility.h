//===- MaskVisibility.h - What a tile can see ------------------*- C++ -*-===//
//
// Emits, for a mask and a tile of queries (batch b, head h, rows [i0, i0 + n)),
// scalar code that says without evaluating the mask:
//
//  - a range of keys outside of which no row of the tile sees a key;
//  - a range of keys inside of which every row sees every key;
//  - whether a block of keys may be visible, and whether it must be.
//
// Or, where the condition is solved for queries, the same for a tile of keys:
// which queries may see one of them, and which must see them all. The axis of
// the tile is called fixed, the other one solved.
//
// Every answer is sound for all inputs, including integers that wrap and
// captured tensors of any content. How exact it is depends on the form of the
// mask: docs/design/mask-analysis.md.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_ANALYSIS_MASKVISIBILITY_H
#define LADON_COMPILER_ANALYSIS_MASKVISIBILITY_H

#include "compiler/analysis/MaskCondition.h"
#include "compiler/analysis/Scalar.h"

namespace ladon::analysis {

/// An end that is no bound. Ends and the difference of two fit 64 bits.
constexpr int64_t kUnbounded = kScalarLimit / 2;

/// Positions p with `low <= (phase + p) mod modulus <= high` (or phase - p),
/// for the remainder of a mask that runs with p.
struct PeriodicBound {
  const Atom *remainder = nullptr;
  LinearForm phase;
  int64_t modulus = 1;
  int64_t factor = 1; ///< What the bounds of the remainder are multiplied by.
  bool isNegated = false;
  Scalar low, high; ///< Of the remainder.

  /// Without bounds; none if the remainder does not run with the position.
  static std::optional<PeriodicBound> of(const Atom *remainder);
};

/// The positions p with `guard and low <= p < high` within all periodic bounds.
struct PositionSet {
  Scalar guard = true;
  Scalar low = -kUnbounded, high = kUnbounded;
  llvm::SmallVector<PeriodicBound, 0> periods;

  static PositionSet all() { return {}; }
  static PositionSet none() {
    PositionSet r;
    r.guard = false;
    return r;
  }
  bool hasLow() const { return !low.isConstant(-kUnbounded); }
  bool hasHigh() const { return !high.isConstant(kUnbounded); }
  bool isNone() const { return guard.isFalse(); }
  bool isUnbounded() const {
    return !hasLow() && !hasHigh() && periods.empty();
  }
  bool isAll() const { return guard.isTrue() && isUnbounded(); }
};

/// What lies in both.
PositionSet operator&(const PositionSet &a, const PositionSet &b);

/// What is known of a condition over the rows of a tile.
struct Visibility {
  PositionSet may;  ///< Holds no position outside, for any row.
  PositionSet must; ///< Holds every position inside, for every row.
  /// Looking at single blocks tells more than the two sets do.
  bool blockwise = false;
};

/// The smallest and largest value and, if more is known, the signature of all
/// values (tile.value_range).
struct ScalarBounds : Interval<Scalar> {
  std::optional<Scalar> signature;

  ScalarBounds() = default;
  ScalarBounds(Interval<Scalar> range,
               std::optional<Scalar> signature = std::nullopt)
      : Interval(range), signature(signature) {}
};

/// Whether a condition may hold somewhere in a block, and whether it must hold
/// everywhere.
struct BlockClass {
  Scalar may, must;

  BlockClass operator&(const BlockClass &o) const {
    return {may & o.may, must & o.must};
  }
  BlockClass operator|(const BlockClass &o) const {
    return {may | o.may, must | o.must};
  }
  BlockClass operator!() const { return {!must, !may}; }
};

/// The rows [first, last] of the fixed axis and the positions [low, high) of
/// the solved one that a loop runs over, for one batch and head.
struct MaskTile {
  mlir::Value batch, head; ///< index
  Scalar first, last;
  Scalar low, high;
};

/// Parts of the rows of a tile, and of a block, that conditions are looked at
/// in: a limit to what nested disjunctions may cost.
constexpr size_t kSpans = 8;

class MaskVisibility {
public:
  MaskVisibility(MaskCondition &condition, const MaskTile &tile,
                 ScalarEmitter &emitter);

  const Visibility &visible() { return visibilityOf(root, kSolved, {}); }

  /// The positions [first, second) that a set leaves of [low, high).
  std::pair<Scalar, Scalar> clip(const PositionSet &set, Scalar low,
                                 Scalar high);

  /// The class of the block [first, first + count), count >= 1. May be called
  /// for one block only.
  BlockClass classify(Scalar first, Scalar count);

private:
  /// A range of positions, both ends included.
  struct Span {
    Scalar first, last;
  };
  /// Which rows and which block bounds range over: indices of `rows` and
  /// `blocks`. 0 stands for all.
  struct Scope {
    unsigned rows = 0, block = 0;
  };
  /// The axis that a set of positions is about.
  enum Along : bool { kFixed, kSolved };

  // Sets of positions: PositionSet.cpp.
  Visibility conjunction(const Visibility &a, const Visibility &b);
  Visibility disjunction(const Visibility &a, const Visibility &b);
  PositionSet unite(const PositionSet &a, const PositionSet &b, bool isMust);
  Scalar isNotEmpty(const PositionSet &s);
  Scalar lowOf(const PositionSet &s) { return s.hasLow() ? s.low : tile.low; }
  Scalar highOf(const PositionSet &s) {
    return s.hasHigh() ? s.high : tile.high;
  }
  std::pair<Scalar, Scalar> clip(const PeriodicBound &bound, Scalar low,
                                 Scalar high);
  Span narrowed(const Span &span, const PositionSet &to);
  static Span without(const Span &span, const PositionSet &set);
  static Scalar covers(const PositionSet &set, const Span &span);

  // Conditions solved for positions: MaskVisibility.cpp.
  const Visibility &visibilityOf(const Condition *c, Along along, Scope scope);
  Visibility computeVisibility(const Condition *c, Along along, Scope scope);
  Visibility compare(const Condition *c, Along along, Scope scope);
  Visibility notPositive(const LinearForm &form, Along along, Scope scope);
  std::optional<Visibility> solve(const LinearForm &x, Along along,
                                  Scope scope);
  PositionSet rowsThatMust(llvm::ArrayRef<const Condition *> parts,
                           Scope scope);
  void addRowByRow(const Condition *c, Visibility &v, Scope scope);
  Scalar obligationsHold(const LinearForm &form);
  struct Sides {
    ScalarBounds left, right;
    bool isStrict; ///< left < right, not left <= right.
  };
  std::optional<Sides> sidesOf(const LinearForm &form, Scope scope);

  // Blocks.
  BlockClass classOf(const Condition *c, Scope scope);
  BlockClass computeClass(const Condition *c, Scope scope);
  BlockClass classOf(const Visibility &v, const Span &block);
  BlockClass classOfComparison(const Condition *c, Scope scope);
  BlockClass classOfConjunction(const Condition *c, Scope scope);
  BlockClass classOfDisjunction(const Condition *c, Scope scope);
  unsigned indexOf(llvm::SmallVectorImpl<Span> &spans, const Span &span,
                   unsigned otherwise);

  // Bounds of values: MaskBounds.cpp.
  ScalarBounds evaluate(const LinearForm &x, Scope scope);
  ScalarBounds evaluate(const Atom *atom, Scope scope);
  ScalarBounds computeAtom(const Atom *atom, Scope scope);
  ScalarBounds read(const Atom *atom, Scope scope);
  ScalarBounds choice(const Atom *atom, Scope scope);
  /// A value of the region that is the same for the whole tile.
  mlir::Value outside(mlir::Value value);

  MaskCondition &condition;
  const Condition *root;
  MaskTile tile;
  ScalarEmitter &emit;
  llvm::SmallVector<Span> rows, blocks;
  using Key = std::tuple<const void *, unsigned, unsigned, unsigned>;
  std::map<Key, Visibility> visibilities;
  std::map<Key, ScalarBounds> bounds;
  std::map<Key, BlockClass> classes;
  llvm::DenseMap<mlir::Value, mlir::Value> clones;
};

} // namespace ladon::analysis

#endif // LADON_COMPILER_ANALYSIS_MASKVISIBILITY_H
