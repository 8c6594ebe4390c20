//===- ScalarEmitter.h - Folded scalar code on indices ---------*- C++ -*-===//
//
// Emits `arith` code on index and i1 scalars. Every scalar carries static
// bounds, so that what is known at compile time leaves no code behind: an
// operation whose result has one possible value is a constant, a minimum whose
// sides do not overlap is one of them, a decided comparison is true or false.
// Equal operations are emitted once. Code that does not depend on the loop that
// the emitter was made for is placed before the loop, the rest at the front of
// its body.
//
// Arithmetic is on 64 bits. The caller sees to it that values stay within
// +-2^62 (kScalarLimit); the bounds are exact enough to check that (see
// `magnitude`).
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_ANALYSIS_SCALAREMITTER_H
#define LADON_COMPILER_ANALYSIS_SCALAREMITTER_H

#include "compiler/analysis/IntegerRanges.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Operation.h"

#include <cstdint>
#include <map>
#include <tuple>

namespace ladon::analysis {

/// An index or i1 value of the emitted code, known to lie in [min, max]. With
/// `min == max` it is a constant and `value` may be null. A boolean has the
/// bounds 0 and 1.
struct Scalar {
  mlir::Value value;
  int64_t min = 0;
  int64_t max = 0;

  bool isConstant() const { return min == max; }
  bool isConstant(int64_t c) const { return min == c && max == c; }
  bool isTrue() const { return min == 1; }
  bool isFalse() const { return max == 0; }
  bool operator==(const Scalar &o) const {
    return isConstant() ? o.isConstant() && min == o.min
                        : !o.isConstant() && value == o.value;
  }
};

class ScalarEmitter {
public:
  /// Code goes before `loop`, or to the front of its one body block when it
  /// depends on something inside.
  ScalarEmitter(mlir::Operation *loop, mlir::Location loc);

  static Scalar constant(int64_t c) { return {mlir::Value(), c, c}; }
  static Scalar boolean(bool b) { return constant(b); }

  /// An index or i1 value that exists already.
  Scalar wrap(mlir::Value value, IntegerRange range);
  /// An integer of any width, sign-extended to index.
  Scalar fromInteger(mlir::Value value, IntegerRange range);

  Scalar add(Scalar a, Scalar b);
  Scalar sub(Scalar a, Scalar b);
  Scalar neg(Scalar a) { return sub(constant(0), a); }
  Scalar mul(Scalar a, Scalar b);
  /// Rounds to minus infinity. `b` is at least 1.
  Scalar floorDiv(Scalar a, Scalar b);
  Scalar min(Scalar a, Scalar b);
  Scalar max(Scalar a, Scalar b);
  Scalar clamp(Scalar a, Scalar low, Scalar high) {
    return min(max(a, low), high);
  }

  Scalar lessEqual(Scalar a, Scalar b);
  Scalar less(Scalar a, Scalar b);
  Scalar equal(Scalar a, Scalar b) {
    return both(lessEqual(a, b), lessEqual(b, a));
  }
  Scalar both(Scalar a, Scalar b);
  Scalar either(Scalar a, Scalar b);
  Scalar negate(Scalar a);
  /// The index `a` where `condition` is true, else `b`.
  Scalar select(Scalar condition, Scalar a, Scalar b);

  /// The bit that stands for `a` in a signature: 1 << (a mod 64).
  Scalar bitOf(Scalar a);
  /// Whether two signatures have a bit in common.
  Scalar meet(Scalar a, Scalar b);

  /// The value of an index scalar, materialised where it is used.
  mlir::Value index(Scalar a);
  /// The value of a boolean scalar.
  mlir::Value bit(Scalar a);

  /// Whether `value` exists before the loop.
  bool isOutside(mlir::Value value) const;
  /// Where an operation on `operands` is to be created.
  mlir::OpBuilder &builderFor(mlir::ValueRange operands);
  mlir::Location getLoc() const { return loc; }

private:
  mlir::Value constantValue(int64_t c, bool isBit);
  template <typename OpTy, typename... Extra>
  mlir::Value emit(mlir::ValueRange operands, Extra... extra);
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, Scalar a, Scalar b);

  mlir::Operation *loop;
  mlir::Location loc;
  mlir::OpBuilder outer;
  mlir::OpBuilder inner;
  /// Emitted operations by name, operands and predicate.
  std::map<std::tuple<const void *, void *, void *, void *, int64_t>,
           mlir::Value>
      known;
};

} // namespace ladon::analysis

#endif // LADON_COMPILER_ANALYSIS_SCALAREMITTER_H
