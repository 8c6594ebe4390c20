//===- extreme_values_test.cpp - Numbers at the ends of their types -------===//
//
// What docs/semantics.md says about large values and large scores, on compiled
// code and on the reference, against values known beforehand.
//
//===----------------------------------------------------------------------===//

#include "compiled_spec.h"

#include "compiler/reference/Reference.h"

#include <cmath>
#include <limits>
#include <map>

using namespace ladon;
using namespace ladon::test;
using ast::ScalarType;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

/// A type with its name in the language, its largest and its smallest number.
struct FloatKind {
  ScalarType element;
  const char *name, *lowest;
  double largest;
};
const FloatKind kinds[] = {
    {ScalarType::F32, "f32", "-3.4028234663852886e38", 0x1.fffffep127},
    {ScalarType::F64, "f64", "-1.7976931348623157e308",
     0x1.fffffffffffffp1023}};

/// One head, one query, D = Dv = 1; the score of key j is bias[j] + s, and s is
/// q k[j] with q = 1.
class OneRow {
public:
  explicit OneRow(const FloatKind &kind,
                  const std::string &arguments = ", score = s + bias[j]")
      : kind(kind), spec(text(kind, arguments)) {}

  explicit operator bool() const { return bool(spec); }

  /// out and lse.
  std::pair<double, double> operator()(llvm::ArrayRef<double> k,
                                       llvm::ArrayRef<double> bias,
                                       llvm::ArrayRef<double> v) const {
    int64_t T = k.size();
    const HostTensor inputs[] = {makeTensor(kind.element, {1, 1, 1, 1}, {1.0}),
                                 makeTensor(kind.element, {1, 1, T, 1}, k),
                                 makeTensor(kind.element, {1, 1, T, 1}, v),
                                 makeTensor(kind.element, {T}, bias)};
    std::vector<HostTensor> results = spec(inputs);
    return {elementsOf(results[0])[0], elementsOf(results[1])[0]};
  }

private:
  static std::string text(const FloatKind &kind, const std::string &arguments) {
    std::string type = kind.name;
    return "attention row(q: " + type + "[B, 1, S, 1], k: " + type +
           "[B, 1, T, 1], v: " + type + "[B, 1, T, 1], bias: " + type +
           "[T]) -> (o: " + type + "[B, 1, S, 1], lse: " + type +
           "[B, 1, S]) {\n  let a = attend(q, k, v, scale = 1" + arguments +
           ")\n  return a.out, a.lse\n}\n";
  }

  FloatKind kind;
  CompiledSpec spec;
};

//===--- Sinks -----------------------------------------------------------===//

/// One head and one value feature, S queries and T keys whose scores are all 0
/// and of which those from `visible` on are hidden; a sink.
void expectSink(const FloatKind &kind, int64_t S, int64_t T, int64_t visible,
                double sink, double out, double lse) {
  SCOPED_TRACE(std::to_string(S) + " queries, " + std::to_string(visible) +
               " of " + std::to_string(T) + " keys, sink " +
               std::to_string(sink));
  std::string type = kind.name;
  static std::map<std::string, std::unique_ptr<CompiledSpec>> compiled;
  auto &spec = compiled[type];
  if (!spec)
    spec = std::make_unique<CompiledSpec>(
        "attention row(q: " + type + "[B, 1, S, 1], k: " + type +
        "[B, 1, T, 1], v: " + type + "[B, 1, T, 1], z: " + type +
        "[1], n: i32) -> (o: " + type + "[B, 1, S, 1], lse: " + type +
        "[B, 1, S]) {\n  let a = attend(q, k, v, mask = j < n, sinks = z)\n"
        "  return a.out, a.lse\n}\n");
  ASSERT_TRUE(*spec);
  std::vector<double> zeros(std::max(S, T), 0), ones(T, 1);
  HostTensor n = HostTensor::zeros(ScalarType::I32, {});
  n.setInteger({}, visible);
  const HostTensor inputs[] = {makeTensor(kind.element, {1, 1, S, 1},
                                          llvm::ArrayRef(zeros).take_front(S)),
                               makeTensor(kind.element, {1, 1, T, 1},
                                          llvm::ArrayRef(zeros).take_front(T)),
                               makeTensor(kind.element, {1, 1, T, 1}, ones),
                               makeTensor(kind.element, {1}, {sink}), n};
  auto expectNear = [](double found, double wanted) {
    if (std::isfinite(wanted))
      EXPECT_NEAR(found, wanted, 1e-6 * (1 + std::fabs(wanted)));
    else
      EXPECT_EQ(found, wanted);
  };
  std::vector<HostTensor> found = (*spec)(inputs);
  std::vector<ReferenceResult> expected = spec->reference(inputs);
  for (int64_t i = 0; i < S; ++i) {
    expectNear(elementsOf(found[0])[i], out);
    expectNear(elementsOf(found[1])[i], lse);
    expectNear(expected[0].value[i], out);
    expectNear(expected[1].value[i], lse);
  }
}

/// A value that is no number, of a hidden key between visible ones, makes a row
/// be computed again with care; its sink joins that row as well.
TEST(Sinks, JoinRowsThatAreComputedAgain) {
  for (const FloatKind &kind : kinds) {
    std::string type = kind.name;
    CompiledSpec spec("attention row(q: " + type + "[B, 1, S, 1], k: " + type +
                      "[B, 1, T, 1], v: " + type + "[B, 1, T, 1], z: " + type +
                      "[1]) -> (o: " + type + "[B, 1, S, 1], lse: " + type +
                      "[B, 1, S]) {\n  let a = attend(q, k, v, mask = j % 3 != "
                      "1, sinks = z)\n  return a.out, a.lse\n}\n");
    ASSERT_TRUE(spec);
    for (int64_t S : {1, 8, 9, 50})
      for (int64_t T : {2, 5, 600}) {
        std::vector<double> zeros(std::max(S, T), 0), values;
        for (int64_t key = 0; key < T; ++key)
          values.push_back(key % 3 == 1 ? std::nan("") : 1);
        const HostTensor inputs[] = {
            makeTensor(kind.element, {1, 1, S, 1},
                       llvm::ArrayRef(zeros).take_front(S)),
            makeTensor(kind.element, {1, 1, T, 1},
                       llvm::ArrayRef(zeros).take_front(T)),
            makeTensor(kind.element, {1, 1, T, 1}, values),
            makeTensor(kind.element, {1}, {0})};
        std::vector<HostTensor> found = spec(inputs);
        double visible = double(T - (T + 1) / 3);
        for (int64_t i = 0; i < S; ++i) {
          EXPECT_NEAR(elementsOf(found[0])[i], visible / (visible + 1), 1e-5)
              << S << " queries, " << T << " keys";
          EXPECT_NEAR(elementsOf(found[1])[i], std::log(visible + 1), 1e-5);
        }
      }
  }
}

TEST(Sinks, JoinTheSumOnceHoweverManyKeysThereAre) {
  for (const FloatKind &kind : kinds)
    // Few queries and many; one chunk of keys and several.
    for (int64_t S : {1, 8, 9, 70})
      for (int64_t T : {1, 5, 512, 513, 1300}) {
        double n = double(T);
        expectSink(kind, S, T, T, 0, n / (n + 1), std::log(n + 1));
        expectSink(kind, S, T, T, std::log(n), 0.5, std::log(2 * n));
        expectSink(kind, S, T, 3, 0, std::min(n, 3.) / (std::min(n, 3.) + 1),
                   std::log(std::min(n, 3.) + 1));
      }
}

TEST(Sinks, AreAllThatARowWithoutKeysHas) {
  for (const FloatKind &kind : kinds)
    for (int64_t S : {1, 9})
      for (int64_t T : {0, 4, 600})
        for (double sink : {0.0, -3.5, 100.0}) {
          expectSink(kind, S, T, 0, sink, 0, sink);
          expectSink(kind, S, T, 0, -inf, 0, -inf);
        }
}

TEST(Sinks, OfAnySizeAreRight) {
  for (const FloatKind &kind : kinds)
    for (int64_t S : {1, 9}) {
      expectSink(kind, S, 4, 4, -inf, 1, std::log(4));
      expectSink(kind, S, 4, 4, -1e4, 1, std::log(4));
      expectSink(kind, S, 4, 4, 1e4, 0, 1e4);
      expectSink(kind, S, 600, 600, 1e30, 0, 1e30);
    }
}

//===--- Values ----------------------------------------------------------===//

TEST(LargeValues, AreRightWhileTheirSumIsBelowHalfOfTheLargest) {
  for (const FloatKind &kind : kinds) {
    OneRow row(kind);
    ASSERT_TRUE(row);
    for (int64_t T : {1, 2, 3, 16, 130, 300}) {
      double v = kind.largest / 2.1 / double(T);
      std::vector<double> zeros(T, 0), values(T, v);
      EXPECT_NEAR(row(zeros, zeros, values).first / v, 1, 1e-6) << T;
      // Half of them negative: they cancel.
      for (int64_t j = 0; j < T; ++j)
        values[j] = j % 2 ? -v : v;
      EXPECT_NEAR(row(zeros, zeros, values).first / v, T % 2 ? 1.0 / T : 0,
                  1e-6);
    }
  }
}

TEST(LargeValues, OfOneKeyComeBackUnchanged) {
  for (const FloatKind &kind : kinds) {
    OneRow row(kind);
    ASSERT_TRUE(row);
    for (double v : {kind.largest, -kind.largest})
      EXPECT_EQ(row({0.0}, {0.0}, {v}).first, v);
  }
}

TEST(LargeValues, OverflowToAnInfinityWhereTheirSumDoes) {
  for (const FloatKind &kind : kinds) {
    OneRow row(kind);
    ASSERT_TRUE(row);
    double v = kind.largest * 0.9;
    std::vector<double> zeros(4, 0);
    EXPECT_EQ(row(zeros, zeros, {v, v, v, v}).first, inf);
    EXPECT_EQ(row(zeros, zeros, {-v, -v, -v, -v}).first, -inf);
    // The logarithm of the sum has nothing to do with them.
    EXPECT_NEAR(row(zeros, zeros, {v, v, v, v}).second, std::log(4), 1e-6);
    // A hidden key does not count.
    EXPECT_NEAR(row(zeros, {0, -inf, -inf, -inf}, {v, v, v, v}).first / v, 1,
                1e-6);
  }
}

//===--- Scores ----------------------------------------------------------===//

TEST(LargeScores, ARowOfTheSmallestBiasIsTheMeanOfItsValues) {
  for (const FloatKind &kind : kinds) {
    OneRow row(kind),
        literal(kind, std::string(", score = s + bias[j] + ") + kind.lowest);
    ASSERT_TRUE(row && literal);
    for (int64_t T : {1, 2, 5, 64, 129, 300}) {
      std::vector<double> k(T), v(T), lowest(T, -kind.largest), zeros(T, 0);
      double mean = 0;
      for (int64_t j = 0; j < T; ++j) {
        k[j] = double(j % 7) - 3;
        v[j] = double(j);
        mean += v[j] / double(T);
      }
      EXPECT_NEAR(row(k, lowest, v).first, mean, 1e-5 * double(T)) << T;
      EXPECT_NEAR(literal(k, zeros, v).first, mean, 1e-5 * double(T)) << T;
    }
  }
}

TEST(LargeScores, TheSmallestBiasHidesAKeyBesideOthers) {
  for (const FloatKind &kind : kinds) {
    OneRow row(kind);
    ASSERT_TRUE(row);
    for (int64_t T : {2, 5, 64, 129, 300})
      for (int64_t seen : {int64_t(0), T / 2, T - 1}) {
        std::vector<double> zeros(T, 0), bias(T, -kind.largest), v(T);
        for (int64_t j = 0; j < T; ++j)
          v[j] = double(j + 1);
        bias[seen] = 0;
        auto [out, lse] = row(zeros, bias, v);
        EXPECT_EQ(out, double(seen + 1)) << T;
        EXPECT_EQ(lse, 0) << T;
      }
  }
}

TEST(LargeScores, OneOfThemLeads) {
  for (const FloatKind &kind : kinds) {
    OneRow row(kind);
    ASSERT_TRUE(row);
    std::vector<double> sizes = {3.4e9, 1e12, 1e19, 1e30, 1e37};
    if (kind.element == ScalarType::F64)
      sizes.insert(sizes.end(), {1e100, 1e300});
    for (double size : sizes) {
      // The lead is in the first key, the last, and beyond the first block.
      for (int64_t T : {2, 17, 129, 300})
        for (int64_t leader : {int64_t(0), T - 1}) {
          std::vector<double> zeros(T, 0), bias(T, -size), v(T, 1);
          bias[leader] = size;
          v[leader] = 7;
          auto [out, lse] = row(zeros, bias, v);
          EXPECT_EQ(out, 7) << kind.name << " " << size << " T=" << T;
          EXPECT_NEAR(lse / size, 1, 1e-6) << kind.name << " " << size;
        }
    }
  }
}

TEST(LargeScores, EqualOnesShareTheWeight) {
  for (const FloatKind &kind : kinds) {
    OneRow row(kind);
    ASSERT_TRUE(row);
    for (double size : {3.4e9, -3.4e9, 1e19, -1e19, 1e30, -1e30, 1e37, -1e37})
      for (int64_t T : {1, 2, 64, 129, 300}) {
        std::vector<double> zeros(T, 0), bias(T, size), v(T);
        for (int64_t j = 0; j < T; ++j)
          v[j] = j % 2 ? 1 : 3;
        double mean = double(T + 2 * ((T + 1) / 2)) / double(T);
        auto [out, lse] = row(zeros, bias, v);
        EXPECT_NEAR(out, mean, 1e-5) << kind.name << " " << size << " T=" << T;
        EXPECT_NEAR(lse / size, 1, 1e-6);
      }
  }
}

TEST(LargeScores, MixWithHiddenKeysAndOrdinaryScores) {
  for (const FloatKind &kind : kinds) {
    OneRow row(kind);
    ASSERT_TRUE(row);
    std::vector<double> zeros(5, 0), v = {1, 2, 4, 8, 16};
    // Minus infinity hides, however small the others are.
    EXPECT_NEAR(row(zeros, {-inf, -1e30, -inf, -1e30, -inf}, v).first, 5, 1e-5);
    // All hidden.
    auto [none, noLse] = row(zeros, std::vector<double>(5, -inf), v);
    EXPECT_EQ(none, 0);
    EXPECT_EQ(noLse, -inf);
    // Ordinary scores among small ones: the softmax of 0 and log 3.
    EXPECT_NEAR(
        row({0, std::log(3.0), 0, 0, 0}, {0, 0, -1e30, -3.4e9, -inf}, v).first,
        0.25 * 1 + 0.75 * 2, 1e-5);
  }
}

TEST(LargeScores, DifferencesSurvive) {
  // What a large common score leaves of a difference is kept: in f32 the
  // spacing of numbers near 2^23 is 1, near 3.4e9 it is 256.
  OneRow row(kinds[0]);
  ASSERT_TRUE(row);
  double weight = 1 / (1 + std::exp(-1.0));
  EXPECT_NEAR(row({0, 0}, {0x1p23, 0x1p23 + 1}, {0, 1}).first, weight, 1e-5);
  EXPECT_NEAR(row({0, 0}, {-0x1p23, -0x1p23 + 1}, {0, 1}).first, weight, 1e-5);
  EXPECT_EQ(row({0, 0}, {3.4e9, 3.4e9 + 256}, {0, 1}).first, 1);
}

} // namespace
