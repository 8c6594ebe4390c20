//===- reference_bounds_test.cpp - How far off a result may be ------------===//

#include "reference_spec.h"

#include "compiler/reference/ScalarMath.h"

using namespace ladon;
using ast::BinaryOp;
using ast::Builtin;
using ast::ScalarType;

/// What the gate allows element `at` of a result to be off.
static double allowed(const ReferenceResult &result, size_t at) {
  return errorFactor * unitRoundoff(result.element) * result.error[at];
}

TEST(ErrorBounds, AreProportionalForOrdinaryScores) {
  auto results = runTiny(", scale = 1", 1, {1, 2});
  // |v| (1 + |s|) + the sums.
  EXPECT_LT(allowed(results[0], 0), 8 * 0x1p-24 * 10 * (1 + 2 + 1));
  EXPECT_GT(allowed(results[0], 0), 8 * 0x1p-24 * 10 * (1 + 1));
}

TEST(ErrorBounds, StayNarrowWhereOneLargeScoreWins) {
  // The first order would allow 10 times the largest value, at the least.
  auto results = runTiny(", scale = 1, score = s * 1e10", 1, {1, 2});
  EXPECT_DOUBLE_EQ(results[0].value[0], 10);
  EXPECT_LT(allowed(results[0], 0), 1e-4);
  // Its logarithm is known as well as the score is.
  EXPECT_DOUBLE_EQ(results[1].value[0], 2e10);
  EXPECT_LT(allowed(results[1], 0), 1e-5 * 2e10);
  EXPECT_DOUBLE_EQ(results[1].magnitude[0], 2e10);
}

TEST(ErrorBounds, NeverLeaveTheValuesOfTheRow) {
  // Two equal scores of a size at which rounding could let either win: anything
  // between the values is right, and nothing else.
  auto results = runTiny(", scale = 1, score = s * 1e10", 1, {2, 2});
  EXPECT_DOUBLE_EQ(results[0].value[0], 5.5);
  EXPECT_GT(allowed(results[0], 0), 4.4);
  EXPECT_LT(allowed(results[0], 0), 4.6);
  // Zero is not among them.
  EXPECT_GT(results[0].value[0] - allowed(results[0], 0), 0.9);
}

TEST(ErrorBounds, AreThoseOfTheFirstOrderWhereBothHold) {
  // On either side of the limit at which the first order is left.
  auto below = runTiny(", scale = 1, score = s * 2000", 1, {1, 1});
  auto above = runTiny(", scale = 1, score = s * 9000", 1, {1, 1});
  double ratio = (allowed(above[0], 0) / 9000) / (allowed(below[0], 0) / 2000);
  EXPECT_GT(ratio, 0.2);
  EXPECT_LT(ratio, 1.1);
}

TEST(ErrorBounds, LeaveOpenWhatMayOverflow) {
  // Sums of keys times queries, then sums of values.
  auto scores = runTiny(", scale = 1, score = s * 1e-30", 1, {2e38, 1});
  EXPECT_EQ(scores[0].error[0], inf);
  EXPECT_EQ(scores[1].error[0], inf);
  Spec spec(tiny(", scale = 1"));
  ASSERT_TRUE(spec.checked);
  auto evaluateValues = [&](std::vector<double> values) {
    std::vector<HostTensor> inputs = {floats({1, 1, 1, 1}, {0}),
                                      floats({1, 1, 2, 1}, {1, 1}),
                                      floats({1, 1, 2, 1}, std::move(values))};
    return llvm::cantFail(evaluate(*spec.checked->attention, inputs));
  };
  EXPECT_EQ(evaluateValues({3e38, 3e38})[0].error[0], inf);
  EXPECT_TRUE(std::isfinite(evaluateValues({3e38, 3e38})[1].error[0]));
  EXPECT_TRUE(std::isfinite(evaluateValues({8e37, 8e37})[0].error[0]));
}

TEST(ErrorBounds, LeaveOpenSumsOfStoredWeightsThatMayOverflow) {
  // Scaled by a thousandth, no sum is large; 2 * 2e36 * 100 before that is.
  for (std::string matrix :
       {"float(w) * scale", "transpose(float(w) * scale)"}) {
    std::string text = "attention p(x: f32[M, 2], w: i8[2, 2], scale: f32) -> "
                       "f32[M, 2] {\n  return x @ (" +
                       matrix + ")\n}\n";
    auto errorOf = [&](double x, double weight) {
      std::vector<double> weights(4, weight);
      return run(text, {floats({1, 2}, {x, x}),
                        tensor(ast::ScalarType::I8, {2, 2}, weights),
                        HostTensor::scalar(ast::ScalarType::F32, 1e-3)})[0]
          .error[0];
    };
    EXPECT_EQ(errorOf(2e36, 100), inf) << matrix;
    EXPECT_TRUE(std::isfinite(errorOf(2e35, 100))) << matrix;
    EXPECT_TRUE(std::isfinite(errorOf(2e36, 1))) << matrix;
  }
}

TEST(ErrorBounds, LeaveOpenProductsThatMayOverflowInF64) {
  // Seed 882040 of the random specs: the reference cannot hold a sum that is
  // too large for f64, but knows that only finite numbers went into it.
  std::string text = "attention tiny(q: f64[B, 1, S, 2], k: f64[B, 1, T, 2], "
                     "v: f64[B, 1, T, 1]) -> (o: f64[B, 1, S, 1]) {\n"
                     "  return attend(q, k, v, scale = 1e-3)\n}\n";
  auto errorFor = [&](std::vector<double> query, std::vector<double> keys) {
    return run(text, {tensor(ScalarType::F64, {1, 1, 1, 2}, query),
                      tensor(ScalarType::F64, {1, 1, 2, 2}, keys),
                      tensor(ScalarType::F64, {1, 1, 2, 1}, {1, 2})})[0]
        .error[0];
  };
  EXPECT_EQ(errorFor({1.5e308, 1.5e308}, {1, 1, 0, 0}), inf);
  EXPECT_EQ(errorFor({1.5e308, 1.5e308}, {1, -1, 0, 0}), inf);
  EXPECT_EQ(errorFor({1.5e308, 0}, {10, 0, 0, 0}), inf);
  // An infinity among the operands is one in any order.
  EXPECT_NE(errorFor({inf, 1}, {1, 1, 0, 0}), inf);
}

TEST(ErrorBounds, ANaNThatLosesHasNoError) {
  // Seed 1075 of the random specs: the scores were numbers, their bounds none,
  // and an attend of the result had none for its values.
  auto results = runTiny(", scale = 1, score = min(s, 2)", 1, {notANumber, 1});
  EXPECT_LT(allowed(results[0], 0), 1e-4);
  EXPECT_GT(allowed(results[0], 0), 0);
  results = runTiny(", scale = 1", 1, {notANumber, 1});
  EXPECT_TRUE(std::isnan(results[0].value[0]));
  EXPECT_EQ(results[0].error[0], 0);
  EXPECT_EQ(results[1].error[0], 0);
}

TEST(ErrorBounds, OfSharedValuesReachAnAttendOfThem) {
  // Of a key whose value is open only those rows are that see it.
  auto results = run(
      "attention a(x: f32[1, 1, 2, 1], w: f32[1, 1, 2, 1]) -> f32[1, 1, 2, 1] "
      "{\n  let v = x / (w - 0.1)\n"
      "  return attend(x, x, v, mask = causal)\n}",
      {floats({1, 1, 2, 1}, {1, 2}), floats({1, 1, 2, 1}, {1, 0.1})});
  EXPECT_LT(results[0].error[0], 100);
  EXPECT_EQ(results[0].error[1], inf);
}

TEST(ErrorBounds, OfMatrixUnitsKnowWhatTheyMayLose) {
  auto textWith = [](std::string k, std::string v) {
    return "attention a(q: bf16[1, 1, 1, 1], k: bf16[1, 1, 4, 1], "
           "v: bf16[1, 1, 4, 1], bias: f32[4]) -> f32[1, 1, 1, 1] {\n"
           "  return attend(q, " +
           k + ", " + v + ", score = bias[j])\n}";
  };
  constexpr double tiny = 0x1p-126;
  auto boundIn = [&](const std::string &text, std::vector<double> values,
                     double others) {
    Spec spec(text);
    auto bf16 = [](Extents shape, std::vector<double> numbers) {
      return tensor(ScalarType::BF16, shape, std::move(numbers));
    };
    std::vector<HostTensor> inputs = {bf16({1, 1, 1, 1}, {0}),
                                      bf16({1, 1, 4, 1}, {0, 0, 0, 0}),
                                      bf16({1, 1, 4, 1}, std::move(values)),
                                      floats({4}, {0, others, others, others})};
    Arithmetic arithmetic;
    arithmetic.bf16Pairs = true;
    return allowed(llvm::cantFail(evaluate(*spec.checked->attention, inputs,
                                           arithmetic))[0],
                   0);
  };
  auto boundOf = [&](std::vector<double> values, double others) {
    return boundIn(textWith("k", "v"), std::move(values), others);
  };
  // Zeros have no error; of others each value and partial sum may be lost, but
  // not more than there is.
  EXPECT_EQ(boundOf({0, 0, 0, 0}, 0), 0);
  EXPECT_NEAR(boundOf({tiny, tiny, tiny, tiny}, 0), tiny, 0.02 * tiny);
  EXPECT_NEAR(boundOf({8 * tiny, 8 * tiny, 8 * tiny, 8 * tiny}, 0),
              (2 + 8 * 0x1p-8) * tiny, 0.02 * tiny);
  EXPECT_NEAR(boundOf({8 * tiny, 8 * tiny, 8 * tiny, 8 * tiny}, -20),
              (5 + 8 * 0x1p-8) * tiny, 0.02 * tiny);
  // What is scaled is read as it is stored, too: seed 302557 of the random
  // specs.
  auto boundOfOnes = [&](std::string k, std::string v) {
    return boundIn(textWith(k, v), {1, 1, 1, 1}, 0);
  };
  EXPECT_NEAR(boundOfOnes("k", "v"), 0x1p-8, 1e-4);
  EXPECT_NEAR(boundOfOnes("rms_norm(k)", "v"), 0x1p-8, 1e-4);
  EXPECT_NEAR(boundOfOnes("k", "2 * float(v)"), 0x1p-7, 1e-4);
  EXPECT_NEAR(boundOfOnes("k", "v / 2"), 0x1p-9, 1e-4);
  EXPECT_LT(boundOfOnes("k", "v + 1"), 1e-5);
  EXPECT_LT(boundOfOnes("k + 1", "v"), 1e-5);
}

TEST(ErrorBounds, LeaveOpenAnInfinityTimesWhatMayBeZero) {
  // The mean of the values is 0 but for rounding, and all weights together are
  // beyond the largest number.
  std::string text = "attention a(q: f32[1, 1, 1, 1], k: f32[1, 1, T, 1], "
                     "v: f32[1, 1, T, 1]) -> f32[1, 1, 1, 1] {\n  return "
                     "attend(q, k, v, score = s + 3.4028234663852886e38, "
                     "normalize = relu)\n}";
  auto resultOf = [&](std::vector<double> values) {
    int64_t T = values.size();
    return run(text, {floats({1, 1, 1, 1}, {1}),
                      floats({1, 1, T, 1}, std::vector<double>(T, 1)),
                      floats({1, 1, T, 1}, values)})[0];
  };
  EXPECT_EQ(resultOf({0.1, 0.2, -0.3, 0}).error[0], inf);
  ReferenceResult sure = resultOf({0.1, 0.2, 0.3, 0});
  EXPECT_EQ(sure.value[0], inf);
  EXPECT_EQ(sure.error[0], 0);
}

TEST(ErrorBounds, LeaveOpenInfiniteValuesWhoseWeightMayBeLost) {
  auto resultOf = [&](double key) {
    return run(tiny(", scale = 1"),
               {floats({1, 1, 1, 1}, {1}), floats({1, 1, 2, 1}, {key, 1}),
                floats({1, 1, 2, 1}, {inf, 1})})[0];
  };
  EXPECT_EQ(resultOf(-200).error[0], inf);
  EXPECT_EQ(resultOf(-20).error[0], 0);
  EXPECT_EQ(resultOf(-20).value[0], inf);
}

TEST(ErrorBounds, SayWhatACacheMayRoundToEitherSide) {
  // Of 15 * 0.1, rounded, a cache of bytes makes 1 or 2; of 10 * 0.1
  // it makes 1.
  std::string text = "attention a(q: f32[1, 1, 2, 1], k: f32[1, 1, 1, 1], "
                     "inout c: i8[1, 1, 2, 1], n: i32[1]) -> f32[1, 1, 2, 1] "
                     "{\n  let keys = append(c, k * 0.1, at = n[b])\n  return "
                     "attend(q, float(keys), float(keys), mask = j <= i)\n}";
  auto resultOf = [&](double key) {
    return run(text, {floats({1, 1, 2, 1}, {1, 1}), floats({1, 1, 1, 1}, {key}),
                      tensor(ast::ScalarType::I8, {1, 1, 2, 1}, {5, 5}),
                      tensor(ast::ScalarType::I32, {1}, {1})})[0];
  };
  // The first query sees only what was in the cache.
  ReferenceResult either = resultOf(15);
  EXPECT_EQ(either.isEitherSide, (std::vector<bool>{false, true}));
  EXPECT_GT(allowed(either, 1), 0.01);
  ReferenceResult sure = resultOf(10);
  EXPECT_TRUE(sure.isEitherSide.empty());
  EXPECT_LT(allowed(sure, 1), 1e-4);
}

TEST(ErrorBounds, OfSumsOfTensors) {
  // Each way to add terms, and numbers whose sum is too large.
  const std::pair<const char *, double> sums[] = {
      {"attention a(x: f32[2, 2], w: f32[2, 1]) -> f32[2, 1] {\n"
       "  return x @ w\n}",
       3e38},
      {"attention a(x: f32[2, 2], w: f32[2, 1]) -> f32[2, 2] {\n"
       "  return rms_norm(x, eps = 1)\n}",
       1.5e19},
      {"attention a(x: f32[2, 2], w: f32[2, 1]) -> f32[2, 2] {\n"
       "  return rope(x, cos = w, sin = w)\n}",
       3e38}};
  for (const auto &sum : sums) {
    const char *text = sum.first;
    auto errorsOf = [&](double x, double w) {
      return run(text,
                 {floats({2, 2}, {x, x, 1, 2}), floats({2, 1}, {w, w})})[0];
    };
    ReferenceResult numbers = errorsOf(1, 3);
    for (double error : numbers.error)
      EXPECT_TRUE(error > 0 && error < 100) << text;
    // Sums that may overflow; what has a NaN is one.
    EXPECT_EQ(errorsOf(sum.second, 1).error[0], inf) << text;
    ReferenceResult nan = errorsOf(notANumber, 1);
    EXPECT_TRUE(std::isnan(nan.value[0])) << text;
    EXPECT_EQ(nan.error[0], 0) << text;
    EXPECT_GT(nan.error.back(), 0) << text;
    EXPECT_LT(nan.error.back(), 100) << text;
  }
}

TEST(ErrorBounds, APaddedRowIsTheMeanOfItsValues) {
  // The smallest number as the bias of every key: no key is preferred.
  auto results =
      runTiny(", scale = 1, score = s - 3.4028234663852886e38", 1, {1, 2});
  EXPECT_DOUBLE_EQ(results[0].value[0], 5.5);
  EXPECT_LT(allowed(results[0], 0), 1e-4);
  // As the bias of some keys only it hides them.
  results = runTiny(", scale = 1, score = s + (if j == 0 then "
                    "-3.4028234663852886e38 else 0)",
                    1, {1, 2});
  EXPECT_DOUBLE_EQ(results[0].value[0], 10);
  EXPECT_DOUBLE_EQ(results[1].value[0], 2);
  EXPECT_LT(allowed(results[0], 0), 1e-4);
}

TEST(ErrorBounds, ASumThatSwallowsItsErrorsIsExact) {
  ScalarMath math;
  auto sum = [&](ScalarType type, double left, double err, double right) {
    math.floatType = type;
    return math.binary(BinaryOp::Add, type, {0, left, err}, {0, right, 0});
  };
  // The distance from 2^40 to the numbers beside it is 2^17 in f32.
  Value swallowed = sum(ScalarType::F32, 10, 100, 0x1p40);
  EXPECT_EQ(swallowed.f, 0x1p40);
  EXPECT_EQ(swallowed.err, 0);
  // Halfway between two numbers an error decides which of them it is.
  EXPECT_GT(sum(ScalarType::F32, 0x1p16, 100, 0x1p40).err, 0);
  EXPECT_GT(sum(ScalarType::F32, 10, 0x1p40, 0x1p40).err, 0);
  // So too in f64, in which the reference computes, and for differences.
  EXPECT_EQ(sum(ScalarType::F64, 10, 100, 0x1p70).err, 0);
  EXPECT_GT(sum(ScalarType::F64, 0x1p17, 100, 0x1p70).err, 0);
  EXPECT_GT(sum(ScalarType::F64, 10, 100, 20).err, 0);
  Value difference =
      math.binary(BinaryOp::Sub, ScalarType::F64, {0, 3, 1}, {0, 0x1p70, 0});
  EXPECT_EQ(difference.f, -0x1p70);
  EXPECT_EQ(difference.err, 0);
}

TEST(ErrorBounds, DependOnTheDistanceToTheLargestScore) {
  // A number that all scores of a row have in common changes its lse only.
  auto low = runTiny(", scale = 1", 1, {1, 2});
  auto high = runTiny(", scale = 1, score = s + 4096", 1, {1, 2});
  EXPECT_LT(allowed(high[0], 0), 4 * allowed(low[0], 0));
  EXPECT_GT(allowed(high[1], 0), 100 * allowed(low[1], 0));
}
