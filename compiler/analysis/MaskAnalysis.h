//===- MaskAnalysis.h - Which keys a tile of queries can see ---*- C++ -*-===//
//
// Emits, for a mask region and a tile of queries (batch b, head h, rows
// [i0, i0 + n)), scalar code that says without evaluating the mask:
//
//  - a range of keys outside of which no row of the tile sees a key;
//  - a range of keys inside of which every row sees every key;
//  - whether a block of keys may be visible, and whether it must be.
//
// Every answer is sound for all inputs, including integers that wrap and
// captured tensors of any content. How exact it is depends on the form of the
// mask: docs/design/mask-analysis.md.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_ANALYSIS_MASKANALYSIS_H
#define LADON_COMPILER_ANALYSIS_MASKANALYSIS_H

#include "compiler/analysis/MaskExpression.h"

namespace ladon::analysis {

/// The keys j with `guard and low <= j < high`; an absent bound is no bound.
struct KeySet {
  Scalar guard = ScalarEmitter::boolean(true);
  std::optional<Scalar> low, high;

  static KeySet all() { return {}; }
  static KeySet none() { return {ScalarEmitter::boolean(false), {}, {}}; }
  bool isNone() const { return guard.isFalse(); }
  bool isAll() const { return guard.isTrue() && !low && !high; }
};

/// What is known of a condition over the rows of a tile.
struct Visibility {
  KeySet may;  ///< Holds no key outside, for any row.
  KeySet must; ///< Holds every key inside, for every row.
  /// Looking at single blocks tells more than the two sets do.
  bool blockwise = false;
};

/// The smallest and largest value.
struct Interval {
  Scalar min, max;
};

/// Whether a condition may hold somewhere in a block of keys, and whether it
/// must hold everywhere.
struct BlockClass {
  Scalar may, must;
};

/// A tile of queries and the keys [keyLow, keyHigh) that its loop runs over.
struct QueryTile {
  Scalar firstQuery, lastQuery;
  Scalar keyLow, keyHigh;
};

class MaskAnalysis {
public:
  MaskAnalysis(const MaskExpression &expression, const QueryTile &tile,
               ScalarEmitter &emitter);

  const Visibility &visible() { return visibilityOf(root); }

  /// The class of the block [firstKey, firstKey + keys), keys >= 1. May be
  /// called for one block only.
  BlockClass classify(Scalar firstKey, Scalar keys);

private:
  /// Bounds that a value is compared with: the strictest over the rows decides
  /// what must be visible, the loosest what may be.
  struct Bound {
    Scalar must, may;
  };
  /// What the bounds of an atom range over.
  enum class Scope { Rows, AllKeys, Block };

  const Visibility &visibilityOf(const Condition *c);
  Visibility computeVisibility(const Condition *c);
  Visibility compare(const Condition *c);
  std::optional<Visibility> solve(const Linear &x, Bound bound);
  std::optional<Visibility> solveAtom(const Atom *atom, bool negated,
                                      Bound bound);
  Scalar obligationsHold(const Linear &a, const Linear &b);

  Interval evaluate(const Linear &x, Scope scope);
  Interval evaluate(const Atom *atom, Scope scope);
  Interval computeAtom(const Atom *atom, Scope scope);
  Interval remainder(const Interval &x, const Interval &divisor);
  Interval product(const Interval &a, const Interval &b);
  Interval read(const Atom *atom, Scope scope);

  BlockClass classOf(const Condition *c);
  BlockClass classOf(const Visibility &v);

  Visibility conjunction(const Visibility &a, const Visibility &b);
  Visibility disjunction(const Visibility &a, const Visibility &b);
  KeySet intersection(const KeySet &a, const KeySet &b);
  KeySet hull(const KeySet &a, const KeySet &b);
  KeySet largestPart(const KeySet &a, const KeySet &b);
  Scalar isNotEmpty(const KeySet &s);
  Scalar lowOf(const KeySet &s) { return s.low ? *s.low : tile.keyLow; }
  Scalar highOf(const KeySet &s) { return s.high ? *s.high : tile.keyHigh; }

  const Condition *root;
  QueryTile tile;
  ScalarEmitter &emit;
  Scalar blockLow, blockHigh; ///< Of the block that is classified.
  llvm::DenseMap<const Condition *, Visibility> visibilities;
  llvm::DenseMap<std::pair<const Atom *, unsigned>, Interval> intervals;
};

} // namespace ladon::analysis

#endif // LADON_COMPILER_ANALYSIS_MASKANALYSIS_H
