//===- InputFiller.cpp - Elements of generated inputs ---------------------===//

#include "compiler/driver/check/InputFiller.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace ladon;
using namespace ladon::ast;
using llvm::ArrayRef;
using Kind = Expr::Kind;

/// The limits of an element type.
static double largestOf(ScalarType element) {
  switch (element) {
  case ScalarType::F16:
    return 65504;
  case ScalarType::BF16:
    return 0x1.fep127;
  case ScalarType::F32:
    return std::numeric_limits<float>::max();
  default:
    return std::numeric_limits<double>::max();
  }
}

static double smallestNormalOf(ScalarType element) {
  switch (element) {
  case ScalarType::F16:
    return 0x1p-14;
  case ScalarType::BF16:
  case ScalarType::F32:
    return std::numeric_limits<float>::min();
  default:
    return std::numeric_limits<double>::min();
  }
}

/// Queries and keys whose features have exponents that cancel in a product;
/// values with any.
double InputFiller::wideAt(int64_t feature, double normal,
                           const HostTensor &tensor, Role role) {
  int span = 2 * exponents + 1;
  int exponent = int(feature * 37 % span) - exponents;
  if (role == Role::Key)
    exponent = -exponent;
  if (role == Role::Value)
    exponent = int(random.integer(-exponents, exponents));
  return std::ldexp(normal, exponent);
}

/// How models write padding: the smallest number, or -inf, in all or half of a
/// row of a bias.
double InputFiller::paddingAt(ArrayRef<int64_t> position, double normal,
                              const HostTensor &tensor) const {
  uint64_t hash = options.seed;
  for (int64_t at : position.drop_back())
    hash = hash * 31 + uint64_t(at) + 1;
  Random row(hash);
  double padding = row.next() % 2 ? -largestOf(tensor.element)
                                  : -std::numeric_limits<double>::infinity();
  switch (row.next() % 4) {
  case 0:
    return padding;
  case 1:
    return position.back() % 2 ? padding : normal;
  default:
    return normal;
  }
}

/// With the usual scale of a score, 1 / sqrt(D), the key at the peak is 320
/// sqrt(D) above the others.
double InputFiller::peakAt(ArrayRef<int64_t> position, double normal,
                           const HostTensor &tensor, Role role) const {
  if (role == Role::Value)
    return normal;
  if (role == Role::Query)
    return 40 + normal;
  uint64_t hash = options.seed;
  for (int64_t at : position.drop_back(2))
    hash = hash * 31 + uint64_t(at) + 1;
  auto key = position[position.size() - 2];
  auto peak = Random(hash).integer(0, tensor.shape[position.size() - 2] - 1);
  return key == peak ? 4 : -4;
}

/// Scores that ascend by 2 from one key to the next.
double InputFiller::ascendingAt(ArrayRef<int64_t> position, double normal,
                                const HostTensor &tensor, Role role) const {
  if (role == Role::Value)
    return normal;
  if (role == Role::Query)
    return 1;
  double step = 2 / std::sqrt(double(tensor.shape.back()));
  return (options.seed % 2 ? -step : step) *
         double(position[position.size() - 2]);
}

double InputFiller::floatAt(ArrayRef<int64_t> position,
                            const HostTensor &tensor, Role role) {
  size_t rank = position.size();
  double normal = random.normal();
  if (role == Role::Weight)
    return normal / std::sqrt(double(std::max<int64_t>(tensor.shape[0], 1)));
  if (role == Role::Captured && rank > 0 &&
      options.values == ValueKind::Padding)
    return paddingAt(position, normal, tensor);
  if (role == Role::Plain || role == Role::Captured || rank < 3)
    return normal;
  // [batch, heads, position, D], or [batch, position, features].
  int64_t key = position[rank - 2], feature = position[rank - 1];
  switch (options.values) {
  case ValueKind::Normal:
    return normal;
  case ValueKind::Sharp:
    return role == Role::Query ? 30 * normal : normal;
  case ValueKind::Constant:
    return role == Role::Value ? 0.3 : 0.25;
  case ValueKind::OneHot:
    return role == Role::Value ? key % tensor.shape[rank - 1] == feature
                               : normal;
  case ValueKind::KeyIndex:
    return role == Role::Value ? double(key) : normal;
  case ValueKind::NonFinite: {
    // The same keys in every head, so that rows of all heads are concerned. Of
    // odd seeds one of the last keys, which a causal mask hides from all
    // queries but the last ones: where many are bad, late queries see one of
    // them.
    int64_t keys = std::max<int64_t>(tensor.shape[rank - 2], 1),
            seed = options.seed / 2;
    bool isBad = options.seed % 2
                     ? key == keys - 1 - seed % std::min<int64_t>(keys, 40)
                     : key % 7 == int64_t(options.seed % 7);
    isBad &= role == Role::Key || role == Role::Value;
    return isBad ? std::nan("") : normal;
  }
  case ValueKind::Alternating:
    return role == Role::Query ? std::fabs(normal)
                               : std::fabs(normal) * (key % 2 ? -1 : 1);
  case ValueKind::Wide:
    return wideAt(feature, normal, tensor, role);
  case ValueKind::Subnormal: {
    // All below the normal numbers in the first feature, on both sides of the
    // smallest in the next, and above it, but for weights that are small, in
    // those that follow: of the others a machine that takes what is below the
    // normal numbers to be 0 may make anything.
    double size = feature % 8 == 0 ? 1.0 / 8 : feature % 8 == 1 ? 8 : 512;
    return role == Role::Query
               ? normal
               : normal * size * smallestNormalOf(tensor.element);
  }
  case ValueKind::Largest:
    return role == Role::Value
               ? (normal < 0 ? -0.4 : 0.4) * largestOf(tensor.element) /
                     double(
                         std::max<int64_t>({tensor.shape[rank - 2], keys, 1}))
               : normal;
  case ValueKind::Peak:
    return peakAt(position, normal, tensor, role);
  case ValueKind::Ascending:
    return ascendingAt(position, normal, tensor, role);
  case ValueKind::Padding:
    return normal;
  }
  return normal;
}

void InputFiller::fillBools(const HostTensor &tensor) {
  // Single elements, or blocks of equal ones, which give whole tiles.
  static const double shares[] = {0.5, 0.1, 0.9, 0.5};
  double share = shares[random.next() % 4];
  int64_t block = random.next() % 2 ? 1 : 24;
  if (options.typical) {
    share = 0.1;
    block = 64;
  }
  uint64_t salt = random.next();
  forEachPosition(tensor.shape, [&](ArrayRef<int64_t> position) {
    uint64_t hash = salt;
    for (size_t axis = 0; axis < position.size(); ++axis)
      hash = hash * 0x9e3779b97f4a7c15 + uint64_t(position[axis] / block) + 1;
    bool value = Random(hash).uniform() < share;
    // Any byte but 0 is true.
    *tensor.address(position) =
        value ? (options.views == ViewKind::Dense ? 1 : char(0x80)) : 0;
  });
}

void InputFiller::fillLengths(const HostTensor &tensor) {
  forEachPosition(tensor.shape, [&](ArrayRef<int64_t> position) {
    // A length may be larger than the number of keys, or negative.
    int64_t edges[] = {0, keys, 1, keys - 1, keys + 37, -1};
    uint64_t choice = random.next() % 10;
    if (options.typical)
      return tensor.setInteger(position, random.integer(keys / 2, keys));
    tensor.setInteger(position, choice < std::size(edges)
                                    ? edges[choice]
                                    : random.integer(0, keys));
  });
}

/// One number for each run of positions along the last axis: in ascending order
/// or, where inputs need not be typical, in any.
void InputFiller::fillDocuments(const HostTensor &tensor) {
  int64_t current = 0;
  // Multiples of 37 modulo 101 go up and down.
  bool inOrder = options.typical || random.next() % 2;
  int64_t mean = std::max<int64_t>(2, tensor.shape.back() / 4);
  forEachPosition(tensor.shape, [&](ArrayRef<int64_t> position) {
    if (position.back() == 0)
      current = 0;
    else if (random.integer(1, mean) == 1)
      ++current;
    tensor.setInteger(position, inOrder ? current : current * 37 % 101 - 20);
  });
}

/// Pages in any order. Where inputs need not be typical, a page may be that of
/// several entries, or a number outside of any pool, unless it is written to:
/// then every one belongs to one entry.
void InputFiller::fillPages(const HostTensor &tensor, const Param &table) {
  if (!table.writes.empty()) {
    int64_t next = tensor.size();
    return forEachPosition(tensor.shape, [&](ArrayRef<int64_t> position) {
      tensor.setInteger(position, --next);
    });
  }
  // A module has no attend that says how many there are.
  const AttendArgs *attend = roles.tables.lookup(&table);
  int64_t next = 0, pages = attend ? extent(attend->k->type.dims->front()) : 1;
  pages = std::max<int64_t>(pages, 1);
  forEachPosition(tensor.shape, [&](ArrayRef<int64_t> position) {
    int64_t page =
        options.typical ? next++ * 37 % pages : random.integer(-1, pages);
    tensor.setInteger(position, page);
  });
}

/// Places from which what is appended fits, if there is one: the first, the
/// last and others. Caches of typical inputs are full after the call.
void InputFiller::fillPlaces(const HostTensor &tensor, const Param &param) {
  Bindings bindings;
  bindings.sizes = options.sizes;
  int64_t last = std::max<int64_t>(*bindings.largestValue(param), 0);
  forEachPosition(tensor.shape, [&](ArrayRef<int64_t> position) {
    int64_t edges[] = {0, last, last};
    uint64_t choice = random.next() % 5;
    bool isFull = options.typical || options.fullCaches;
    tensor.setInteger(position, isFull ? last
                                : choice < std::size(edges)
                                    ? edges[choice]
                                    : random.integer(0, last));
  });
}

void InputFiller::fillIntegers(const HostTensor &tensor) {
  int64_t high = random.next() % 2 ? 3 : largest;
  forEachPosition(tensor.shape, [&](ArrayRef<int64_t> position) {
    tensor.setInteger(position, random.integer(-1, high));
  });
}

void InputFiller::fill(const HostTensor &tensor, const Param &param,
                       Role role) {
  size_t rank = tensor.shape.size();
  bool perBatch = rank > 0 && (*param.type.dims)[0].name == "B";
  if (tensor.size() == 0)
    return;
  if (param.type.isFloat()) {
    forEachPosition(tensor.shape, [&](ArrayRef<int64_t> position) {
      tensor.setFloat(position, rank == 0 ? 0.5 + random.uniform()
                                          : floatAt(position, tensor, role));
    });
    return;
  }
  if (param.type.element == ScalarType::Bool)
    return fillBools(tensor);
  if (role == Role::Pages)
    return fillPages(tensor, param);
  if (!param.most.empty())
    return fillPlaces(tensor, param);
  if (rank == 0 || (rank == 1 && perBatch))
    return fillLengths(tensor);
  if (rank == 2 && perBatch && (options.typical || random.next() % 3 != 0))
    return fillDocuments(tensor);
  fillIntegers(tensor);
}
