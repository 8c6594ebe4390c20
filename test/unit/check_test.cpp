//===- check_test.cpp - Generated inputs and the numeric gate -------------===//

#include "compiler/driver/check/InputGenerator.h"
#include "compiler/driver/check/NumericGate.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace ladon;
using ast::ScalarType;
using llvm::ArrayRef;

//===--- Inputs ----------------------------------------------------------===//

TEST(Random, IsTheSameOnEveryMachine) {
  Random random(1);
  EXPECT_EQ(random.next(), 12966619160104079557u);
  EXPECT_EQ(random.next(), 9600361134598540522u);
}

TEST(Random, NormalHasUnitVariance) {
  Random random(7);
  double sum = 0, squares = 0;
  for (int n = 0; n < 20000; ++n) {
    double x = random.normal();
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / 20000, 0, 0.03);
  EXPECT_NEAR(squares / 20000, 1, 0.05);
}

TEST(Views, GapsAreNaN) {
  HostTensor view = makeView(ScalarType::F32, {2, 3}, ViewKind::Padded);
  forEachPosition(view.shape,
                  [&](ArrayRef<int64_t> at) { view.setFloat(at, 1); });
  int ones = 0, nans = 0;
  for (size_t at = 0; at < view.owner->size(); at += 4) {
    float value;
    std::memcpy(&value, view.owner->data() + at, 4);
    ones += value == 1;
    nans += std::isnan(value);
  }
  EXPECT_EQ(ones, 6);
  EXPECT_GT(nans, 30);
  EXPECT_EQ(size_t(ones + nans), view.owner->size() / 4);
}

//===--- The gate --------------------------------------------------------===//

/// Rows of `columns` elements of one head, all with the given error bound.
static ReferenceResult expectation(std::vector<double> values, double error) {
  ReferenceResult result;
  result.shape = {1, 1, int64_t(values.size()), 1};
  result.error.assign(values.size(), error);
  result.magnitude.assign(values.size(), 1);
  result.value = std::move(values);
  result.headAxis = HeadAxis::Axis1;
  return result;
}

static GateReport gate(const ReferenceResult &expected,
                       std::vector<double> actual) {
  HostTensor tensor = HostTensor::zeros(ScalarType::F32, expected.shape);
  for (size_t at = 0; at < actual.size(); ++at)
    tensor.setFloat({0, 0, int64_t(at), 0}, actual[at]);
  return applyGate(expected, tensor);
}

TEST(NumericGate, BoundsTheErrorOfEachElement) {
  ReferenceResult expected = expectation({1, 0.5, -0.25}, 2);
  double bound = 8 * 2 * 0x1p-24;
  GateReport exact = gate(expected, {1, 0.5, -0.25});
  EXPECT_TRUE(exact.passed);
  EXPECT_EQ(exact.error, 0);
  EXPECT_DOUBLE_EQ(exact.bound, bound);
  GateReport near = gate(expected, {1, 0.5 + 0.9 * bound, -0.25});
  EXPECT_TRUE(near.passed);
  EXPECT_NEAR(near.ratio(), 0.9, 0.05);
  GateReport off = gate(expected, {1, 0.5 + 1.1 * bound, -0.25});
  EXPECT_FALSE(off.passed);
  EXPECT_EQ(off.problem.substr(0, 30), "element [0, 0, 1, 0]: expected");
}

TEST(NumericGate, DemandsThePatternOfSpecialValues) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double inf = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(
      gate(expectation({nan, inf, -inf, 0}, 0), {nan, inf, -inf, 0}).passed);
  EXPECT_FALSE(gate(expectation({nan}, 1), {0}).passed);
  EXPECT_FALSE(gate(expectation({0}, 1), {nan}).passed);
  EXPECT_FALSE(gate(expectation({inf}, 1), {-inf}).passed);
  EXPECT_FALSE(gate(expectation({inf}, 1), {nan}).passed);
  EXPECT_FALSE(gate(expectation({-inf}, 1), {-3e38}).passed);
  // A row without keys is exactly zero.
  EXPECT_FALSE(gate(expectation({0}, 0), {1e-30}).passed);
  EXPECT_TRUE(gate(expectation({0}, 0), {-0.0}).passed);
}

TEST(NumericGate, DemandsCorrelationPerHead) {
  // Large scores make the bound wide; a head of noise within it still fails.
  ReferenceResult expected = expectation({1, -1, 1, -1}, 2e4);
  GateReport report = gate(expected, {1.004, -0.996, 0.996, -1.004});
  EXPECT_FALSE(report.passed);
  EXPECT_EQ(report.problem.substr(0, 19), "head 0: correlation");
  // Two heads: the second one is negligible beside the first in one sum.
  ReferenceResult two = expectation({1, -1, 1e-3, -1e-3}, 1e4);
  two.shape = {1, 2, 2, 1};
  two.heads = 2;
  two.error = {1, 1, 0.01, 0.01};
  HostTensor swapped = HostTensor::zeros(ScalarType::F32, two.shape);
  swapped.setFloat({0, 0, 0, 0}, 1);
  swapped.setFloat({0, 0, 1, 0}, -1);
  swapped.setFloat({0, 1, 0, 0}, -1e-3);
  swapped.setFloat({0, 1, 1, 0}, 1e-3);
  EXPECT_NEAR(applyGate(two, swapped).correlation, -1, 1e-6);
}

TEST(NumericGate, LeavesWhatIsOfEitherSideOutOfTheCorrelation) {
  ReferenceResult expected = expectation({1, -1, 1, -1}, 2e4);
  std::vector<double> actual = {1.008, -1, 1, -1};
  EXPECT_FALSE(gate(expected, actual).passed);
  expected.isEitherSide = {true, false, false, false};
  EXPECT_TRUE(gate(expected, actual).passed);
  // Not the others, nor what is beyond its bound.
  expected.isEitherSide = {false, true, true, true};
  EXPECT_FALSE(gate(expected, {1, -1, 1.008, 1}).passed);
  expected.isEitherSide = {false, true, false, false};
  EXPECT_FALSE(gate(expected, actual).passed);
}

TEST(NumericGate, CorrelatesNumbersOfAnySize) {
  // Their squares are neither infinite nor zero.
  for (double size : {0x1p-600, 0x1p-300, 1.0, 0x1p300, 0x1p1000}) {
    ReferenceResult expected =
        expectation({size, -size, 0.5 * size, -size}, size);
    expected.element = ScalarType::F64;
    expected.magnitude.assign(4, size);
    HostTensor right = HostTensor::zeros(ScalarType::F64, expected.shape);
    HostTensor wrong = right.dense();
    for (int64_t at = 0; at < 4; ++at) {
      right.setFloat({0, 0, at, 0}, expected.value[at]);
      wrong.setFloat({0, 0, at, 0}, -expected.value[at]);
    }
    GateReport report = applyGate(expected, right);
    EXPECT_TRUE(report.passed) << size << ": " << report.problem;
    EXPECT_NEAR(report.correlation, 1, 1e-14) << size;
    EXPECT_NEAR(applyGate(expected, wrong).correlation, -1, 1e-14) << size;
  }
}

TEST(NumericGate, CountsElementsWithATightBound) {
  // 8 u 1e4 is 0.0048: half of a hundredth of 1, and all of it of 0.4.
  EXPECT_EQ(gate(expectation({1, 0, 0.5, 0.25}, 1e4), {1, 0, 0.5, 0.25}).tight,
            4);
  EXPECT_EQ(
      gate(expectation({0.4, 0, 0.1, 0.2}, 1e4), {0.4, 0, 0.1, 0.2}).tight, 0);
  // The range is that of the numbers and zero.
  EXPECT_EQ(gate(expectation({1, 1}, 1e4), {1, 1}).tight, 2);
  EXPECT_EQ(gate(expectation({-0.5, 0.5}, 1e4), {-0.5, 0.5}).tight, 2);
}

TEST(NumericGate, SaysWhenABoundIsWiderThanTheValues) {
  // 8 u 1e5 is 0.048.
  ReferenceResult small = expectation({0.01, -0.02, 0.01, 0.02}, 1e5);
  EXPECT_TRUE(gate(small, {0.01, -0.02, 0.01, 0.02}).vacuous);
  ReferenceResult large = expectation({0.1, -0.2, 0.1, 0.2}, 1e5);
  EXPECT_FALSE(gate(large, {0.1, -0.2, 0.1, 0.2}).vacuous);
  // Not of elements that nearly cancel, whose bound is small for their scale.
  ReferenceResult cancelled = expectation({1e-7, -1e-7, 1e-7, 1e-7}, 10);
  EXPECT_FALSE(gate(cancelled, {1e-7, -1e-7, 1e-7, 1e-7}).vacuous);
  // Nor if it is half of them.
  ReferenceResult half = small;
  half.error = {1e5, 1e5, 1, 1};
  EXPECT_FALSE(gate(half, {0.01, -0.02, 0.01, 0.02}).vacuous);
  half.error = {1e5, 1e5, 1e5, 1};
  EXPECT_TRUE(gate(half, {0.01, -0.02, 0.01, 0.02}).vacuous);
}

TEST(NumericGate, SubnormalNumbersAreNotZero) {
  // Of values of that size, the weights of which are relative to 1.
  ReferenceResult expected = expectation({3e-40, -2e-40, 1e-40, 2e-40}, 3e-40);
  expected.magnitude.assign(4, 3e-40);
  EXPECT_TRUE(gate(expected, {3e-40, -2e-40, 1e-40, 2e-40}).passed);
  EXPECT_TRUE(gate(expected, {3.001e-40, -2e-40, 1e-40, 2e-40}).passed);
  EXPECT_FALSE(gate(expected, {0, -2e-40, 1e-40, 2e-40}).passed);
  EXPECT_FALSE(gate(expected, {3.1e-40, -2e-40, 1e-40, 2e-40}).passed);
  // Beside values of ordinary size a weight below the normal numbers is
  // nothing.
  ReferenceResult beside = expectation({3e-40, 1}, 1);
  EXPECT_TRUE(gate(beside, {0, 1}).passed);
}

TEST(NumericGate, ASummaryDescribesHowMuchIsHeld) {
  GateSummary summary;
  GateReport tight, loose;
  tight.elements = 3, tight.tight = 3;
  loose.elements = 1, loose.vacuous = true;
  summary.add(tight);
  summary.add(loose);
  GateSummary total;
  total.add(summary);
  total.add(summary);
  EXPECT_EQ(total.results, 4);
  EXPECT_EQ(total.vacuous, 2);
  EXPECT_EQ(total.tight, 6);
  EXPECT_EQ(total.describe(),
            "75.00 % of the elements are held to 0.01 of the range or less, of "
            "4 results in 2 most to nothing");
}

/// A gate on results that are stored in f16.
static GateReport gateOfHalf(ReferenceResult expected,
                             std::vector<double> actual) {
  expected.element = ScalarType::F16;
  HostTensor tensor = HostTensor::zeros(ScalarType::F16, expected.shape);
  for (size_t at = 0; at < actual.size(); ++at)
    tensor.setFloat({0, 0, int64_t(at), 0}, actual[at]);
  return applyGate(expected, tensor);
}

TEST(NumericGate, StoredResultsAreOneRoundingFromTheComputedOnes) {
  double step = 0x1p-10; // Of f16, from 1 on.
  // In the middle between two numbers the computed one may lie on either side.
  ReferenceResult middle = expectation({1 + step / 2, -0.5}, 2);
  EXPECT_TRUE(gateOfHalf(middle, {1, -0.5}).passed);
  EXPECT_TRUE(gateOfHalf(middle, {1 + step, -0.5}).passed);
  EXPECT_FALSE(gateOfHalf(middle, {1 - step / 2, -0.5}).passed);
  EXPECT_FALSE(gateOfHalf(middle, {1 + 2 * step, -0.5}).passed);
  // Elsewhere the nearest one is the only right one.
  ReferenceResult near = expectation({1 + 0.4 * step, -0.5}, 2);
  EXPECT_TRUE(gateOfHalf(near, {1, -0.5}).passed);
  EXPECT_FALSE(gateOfHalf(near, {1 + step, -0.5}).passed);
}

TEST(NumericGate, StoredResultsBeyondTheLargestNumberAreInfinite) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(gateOfHalf(expectation({70000, -1e6}, 2), {inf, -inf}).passed);
  EXPECT_FALSE(gateOfHalf(expectation({70000}, 2), {65504}).passed);
  EXPECT_FALSE(gateOfHalf(expectation({65000}, 2), {inf}).passed);
  EXPECT_FALSE(gateOfHalf(expectation({1}, 2), {std::nan("")}).passed);
  // A row without keys is exactly zero, its lse exactly -inf.
  EXPECT_FALSE(gateOfHalf(expectation({0}, 0), {0x1p-24}).passed);
  EXPECT_TRUE(gateOfHalf(expectation({-inf}, 0), {-inf}).passed);
}

TEST(NumericGate, SkipsWhatRoundingDecides) {
  ReferenceResult expected =
      expectation({1, 2}, std::numeric_limits<double>::infinity());
  GateReport report = gate(expected, {5, 7});
  EXPECT_TRUE(report.passed);
  EXPECT_EQ(report.unchecked, 2);
}

TEST(NumericGate, CountsWhatABoundCannotTell) {
  // 8 u 5e5 is 0.24 of the scale: the element is still compared.
  GateReport narrow = gate(expectation({1, 1, 1, 1}, 5e5), {1, 1, 1, 1.2});
  EXPECT_TRUE(narrow.passed);
  EXPECT_EQ(narrow.unchecked, 0);
  EXPECT_FALSE(gate(expectation({1}, 5e5), {1.3}).passed);
  // Beyond a quarter of it, it is compared and counted as unchecked.
  GateReport wide = gate(expectation({1, 1, 1, 1}, 6e5), {1, 1, 1, 1.2});
  EXPECT_TRUE(wide.passed);
  EXPECT_EQ(wide.unchecked, 4);
  EXPECT_FALSE(gate(expectation({1}, 6e5), {1.4}).passed);
  // A bound that is no number allows nothing to be said.
  for (double other : {3.0, std::nan("")}) {
    GateReport none = gate(expectation({1, 2}, std::nan("")), {1, other});
    EXPECT_TRUE(none.passed);
    EXPECT_EQ(none.unchecked, 2);
  }
  EXPECT_FALSE(gate(expectation({std::nan("")}, 0), {1}).passed);
}

TEST(NumericGate, ReportsTheElementNearestToItsBound) {
  ReferenceResult expected = expectation({1, 2, 3, 4}, 10);
  expected.magnitude = {1, 2, 4, 8};
  double bound = 8 * 10 * 0x1p-24;
  GateReport report = gate(expected, {1, 2 + 0.25 * bound, 3 - 0.5 * bound, 4});
  EXPECT_TRUE(report.passed);
  EXPECT_NEAR(report.ratio(), 0.5, 0.1);
  EXPECT_DOUBLE_EQ(report.bound, bound / 4);
}

TEST(NumericGate, RefusesAnotherShapeOrType) {
  ReferenceResult expected = expectation({1, 2}, 1);
  HostTensor longer = HostTensor::zeros(ScalarType::F32, {1, 1, 3, 1});
  EXPECT_FALSE(applyGate(expected, longer).passed);
  HostTensor wider = HostTensor::zeros(ScalarType::F64, expected.shape);
  EXPECT_FALSE(applyGate(expected, wider).passed);
}

TEST(NumericGate, SummaryKeepsTheWorst) {
  GateSummary summary;
  GateReport good, bad;
  good.error = 1, good.bound = 10, good.elements = 3;
  bad.error = 4, bad.bound = 8, bad.correlation = 0.9, bad.elements = 2;
  bad.unchecked = 1;
  summary.add(bad);
  summary.add(good);
  EXPECT_EQ(summary.ratio, 0.5);
  EXPECT_EQ(summary.error, 4);
  EXPECT_EQ(summary.bound, 8);
  EXPECT_EQ(summary.correlation, 0.9);
  EXPECT_EQ(summary.elements, 5);
  EXPECT_EQ(summary.unchecked, 1);
  // No bound at all: any error is over it.
  GateReport exact;
  EXPECT_EQ(exact.ratio(), 0);
  exact.error = 1e-30;
  EXPECT_EQ(exact.ratio(), 1);
}

TEST(NumericGate, AHeadOfEqualNumbersHasNoCorrelation) {
  // So many that their plain sum is off by far more than each of them.
  constexpr int64_t count = 16770;
  ReferenceResult expected = expectation(std::vector<double>(count, 0.3), 0.5);
  expected.element = ScalarType::F64;
  HostTensor actual = HostTensor::zeros(ScalarType::F64, expected.shape);
  for (int64_t at = 0; at < count; ++at)
    actual.setFloat({0, 0, at, 0}, at % 3 ? 0.3 : 0.3 + 0x1p-54);
  GateReport report = applyGate(expected, actual);
  EXPECT_TRUE(report.passed) << report.problem;
  EXPECT_EQ(report.correlation, 1);
}
