//===- NumericGate.cpp - Is a computed result right? ----------------------===//

#include "compiler/driver/check/NumericGate.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <limits>

using namespace ladon;
using namespace ladon::ast;
using llvm::ArrayRef;

// errorFactor covers the constants of first order: 2 for the weights of a row
// (numerator and denominator), 1 to 2 units each for exp2, the rescaling of a
// block and the final division, and the growth of sums beyond the bound of
// their terms. The correlation is that of docs/semantics.md.
static const GateBounds table[] = {
    // Computed in f32; what the rounding of the result adds is in applyGate.
    {ScalarType::I8, 0x1p-24, 1 - 1e-3},   {ScalarType::F16, 0x1p-24, 1 - 1e-3},
    {ScalarType::BF16, 0x1p-24, 1 - 1e-3}, {ScalarType::F32, 0x1p-24, 1 - 1e-6},
    {ScalarType::F64, 0x1p-53, 1 - 1e-12},
};

const GateBounds &ladon::gateBounds(ScalarType element) {
  return *llvm::find_if(table, [&](const GateBounds &bounds) {
    return bounds.element == element;
  });
}

static std::string describe(ArrayRef<int64_t> position, double expected,
                            double actual) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "element [";
  for (size_t axis = 0; axis < position.size(); ++axis)
    os << (axis ? ", " : "") << position[axis];
  os << "]: expected " << llvm::format("%.9g", expected) << ", found "
     << llvm::format("%.9g", actual);
  return text;
}

namespace {

/// The elements of one head, for its correlation.
struct Correlation {
  std::vector<double> expected, actual, bounds;

  void add(double want, double got, double bound) {
    expected.push_back(want);
    actual.push_back(got);
    bounds.push_back(bound);
  }

  /// None when the head varies so little that rounding alone could lower it.
  std::optional<double> value() const {
    double count = double(expected.size());
    if (count < 2)
      return std::nullopt;
    double meanX = mean(expected), meanY = mean(actual), scale = 0;
    for (size_t at = 0; at < expected.size(); ++at)
      scale = std::max({scale, std::fabs(expected[at] - meanX),
                        std::fabs(actual[at] - meanY), bounds[at]});
    if (scale == 0 || !std::isfinite(scale))
      return std::nullopt;
    // Relative to the largest, as squares may leave the range of f64.
    double xx = 0, yy = 0, xy = 0, error = 0;
    for (size_t at = 0; at < expected.size(); ++at) {
      double x = (expected[at] - meanX) / scale;
      double y = (actual[at] - meanY) / scale, bound = bounds[at] / scale;
      xx += x * x;
      yy += y * y;
      xy += x * y;
      error += bound * bound;
    }
    double noise = 500 * std::sqrt(error);
    if (!(xx > noise * noise))
      return std::nullopt;
    return yy > 0 ? xy / std::sqrt(xx * yy) : 0;
  }

private:
  /// Relative to the first element: of equal ones the mean is exact, where the
  /// rounding of a long sum would look like a variation.
  static double mean(ArrayRef<double> values) {
    double sum = 0;
    for (double value : values)
      sum += (value - values.front()) / double(values.size());
    return values.front() + sum;
  }
};

} // namespace

/// The head that element `index` belongs to.
static int64_t headOf(const ReferenceResult &result, int64_t index) {
  if (result.headAxis == HeadAxis::None)
    return 0;
  if (result.headAxis == HeadAxis::Features)
    return index % result.shape.back() / (result.shape.back() / result.heads);
  int64_t inner = 1;
  for (int64_t extent : ArrayRef(result.shape).drop_front(2))
    inner *= extent;
  return index / inner % result.heads;
}

/// The distance from the smallest to the largest finite element and 0.
static double rangeOf(ArrayRef<double> values) {
  double lowest = 0, highest = 0;
  for (double value : values)
    if (std::isfinite(value)) {
      lowest = std::min(lowest, value);
      highest = std::max(highest, value);
    }
  return highest - lowest;
}

/// What may be lost below the normal numbers, where rounding errors are
/// absolute: of weights up to the smallest normal number each, of products and
/// their sums, which have fewer than 4096 terms, up to half of the smallest
/// number.
static double underflow(ScalarType element, double magnitude) {
  bool isF64 = computedType(element) == ScalarType::F64;
  double tiny = isF64 ? std::numeric_limits<double>::min()
                      : double(std::numeric_limits<float>::min());
  double smallest = isF64 ? std::numeric_limits<double>::denorm_min()
                          : double(std::numeric_limits<float>::denorm_min());
  return 4 * tiny * std::min(1.0, magnitude) + 2048 * smallest;
}

GateReport ladon::applyGate(const ReferenceResult &expected,
                            const HostTensor &actual) {
  GateReport report;
  auto fail = [&](std::string why) {
    if (report.passed)
      report.problem = std::move(why);
    report.passed = false;
  };
  if (actual.shape != expected.shape || actual.element != expected.element) {
    fail("the result has another shape or element type than the reference");
    return report;
  }
  const GateBounds &bounds = gateBounds(expected.element);
  double range = rangeOf(expected.value);
  int64_t wide = 0;
  auto stored = [&](double number) {
    return roundedTo(expected.element, number);
  };
  std::vector<Correlation> heads(expected.heads);
  int64_t index = -1;
  forEachPosition(expected.shape, [&](ArrayRef<int64_t> position) {
    ++index;
    ++report.elements;
    double want = expected.value[index], got = actual.getFloat(position);
    double error = expected.error[index];
    if (!std::isfinite(error)) { // No bound, hence no opinion.
      ++report.unchecked;
      return;
    }
    double allowed = errorFactor * bounds.roundoff * error;
    double magnitude = expected.magnitude[index];
    double lost = error > 0 ? underflow(expected.element, magnitude) : 0;
    allowed += lost;
    double noise = bounds.roundoff * error + lost / errorFactor;
    double ofComputed = allowed;
    if (isStorageOnly(expected.element) && !std::isnan(want)) {
      // Rounding is monotone: what is right before it lies, after it, between
      // the roundings of the ends.
      double low = stored(want - allowed), high = stored(want + allowed);
      if (!(low <= got && got <= high))
        fail(describe(position, want, got));
      allowed = std::max(high - want, want - low);
      // Its error is no longer small beside the variation of a head.
      noise = 0.06 * allowed;
      if (!std::isfinite(allowed))
        return;
    }
    if (!std::isfinite(want) || !std::isfinite(got)) {
      bool same = std::isnan(want) ? std::isnan(got) : want == got;
      if (!same)
        fail(describe(position, want, got));
      return;
    }
    double off = std::fabs(got - want);
    if (off > allowed)
      fail(describe(position, want, got));
    report.tight += ofComputed <= tightest * range;
    wide += ofComputed > std::max(range, tightest * magnitude);
    if (ofComputed - lost > loosest * magnitude) {
      ++report.unchecked;
      return;
    }
    if (magnitude > 0 && allowed > 0 &&
        off * report.bound >= report.error * allowed / magnitude) {
      report.error = off / magnitude;
      report.bound = allowed / magnitude;
    }
    if (expected.isEitherSide.empty() || !expected.isEitherSide[index])
      heads[headOf(expected, index)].add(want, got, noise);
  });
  report.vacuous = wide * 2 > report.elements;
  for (size_t head = 0; head < heads.size(); ++head) {
    std::optional<double> value = heads[head].value();
    if (!value)
      continue;
    report.correlation = std::min(report.correlation, *value);
    if (!(*value >= bounds.correlation)) {
      std::string text;
      llvm::raw_string_ostream(text)
          << "head " << head << ": correlation " << llvm::format("%.9f", *value)
          << " with the reference";
      fail(text);
    }
  }
  return report;
}

void GateSummary::add(const GateSummary &other) {
  if (other.ratio > ratio) {
    ratio = other.ratio;
    error = other.error;
    bound = other.bound;
  }
  correlation = std::min(correlation, other.correlation);
  elements += other.elements;
  unchecked += other.unchecked;
  tight += other.tight;
  results += other.results;
  vacuous += other.vacuous;
}

std::string GateSummary::describe() const {
  double share = elements > 0 ? 100 * double(tight) / double(elements) : 100;
  std::string text;
  llvm::raw_string_ostream(text)
      << llvm::format("%.2f %% of the elements are held to %g of the range or "
                      "less, of %lld results in %lld most to nothing",
                      share, tightest, (long long)results, (long long)vacuous);
  return text;
}
