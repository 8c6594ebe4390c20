//===- reference_test.cpp - The oracle against values made by hand --------===//

#include "reference_spec.h"

using namespace ladon;
using ast::BinaryOp;
using ast::Builtin;
using ast::ScalarType;

namespace {

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

TEST(Reference, MasksRoundToTheFloatType) {
  // 3 * 0.1 is above 0.3 in f64 and, rounded after each step, not in f32.
  auto results = runTiny(", mask = j * 0.1 <= 0.3", 1, {0, 0, 0, 0});
  EXPECT_EQ(visibleKeys(results[0], results[1], 0),
            3 * 0.1f <= 0.3f ? 0b1111u : 0b0111u);
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

TEST(Reference, ScoresReadWhatIsComputed) {
  // Weights of 3 and 6 for values of 1 and 10; the second key is out of reach
  // of the first query.
  expectResult("attention a(q: f32[B, 1, S, 1], k: f32[B, 1, T, 1],"
               "    v: f32[B, 1, T, 1], x: f32[T]) -> f32[B, 1, S, 1] {"
               "  let y = x * 3"
               "  return attend(q, k, v, normalize = linear, divisor = 1,"
               "    score = y[j], mask = y[i] >= y[j]) }",
               {floats({1, 1, 2, 1}, {1, 1}), floats({1, 1, 2, 1}, {1, 1}),
                floats({1, 1, 2, 1}, {1, 10}), floats({2}, {1, 2})},
               {3, 63});
}

TEST(Reference, LinearWeightsHaveASign) {
  expectResult("attention a(q: f32[B, 1, S, 1], k: f32[B, 1, T, 1],"
               "    v: f32[B, 1, T, 1]) -> f32[B, 1, S, T] {"
               "  let a = attend(q, k, v, normalize = linear, divisor = 2)"
               "  return a.weights }",
               {floats({1, 1, 1, 1}, {1}), floats({1, 1, 2, 1}, {6, -8}),
                floats({1, 1, 2, 1}, {1, 1})},
               {3, -4});
}

TEST(Reference, HeadsThatAreNotKeptSeeNothing) {
  auto results =
      run("attention a(q: f32[B, 2, S, 1], k: f32[B, 2, T, 1], "
          "v: f32[B, 2, T, 1]) -> (o: f32[B, 2, S, 1], l: f32[B, 2, S], "
          "w: f32[B, 2, S, T]) {\n  let a = attend(q, k, v, keep_heads = [1])"
          "\n  return a, a.lse, a.weights\n}",
          {floats({1, 2, 1, 1}, {1, 1}), floats({1, 2, 2, 1}, {0, 0, 0, 0}),
           floats({1, 2, 2, 1}, {1, 2, 3, 5})});
  EXPECT_EQ(results[0].value, (std::vector<double>{0, 4}));
  EXPECT_EQ(results[1].value[0], -INFINITY);
  EXPECT_EQ(results[2].value, (std::vector<double>{0, 0, 0.5, 0.5}));
}

TEST(Reference, PartsOfATensorAreItsElements) {
  HostTensor x = floats({1, 2, 3}, {1, 2, 3, 4, 5, 6});
  expectResult(
      "attention a(x: f32[B, 2, 3]) -> f32[B, 2] { return x[:, 1, 1:] }", {x},
      {5, 6});
  expectResult(
      "attention a(x: f32[B, 2, 3]) -> f32[B, 2] { return x[:, :, 2] }", {x},
      {3, 6});
  expectResult("attention a(x: f32[B, 2, 3]) -> f32[B, 3, 2] {"
               "  return transpose(x, 1, 2) }",
               {x}, {1, 4, 2, 5, 3, 6});
  expectResult("attention a(x: f32[B, 2, 3]) -> f32[B, 2, 2] {"
               "  let (y, z) = split(x, sizes = [1, 2])  return z - y }",
               {x}, {1, 2, 1, 2});
  expectResult("attention a(x: f32[B, 2, 6]) -> f32[B, 2, 2, 1] {"
               "  let (y, z) = split(x, heads = [4, 2])  return z * 10 }",
               {floats({1, 2, 6}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})},
               {40, 100, 50, 110});
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
