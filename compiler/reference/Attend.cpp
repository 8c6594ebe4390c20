//===- Attend.cpp - Attention in plain loops ------------------------------===//

#include "compiler/reference/Attend.h"
#include "compiler/reference/PointExpr.h"

#include "llvm/Support/Parallel.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

using namespace ladon;
using namespace ladon::ast;
using namespace ladon::reference;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// The smallest normal number: weights below it may be lost.
double smallestWeight(ScalarType type) {
  return type == ScalarType::F64 ? std::numeric_limits<double>::min()
                                 : double(std::numeric_limits<float>::min());
}

/// A visible key of a row and its score, or the row's sink.
struct VisibleKey {
  int64_t key; ///< -1 for a sink, which has no value.
  double score, error;
  double weight = 0;
  double drift = 0; ///< How far the weight may move, once that is not linear.
};

/// One attend, row by row.
class Attend {
public:
  Attend(const AttendArgs &args, const Tensor &q, const Tensor &k,
         const Tensor &v, const Bindings &bindings)
      : q(q), k(k), v(v), batches(bindings.extent(args.batch)),
        heads(bindings.extent(args.heads)), queries(q.shape[2]),
        features(q.shape[3]), kvHeads(bindings.extent(args.kvHeads)),
        keys(k.shape[2]), valueFeatures(v.shape[3]), scale(args.scaleValue) {
    int64_t offset = keys - queries;
    if (args.score)
      score.emplace(args.score, bindings, offset, q.element);
    if (args.mask)
      mask.emplace(args.mask, bindings, offset, q.element);
    if (args.seed) {
      ScalarMath math;
      seed = uint64_t(PointExpr(args.seed, bindings, offset, q.element)
                          .evaluate(Point(), math)
                          .i);
      share = args.dropoutValue;
    }
    keptHeads = args.keptHeads;
    if (args.sinks)
      sinks = bindings.inputs.find(args.sinks->param)->second;
  }

  AttendResult run();

  MatrixUnitRounding rounding;
  std::optional<int64_t> places; ///< Of keys in scores, if these are wanted.

private:
  void row(Point point, AttendResult &result) const;
  void storeScores(int64_t row, llvm::ArrayRef<VisibleKey> visible,
                   bool certain, AttendResult &result) const;
  /// The visible keys of a row; false when a comparison was too close to tell.
  bool visibleKeys(Point point, std::vector<VisibleKey> &visible) const;
  Value scaledScore(const Point &point, bool &certain) const;
  /// What dropout multiplies the weight of a key by: 0, or what makes up for
  /// that.
  double factor(const Point &point, int64_t key) const;

  const Tensor &q, &k, &v;
  int64_t batches, heads, queries, features, kvHeads, keys, valueFeatures;
  double scale;
  std::optional<PointExpr> score, mask;
  std::optional<HostTensor> sinks;
  llvm::ArrayRef<int64_t> keptHeads; ///< Empty: all.
  uint64_t seed = 0;
  double share = 0; ///< Of weights that are dropped.
};

} // namespace

/// Where row (b, h, position) of a tensor [B, H, positions, features] begins,
/// which may have one batch entry or head for all.
static int64_t rowOf(const Tensor &tensor, int64_t batch, int64_t head,
                     int64_t position) {
  const Extents &shape = tensor.shape;
  batch = shape[0] == 1 ? 0 : batch;
  head = shape[1] == 1 ? 0 : head;
  return ((batch * shape[1] + head) * shape[2] + position) * shape[3];
}

double reference::errorOfSum(double inherited, double rounding, double absolute,
                             bool areFinite, ScalarType type) {
  if (std::isinf(inherited))
    return openError;
  // Of f64 the absolute sum may itself be an infinity.
  if (absolute <= largestNumber(type) / 2)
    return inherited + rounding;
  return areFinite ? openError : 0;
}

/// scale * sum_d q[d] k[d]. The error bound is the sum of |q[d] k[d]|, or that
/// of the summation where partial sums are large. Clears `certain` where
/// nothing is known of the sum.
Value Attend::scaledScore(const Point &point, bool &certain) const {
  int64_t qRow = rowOf(q, point.batch, point.head, point.query);
  int64_t kRow = rowOf(k, point.batch, point.kvHead, point.key);
  double sum = 0, absolute = 0, partial = 0, inherited = 0;
  double roundoff = unitRoundoff(q.element), size = std::fabs(scale);
  bool areFinite = true;
  for (int64_t d = 0; d < features; ++d) {
    double qd = q.value[qRow + d], kd = k.value[kRow + d];
    areFinite &= std::isfinite(qd) && std::isfinite(kd);
    sum += qd * kd;
    absolute += std::fabs(qd * kd);
    partial += std::fabs(sum);
    inherited +=
        productError(qd, q.error[qRow + d], kd, k.error[kRow + d], roundoff);
  }
  Value value;
  value.f = scale * sum;
  double ofSum = std::max(absolute, summationShare * partial);
  value.err = errorOfSum(size * inherited, size * ofSum,
                         size * (ofSum + inherited), areFinite, q.element);
  certain &= !std::isinf(value.err);
  return value;
}

/// One word of Philox-4x32 with 10 rounds (Salmon et al., SC 2011).
static uint32_t philox(std::array<uint32_t, 4> counter, uint64_t seed,
                       unsigned word) {
  uint32_t low = uint32_t(seed), high = uint32_t(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    uint64_t first = uint64_t(0xd2511f53) * counter[0];
    uint64_t third = uint64_t(0xcd9e8d57) * counter[2];
    counter = {uint32_t(third >> 32) ^ counter[1] ^ low, uint32_t(third),
               uint32_t(first >> 32) ^ counter[3] ^ high, uint32_t(first)};
    low += 0x9e3779b9;
    high += 0xbb67ae85;
  }
  return counter[word];
}

double Attend::factor(const Point &point, int64_t key) const {
  if (share == 0 || key < 0)
    return 1;
  // As many of the 2^32 words as come nearest to the share are dropped.
  double dropped = std::min(std::round(share * 0x1p32), 0x1p32 - 1);
  uint32_t word = philox({uint32_t(key / 4), uint32_t(point.query),
                          uint32_t(point.head), uint32_t(point.batch)},
                         seed, key % 4);
  return word < dropped ? 0 : 0x1p32 / (0x1p32 - dropped);
}

bool Attend::visibleKeys(Point point, std::vector<VisibleKey> &visible) const {
  bool certain = true;
  if (!keptHeads.empty() && !llvm::is_contained(keptHeads, point.head))
    return certain;
  for (point.key = 0; point.key < keys; ++point.key) {
    if (mask) {
      ScalarMath math;
      math.floatType = q.element;
      math.roundResults = true;
      bool isVisible = mask->evaluate(point, math).i;
      certain &= !math.ambiguous;
      if (!isVisible)
        continue;
    }
    point.score = scaledScore(point, certain);
    if (score) {
      ScalarMath math;
      math.floatType = q.element;
      Value value =
          math.convert(score->evaluate(point, math), score->type(), q.element);
      certain &= !math.ambiguous;
      point.score = value;
    }
    if (point.score.f == -infinity)
      continue;
    visible.push_back({point.key, point.score.f, point.score.err});
  }
  return certain;
}

/// The error bound of a value, which is none of an infinity or a NaN.
static double errorOf(double value, double ofNumber) {
  if (!std::isfinite(value))
    return 0;
  return std::isnan(ofNumber) ? openError : ofNumber;
}

/// How far scores may be off before the effect on the weights is no longer
/// proportional to it.
static constexpr double linearLimit = 1e-3;

/// log(e^a + e^b).
static double addLogs(double a, double b) {
  double high = std::max(a, b), low = std::min(a, b);
  return low == -infinity ? high : high + std::log1p(std::exp(low - high));
}

/// For each number the logarithm of the sum of the exponentials of all others;
/// last the one of all of them.
static std::vector<double> logSumsOfOthers(llvm::ArrayRef<double> numbers) {
  std::vector<double> sums(numbers.size() + 1);
  double before = -infinity, after = -infinity;
  for (size_t at = 0; at < numbers.size(); ++at) {
    sums[at] = before;
    before = addLogs(before, numbers[at]);
  }
  for (size_t at = numbers.size(); at-- > 0;) {
    sums[at] = addLogs(sums[at], after);
    after = addLogs(after, numbers[at]);
  }
  sums.back() = before;
  return sums;
}

/// Sets how far the weights move when every score moves by at most
/// `perError * key.error`: exactly, for where the first order says nothing any
/// more. `lse` is that of the row. Returns how far it moves.
static double findDrifts(std::vector<VisibleKey> &visible, double lse,
                         double perError) {
  std::vector<double> least, most;
  for (const VisibleKey &key : visible) {
    least.push_back(key.score - lse - perError * key.error);
    most.push_back(key.score - lse + perError * key.error);
  }
  std::vector<double> leastOthers = logSumsOfOthers(least),
                      mostOthers = logSumsOfOthers(most);
  for (size_t at = 0; at < visible.size(); ++at) {
    double largest = 1 / (1 + std::exp(leastOthers[at] - most[at]));
    double smallest = 1 / (1 + std::exp(mostOthers[at] - least[at]));
    double weight = visible[at].weight;
    visible[at].drift = std::max(largest - weight, weight - smallest);
  }
  return std::max(mostOthers.back(), -leastOthers.back());
}

/// The scores of a row. Its weights, where it has any, are stored later; all of
/// this is without a bound where it is not certain what is visible.
void Attend::storeScores(int64_t row, llvm::ArrayRef<VisibleKey> visible,
                         bool certain, AttendResult &result) const {
  for (Tensor *tensor : {&result.scores, &result.weights}) {
    std::fill_n(tensor->error.data() + row * keys, keys,
                certain ? 0 : infinity);
    std::fill_n(tensor->magnitude.data() + row * keys, keys, 1);
  }
  if (!certain)
    return;
  for (const VisibleKey &key : visible) {
    int64_t at = row * keys + key.key;
    result.scores.value[at] = key.score;
    result.scores.error[at] = key.error;
    result.scores.magnitude[at] =
        std::max({1.0, std::fabs(key.score), key.error});
  }
}

void Attend::row(Point point, AttendResult &result) const {
  int64_t index = (point.batch * heads + point.head) * queries + point.query;
  double *out = result.out.value.data() + index * valueFeatures;
  double *outError = result.out.error.data() + index * valueFeatures;
  double *largest = result.out.magnitude.data() + index * valueFeatures;

  std::vector<VisibleKey> visible;
  bool certain = visibleKeys(point, visible);
  if (places)
    storeScores(index, visible, certain, result);
  if (sinks)
    if (double sink = sinks->getFloat({point.head}); sink != -infinity)
      visible.push_back({-1, sink, std::fabs(sink)});
  result.lse.magnitude[index] = 1;
  if (visible.empty()) {
    result.lse.value[index] = -infinity;
    result.lse.error[index] = certain ? 0 : infinity;
    std::fill_n(outError, valueFeatures, certain ? 0 : infinity);
    return;
  }

  double top = -infinity, denominator = 0, scoreError = 0, partial = 0;
  for (const VisibleKey &key : visible)
    top = std::isnan(key.score) ? key.score : std::max(top, key.score);
  for (VisibleKey &key : visible) {
    // The difference is rounded, and its product with log2(e).
    key.error = std::max(key.error, std::fabs(key.score - top));
    key.weight = std::exp(key.score - top);
    denominator += key.weight;
    partial += denominator;
  }
  double sumError = summationShare * partial / denominator, reach = 0;
  for (VisibleKey &key : visible) {
    key.weight /= denominator;
    if (key.weight > 0)
      scoreError += key.weight * key.error;
    reach = std::max(reach, key.error);
  }
  // Half of the factor is for the numerator, half for the denominator.
  double perScore = errorFactor / 2 * unitRoundoff(q.element);
  bool linear = !(perScore * reach > linearLimit);
  double lse = top + std::log(denominator);
  double lseError = linear ? scoreError
                           : findDrifts(visible, lse, perScore) /
                                 (errorFactor * unitRoundoff(q.element));

  if (places && std::isnan(denominator))
    std::fill_n(result.weights.value.data() + index * keys, keys, denominator);
  for (const VisibleKey &key : visible) {
    if (!places || !certain || key.key < 0)
      continue;
    double ofScores = linear
                          ? key.weight * (key.error + scoreError)
                          : key.drift / (errorFactor * unitRoundoff(q.element));
    int64_t at = index * keys + key.key;
    result.weights.value[at] = key.weight;
    result.weights.error[at] = errorOf(
        key.weight, ofScores + key.weight * (1 + sumError) +
                        smallestWeight(q.element) / unitRoundoff(q.element));
  }

  std::vector<double> sumOut(valueFeatures), drift(valueFeatures),
      absolute(valueFeatures), weighted(valueFeatures),
      lowest(valueFeatures, infinity), highest(valueFeatures, -infinity);
  std::vector<bool> isOpen(valueFeatures, !certain),
      areFinite(valueFeatures, true);
  for (VisibleKey &key : visible) {
    int64_t vRow = rowOf(v, point.batch, point.kvHead, key.key);
    // Of the weight, by which the value is multiplied: so of the value.
    double kept = factor(point, key.key);
    for (int64_t e = 0; e < valueFeatures; ++e) {
      double ve = key.key < 0 ? 0 : kept * v.value[vRow + e];
      out[e] += key.weight * ve;
      sumOut[e] += std::fabs(out[e]);
      drift[e] += key.drift * std::fabs(ve);
      absolute[e] += std::fabs(ve);
      weighted[e] += key.weight * std::fabs(ve);
      largest[e] = std::max(largest[e], std::fabs(ve));
      lowest[e] = std::min(lowest[e], ve);
      highest[e] = std::max(highest[e], ve);
      areFinite[e] = areFinite[e] && std::isfinite(ve);
      if (key.key < 0)
        continue;
      double rounded = share > 0 ? std::fabs(ve) : 0,
             inherited = v.error[vRow + e];
      outError[e] = std::max(outError[e], kept * inherited + rounded);
      // An infinity that a weight which is lost turns into a NaN.
      bool isLost =
          std::isinf(ve) && key.weight - key.drift <= smallestWeight(q.element);
      isOpen[e] = isOpen[e] || std::isinf(inherited) || isLost;
    }
  }
  // A convex combination of the values moves by at most the largest of them
  // times the relative error of the weights, which is that of the scores; then
  // there are the sums of the numerator and of the denominator. However wrong
  // the scores are, it stays a convex combination. Weights that are rounded on
  // their own add what that does to each of them, and leave it.
  for (int64_t e = 0; e < valueFeatures; ++e) {
    double ofScores = largest[e] * scoreError;
    if (!linear)
      ofScores = std::min(drift[e],
                          std::max(highest[e] - out[e], out[e] - lowest[e])) /
                 (errorFactor * unitRoundoff(q.element));
    // Each value and each partial sum below the normal numbers may count as
    // zero; together they lose no more than there is.
    double lost = (1 + double(visible.size()) / denominator) * rounding.value;
    double ofWeights = rounding.relative * weighted[e] +
                       rounding.absolute * absolute[e] / denominator +
                       std::min(lost, weighted[e]);
    outError[e] += largest[e] + ofScores + summationShare * sumOut[e] +
                   std::fabs(out[e]) * sumError +
                   ofWeights / (errorFactor * unitRoundoff(q.element));
    // Weights are relative to the largest score seen so far: their sums may be
    // as large as that of the values.
    bool overflows =
        areFinite[e] && !(absolute[e] <= largestNumber(q.element) / 2);
    outError[e] =
        isOpen[e] || overflows ? openError : errorOf(out[e], outError[e]);
  }
  result.lse.value[index] = lse;
  result.lse.magnitude[index] = std::max(1.0, std::fabs(lse));
  result.lse.error[index] =
      certain ? errorOf(lse, 1 + lseError + std::fabs(lse) + sumError)
              : openError;
}

AttendResult Attend::run() {
  AttendResult result;
  result.out = Tensor(q.element, {batches, heads, queries, valueFeatures});
  result.lse = Tensor(q.element, {batches, heads, queries});
  result.out.headAxis = result.lse.headAxis = HeadAxis::Axis1;
  result.out.heads = result.lse.heads = heads;
  if (places) {
    result.scores = Tensor(q.element, {batches, heads, queries, *places});
    result.scores.headAxis = HeadAxis::Axis1;
    result.scores.heads = heads;
    llvm::fill(result.scores.value, -infinity);
    result.weights = Tensor(q.element, {batches, heads, queries, *places});
    result.weights.headAxis = HeadAxis::Axis1;
    result.weights.heads = heads;
  }
  llvm::parallelFor(0, batches * heads, [&](size_t task) {
    Point point;
    point.batch = task / heads;
    point.head = task % heads;
    point.kvHead = point.head / (heads / kvHeads);
    for (point.query = 0; point.query < queries; ++point.query)
      row(point, result);
  });
  return result;
}

AttendResult reference::attend(const AttendArgs &args, const Tensor &q,
                               const Tensor &k, const Tensor &v,
                               const Bindings &bindings,
                               MatrixUnitRounding rounding,
                               std::optional<int64_t> places) {
  Attend attend(args, q, k, v, bindings);
  attend.rounding = rounding;
  attend.places = places;
  return attend.run();
}

MatrixUnitRounding reference::matrixUnitRounding(ScalarType type) {
  if (type == ScalarType::F16)
    return {0x1p-11, 0x1p-25, 0x1p-126};
  if (type == ScalarType::BF16)
    return {0x1p-8, 0, 0x1p-126};
  return {0, 0, 0x1p-126};
}
