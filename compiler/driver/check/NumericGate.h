//===- NumericGate.h - Is a computed result right? -------------*- C++ -*-===//
//
// Compares a result of compiled code with the reference. It passes only if
//
//   1. every element is within errorFactor * roundoff * error of the reference,
//      where `error` is the reference's running bound: for a row of an attend
//      max |v| * (1 + weighted mean of |s|), with |s| at least the sum of
//      |q||k| that its rounding depends on, and never more than what keeps it
//      between the smallest and the largest v;
//   2. the correlation with the reference is high enough for every head, of
//      elements that no cache of fewer bits may round to either side;
//   3. zeros that the spec demands are zeros; NaN and the infinities are where
//      the reference has them, and nowhere else.
//
// The bounds are one table, derived in docs/semantics.md.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_CHECK_NUMERICGATE_H
#define LADON_COMPILER_DRIVER_CHECK_NUMERICGATE_H

#include "compiler/reference/Reference.h"

#include <algorithm>

namespace ladon {

/// What the gate demands of an element type.
struct GateBounds {
  ast::ScalarType element;
  double roundoff;    ///< Of one operation.
  double correlation; ///< The least, per head.
};

/// A bound of more than this share of an element's scale says nothing.
constexpr double loosest = 0.25;

/// A bound of at most this share of the range of a result is a tight one.
constexpr double tightest = 0.01;

const GateBounds &gateBounds(ast::ScalarType element);

/// What the gate found.
struct GateReport {
  bool passed = true;
  std::string problem; ///< Why it did not pass: the first reason.
  /// The element that comes nearest to its bound: error and bound, both
  /// divided by the magnitude of its row.
  double error = 0, bound = 0;
  double correlation = 1; ///< The least over the heads.
  int64_t elements = 0;
  /// Elements that rounding decides: those that are not compared, and those
  /// whose bound is more than `loosest` of their scale.
  int64_t unchecked = 0;
  /// Elements whose bound is at most `tightest` of the range of the result,
  /// from its smallest to its largest element and 0.
  int64_t tight = 0;
  /// Whether most bounds are wider than the range and than `tightest` of the
  /// element's scale: any numbers of that size would pass.
  bool vacuous = false;

  /// The error in units of its bound.
  double ratio() const { return bound > 0 ? error / bound : error > 0; }
};

/// `actual` has the shape and element type of `expected`.
GateReport applyGate(const ReferenceResult &expected, const HostTensor &actual);

/// The worst of several reports, and how much they looked at.
struct GateSummary {
  double ratio = -1, error = 0, bound = 0, correlation = 1;
  int64_t elements = 0, unchecked = 0, tight = 0;
  int64_t results = 0, vacuous = 0;

  void add(const GateReport &report) {
    add({report.ratio(), report.error, report.bound, report.correlation,
         report.elements, report.unchecked, report.tight, 1, report.vacuous});
  }
  void add(const GateSummary &other);

  /// "99.1 % of the elements are held to 0.01 of the range or less, ...".
  std::string describe() const;
};

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_CHECK_NUMERICGATE_H
