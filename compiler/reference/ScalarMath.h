//===- ScalarMath.h - Operations on single values --------------*- C++ -*-===//
//
// What each operator and function of the language does to single values:
// integers exactly, with the width of their type; floats in f64. Beside each
// float runs a bound on how far a computation in the spec's own type may be off
// (running error analysis; Higham, Accuracy and Stability, section 3.3), which
// the numeric gate turns into a tolerance. Meaning: docs/semantics.md.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_REFERENCE_SCALARMATH_H
#define LADON_COMPILER_REFERENCE_SCALARMATH_H

#include "compiler/frontend/AST.h"

#include <cmath>

namespace ladon {

/// Half the distance from 1 to the next number: 2^-24 for f32, 2^-53 for f64.
double unitRoundoff(ast::ScalarType type);

/// The largest finite number of a float type.
double largestNumber(ast::ScalarType type);

/// A value of any scalar type.
struct Value {
  int64_t i = 0; ///< Of an integer; 0 or 1 of a bool.
  double f = 0;  ///< Of a float.
  /// Error bound of `f`, in units of the type's roundoff: a finite number, 0
  /// for an infinity or a NaN.
  double err = 0;
};

/// How many times its bound an error is taken to be at most, when deciding
/// whether a comparison is ambiguous: twice what the numeric gate lets pass.
constexpr double safety = 16;

/// Whether a number with an error bound, in units of `roundoff`, could as well
/// be 0 or of the other sign.
bool mayBeZero(double value, double err, double roundoff);

/// productError where an operand or its bound is no number.
double specialProductError(double left, double leftErr, double right,
                           double rightErr, double roundoff);

/// The error bound of the product of two values with such bounds, without the
/// rounding of the product: 0 where it is surely an infinity or a NaN; infinite
/// where nothing is known of it, because nothing is of an operand or as it is
/// an infinity times what may be 0.
inline double productError(double left, double leftErr, double right,
                           double rightErr, double roundoff) {
  double error = std::fabs(left) * rightErr + std::fabs(right) * leftErr;
  return std::isfinite(error)
             ? error
             : specialProductError(left, leftErr, right, rightErr, roundoff);
}

/// The operations. One object per computation: it collects `ambiguous`.
struct ScalarMath {
  /// The float type a compiled attention computes in.
  ast::ScalarType floatType = ast::ScalarType::F32;
  /// Round each result to its type, so that masks are what a compiled one
  /// finds, to the last bit.
  bool roundResults = false;
  /// Set when a comparison, a rounding to an integer, an overflow or a pole
  /// could go the other way within the error of its operands.
  bool ambiguous = false;

  /// `value` of type `from` as a value of type `to`.
  Value convert(Value value, ast::ScalarType from, ast::ScalarType to);

  /// `left op right` for operands of one type, `type`. Comparisons give bool;
  /// `And` and `Or` take bool.
  Value binary(ast::BinaryOp op, ast::ScalarType type, Value left, Value right);
  Value unary(ast::UnaryOp op, ast::ScalarType type, Value value);
  /// `args` have type `type`, but for Float and Int, which convert from it.
  Value call(ast::Builtin builtin, ast::ScalarType type,
             llvm::ArrayRef<Value> args, ast::ScalarType resultType);

  /// A float constant: exact, or off by its rounding to the float type.
  Value constant(double value, ast::ScalarType type);

private:
  bool close(Value left, Value right) const;
  bool isNearPole(ast::Builtin builtin, llvm::ArrayRef<Value> args) const;
  Value winner(Value left, Value right, bool rightWins) const;
  Value smaller(Value left, Value right) const;
  Value larger(Value left, Value right) const;
  Value sum(Value left, Value right, ast::ScalarType type);
  /// The error of rounding `value` itself: none if the compiled code rounds
  /// alike, or if the value is short enough to need no rounding in either type.
  double rounding(double value) const;
  Value finish(double value, double err, ast::ScalarType type);
  Value callFloat(ast::Builtin builtin, ast::ScalarType type,
                  llvm::ArrayRef<Value> args);
  Value step(double value, Value of, bool halfway, ast::ScalarType type);
};

/// The type in which two operands meet: f64 over f32 over i64 over i32.
ast::ScalarType commonType(ast::ScalarType left, ast::ScalarType right);

} // namespace ladon

#endif // LADON_COMPILER_REFERENCE_SCALARMATH_H
