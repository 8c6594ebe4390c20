//===- TensorOps.cpp - Operations on whole tensors ------------------------===//

#include "compiler/reference/TensorOps.h"
#include "compiler/reference/ScalarMath.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>

using namespace ladon;
using namespace ladon::reference;
using ast::ScalarType;
using llvm::ArrayRef;

static void copyElement(const Tensor &source, size_t from, Tensor &result,
                        size_t to) {
  result.value[to] = source.value[from];
  result.error[to] = source.error[from];
  result.magnitude[to] = source.magnitude[from];
}

/// Calls `visit` with the place of each element as [batch, head, position,
/// feature], in order, and as [batch, position, head * features + feature].
static void
forEachOfHeads(int64_t batches, int64_t heads, int64_t length, int64_t features,
               llvm::function_ref<void(size_t apart, size_t joined)> visit) {
  size_t apart = 0;
  for (int64_t b = 0; b < batches; ++b)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t s = 0; s < length; ++s)
        for (int64_t d = 0; d < features; ++d, ++apart)
          visit(apart, ((b * length + s) * heads + h) * features + d);
}

/// result[b, h, s, d] = source[b, s, h * D + d]
Tensor reference::split(const Tensor &source, int64_t heads) {
  int64_t batches = source.shape[0], length = source.shape[1],
          features = source.shape[2] / heads;
  Tensor result(source.element, {batches, heads, length, features});
  result.headAxis = HeadAxis::Axis1;
  result.heads = heads;
  forEachOfHeads(batches, heads, length, features,
                 [&](size_t apart, size_t joined) {
                   copyElement(source, joined, result, apart);
                 });
  return result;
}

/// result[b, s, h * D + d] = source[b, h, s, d]
Tensor reference::concat(const Tensor &source) {
  int64_t batches = source.shape[0], heads = source.shape[1],
          length = source.shape[2], features = source.shape[3];
  Tensor result(source.element, {batches, length, heads * features});
  result.headAxis = HeadAxis::Features;
  result.heads = heads;
  forEachOfHeads(batches, heads, length, features,
                 [&](size_t apart, size_t joined) {
                   copyElement(source, apart, result, joined);
                 });
  return result;
}

/// Where position `at` of a tensor of this shape is among its elements.
static size_t indexOf(ArrayRef<int64_t> at, const Extents &shape) {
  size_t index = 0;
  for (auto [position, extent] : llvm::zip_equal(at, shape))
    index = index * extent + position;
  return index;
}

/// result[.., n, .., m, ..] = source[.., m, .., n, ..]
Tensor reference::transpose(const Tensor &source, size_t first, size_t second) {
  Extents shape = source.shape;
  std::swap(shape[first], shape[second]);
  Tensor result(source.element, shape);
  if (first != 1 && second != 1) {
    result.headAxis = source.headAxis;
    result.heads = source.heads;
  }
  size_t to = 0;
  forEachPosition(shape, [&](ArrayRef<int64_t> position) {
    Extents at(position);
    std::swap(at[first], at[second]);
    copyElement(source, indexOf(at, source.shape), result, to++);
  });
  return result;
}

/// result[.., n, ..] = source[.., from + n, ..]
Tensor reference::slice(const Tensor &source, size_t axis, int64_t from,
                        const Extents &shape) {
  Tensor result(source.element, shape);
  bool dropsAxis = shape.size() < source.shape.size();
  if (!dropsAxis && source.headAxis == HeadAxis::Axis1) {
    result.headAxis = source.headAxis;
    result.heads = shape[1];
  }
  size_t to = 0;
  forEachPosition(shape, [&](ArrayRef<int64_t> position) {
    Extents at(position);
    if (dropsAxis)
      at.insert(at.begin() + axis, from);
    else
      at[axis] += from;
    copyElement(source, indexOf(at, source.shape), result, to++);
  });
  return result;
}

/// result[p..., r...] = source[p...], where an axis of one entry is repeated.
Tensor reference::repeat(const Tensor &source, const Extents &shape) {
  Tensor result(source.element, shape);
  result.headAxis = source.headAxis;
  result.heads = source.heads;
  Tensor aligned = source;
  aligned.shape.resize(shape.size(), 1);
  size_t to = 0;
  forEachPosition(shape, [&](ArrayRef<int64_t> position) {
    copyElement(source, broadcastIndex(aligned, position), result, to++);
  });
  return result;
}

/// The error bound of element [m, n] of a product of matrices, where terms or
/// their bounds are no numbers, or their sum may overflow.
static double specialError(const Tensor &left, const Tensor &right, int64_t m,
                           int64_t n, double absolute) {
  int64_t inner = right.shape[0], columns = right.shape[1];
  double roundoff = unitRoundoff(left.element), inherited = 0;
  bool areFinite = true;
  for (int64_t k = 0; k < inner; ++k) {
    size_t l = m * inner + k, r = k * columns + n;
    areFinite &= std::isfinite(left.value[l]) && std::isfinite(right.value[r]);
    inherited += productError(left.value[l], left.error[l], right.value[r],
                              right.error[r], roundoff);
  }
  return errorOfSum(inherited, 0, absolute, areFinite, left.element);
}

/// result[..., n] = sum_k left[..., k] right[k, n]
Tensor reference::matmul(const Tensor &left, const Tensor &right,
                         const Tensor &stored) {
  int64_t inner = right.shape[0], columns = right.shape[1];
  Extents shape(left.shape.begin(), left.shape.end() - 1);
  int64_t rows = elementCount(shape);
  shape.push_back(columns);
  Tensor result(left.element, shape);
  std::vector<double> partial(columns), unscaled(columns);
  for (int64_t m = 0; m < rows; ++m) {
    double *value = result.value.data() + m * columns,
           *error = result.error.data() + m * columns,
           *magnitude = result.magnitude.data() + m * columns;
    std::fill(partial.begin(), partial.end(), 0);
    std::fill(unscaled.begin(), unscaled.end(), 0);
    for (int64_t k = 0; k < inner; ++k) {
      double a = left.value[m * inner + k], aError = left.error[m * inner + k];
      const double *b = right.value.data() + k * columns,
                   *bError = right.error.data() + k * columns,
                   *bStored = stored.value.data() + k * columns;
      for (int64_t n = 0; n < columns; ++n) {
        unscaled[n] += std::fabs(a * bStored[n]);
        value[n] += a * b[n];
        magnitude[n] += std::fabs(a * b[n]);
        partial[n] += std::fabs(value[n]);
        error[n] += aError * std::fabs(b[n]) + std::fabs(a) * bError[n];
      }
    }
    for (int64_t n = 0; n < columns; ++n) {
      error[n] += std::max(magnitude[n], summationShare * partial[n]);
      double largest = std::max(magnitude[n], unscaled[n]);
      if (!(largest <= largestNumber(left.element) / 2) || std::isnan(error[n]))
        error[n] = specialError(left, right, m, n, largest);
    }
  }
  return result;
}

/// A tensor like `source` but for an axis, which is gone.
static Tensor withoutAxis(const Tensor &source, int64_t axis) {
  Extents shape = source.shape;
  shape.erase(shape.begin() + axis);
  Tensor result(source.element, shape);
  if (source.headAxis == HeadAxis::Axis1 && axis != 1 && shape.size() > 1) {
    result.headAxis = source.headAxis;
    result.heads = source.heads;
  }
  return result;
}

/// result[..., ...] = max or min over d of source[..., d, ...], where d counts
/// along `axis`
Tensor reference::extremeAlong(const Tensor &source, int64_t axis, bool isMax) {
  int64_t terms = source.shape[axis];
  int64_t step = elementCount(ArrayRef(source.shape).drop_front(axis + 1));
  Tensor result = withoutAxis(source, axis);
  ScalarMath math;
  math.floatType = source.element;
  for (size_t row = 0; row < result.value.size(); ++row) {
    Value best;
    best.f = isMax ? -HUGE_VAL : HUGE_VAL;
    bool isOpen = false;
    for (int64_t d = 0; d < terms; ++d) {
      size_t from = (row / step * terms + d) * step + row % step;
      Value next;
      next.f = source.value[from];
      next.err = source.error[from];
      isOpen |= std::isinf(next.err);
      best = math.call(isMax ? ast::Builtin::Max : ast::Builtin::Min,
                       source.element, {best, next}, source.element);
      result.magnitude[row] =
          std::max(result.magnitude[row], source.magnitude[from]);
    }
    result.value[row] = best.f;
    result.error[row] = isOpen ? HUGE_VAL : best.err;
  }
  return result;
}

/// result[..., ...] = sum_d source[..., d, ...], where d counts along `axis`
Tensor reference::sumAlong(const Tensor &source, int64_t axis) {
  int64_t terms = source.shape[axis];
  int64_t step = elementCount(ArrayRef(source.shape).drop_front(axis + 1));
  Tensor result = withoutAxis(source, axis);
  for (size_t row = 0; row < result.value.size(); ++row) {
    double partial = 0, absolute = 0, inherited = 0;
    bool areFinite = true;
    for (int64_t d = 0; d < terms; ++d) {
      size_t from = (row / step * terms + d) * step + row % step;
      result.value[row] += source.value[from];
      inherited += source.error[from];
      areFinite &= std::isfinite(source.value[from]);
      absolute += std::fabs(source.value[from]);
      partial += std::fabs(result.value[row]);
    }
    result.error[row] =
        errorOfSum(inherited, std::max(absolute, summationShare * partial),
                   absolute, areFinite, source.element);
    result.magnitude[row] = absolute;
  }
  return result;
}

/// Along `axis` first the entries of `left`, then those of `right`.
Tensor reference::join(const Tensor &left, const Tensor &right, int64_t axis) {
  Extents shape = left.shape;
  shape[axis] += right.shape[axis];
  Tensor result(left.element, shape);
  if (axis != 1 && left.headAxis == HeadAxis::Axis1) {
    result.headAxis = left.headAxis;
    result.heads = left.heads;
  }
  size_t to = 0;
  forEachPosition(shape, [&](ArrayRef<int64_t> position) {
    const Tensor *part = &left;
    Extents at(position);
    if (at[axis] >= left.shape[axis]) {
      part = &right;
      at[axis] -= left.shape[axis];
    }
    size_t from = 0;
    for (size_t other = 0; other < at.size(); ++other)
      from = from * part->shape[other] + at[other];
    result.value[to] = part->value[from];
    result.error[to] = part->error[from];
    result.magnitude[to] = part->magnitude[from];
    ++to;
  });
  return result;
}

/// result[n] = n
Tensor reference::iota(ast::ScalarType element, int64_t count) {
  Tensor result(element, {count});
  for (int64_t n = 0; n < count; ++n)
    result.value[n] = result.magnitude[n] = double(n);
  return result;
}

/// The pair (x, y) of features p and p + pairs, or 2 p and 2 p + 1, of row
/// [.., s] becomes (x cos - y sin, y cos + x sin) of entry [(b,) s, p].
/// Features beyond the pairs stay.
Tensor reference::rotate(const Tensor &source, const Tensor &cosines,
                         const Tensor &sines, bool neighbours) {
  Tensor result = source;
  double roundoff = unitRoundoff(source.element);
  int64_t features = source.shape.back(), pairs = cosines.shape.back(),
          length = source.shape[source.shape.size() - 2];
  int64_t rows = features ? int64_t(source.value.size()) / features : 0;
  int64_t rowsOfBatch =
      source.shape[0] ? std::max<int64_t>(rows / source.shape[0], 1) : 1;
  auto entry = [&](const Tensor &table, int64_t row, int64_t p) {
    int64_t batch = table.shape.size() == 3 ? row / rowsOfBatch : 0;
    return size_t((batch * length + row % length) * pairs + p);
  };
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t p = 0; p < pairs; ++p) {
      int64_t first = row * features + (neighbours ? 2 * p : p);
      int64_t second = first + (neighbours ? 1 : pairs);
      size_t c = entry(cosines, row, p), s = entry(sines, row, p);
      // value[to] = x of `one` cos + sign * x of `other` sin.
      auto turn = [&](int64_t to, int64_t one, int64_t other, double sign) {
        double x = source.value[one], y = source.value[other],
               cosine = cosines.value[c], sine = sines.value[s];
        double absolute = std::fabs(x * cosine) + std::fabs(y * sine);
        bool areFinite = std::isfinite(x) && std::isfinite(y) &&
                         std::isfinite(cosine) && std::isfinite(sine);
        double inherited = productError(x, source.error[one], cosine,
                                        cosines.error[c], roundoff) +
                           productError(y, source.error[other], sine,
                                        sines.error[s], roundoff);
        double value = x * cosine + sign * (y * sine);
        result.value[to] = value;
        result.error[to] = errorOfSum(inherited, absolute + std::fabs(value),
                                      absolute, areFinite, source.element);
      };
      turn(first, first, second, -1);
      turn(second, second, first, 1);
      double size = std::max(source.magnitude[first], source.magnitude[second]);
      result.magnitude[first] = result.magnitude[second] = size;
    }
  return result;
}

/// Element `at` as i8 can hold it, before the rounding to whole numbers.
static void saturateElement(Tensor &tensor, size_t at) {
  double &value = tensor.value[at];
  if (std::isnan(value))
    tensor.error[at] = 0;
  value = std::isnan(value) ? 0 : std::clamp(value, -128.0, 127.0);
  tensor.magnitude[at] = std::min(tensor.magnitude[at], 128.0);
}

/// Rounds element `at` to what a cache of `element` holds. A computed value may
/// be rounded to either side, where its bound reaches over the middle.
static void roundElement(Tensor &tensor, size_t at, ScalarType element) {
  auto stored = [&](double number) { return roundedTo(element, number); };
  double value = tensor.value[at], error = tensor.error[at];
  if (!std::isfinite(value) || !std::isfinite(error))
    return;
  // Of f32, in which what is stored as f16 or bf16 is computed; below the
  // normal numbers errors are absolute.
  double unit = errorFactor * 0x1p-24;
  double reach = unit * error + (error > 0 ? 0x1p-124 : 0);
  double low = stored(value - reach), high = stored(value + reach);
  double rounded = stored(value);
  // An attend allows half of the factor for an error of its keys.
  tensor.value[at] = rounded;
  tensor.error[at] =
      low == high ? 0 : 2 * std::max(high - rounded, rounded - low) / unit;
}

AppendResult reference::append(const Tensor &cache, const Tensor &source,
                               ArrayRef<int64_t> targets, ScalarType element) {
  AppendResult result = {cache, cache};
  for (auto [from, to] : llvm::enumerate(targets)) {
    if (to < 0)
      continue;
    copyElement(source, from, result.written, to);
    if (element == ScalarType::I8)
      saturateElement(result.written, to);
    copyElement(result.written, to, result.read, to);
    if (isStorageOnly(element))
      roundElement(result.read, to, element);
  }
  return result;
}

size_t reference::broadcastIndex(const Tensor &tensor,
                                 ArrayRef<int64_t> position) {
  size_t skipped = position.size() - tensor.shape.size(), index = 0;
  for (size_t axis = 0; axis < tensor.shape.size(); ++axis)
    index = index * tensor.shape[axis] +
            (tensor.shape[axis] == 1 ? 0 : position[skipped + axis]);
  return index;
}
