//===- size_expr_test.cpp - Sizes that are computed from others -----------===//

#include "compiler/support/SizeExpr.h"

#include "gtest/gtest.h"

using namespace ladon;
using Op = SizeExpr::Op;

namespace {

/// The canonical text, or "none".
std::string canonical(const char *text) {
  std::optional<SizeExpr> size = SizeExpr::parse(text);
  return size ? size->str() : "none";
}

TEST(SizeExpr, EqualExpressionsHaveOneText) {
  EXPECT_EQ(canonical("S"), "S");
  EXPECT_EQ(canonical("S+P"), "P + S");
  EXPECT_EQ(canonical("S * 2 - 1"), "2 * S - 1");
  EXPECT_EQ(canonical("S + S - 1"), "2 * S - 1");
  EXPECT_EQ(canonical("-1 + 2 * (S)"), "2 * S - 1");
  EXPECT_EQ(canonical("10 - S"), "-S + 10");
  EXPECT_EQ(canonical("T - S"), "T - S");
  EXPECT_EQ(canonical("(S + 1) * (T - 1)"), "S * T + T - S - 1");
  EXPECT_EQ(canonical("B * S * B"), "B * B * S");
  EXPECT_EQ(canonical("S - S"), "0");
  EXPECT_EQ(canonical("2 * S - (S + S) + 7"), "7");
}

TEST(SizeExpr, QuotientsStayUnlessTheyAreWhole) {
  EXPECT_EQ(canonical("(S + 15) // 16"), "(S + 15) // 16");
  EXPECT_EQ(canonical("(15+S)//16"), "(S + 15) // 16");
  EXPECT_EQ(canonical("S // 2"), "S // 2");
  EXPECT_EQ(canonical("3 * (S // 2) + 1"), "3 * (S // 2) + 1");
  EXPECT_EQ(canonical("3 * S // 2"), "(3 * S) // 2");
  EXPECT_EQ(canonical("16 * S // 8"), "2 * S");
  EXPECT_EQ(canonical("(-7) // 2"), "-4");
  EXPECT_EQ(canonical("(S // 2 + 1) // 3"), "(S // 2 + 1) // 3");
}

TEST(SizeExpr, ATextOfItsOwnIsReadBackAsItIs) {
  for (const char *text :
       {"2 * S - 1", "(S + 15) // 16", "-S + 10", "B * B * S + 3 * T - S",
        "3 * (S // 2) + 1", "(S // 2 + 1) // 3", "(3 * S) // 2"})
    EXPECT_EQ(canonical(text), text);
}

TEST(SizeExpr, WhatIsNoSizeIsRefused) {
  for (const char *text :
       {"", "S +", "(S", "S)", "S T", "S // 0", "S // -2", "S // T", "S / 2",
        "S % 2", "2S", "9223372036854775807 * 2 * S",
        "9223372036854775807 + 1"})
    EXPECT_EQ(canonical(text), "none") << text;
  std::string deep(200, '(');
  EXPECT_EQ(canonical(deep.c_str()), "none");
}

TEST(SizeExpr, Values) {
  auto valueOf = [](const char *text) {
    return SizeExpr::parse(text)->evaluate(
        [](llvm::StringRef name) { return name == "S" ? 33 : 1 << 30; });
  };
  EXPECT_EQ(valueOf("2 * S - 1"), 65);
  EXPECT_EQ(valueOf("(S + 15) // 16"), 3);
  EXPECT_EQ(valueOf("(10 - S) // 4"), -6);
  EXPECT_EQ(valueOf("3 * (S // 2)"), 48);
  EXPECT_EQ(valueOf("S * T"), INT64_C(33) << 30);
  EXPECT_EQ(valueOf("T * T * T"), std::nullopt);
}

TEST(SizeExpr, WhatIsKnownWithoutValues) {
  EXPECT_EQ(SizeExpr::parse("4 * 5")->asConstant(), 20);
  EXPECT_EQ(SizeExpr::parse("4 * S")->asConstant(), std::nullopt);
  EXPECT_TRUE(SizeExpr::parse("P + S + 3")->isNatural());
  EXPECT_TRUE(SizeExpr::parse("(P + S) // 3")->isNatural());
  EXPECT_FALSE(SizeExpr::parse("P - S")->isNatural());
  EXPECT_FALSE(SizeExpr::parse("(P - 1) // 3")->isNatural());
  std::string names;
  SizeExpr::parse("(P + S) // 3 + P")->forEachName([&](llvm::StringRef name) {
    names += name;
  });
  EXPECT_TRUE(names == "PSP" || names == "PPS") << names;
  EXPECT_TRUE(isComputedSize("2 * S"));
  EXPECT_FALSE(isComputedSize("S_2"));
}

} // namespace
