//===- reference_test.cpp - The oracle against values made by hand --------===//

#include "compiler/frontend/Frontend.h"
#include "compiler/reference/Reference.h"
#include "compiler/reference/ScalarMath.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

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

/// A checked spec that owns its text.
struct Spec {
  llvm::SourceMgr sources;
  DiagnosticEngine diagnostics{sources};
  std::unique_ptr<CheckedSpec> checked;

  explicit Spec(const std::string &text) {
    unsigned id = sources.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBufferCopy(text), {});
    checked = parseAndCheck(sources, id, {}, diagnostics);
    if (!checked)
      diagnostics.print(llvm::errs());
  }
};

HostTensor tensor(ScalarType element, Extents shape,
                  std::vector<double> values) {
  HostTensor result = HostTensor::zeros(element, shape);
  size_t index = 0;
  forEachPosition(shape, [&](llvm::ArrayRef<int64_t> position) {
    result.setFloat(position, values[index++]);
  });
  return result;
}

HostTensor floats(Extents shape, std::vector<double> values) {
  return tensor(ScalarType::F32, shape, std::move(values));
}

std::vector<ReferenceResult> run(const std::string &text,
                                 std::vector<HostTensor> inputs) {
  Spec spec(text);
  EXPECT_NE(spec.checked, nullptr);
  auto results = evaluate(*spec.checked->attention, inputs);
  if (!results) {
    ADD_FAILURE() << llvm::toString(results.takeError());
    return {};
  }
  return *results;
}

/// One head, D = Dv = 1, the given score and mask arguments and captures.
std::string tiny(const std::string &arguments,
                 const std::string &captures = "") {
  return "attention tiny(q: f32[B, 1, S, 1], k: f32[B, 1, T, 1], "
         "v: f32[B, 1, T, 1]" +
         captures +
         ") -> (o: f32[B, 1, S, 1], lse: f32[B, 1, S]) {\n"
         "  let a = attend(q, k, v" +
         arguments + ")\n  return a.out, a.lse\n}\n";
}

/// Runs `tiny` with S queries of 1, the given keys and values 1, 10, 100, ...
std::vector<ReferenceResult> runTiny(const std::string &arguments, int64_t S,
                                     std::vector<double> keys,
                                     std::vector<HostTensor> captured = {},
                                     const std::string &captures = "") {
  int64_t T = keys.size();
  std::vector<double> values;
  for (int64_t j = 0; j < T; ++j)
    values.push_back(std::pow(10.0, double(j)));
  std::vector<HostTensor> inputs = {
      floats({1, 1, S, 1}, std::vector<double>(S, 1)),
      floats({1, 1, T, 1}, keys), floats({1, 1, T, 1}, values)};
  inputs.insert(inputs.end(), captured.begin(), captured.end());
  return run(tiny(arguments, captures), inputs);
}

/// Which of up to 4 keys row `row` sees, as bits, when all scores are equal:
/// the output is the mean of distinct powers of ten.
unsigned visibleKeys(const ReferenceResult &out, const ReferenceResult &lse,
                     size_t row) {
  double count = std::exp(lse.value[row]);
  double sum = out.value[row] * count;
  unsigned bits = 0;
  for (int j = 4; j-- > 0;)
    if (sum > std::pow(10.0, j) - 0.5) {
      sum -= std::pow(10.0, j);
      bits |= 1u << j;
    }
  EXPECT_NEAR(sum, 0, 1e-6);
  return bits;
}

unsigned visibleUnder(const std::string &mask, size_t row, int64_t S) {
  auto results = runTiny(", mask = " + mask, S, {0, 0, 0, 0});
  return visibleKeys(results[0], results[1], row);
}

} // namespace

//===--- Attention -------------------------------------------------------===//

TEST(Reference, SoftmaxOfTwoKeys) {
  // Scores log 1 and log 3: weights 1/4 and 3/4.
  auto results = runTiny(", scale = 1", 1, {0, std::log(3.0)});
  EXPECT_NEAR(results[0].value[0], 0.25 * 1 + 0.75 * 10, 1e-6);
  EXPECT_NEAR(results[1].value[0], std::log(4.0), 1e-7);
}

TEST(Reference, DefaultScaleIsOneOverRootOfFeatures) {
  auto results =
      run("attention a(q: f32[B, 1, S, 4], k: f32[B, 1, T, 4], "
          "v: f32[B, 1, T, 1]) -> f32[B, 1, S] { return attend(q, k, v).lse }",
          {floats({1, 1, 1, 4}, {1, 2, 3, 4}),
           floats({1, 1, 1, 4}, {1, 1, 1, 1}), floats({1, 1, 1, 1}, {7})});
  EXPECT_EQ(results[0].value[0], 10 / 2.0);
}

TEST(Reference, QueryHeadReadsItsKeyHead) {
  // Four query heads on two key heads: heads 0 and 1 share the first.
  auto results =
      run("attention a(q: f32[B, 4, S, 1], k: f32[B, 2, T, 1], "
          "v: f32[B, 2, T, 1]) -> f32[B, 4, S, 1] { return attend(q, k, v) }",
          {floats({1, 4, 1, 1}, {0, 0, 0, 0}), floats({1, 2, 1, 1}, {0, 0}),
           floats({1, 2, 1, 1}, {5, 6})});
  EXPECT_EQ(results[0].value, (std::vector<double>{5, 5, 6, 6}));
}

TEST(Reference, MaskFormsWithOffset) {
  // S = 2 queries at positions 2 and 3 of T = 4 keys.
  EXPECT_EQ(visibleUnder("causal", 0, 2), 0b0111u);
  EXPECT_EQ(visibleUnder("causal", 1, 2), 0b1111u);
  EXPECT_EQ(visibleUnder("causal_top_left", 0, 2), 0b0001u);
  EXPECT_EQ(visibleUnder("causal_top_left", 1, 2), 0b0011u);
  EXPECT_EQ(visibleUnder("window(1, 0)", 0, 2), 0b0110u);
  EXPECT_EQ(visibleUnder("window(0, 1)", 0, 2), 0b1100u);
  EXPECT_EQ(visibleUnder("window(2, -1)", 1, 2), 0b0110u);
  EXPECT_EQ(visibleUnder("window(0, 2147483647)", 1, 2), 0b1000u);
  EXPECT_EQ(visibleUnder("j == offset", 0, 2), 0b0100u);
}

TEST(Reference, MoreQueriesThanKeys) {
  // Five queries on four keys: offset -1, the first row is empty.
  auto results = runTiny(", mask = causal", 5, {0, 0, 0, 0});
  EXPECT_EQ(results[0].value[0], 0);
  EXPECT_EQ(results[1].value[0], -inf);
  EXPECT_EQ(results[0].error[0], 0);
  EXPECT_EQ(visibleKeys(results[0], results[1], 1), 0b0001u);
}

TEST(Reference, NoKeysGiveZero) {
  auto results = runTiny("", 2, {});
  EXPECT_EQ(results[0].value, (std::vector<double>{0, 0}));
  EXPECT_EQ(results[1].value, (std::vector<double>{-inf, -inf}));
}

TEST(Reference, ScoreOfMinusInfinityMasks) {
  auto results = runTiny(", score = if j == 1 then -inf else s", 1, {0, 0, 0});
  EXPECT_EQ(visibleKeys(results[0], results[1], 0), 0b0101u);
}

TEST(Reference, ScoreComesBeforeMaskAndAfterScale) {
  // The cap acts on 0.5 * 4 = 2.
  auto results =
      runTiny(", scale = 0.5, score = min(s, 1.5), mask = j < 1", 1, {4, 9});
  EXPECT_EQ(results[1].value[0], 1.5);
}

TEST(Reference, MaskedKeysDoNotReachTheRow) {
  auto results = runTiny(", mask = j != 1", 1, {0, notANumber, 0});
  EXPECT_EQ(visibleKeys(results[0], results[1], 0), 0b0101u);
  results = runTiny("", 1, {0, notANumber, 0});
  EXPECT_TRUE(std::isnan(results[0].value[0]));
  EXPECT_TRUE(std::isnan(results[1].value[0]));
  results = runTiny("", 1, {0, inf, 0});
  EXPECT_TRUE(std::isnan(results[0].value[0]));
}

TEST(Reference, IndicesAreClamped) {
  HostTensor table = floats({3}, {0, std::log(2.0), std::log(4.0)});
  auto results = runTiny(", score = table[(j - 1) * 100]", 1, {0, 0, 0},
                         {table}, ", table: f32[N]");
  EXPECT_NEAR(std::exp(results[1].value[0]), 1 + 1 + 4, 1e-6);
  results = runTiny(", score = table[j]", 1, {0, 0, 0}, {floats({0}, {})},
                    ", table: f32[N]");
  EXPECT_NEAR(std::exp(results[1].value[0]), 3, 1e-12);
}

TEST(Reference, BoolBytesOtherThanZeroAreTrue) {
  HostTensor visible = HostTensor::zeros(ScalarType::Bool, {4});
  visible.data[1] = 1;
  visible.data[3] = char(0x80);
  auto results = runTiny(", mask = visible[j]", 1, {0, 0, 0, 0}, {visible},
                         ", visible: bool[T]");
  EXPECT_EQ(visibleKeys(results[0], results[1], 0), 0b1010u);
}

TEST(Reference, StridedAndBroadcastInputs) {
  // One key for both batches, values taken backwards in memory.
  HostTensor k = floats({2, 1, 2, 1}, {0, 0, 0, 0});
  k.strides = {0, 0, 1, 1};
  HostTensor v = floats({2, 1, 2, 1}, {1, 2, 3, 4});
  v.data += 3 * sizeof(float);
  v.strides = {-2, 1, -1, 1};
  auto results = run("attention a(q: f32[B, 1, S, 1], k: f32[B, 1, T, 1], "
                     "v: f32[B, 1, T, 1]) -> f32[B, 1, S, 1] {\n"
                     "  return attend(q, k, v, mask = j == b)\n}",
                     {floats({2, 1, 1, 1}, {0, 0}), k, v});
  EXPECT_EQ(results[0].value, (std::vector<double>{4, 1}));
}

//===--- Tensor operations -----------------------------------------------===//

TEST(Reference, SplitAndConcatAreInverse) {
  std::vector<double> x = {1, 2, 3, 4, 5, 6, 7, 8};
  auto results = run("attention a(x: f32[B, S, 4]) -> (y: f32[B, 2, S, 2], "
                     "z: f32[B, S, 4]) {\n"
                     "  let y = split(x, heads = 2)\n  return y, concat(y)\n}",
                     {floats({1, 2, 4}, x)});
  EXPECT_EQ(results[0].value, (std::vector<double>{1, 2, 5, 6, 3, 4, 7, 8}));
  EXPECT_EQ(results[1].value, x);
}

TEST(Reference, MatmulWithBias) {
  auto results =
      run("attention a(x: f32[B, S, 2], w: f32[2, 3], c: f32[3]) -> "
          "f32[B, S, 3] {\n  return x @ w * 2 + c\n}",
          {floats({1, 2, 2}, {1, 2, 3, 4}), floats({2, 3}, {1, 0, -1, 2, 1, 0}),
           floats({3}, {100, 0, 0.5})});
  EXPECT_EQ(results[0].value,
            (std::vector<double>{110, 4, -1.5, 122, 8, -5.5}));
  EXPECT_EQ(results[0].shape, (Extents{1, 2, 3}));
}

/// Compares the first result with values that hold for f32.
void expectResult(const std::string &text, std::vector<HostTensor> inputs,
                  std::vector<double> expected) {
  std::vector<ReferenceResult> results = run(text, std::move(inputs));
  ASSERT_FALSE(results.empty());
  ASSERT_EQ(results[0].value.size(), expected.size());
  for (size_t at = 0; at < expected.size(); ++at)
    EXPECT_NEAR(results[0].value[at], expected[at], 1e-6) << at;
}

TEST(Reference, NormsOfARow) {
  HostTensor x = floats({1, 2, 2}, {3, 4, 0, 0});
  HostTensor w = floats({2}, {2, -1}), bias = floats({2}, {0.5, 10});
  double rms = std::sqrt(12.5);
  expectResult("attention a(x: f32[B, S, 2], w: f32[2]) -> f32[B, S, 2] {"
               "  return rms_norm(x, w, eps = 0.0000000001) }",
               {x, w}, {6 / rms, -4 / rms, 0, 0});
  expectResult("attention a(x: f32[B, S, 2], w: f32[2], c: f32[2])"
               "    -> f32[B, S, 2] { return layer_norm(x, w, c, 0.75) }",
               {x, w, bias}, {-0.5, 9.5, 0.5, 10});
  expectResult("attention a(x: f32[B, S, 2]) -> f32[B, S, 2] {"
               "  return l2_norm(x) }",
               {x}, {0.6, 0.8, 0, 0});
  expectResult("attention a(x: f32[B, S, 2]) -> f32[B, S, 2] {"
               "  return l2_norm(x, 10) }",
               {x}, {0.3, 0.4, 0, 0});
}

TEST(Reference, RotaryPositions) {
  double c = std::cos(1), s = std::sin(1), c2 = std::cos(0.01),
         s2 = std::sin(0.01);
  HostTensor x = floats({1, 2, 5}, {1, 2, 3, 4, 5, 1, 2, 3, 4, 5});
  std::string head = "attention a(x: f32[B, S, 5]) -> f32[B, S, 5] {"
                     "  return rope(x, dims = 4";
  // Pairs a half apart: (1, 3) by 1 and (2, 4) by 1 / 100.
  expectResult(head + ") }", {x},
               {1, 2, 3, 4, 5, c - 3 * s, 2 * c2 - 4 * s2, 3 * c + s,
                4 * c2 + 2 * s2, 5});
  expectResult(head + ", interleaved = true) }", {x},
               {1, 2, 3, 4, 5, c - 2 * s, 2 * c + s, 3 * c2 - 4 * s2,
                4 * c2 + 3 * s2, 5});
  // A start that turns the first row as the second one was before.
  expectResult("attention a(x: f32[B, S, 2]) -> f32[B, S, 2] {"
               "  return rope(x, base = 5, start = 1) }",
               {floats({1, 1, 2}, {1, 3})}, {c - 3 * s, 3 * c + s});
  // Far away the angle is as exact as near by.
  HostTensor at = HostTensor::zeros(ScalarType::I64, {1});
  at.setInteger({0}, 1000003);
  expectResult("attention a(x: f32[B, S, 2], at: i64[S], f: f32[1])"
               "    -> f32[B, S, 2] {"
               "  return rope(x, positions = at, frequencies = f) }",
               {floats({1, 1, 2}, {1, 0}), at, floats({1}, {0.5})},
               {std::cos(500001.5), std::sin(500001.5)});
  expectResult("attention a(x: f32[B, S, 2], c: f32[S, 1], t: f32[B, S, 1])"
               "    -> f32[B, S, 2] { return rope(x, cos = c, sin = t) }",
               {floats({2, 1, 2}, {1, 2, 3, 4}), floats({1, 1}, {10}),
                floats({2, 1, 1}, {100, 1000})},
               {10 - 200, 20 + 100, 30 - 4000, 40 + 3000});
}

TEST(Reference, TensorsAreJoinedAlongAnAxis) {
  HostTensor x = floats({1, 2, 2}, {1, 2, 3, 4}), y = floats({1, 1, 2}, {5, 6});
  expectResult("attention a(x: f32[B, S, 2], y: f32[B, P, 2])"
               "    -> f32[B, S + P, 2] { return concat(x, y) }",
               {x, y}, {1, 2, 3, 4, 5, 6});
  expectResult("attention a(x: f32[B, S, 2], y: f32[B, S, 2])"
               "    -> f32[B, S, 4] { return concat(x, y, axis = 2) }",
               {x, x}, {1, 2, 1, 2, 3, 4, 3, 4});
}

TEST(Reference, AxesOfOneAndSingleValuesAreRepeated) {
  expectResult("attention a(x: f32[2, 1, S], y: f32[1, 2, 1], n: i32, f: f32)"
               "    -> f32[2, 2, S] { return x * y * (f / 2) + n - S }",
               {floats({2, 1, 2}, {1, 2, 3, 4}), floats({1, 2, 1}, {1, 10}),
                HostTensor::scalar(ScalarType::I32, 7),
                HostTensor::scalar(ScalarType::F32, 4)},
               {7, 9, 25, 45, 11, 13, 65, 85});
}

TEST(Reference, SmallIntegersKeepTheirSigns) {
  auto integers = [](ScalarType type, std::vector<int64_t> values) {
    HostTensor result = HostTensor::zeros(type, {int64_t(values.size())});
    for (size_t at = 0; at < values.size(); ++at)
      result.setInteger({int64_t(at)}, values[at]);
    return result;
  };
  expectResult(
      "attention a(x: u8[N], y: i8[N], z: i16[N], c: bool[N])"
      "    -> f32[N] {"
      "  return float(x) + float(y) * 1000 + float(z) + float(c) / 2 }",
      {integers(ScalarType::U8, {255, 0}),
       integers(ScalarType::I8, {-128, 127}),
       integers(ScalarType::I16, {-32768, 32767}),
       integers(ScalarType::Bool, {1, 0})},
      {255 - 128000 - 32768 + 0.5, 127000 + 32767});
}

TEST(Reference, MisfittingInputsAreErrors) {
  Spec spec(tiny(""));
  auto expectError = [&](std::vector<HostTensor> inputs, const char *what) {
    auto results = evaluate(*spec.checked->attention, inputs);
    ASSERT_FALSE(bool(results));
    EXPECT_EQ(llvm::toString(results.takeError()), what);
  };
  HostTensor q = floats({1, 1, 2, 1}, {0, 0}), k = floats({1, 1, 1, 1}, {0});
  expectError({q, k}, "expected 3 inputs, found 2");
  expectError({q, k, q}, "v: expected T = 1 on axis 2, as in k, found 2");
  expectError({q, floats({1, 2, 1, 1}, {0, 0}), q},
              "k: expected extent 1 on axis 1, found 2");
  expectError({q, floats({1, 1, 1}, {0}), q}, "k: expected 4 axes, found 3");
  expectError({tensor(ScalarType::F64, {1, 1, 1, 1}, {0}), k, k},
              "q: expected f32 elements, found f64");
}

//===--- Error bounds -----------------------------------------------------===//

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

TEST(Reference, MasksRoundToTheFloatType) {
  // 3 * 0.1 is above 0.3 in f64 and, rounded after each step, not in f32.
  auto results = runTiny(", mask = j * 0.1 <= 0.3", 1, {0, 0, 0, 0});
  EXPECT_EQ(visibleKeys(results[0], results[1], 0),
            3 * 0.1f <= 0.3f ? 0b1111u : 0b0111u);
}
