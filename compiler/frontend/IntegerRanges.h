//===- IntegerRanges.h - Integers of a mask as linear forms ----*- C++ -*-===//
//
// Writes the integer expressions of a mask as linear forms over positions and
// sizes, and bounds them by intervals. What is not linear becomes an atom with
// an interval of its own. Bounds hold for sizes up to 2^30.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_INTEGERRANGES_H
#define LADON_COMPILER_FRONTEND_INTEGERRANGES_H

#include "compiler/frontend/MaskRange.h"

#include <map>

namespace ladon {

/// Wide enough for products of an i64 bound and a coefficient.
using Wide = __int128;
/// Bounds beyond this are no bounds; far inside of what Wide can hold.
constexpr Wide infiniteBound = Wide(1) << 90;

/// Both ends included.
struct Interval {
  Wide low = -infiniteBound, high = infiniteBound;
};

/// constant + sum of coefficient * atom. Terms with coefficient 0 are absent.
struct Linear {
  std::map<unsigned, Wide> terms;
  Wide constant = 0;

  static Linear of(unsigned atom) {
    Linear form;
    form.terms[atom] = 1;
    return form;
  }
  static Linear number(Wide value) {
    Linear form;
    form.constant = value;
    return form;
  }
};

/// The integers of one attend.
class IntegerRanges {
public:
  enum Atom : unsigned { Batch, Head, KvHead, Query, Key };

  explicit IntegerRanges(const AttendShape &shape);

  /// left + factor * right.
  Linear combine(const Linear &left, const Linear &right, Wide factor);
  Linear evaluate(const ast::Expr *expr);
  Linear sizeOf(const ast::Dim &dim);
  /// The number of keys before the first query.
  Linear offset() {
    return combine(sizeOf(shape.keys), sizeOf(shape.queries), -1);
  }
  /// Bounds that also count positions from the end (j = T - 1 - j'), which
  /// decides comparisons with a size that is not known.
  Interval bounds(const Linear &form);

private:
  Linear atom(Interval interval) {
    atoms.push_back(interval);
    return Linear::of(atoms.size() - 1);
  }
  Linear evaluateExact(const ast::Expr *expr);
  Linear evaluateBinary(const ast::Expr *expr);
  Linear evaluateCall(const ast::Expr *expr);
  Interval plainBounds(const Linear &form) const;

  const AttendShape &shape;
  unsigned queries = 0;
  std::vector<Interval> atoms;
  std::map<std::string, unsigned> sizes;
  std::map<const ast::Param *, unsigned> scalars;
};

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_INTEGERRANGES_H
