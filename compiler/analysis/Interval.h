//===- Interval.h - Arithmetic on ranges of integers -----------*- C++ -*-===//
//
// What an operation makes of the ranges of its operands, said once for numbers
// that are known when compiling (Wide) and for those that emitted code computes
// (Scalar).
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_ANALYSIS_INTERVAL_H
#define LADON_COMPILER_ANALYSIS_INTERVAL_H

#include <algorithm>

namespace ladon::analysis {

/// Wide enough for sums and products of 64-bit values.
__extension__ using Wide = __int128;

inline bool isSame(Wide a, Wide b) { return a == b; }
inline bool isNatural(Wide a) { return a >= 0; }
inline bool equal(Wide a, Wide b) { return a == b; }
inline Wide select(bool condition, Wide a, Wide b) { return condition ? a : b; }
inline Wide floorDiv(Wide a, Wide b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

/// All integers from `min` to `max`.
template <typename Number> struct Interval {
  Number min = 0;
  Number max = 0;

  bool contains(const Interval &inner) const {
    return min <= inner.min && inner.max <= max;
  }
  bool isPoint() const { return isSame(min, max); }
};
using IntegerRange = Interval<Wide>;

template <typename Number>
Interval<Number> operator+(const Interval<Number> &a,
                           const Interval<Number> &b) {
  return {a.min + b.min, a.max + b.max};
}

template <typename Number>
Interval<Number> operator-(const Interval<Number> &a,
                           const Interval<Number> &b) {
  return {a.min - b.max, a.max - b.min};
}

template <typename Number>
Interval<Number> operator*(const Interval<Number> &a,
                           const Interval<Number> &b) {
  using std::max;
  using std::min;
  if (isNatural(b.min) && (isNatural(a.min) || b.isPoint()))
    return {a.min * b.min, a.max * b.max};
  Number corners[] = {a.min * b.min, a.min * b.max, a.max * b.min,
                      a.max * b.max};
  return {min(min(corners[0], corners[1]), min(corners[2], corners[3])),
          max(max(corners[0], corners[1]), max(corners[2], corners[3]))};
}

template <typename Number>
Interval<Number> min(const Interval<Number> &a, const Interval<Number> &b) {
  using std::min;
  return {min(a.min, b.min), min(a.max, b.max)};
}

template <typename Number>
Interval<Number> max(const Interval<Number> &a, const Interval<Number> &b) {
  using std::max;
  return {max(a.min, b.min), max(a.max, b.max)};
}

/// What holds both.
template <typename Number>
Interval<Number> hull(const Interval<Number> &a, const Interval<Number> &b) {
  using std::max;
  using std::min;
  return {min(a.min, b.min), max(a.max, b.max)};
}

template <typename Number> Interval<Number> abs(const Interval<Number> &x) {
  using std::max;
  Number zero = 0, high = max(zero - x.min, x.max);
  if (x.isPoint())
    return {high, high};
  return {max(zero, max(x.min, zero - x.max)), high};
}

/// x // d for d >= 1; smaller divisors count as 1.
template <typename Number>
Interval<Number> floorDiv(const Interval<Number> &x,
                          const Interval<Number> &d) {
  using std::max;
  using std::min;
  Number least = max(d.min, Number(1)), most = max(d.max, Number(1));
  return {min(floorDiv(x.min, least), floorDiv(x.min, most)),
          max(floorDiv(x.max, least), floorDiv(x.max, most))};
}

/// x mod d for d >= 1, likewise. Within one period the remainder runs with x;
/// else it is anything.
template <typename Number>
Interval<Number> floorMod(const Interval<Number> &x,
                          const Interval<Number> &d) {
  using std::max;
  Number zero = 0, one = 1, divisor = max(d.max, one);
  if (!d.isPoint())
    return {zero, divisor - one};
  Number low = floorDiv(x.min, divisor) * divisor;
  Number high = floorDiv(x.max, divisor) * divisor;
  auto isOnePeriod = equal(low, high);
  return {select(isOnePeriod, x.min - low, zero),
          select(isOnePeriod, x.max - low, divisor - one)};
}

} // namespace ladon::analysis

#endif // LADON_COMPILER_ANALYSIS_INTERVAL_H
