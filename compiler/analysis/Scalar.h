//===- Scalar.h - Numbers that emitted code computes -----------*- C++ -*-===//
//
// Arithmetic on a Scalar emits `arith` code. Each carries its static range, so
// that what is known at compile time leaves no code behind: an operation whose
// result has one possible value is a constant, a minimum whose sides do not
// overlap is one of them, a decided comparison is true or false. Equal
// operations are emitted once. Code that does not depend on the loop that the
// emitter was made for is placed before the loop, the rest at the front of its
// body.
//
// Arithmetic is on 64 bits; the caller sees to it that it does not overflow
// (kScalarLimit).
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_ANALYSIS_SCALAR_H
#define LADON_COMPILER_ANALYSIS_SCALAR_H

#include "compiler/analysis/Interval.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

#include <cstdint>
#include <map>
#include <vector>

namespace ladon::analysis {

class ScalarEmitter;

/// An index or i1 value of the emitted code, known to lie in a range; a boolean
/// lies in [0, 1]. A constant needs no value.
struct Scalar {
  IntegerRange range;
  mlir::Value value;
  ScalarEmitter *emitter = nullptr;

  Scalar(int64_t constant = 0) : range{constant, constant} {}
  Scalar(IntegerRange range, mlir::Value value, ScalarEmitter *emitter);

  bool isConstant() const { return range.isPoint(); }
  bool isConstant(int64_t c) const { return isConstant() && range.min == c; }
  bool isTrue() const { return range.min == 1; }
  bool isFalse() const { return range.max == 0; }
};

/// Whether two scalars are one and the same.
bool isSame(const Scalar &a, const Scalar &b);
inline bool isNatural(const Scalar &a) { return a.range.min >= 0; }

Scalar operator+(Scalar a, Scalar b);
Scalar operator-(Scalar a, Scalar b);
Scalar operator*(Scalar a, Scalar b);
/// Rounds to minus infinity. `b` is at least 1.
Scalar floorDiv(Scalar a, Scalar b);
Scalar min(Scalar a, Scalar b);
Scalar max(Scalar a, Scalar b);
inline Scalar clamp(Scalar a, Scalar low, Scalar high) {
  return min(max(a, low), high);
}

Scalar operator<=(Scalar a, Scalar b);
/// Of booleans.
Scalar operator&(Scalar a, Scalar b);
Scalar operator|(Scalar a, Scalar b);
Scalar operator!(Scalar a);
inline Scalar operator<(Scalar a, Scalar b) { return !(b <= a); }
inline Scalar equal(Scalar a, Scalar b) { return (a <= b) & (b <= a); }
/// The index `a` where `condition` is true, else `b`.
Scalar select(Scalar condition, Scalar a, Scalar b);

/// The signature of one number: the bit 1 << (a mod 64).
Scalar signatureOf(Scalar a);
/// Whether two signatures have a bit in common.
Scalar meet(Scalar a, Scalar b);

class ScalarEmitter {
public:
  /// Code goes before `loop`, or to the front of its one body block when it
  /// depends on something inside.
  ScalarEmitter(mlir::Operation *loop, mlir::Location loc);

  /// An index or i1 value that exists already.
  Scalar wrap(mlir::Value value, IntegerRange range);
  /// An integer of any width, sign-extended to index.
  Scalar fromInteger(mlir::Value value, IntegerRange range);

  /// The value of a scalar, a constant as one of `type`.
  mlir::Value valueOf(Scalar a, mlir::Type type);
  /// The value of an index scalar.
  mlir::Value index(Scalar a) { return valueOf(a, outer.getIndexType()); }
  /// The value of a boolean scalar.
  mlir::Value bit(Scalar a) { return valueOf(a, outer.getI1Type()); }

  /// The result of `OpTy`, built from `args`, which are values and what else
  /// its builder takes. Emitted if it is not there yet.
  template <typename OpTy, typename... Args> mlir::Value emit(Args... args) {
    mlir::Value &slot =
        known[{keyOf(mlir::TypeID::get<OpTy>()), keyOf(args)...}];
    if (!slot) {
      mlir::OpBuilder &builder = (isOutside(args) && ...) ? outer : inner;
      slot = builder.createOrFold<OpTy>(loc, args...);
    }
    return slot;
  }

  /// Whether `value` exists before the loop.
  bool isOutside(mlir::Value value) const;
  /// Where an operation on `operands` is to be created.
  mlir::OpBuilder &builderFor(mlir::ValueRange operands);
  mlir::Location getLoc() const { return loc; }

private:
  template <typename T> static const void *keyOf(T arg) {
    if constexpr (std::is_enum_v<T>)
      return reinterpret_cast<const void *>(static_cast<uintptr_t>(arg));
    else
      return arg.getAsOpaquePointer();
  }
  template <typename T> static bool isOutside(T) { return true; }

  mlir::Operation *loop;
  mlir::Location loc;
  mlir::OpBuilder outer;
  mlir::OpBuilder inner;
  /// Emitted operations by name and arguments.
  std::map<std::vector<const void *>, mlir::Value> known;
};

} // namespace ladon::analysis

#endif // LADON_COMPILER_ANALYSIS_SCALAR_H
