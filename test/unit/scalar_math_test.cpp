//===- scalar_math_test.cpp - The numbers of the oracle -------------------===//

#include "compiler/reference/ScalarMath.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>

using namespace ladon;
using ast::BinaryOp;
using ast::Builtin;
using ast::ScalarType;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();

int64_t integer(BinaryOp op, ScalarType type, int64_t left, int64_t right) {
  ScalarMath math;
  return math.binary(op, type, {left, 0, 0}, {right, 0, 0}).i;
}

} // namespace

TEST(ScalarMath, IntegersWrapAtTheirWidth) {
  EXPECT_EQ(integer(BinaryOp::Add, ScalarType::I32, INT32_MAX, 1), INT32_MIN);
  EXPECT_EQ(integer(BinaryOp::Add, ScalarType::I64, INT32_MAX, 1), 2147483648);
  EXPECT_EQ(integer(BinaryOp::Mul, ScalarType::I32, 65536, 65537), 65536);
  EXPECT_EQ(integer(BinaryOp::Sub, ScalarType::I64, INT64_MIN, 1), INT64_MAX);
}

TEST(ScalarMath, DivisionFloorsAndIsTotal) {
  ScalarType i32 = ScalarType::I32, i64 = ScalarType::I64;
  EXPECT_EQ(integer(BinaryOp::FloorDiv, i32, -7, 2), -4);
  EXPECT_EQ(integer(BinaryOp::FloorDiv, i32, 7, -2), -4);
  EXPECT_EQ(integer(BinaryOp::FloorDiv, i32, -8, 2), -4);
  EXPECT_EQ(integer(BinaryOp::Mod, i32, -7, 2), 1);
  EXPECT_EQ(integer(BinaryOp::Mod, i32, 7, -2), -1);
  EXPECT_EQ(integer(BinaryOp::Mod, i32, -6, 3), 0);
  EXPECT_EQ(integer(BinaryOp::FloorDiv, i32, 5, 0), 0);
  EXPECT_EQ(integer(BinaryOp::Mod, i32, 5, 0), 0);
  EXPECT_EQ(integer(BinaryOp::FloorDiv, i32, INT32_MIN, -1), INT32_MIN);
  EXPECT_EQ(integer(BinaryOp::FloorDiv, i64, INT64_MIN, -1), INT64_MIN);
  EXPECT_EQ(integer(BinaryOp::Mod, i64, INT64_MIN, -1), 0);
}

TEST(ScalarMath, ShiftsTakeTheAmountModuloTheWidth) {
  EXPECT_EQ(integer(BinaryOp::Shl, ScalarType::I32, 1, 33), 2);
  EXPECT_EQ(integer(BinaryOp::Shl, ScalarType::I32, 1, 31), INT32_MIN);
  EXPECT_EQ(integer(BinaryOp::Shl, ScalarType::I64, 1, 33), int64_t(1) << 33);
  EXPECT_EQ(integer(BinaryOp::Shr, ScalarType::I32, -8, 1), -4);
  EXPECT_EQ(integer(BinaryOp::Shr, ScalarType::I32, -8, -31), -4);
}

static Value number(double f) { return {0, f, 0}; }

TEST(ScalarMath, MinAndMaxIgnoreNaN) {
  ScalarMath math;
  ScalarType f32 = ScalarType::F32;
  auto call = [&](Builtin builtin, llvm::ArrayRef<Value> args) {
    return math.call(builtin, f32, args, f32).f;
  };
  EXPECT_EQ(call(Builtin::Min, {number(notANumber), number(2)}), 2);
  EXPECT_EQ(call(Builtin::Max, {number(2), number(notANumber)}), 2);
  EXPECT_EQ(call(Builtin::Relu, {number(notANumber)}), 0);
  EXPECT_EQ(call(Builtin::Clamp, {number(notANumber), number(1), number(3)}),
            1);
  EXPECT_EQ(call(Builtin::Round, {number(2.5)}), 2);
  EXPECT_EQ(call(Builtin::Round, {number(-3.5)}), -4);
}

TEST(ScalarMath, IntTruncatesAndSaturates) {
  ScalarMath math;
  auto toInt = [&](double value) {
    return math.convert(number(value), ScalarType::F32, ScalarType::I32).i;
  };
  EXPECT_EQ(toInt(2.9), 2);
  EXPECT_EQ(toInt(-2.9), -2);
  EXPECT_EQ(toInt(3e9), INT32_MAX);
  EXPECT_EQ(toInt(-inf), INT32_MIN);
  EXPECT_EQ(toInt(notANumber), 0);
}

TEST(ScalarMath, CloseComparisonsAreAmbiguous) {
  ScalarMath math;
  Value rounded{0, 1.0, 1.0}, far{0, 1.001, 0};
  math.binary(BinaryOp::Lt, ScalarType::F32, rounded, far);
  EXPECT_FALSE(math.ambiguous);
  math.binary(BinaryOp::Lt, ScalarType::F32, rounded, number(1 + 1e-7));
  EXPECT_TRUE(math.ambiguous);
}

TEST(ScalarMath, TheErrorOfAMaximumIsThatOfTheWinner) {
  ScalarMath math;
  auto of = [&](Builtin builtin, Value left, Value right) {
    return math.call(builtin, ScalarType::F32, {left, right}, ScalarType::F32)
        .err;
  };
  Value exact{0, 1, 0}, rounded{0, 2, 5}, beside{0, 2 + 1e-7, 0};
  EXPECT_EQ(of(Builtin::Max, exact, rounded), 5);
  EXPECT_EQ(of(Builtin::Min, exact, rounded), 0);
  EXPECT_EQ(of(Builtin::Min, rounded, exact), 0);
  EXPECT_EQ(of(Builtin::Max, beside, rounded), 5);
  EXPECT_EQ(of(Builtin::Min, rounded, number(notANumber)), 5);
}

TEST(ScalarMath, NothingIsKnownBesideAPole) {
  ScalarType f32 = ScalarType::F32;
  auto isOpen = [&](Builtin builtin, llvm::ArrayRef<Value> args) {
    ScalarMath math;
    math.call(builtin, f32, args, f32);
    return math.ambiguous;
  };
  Value near{0, 1e-7, 1}, beyond{0, -1e-7, 1}, far{0, 1e-3, 1}, exact{0, 0, 0};
  for (Builtin function : {Builtin::Log, Builtin::Log2, Builtin::Rsqrt}) {
    EXPECT_TRUE(isOpen(function, near));
    EXPECT_FALSE(isOpen(function, far));
    EXPECT_FALSE(isOpen(function, exact));
  }
  // The root of a sum of squares is one.
  EXPECT_FALSE(isOpen(Builtin::Sqrt, near));
  EXPECT_TRUE(isOpen(Builtin::Sqrt, beyond));
  EXPECT_TRUE(isOpen(Builtin::Log1p, Value{0, -1 + 1e-7, 1}));
  EXPECT_FALSE(isOpen(Builtin::Log1p, near));
  EXPECT_TRUE(isOpen(Builtin::Pow, {near, number(-1)}));
  EXPECT_TRUE(isOpen(Builtin::Pow, {near, number(0.5)}));
  EXPECT_FALSE(isOpen(Builtin::Pow, {near, number(3)}));
  EXPECT_FALSE(isOpen(Builtin::Pow, {far, number(-1)}));
  EXPECT_TRUE(isOpen(Builtin::Pow, {number(-2), Value{0, 3, 1}}));
  EXPECT_FALSE(isOpen(Builtin::Pow, {number(-2), number(3)}));

  auto binary = [&](BinaryOp op, Value left, Value right) {
    ScalarMath math;
    Value result = math.binary(op, f32, left, right);
    EXPECT_TRUE(std::isfinite(result.err) || math.ambiguous);
    return math.ambiguous;
  };
  EXPECT_TRUE(binary(BinaryOp::Div, number(1), near));
  EXPECT_FALSE(binary(BinaryOp::Div, number(1), far));
  EXPECT_FALSE(binary(BinaryOp::Div, number(1), exact));
  EXPECT_TRUE(binary(BinaryOp::Mul, number(inf), near));
  EXPECT_TRUE(binary(BinaryOp::Mul, near, number(-inf)));
  EXPECT_FALSE(binary(BinaryOp::Mul, number(inf), far));
  EXPECT_FALSE(binary(BinaryOp::Mul, number(notANumber), near));
}

TEST(ScalarMath, WhatF32CannotHoldIsInfinite) {
  ScalarMath math;
  Value hundred;
  hundred.f = 100;
  // exp(100) is 2.7e43.
  Value power =
      math.call(Builtin::Exp, ScalarType::F32, hundred, ScalarType::F32);
  EXPECT_EQ(power.f, inf);
  EXPECT_EQ(power.err, 0);
  EXPECT_FALSE(math.ambiguous);
  math.floatType = ScalarType::F64;
  power = math.call(Builtin::Exp, ScalarType::F64, hundred, ScalarType::F64);
  EXPECT_NEAR(power.f / 2.6881171418161356e43, 1, 1e-12);
  // So near to the largest number, either may come.
  math.floatType = ScalarType::F32;
  Value large, one;
  large.f = 0x1.fffffep127;
  large.err = 2 * large.f;
  one.f = 1;
  math.binary(BinaryOp::Add, ScalarType::F32, large, one);
  EXPECT_TRUE(math.ambiguous);
}

TEST(ScalarMath, ErrorsAreNumbers) {
  // Every function of floats at the points where its derivative has no value.
  const Builtin functions[] = {Builtin::Exp,     Builtin::Exp2, Builtin::Log,
                               Builtin::Log2,    Builtin::Sqrt, Builtin::Rsqrt,
                               Builtin::Erf,     Builtin::Tanh, Builtin::Sin,
                               Builtin::Sigmoid, Builtin::Cos,  Builtin::Relu};
  for (double x : {0.0, -0.0, 1.0, 1e-40, 1e38, 2.0})
    for (double err : {0.0, 1.0, 1e30}) {
      Value value;
      value.f = x;
      value.err = err;
      ScalarMath math;
      for (Builtin function : functions)
        EXPECT_FALSE(std::isnan(
            math.call(function, ScalarType::F32, value, ScalarType::F32).err))
            << int(function) << " of " << x << " +- " << err;
      // An exact integer, on either side or on both.
      for (double y : {0.0, 1.0, 2.0, 0.5, -1.0, -2.5})
        for (double yErr : {0.0, 3.0}) {
          Value other;
          other.f = y;
          other.err = yErr;
          const Value args[] = {value, other};
          EXPECT_FALSE(std::isnan(
              math.call(Builtin::Pow, ScalarType::F32, args, ScalarType::F32)
                  .err))
              << x << " +- " << err << " to the " << y << " +- " << yErr;
        }
    }
}

// Random seed 710147: the sigmoid of a number that might as well be 0 was held
// to 0, where its slope is.
TEST(ScalarMath, AFarErrorReachesBeyondWhereAFunctionIsFlat) {
  ScalarMath math;
  Value value;
  value.f = -1e30;
  value.err = 0x1p24 * 1e30;
  double unit = 8 * unitRoundoff(ScalarType::F32);
  auto reach = [&](Builtin function) {
    return unit *
           math.call(function, ScalarType::F32, value, ScalarType::F32).err;
  };
  EXPECT_GE(reach(Builtin::Sigmoid), 1);
  EXPECT_GE(reach(Builtin::Tanh), 2);
  EXPECT_GE(reach(Builtin::Erf), 2);
  EXPECT_GE(reach(Builtin::Exp), 1);
  EXPECT_GE(reach(Builtin::Softplus), 0.5);
  EXPECT_GE(reach(Builtin::Silu), 1e30);
  EXPECT_GE(reach(Builtin::Gelu), 1e30);
  // A small error moves the sigmoid by its slope.
  value.f = 1;
  value.err = 1;
  EXPECT_NEAR(
      math.call(Builtin::Sigmoid, ScalarType::F32, value, ScalarType::F32).err,
      0.1966 + 2 * 0.7311, 1);
}

TEST(ScalarMath, TheShareOfAFarNegativeNumberIsSubnormal) {
  ScalarMath math;
  math.floatType = ScalarType::F64;
  Value value;
  value.f = -711;
  auto of = [&](Builtin function) {
    return math.call(function, ScalarType::F64, value, ScalarType::F64).f;
  };
  // The exponential of 711 is infinite, that of -711 is not zero.
  EXPECT_EQ(of(Builtin::Sigmoid), std::exp(-711.0));
  EXPECT_GT(of(Builtin::Sigmoid), 0);
  EXPECT_EQ(of(Builtin::Silu), -711 * std::exp(-711.0));
  value.f = 711;
  EXPECT_EQ(of(Builtin::Sigmoid), 1);
}

TEST(ScalarMath, TheErrorOfARootIsItsOwn) {
  ScalarMath math;
  Value value;
  value.err = 1; // Zero, give or take 2^-24.
  Value root =
      math.call(Builtin::Sqrt, ScalarType::F32, value, ScalarType::F32);
  EXPECT_NEAR(root.err * 0x1p-24, 0x1p-12, 1e-9);
  value.f = 4;
  root = math.call(Builtin::Sqrt, ScalarType::F32, value, ScalarType::F32);
  EXPECT_GE(root.err, 0.25);
  EXPECT_LE(root.err, 0.5);
}

TEST(ScalarMath, SubnormalNumbersHaveAbsoluteErrors) {
  ScalarMath math;
  Value value;
  value.f = -100;
  Value power =
      math.call(Builtin::Exp, ScalarType::F32, value, ScalarType::F32);
  EXPECT_NEAR(power.f / 3.720075976020836e-44, 1, 1e-9);
  // Half of the smallest number, at the least.
  EXPECT_GE(power.err * 0x1p-24, 0x1p-150);
}
