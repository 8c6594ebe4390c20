//===- PositionSet.cpp - Sets of positions as ranges ----------------------===//
//
// Intersections are exact. The union of two sets is a range if both reach the
// same end, or one of them is all or nothing; if not, its hull bounds what may
// be visible, its larger part what must be.
//
//===----------------------------------------------------------------------===//

#include "compiler/analysis/MaskVisibility.h"

using namespace mlir;
using namespace ladon::analysis;

//===----------------------------------------------------------------------===//
// Unions and intersections
//===----------------------------------------------------------------------===//

Scalar MaskVisibility::isNotEmpty(const PositionSet &s) {
  if (!s.hasLow() && !s.hasHigh())
    return s.guard;
  return s.guard & (lowOf(s) < highOf(s));
}

PositionSet ladon::analysis::operator&(const PositionSet &a,
                                       const PositionSet &b) {
  PositionSet r;
  r.guard = a.guard & b.guard;
  if (r.isNone())
    return r;
  r.low = max(a.low, b.low);
  r.high = min(a.high, b.high);
  r.periods = a.periods;
  for (const PeriodicBound &next : b.periods) {
    auto *known = llvm::find_if(r.periods, [&](const PeriodicBound &p) {
      return p.remainder == next.remainder;
    });
    if (known == r.periods.end()) {
      r.periods.push_back(next);
      continue;
    }
    known->low = max(known->low, next.low);
    known->high = min(known->high, next.high);
  }
  return r;
}

/// Whether two sets reach to the same end.
static bool shareEnd(const PositionSet &a, const PositionSet &b) {
  return (!a.hasLow() && !b.hasLow()) || (!a.hasHigh() && !b.hasHigh());
}

/// Whether the union of two sets is known to be a range.
static bool joins(const PositionSet &a, const PositionSet &b) {
  return a.isNone() || b.isNone() || a.isUnbounded() || b.isUnbounded() ||
         (a.periods.empty() && b.periods.empty() && shareEnd(a, b));
}

/// The union where it is a range. If not, a set that must hold is the longer of
/// the two, and one that may hold is what spans both.
PositionSet MaskVisibility::unite(const PositionSet &a, const PositionSet &b,
                                  bool isMust) {
  if (a.isNone() || b.isAll())
    return b;
  if (b.isNone() || a.isAll())
    return a;
  PositionSet r;
  if (a.guard.isTrue() && b.guard.isTrue() && shareEnd(a, b)) {
    r.low = min(a.low, b.low);
    r.high = max(a.high, b.high);
    return r;
  }
  Scalar lowA = lowOf(a), highA = highOf(a), lowB = lowOf(b), highB = highOf(b);
  Scalar hasA = isNotEmpty(a), hasB = isNotEmpty(b);
  Scalar both = hasA & hasB, useA = hasA;
  if (isMust && !joins(a, b)) {
    both = both & (lowA <= highB) & (lowB <= highA);
    useA = hasA & ((highB - lowB <= highA - lowA) | !hasB);
  }
  r.guard = hasA | hasB;
  if (a.hasLow() || b.hasLow())
    r.low = select(both, min(lowA, lowB), select(useA, lowA, lowB));
  if (a.hasHigh() || b.hasHigh())
    r.high = select(both, max(highA, highB), select(useA, highA, highB));
  return r;
}

Visibility MaskVisibility::conjunction(const Visibility &a,
                                       const Visibility &b) {
  Visibility r;
  r.may = a.may & b.may;
  r.must = a.must & b.must;
  r.blockwise = (a.blockwise || b.blockwise) && !r.may.isNone();
  return r;
}

Visibility MaskVisibility::disjunction(const Visibility &a,
                                       const Visibility &b) {
  Visibility r;
  r.may = unite(a.may, b.may, /*isMust=*/false);
  r.must = unite(a.must, b.must, /*isMust=*/true);
  bool joined = joins(a.may, b.may) && joins(a.must, b.must);
  r.blockwise = (a.blockwise || b.blockwise || !joined) && !r.must.isAll();
  return r;
}

//===----------------------------------------------------------------------===//
// Periodic bounds
//===----------------------------------------------------------------------===//

/// Reads a remainder as one of the solved position: (y // a) mod d runs with y
/// mod (a d).
std::optional<PeriodicBound> PeriodicBound::of(const Atom *remainder) {
  constexpr int64_t limit = int64_t(1) << 31;
  if (remainder->kind != Atom::Kind::FloorMod ||
      !remainder->args[1].isConstant())
    return std::nullopt;
  PeriodicBound r;
  r.remainder = remainder;
  r.phase = remainder->args[0];
  r.modulus = remainder->args[1].constant;
  r.high = r.modulus - 1;
  while (r.modulus <= limit) {
    const Atom *solved = nullptr;
    int64_t coefficient = 0;
    for (auto term : r.phase.terms) {
      if (!term.first->onSolved && !term.first->onFixed)
        continue;
      if (solved || term.first->onFixed)
        return std::nullopt;
      std::tie(solved, coefficient) = term;
    }
    if (!solved || (coefficient != 1 && coefficient != -1))
      return std::nullopt;
    llvm::erase_if(r.phase.terms, [&](auto &t) { return t.first == solved; });
    if (solved->isPosition()) {
      r.isNegated = coefficient < 0;
      if (r.isNegated)
        r.phase = scaled(r.phase, -1);
      if (!r.phase.isWithin(kScalarLimit / 2))
        return std::nullopt;
      return r;
    }
    if (solved->kind != Atom::Kind::FloorDiv || coefficient < 0 ||
        !solved->args[1].isConstant())
      return std::nullopt;
    int64_t divisor = solved->args[1].constant;
    if (divisor > limit)
      return std::nullopt;
    r.phase = add(solved->args[0], r.phase, divisor);
    r.modulus *= divisor;
    r.factor *= divisor;
  }
  return std::nullopt;
}

/// Moves the ends of a range to the next positions that a bound allows.
std::pair<Scalar, Scalar> MaskVisibility::clip(const PeriodicBound &bound,
                                               Scalar low, Scalar high) {
  int64_t last = bound.remainder->args[1].constant - 1;
  Scalar from = clamp(bound.low, 0, last) * bound.factor;
  Scalar to = (clamp(bound.high, 0, last) + 1) * bound.factor - 1;
  // Inside is where (position + shift) mod modulus <= length.
  Scalar phase = evaluate(bound.phase, {}).min, length = to - from;
  Scalar shift = bound.isNegated ? phase + to : phase - from;
  auto place = [&](Scalar position) {
    Scalar x = position + shift;
    return x - floorDiv(x, bound.modulus) * bound.modulus;
  };
  Scalar at = place(low), next = low + (bound.modulus - at);
  low = select(at <= length, low, next);
  return {low, high - max(place(high - 1) - length, 0)};
}

std::pair<Scalar, Scalar> MaskVisibility::clip(const PositionSet &set,
                                               Scalar low, Scalar high) {
  if (set.hasLow())
    low = clamp(set.low, low, high);
  high = min(set.high, high);
  // The longest period first; after the shorter ones it may hold no more.
  SmallVector<PeriodicBound> periods(ArrayRef(set.periods));
  llvm::sort(periods, [](const auto &a, const auto &b) {
    return a.modulus > b.modulus;
  });
  for (unsigned round = 0; round < std::min<size_t>(periods.size(), 2); ++round)
    for (const PeriodicBound &period : periods)
      std::tie(low, high) = clip(period, low, high);
  return {low, high};
}

//===----------------------------------------------------------------------===//
// Spans
//===----------------------------------------------------------------------===//

/// The part of a span that can lie in a set. Never empty, though nothing of it
/// may lie in the set.
MaskVisibility::Span MaskVisibility::narrowed(const Span &span,
                                              const PositionSet &to) {
  auto [low, high] = clip(to, span.first, span.last + 1);
  Scalar first = clamp(low, span.first, span.last);
  return {first, clamp(high - 1, first, span.last)};
}

/// What a set leaves of a span, cut from the ends; never empty, though all of
/// it may lie in the set.
MaskVisibility::Span MaskVisibility::without(const Span &span,
                                             const PositionSet &set) {
  Span r = span;
  if (set.isNone() || set.isUnbounded())
    return r;
  Scalar hasFirst = set.guard & (set.low <= span.first);
  Scalar hasLast = set.guard & (span.last < set.high);
  if (set.hasHigh())
    r.first =
        select(hasFirst, clamp(set.high, span.first, span.last), span.first);
  if (set.hasLow())
    r.last = select(hasLast, clamp(set.low - 1, r.first, span.last), span.last);
  return r;
}

Scalar MaskVisibility::covers(const PositionSet &set, const Span &span) {
  return set.guard & (set.low <= span.first) & (span.last < set.high);
}
