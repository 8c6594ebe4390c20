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
  if (!s.low && !s.high)
    return s.guard;
  return emit.both(s.guard, emit.less(lowOf(s), highOf(s)));
}

PositionSet MaskVisibility::intersection(const PositionSet &a,
                                         const PositionSet &b) {
  PositionSet r;
  r.guard = emit.both(a.guard, b.guard);
  if (r.isNone())
    return r;
  auto stricter = [&](const std::optional<Scalar> &x,
                      const std::optional<Scalar> &y, bool isLow) {
    if (!x || !y)
      return x ? x : y;
    return std::optional(isLow ? emit.max(*x, *y) : emit.min(*x, *y));
  };
  r.low = stricter(a.low, b.low, true);
  r.high = stricter(a.high, b.high, false);
  r.periods = a.periods;
  for (const PeriodicBound &next : b.periods) {
    auto *known = llvm::find_if(r.periods, [&](const PeriodicBound &p) {
      return p.remainder == next.remainder;
    });
    if (known == r.periods.end()) {
      r.periods.push_back(next);
      continue;
    }
    known->low = stricter(known->low, next.low, true);
    known->high = stricter(known->high, next.high, false);
  }
  return r;
}

/// Whether the union of two sets is known to be a range.
static bool joins(const PositionSet &a, const PositionSet &b) {
  if (a.isNone() || b.isNone() || a.isUnbounded() || b.isUnbounded())
    return true;
  bool periodic = !a.periods.empty() || !b.periods.empty();
  return !periodic && ((!a.low && !b.low) || (!a.high && !b.high));
}

PositionSet MaskVisibility::hull(const PositionSet &a, const PositionSet &b) {
  if (a.isNone() || b.isAll())
    return b;
  if (b.isNone() || a.isAll())
    return a;
  PositionSet r;
  r.guard = emit.either(a.guard, b.guard);
  bool unguarded = a.guard.isTrue() && b.guard.isTrue();
  if (!a.low && !a.high && !b.low && !b.high)
    return r;
  if (unguarded && !a.low && !b.low) {
    if (a.high && b.high)
      r.high = emit.max(*a.high, *b.high);
    return r;
  }
  if (unguarded && !a.high && !b.high) {
    if (a.low && b.low)
      r.low = emit.min(*a.low, *b.low);
    return r;
  }
  Scalar hasA = isNotEmpty(a), hasB = isNotEmpty(b);
  r.guard = emit.either(hasA, hasB);
  auto pick = [&](Scalar both, Scalar onlyA, Scalar onlyB) {
    return emit.select(hasA, emit.select(hasB, both, onlyA), onlyB);
  };
  r.low = pick(emit.min(lowOf(a), lowOf(b)), lowOf(a), lowOf(b));
  r.high = pick(emit.max(highOf(a), highOf(b)), highOf(a), highOf(b));
  return r;
}

/// The union where it is a range, else the longer of the two. Neither has
/// periodic bounds.
PositionSet MaskVisibility::largestPart(const PositionSet &a,
                                        const PositionSet &b) {
  if (joins(a, b))
    return hull(a, b);
  Scalar lowA = lowOf(a), highA = highOf(a), lowB = lowOf(b), highB = highOf(b);
  Scalar hasA = isNotEmpty(a), hasB = isNotEmpty(b);
  Scalar touch =
      emit.both(emit.lessEqual(lowA, highB), emit.lessEqual(lowB, highA));
  Scalar both = emit.both(emit.both(hasA, hasB), touch);
  Scalar longer = emit.lessEqual(emit.sub(highB, lowB), emit.sub(highA, lowA));
  Scalar useA = emit.both(hasA, emit.either(longer, emit.negate(hasB)));
  PositionSet r;
  r.guard = emit.either(hasA, hasB);
  r.low =
      emit.select(both, emit.min(lowA, lowB), emit.select(useA, lowA, lowB));
  r.high = emit.select(both, emit.max(highA, highB),
                       emit.select(useA, highA, highB));
  return r;
}

Visibility MaskVisibility::conjunction(const Visibility &a,
                                       const Visibility &b) {
  Visibility r;
  r.may = intersection(a.may, b.may);
  r.must = intersection(a.must, b.must);
  r.blockwise = (a.blockwise || b.blockwise) && !r.may.isNone();
  return r;
}

Visibility MaskVisibility::disjunction(const Visibility &a,
                                       const Visibility &b) {
  Visibility r;
  r.may = hull(a.may, b.may);
  r.must = largestPart(a.must, b.must);
  bool joined = joins(a.may, b.may) && joins(a.must, b.must);
  r.blockwise = (a.blockwise || b.blockwise || !joined) && !r.must.isAll();
  return r;
}

//===----------------------------------------------------------------------===//
// Periodic bounds
//===----------------------------------------------------------------------===//

namespace {
/// position + phase = remainder modulo `modulus`, up to a sign.
struct Remainder {
  const Atom *remainder;
  LinearForm phase;
  int64_t modulus;
  int64_t factor = 1; ///< What the bounds of the remainder are multiplied by.
  bool isNegated = false;
};
} // namespace

/// Reads a remainder as one of the solved position: (y // a) mod d runs with y
/// mod (a d).
static std::optional<Remainder> readRemainder(const Atom *atom) {
  constexpr int64_t limit = int64_t(1) << 31;
  if (atom->kind != Atom::Kind::FloorMod || !atom->args[1].isConstant())
    return std::nullopt;
  Remainder r{atom, atom->args[0], atom->args[1].constant};
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
    if (solved->kind == Atom::Kind::Key || solved->kind == Atom::Kind::Query) {
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

bool MaskVisibility::isPeriodic(const Atom *remainder) {
  return readRemainder(remainder).has_value();
}

std::pair<Scalar, Scalar> MaskVisibility::clip(const PeriodicBound &bound,
                                               Scalar low, Scalar high) {
  Remainder r = *readRemainder(bound.remainder);
  Scalar zero = ScalarEmitter::constant(0), one = ScalarEmitter::constant(1);
  Scalar modulus = ScalarEmitter::constant(r.modulus);
  Scalar last = ScalarEmitter::constant(bound.remainder->args[1].constant - 1);
  Scalar factor = ScalarEmitter::constant(r.factor);
  Scalar from = bound.low ? emit.clamp(*bound.low, zero, last) : zero;
  Scalar to = bound.high ? emit.clamp(*bound.high, zero, last) : last;
  from = emit.mul(from, factor);
  to = emit.sub(emit.mul(emit.add(to, one), factor), one);
  // Inside is where (position + shift) mod modulus <= length.
  Scalar phase = evaluate(r.phase, {}).min;
  Scalar shift = r.isNegated ? emit.add(phase, to) : emit.sub(phase, from);
  Scalar length = emit.sub(to, from);
  auto place = [&](Scalar position) {
    Scalar x = emit.add(position, shift);
    return emit.sub(x, emit.mul(emit.floorDiv(x, modulus), modulus));
  };
  Scalar at = place(low);
  Scalar next = emit.add(low, emit.sub(modulus, at));
  low = emit.select(emit.lessEqual(at, length), low, next);
  at = place(emit.sub(high, one));
  Scalar previous = emit.sub(high, emit.max(emit.sub(at, length), zero));
  return {low, previous};
}

std::pair<Scalar, Scalar> MaskVisibility::clip(const PositionSet &set,
                                               Scalar low, Scalar high) {
  if (set.low)
    low = emit.clamp(*set.low, low, high);
  if (set.high)
    high = emit.min(*set.high, high);
  // The longest period first; after the shorter ones it may hold no more.
  SmallVector<PeriodicBound> periods(ArrayRef(set.periods));
  llvm::sort(periods, [](const auto &a, const auto &b) {
    return readRemainder(a.remainder)->modulus >
           readRemainder(b.remainder)->modulus;
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
  Scalar one = ScalarEmitter::constant(1);
  auto [low, high] = clip(to, span.first, emit.add(span.last, one));
  Span r;
  r.first = emit.clamp(low, span.first, span.last);
  r.last = emit.clamp(emit.sub(high, one), r.first, span.last);
  return r;
}

/// What a set leaves of a span, cut from the ends; never empty, though all of
/// it may lie in the set.
MaskVisibility::Span MaskVisibility::without(const Span &span,
                                             const PositionSet &set) {
  Span r = span;
  if (set.isNone() || set.isUnbounded())
    return r;
  Scalar one = ScalarEmitter::constant(1);
  Scalar hasFirst =
      set.low ? emit.both(set.guard, emit.lessEqual(*set.low, span.first))
              : set.guard;
  Scalar hasLast = set.high
                       ? emit.both(set.guard, emit.less(span.last, *set.high))
                       : set.guard;
  if (set.high)
    r.first = emit.select(
        hasFirst, emit.clamp(*set.high, span.first, span.last), span.first);
  if (set.low)
    r.last = emit.select(
        hasLast, emit.clamp(emit.sub(*set.low, one), r.first, span.last),
        span.last);
  return r;
}

Scalar MaskVisibility::covers(const PositionSet &set, const Span &span) {
  Scalar r = set.guard;
  if (set.low)
    r = emit.both(r, emit.lessEqual(*set.low, span.first));
  if (set.high)
    r = emit.both(r, emit.less(span.last, *set.high));
  return r;
}
