//===- fold_test.cpp - Values of constant expressions ---------------------===//
//
// Integer folding against arithmetic of 128 bits at the ends of i64, where it
// must give up rather than wrap; comparisons; and numbers as text.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Fold.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstdlib>
#include <limits>

using namespace ladon;
using ast::BinaryOp;

namespace {

using Wide = __int128;

constexpr int64_t least = std::numeric_limits<int64_t>::min();
constexpr int64_t most = std::numeric_limits<int64_t>::max();

const int64_t edges[] = {
    least, least + 1, least / 2,  -4294967297, -64,      -63, -8, -7, -3, -2,
    -1,    0,         1,          2,           3,        7,   8,  31, 32, 62,
    63,    64,        3037000500, most / 2,    most - 1, most};

/// The value, if 64 bits hold it.
std::optional<int64_t> narrowed(Wide value) {
  if (value < least || value > most)
    return std::nullopt;
  return int64_t(value);
}

/// The quotient that is rounded down.
Wide floorDivided(Wide left, Wide right) {
  Wide quotient = left / right;
  if (left % right != 0 && (left < 0) != (right < 0))
    --quotient;
  return quotient;
}

void expectFolds(BinaryOp op,
                 llvm::function_ref<std::optional<int64_t>(Wide, Wide)> exact) {
  for (int64_t left : edges)
    for (int64_t right : edges)
      EXPECT_EQ(foldInteger(op, left, right), exact(left, right))
          << left << " and " << right;
}

TEST(Fold, SumsAndProductsOverflowIntoNothing) {
  expectFolds(BinaryOp::Add, [](Wide x, Wide y) { return narrowed(x + y); });
  expectFolds(BinaryOp::Sub, [](Wide x, Wide y) { return narrowed(x - y); });
  expectFolds(BinaryOp::Mul, [](Wide x, Wide y) { return narrowed(x * y); });
}

TEST(Fold, DivisionRoundsDown) {
  expectFolds(BinaryOp::FloorDiv, [](Wide x, Wide y) {
    return y == 0 ? std::nullopt : narrowed(floorDivided(x, y));
  });
  expectFolds(BinaryOp::Mod, [](Wide x, Wide y) {
    return y == 0 ? std::nullopt : narrowed(x - floorDivided(x, y) * y);
  });
}

TEST(Fold, ARemainderHasTheSignOfTheDivisor) {
  for (int64_t left : edges)
    for (int64_t right : edges)
      if (auto rest = foldInteger(BinaryOp::Mod, left, right)) {
        EXPECT_LT(Wide(std::abs(*rest)), right < 0 ? -Wide(right) : right);
        EXPECT_TRUE(*rest == 0 || (*rest < 0) == (right < 0));
      }
}

TEST(Fold, BitsAreThoseOfTwosComplement) {
  expectFolds(BinaryOp::BitAnd, [](Wide x, Wide y) { return narrowed(x & y); });
  expectFolds(BinaryOp::BitOr, [](Wide x, Wide y) { return narrowed(x | y); });
  expectFolds(BinaryOp::BitXor, [](Wide x, Wide y) { return narrowed(x ^ y); });
}

TEST(Fold, ShiftsMultiplyAndDivideByPowersOfTwo) {
  expectFolds(BinaryOp::Shl, [](Wide x, Wide y) -> std::optional<int64_t> {
    // The power itself must be a number of 64 bits.
    if (y < 0 || y > 62)
      return std::nullopt;
    return narrowed(x * (Wide(1) << y));
  });
  expectFolds(BinaryOp::Shr, [](Wide x, Wide y) -> std::optional<int64_t> {
    if (y < 0 || y > 63)
      return std::nullopt;
    return narrowed(floorDivided(x, Wide(1) << y));
  });
}

TEST(Fold, OtherOperatorsHaveNoIntegerValue) {
  for (BinaryOp op : {BinaryOp::Div, BinaryOp::And, BinaryOp::Or, BinaryOp::Lt,
                      BinaryOp::MatMul})
    EXPECT_EQ(foldInteger(op, 6, 3), std::nullopt);
}

TEST(Fold, ComparisonsAreExact) {
  for (int64_t left : edges)
    for (int64_t right : edges) {
      EXPECT_EQ(foldCompare(BinaryOp::Lt, left, right), left < right);
      EXPECT_EQ(foldCompare(BinaryOp::Le, left, right), left <= right);
      EXPECT_EQ(foldCompare(BinaryOp::Gt, left, right), left > right);
      EXPECT_EQ(foldCompare(BinaryOp::Ge, left, right), left >= right);
      EXPECT_EQ(foldCompare(BinaryOp::Eq, left, right), left == right);
      EXPECT_EQ(foldCompare(BinaryOp::Ne, left, right), left != right);
    }
}

TEST(NumberText, IsShort) {
  const std::pair<double, const char *> texts[] = {
      {0, "0"},
      {-1, "-1"},
      {48, "48"},
      {0.5, "0.5"},
      {-2.25, "-2.25"},
      {0.1, "0.1"},
      {1.0 / 3, "0.3333333333333333"},
      {999999999999999, "999999999999999"},
      {1e15, "1e+15"},
      {-1e15, "-1e+15"},
      {1e-7, "1e-07"},
      {5e-324, "5e-324"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {HUGE_VAL, "inf"},
      {-HUGE_VAL, "-inf"},
  };
  for (auto [value, text] : texts)
    EXPECT_EQ(numberText(value), text);
}

/// What is written is the same number when it is read.
TEST(NumberText, IsExact) {
  double value = 1;
  for (int step = 0; step < 400; ++step) {
    value = value * -1.7320508075688772 + (step % 7) * 1e-3;
    EXPECT_EQ(std::strtod(numberText(value).c_str(), nullptr), value);
    double small = 1 / value;
    EXPECT_EQ(std::strtod(numberText(small).c_str(), nullptr), small);
  }
}

} // namespace
