//===- InputGenerator.cpp - Inputs that expose errors ---------------------===//

#include "compiler/driver/check/InputGenerator.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <unistd.h>

using namespace ladon;
using namespace ladon::ast;
using llvm::ArrayRef;
using llvm::StringRef;
using Kind = Expr::Kind;

//===--- Names -----------------------------------------------------------===//

ArrayRef<ValueKind> ladon::allValueKinds() {
  static const ValueKind kinds[] = {
      ValueKind::Normal,      ValueKind::Sharp,    ValueKind::Constant,
      ValueKind::OneHot,      ValueKind::KeyIndex, ValueKind::NonFinite,
      ValueKind::Alternating, ValueKind::Wide,     ValueKind::Subnormal,
      ValueKind::Largest,     ValueKind::Padding};
  return kinds;
}

ArrayRef<ViewKind> ladon::allViewKinds() {
  static const ViewKind kinds[] = {ViewKind::Dense, ViewKind::Padded,
                                   ViewKind::Transposed, ViewKind::Strided,
                                   ViewKind::Broadcast};
  return kinds;
}

StringRef ladon::nameOf(ValueKind kind) {
  switch (kind) {
  case ValueKind::Normal:
    return "normal";
  case ValueKind::Sharp:
    return "sharp";
  case ValueKind::Constant:
    return "constant";
  case ValueKind::OneHot:
    return "one-hot";
  case ValueKind::KeyIndex:
    return "key-index";
  case ValueKind::NonFinite:
    return "non-finite";
  case ValueKind::Alternating:
    return "alternating";
  case ValueKind::Wide:
    return "wide";
  case ValueKind::Subnormal:
    return "subnormal";
  case ValueKind::Largest:
    return "largest";
  case ValueKind::Padding:
    return "padding";
  }
  return "";
}

StringRef ladon::nameOf(ViewKind kind) {
  switch (kind) {
  case ViewKind::Dense:
    return "dense";
  case ViewKind::Padded:
    return "padded";
  case ViewKind::Transposed:
    return "transposed";
  case ViewKind::Strided:
    return "strided";
  case ViewKind::Broadcast:
    return "broadcast";
  }
  return "";
}

//===--- Layout ----------------------------------------------------------===//

HostTensor ladon::makeView(ScalarType element, ArrayRef<int64_t> shape,
                           ViewKind view) {
  HostTensor tensor;
  tensor.element = element;
  tensor.shape.assign(shape.begin(), shape.end());
  size_t rank = shape.size();
  constexpr int64_t margin = 16; // Elements; keeps the alignment of a vector.
  Extents memory(shape.begin(), shape.end());
  if (view == ViewKind::Transposed && rank >= 3)
    std::swap(memory[1], memory[2]);
  if (view == ViewKind::Padded && rank > 0)
    memory[rank - 1] += 3;
  if (view == ViewKind::Strided && rank > 0)
    memory[rank - 1] *= 2;
  tensor.strides = denseStrides(memory);
  if (view == ViewKind::Transposed && rank >= 3)
    std::swap(tensor.strides[1], tensor.strides[2]);
  if (view == ViewKind::Strided && rank > 0)
    tensor.strides[rank - 1] = 2;
  if (view == ViewKind::Broadcast && rank >= 2)
    tensor.strides[0] = 0;

  size_t start =
      view == ViewKind::Dense ? 0 : margin + (view == ViewKind::Strided);
  size_t count = elementCount(memory) + 2 * margin;
  unsigned bytes = byteSize(element);
  // All bits set is a NaN; for integers the pattern is far out of any range.
  char filler = isFloat(element) ? char(0xff) : char(0x7f);
  tensor.owner = allocateBytes((start + count) * bytes, filler);
  tensor.data = tensor.owner->data() + start * bytes;
  return tensor;
}

//===--- Elements --------------------------------------------------------===//

namespace {

using Role = InputRole;

/// Fills the tensors of one set of inputs.
class Filler {
public:
  Filler(const Attention &attention, const InputOptions &options,
         Random &random)
      : options(options), random(random), roles(attention) {
    for (const auto &param : attention.params)
      exponents = std::min(exponents, exponentsOf(param->type.element));
    for (const auto &entry : options.sizes)
      largest = std::max(largest, entry.second);
    keys = options.sizes.count("T")   ? options.sizes.lookup("T")
           : options.sizes.count("S") ? options.sizes.lookup("S")
                                      : largest;
    // As far as the pages of an entry go.
    for (auto [table, attend] : roles.tables)
      keys = extent(table->type.dims->back()) * (*attend->k->type.dims)[2].size;
  }

  void fill(const HostTensor &tensor, const Param &param, Role role);

private:
  int64_t extent(const Dim &dim) const {
    Bindings bindings;
    bindings.sizes = options.sizes;
    return bindings.extent(dim);
  }
  /// The exponents of `Wide`: a square of the number, and a sum of them, are
  /// within the type.
  static int exponentsOf(ScalarType element) {
    return element == ScalarType::F16   ? 7
           : element == ScalarType::F64 ? 400
                                        : 50;
  }
  double floatAt(ArrayRef<int64_t> position, const HostTensor &tensor,
                 Role role);
  double wideAt(int64_t feature, double normal, const HostTensor &tensor,
                Role role);
  double paddingAt(ArrayRef<int64_t> position, double normal,
                   const HostTensor &tensor) const;
  void fillBools(const HostTensor &tensor);
  void fillLengths(const HostTensor &tensor);
  void fillDocuments(const HostTensor &tensor);
  void fillPages(const HostTensor &tensor, const Param &table);
  void fillPlaces(const HostTensor &tensor, const Param &param);
  void fillIntegers(const HostTensor &tensor);

  const InputOptions &options;
  Random &random;
  InputRoles roles;
  int64_t largest = 1, keys = 1;
  int exponents = 400;
};

} // namespace

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
double Filler::wideAt(int64_t feature, double normal, const HostTensor &tensor,
                      Role role) {
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
double Filler::paddingAt(ArrayRef<int64_t> position, double normal,
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

double Filler::floatAt(ArrayRef<int64_t> position, const HostTensor &tensor,
                       Role role) {
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
  case ValueKind::Padding:
    return normal;
  }
  return normal;
}

void Filler::fillBools(const HostTensor &tensor) {
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

void Filler::fillLengths(const HostTensor &tensor) {
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
void Filler::fillDocuments(const HostTensor &tensor) {
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
void Filler::fillPages(const HostTensor &tensor, const Param &table) {
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
void Filler::fillPlaces(const HostTensor &tensor, const Param &param) {
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

void Filler::fillIntegers(const HostTensor &tensor) {
  int64_t high = random.next() % 2 ? 3 : largest;
  forEachPosition(tensor.shape, [&](ArrayRef<int64_t> position) {
    tensor.setInteger(position, random.integer(-1, high));
  });
}

void Filler::fill(const HostTensor &tensor, const Param &param, Role role) {
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

//===--- Inputs ----------------------------------------------------------===//

/// Fails when the tensors of a spec could never fit this machine's memory.
static llvm::Error
checkMemory(const Attention &attention, const Bindings &bindings,
            llvm::function_ref<bool(const Param *)> needsMemory) {
  double total = 0;
  auto add = [&](const Type &type) {
    double bytes = byteSize(type.element);
    for (int64_t extent : bindings.shape(type))
      bytes *= double(extent);
    total += bytes;
  };
  for (const auto &param : attention.params)
    if (needsMemory(param.get()))
      add(param->type);
  if (needsMemory(nullptr))
    for (const Result &result : attention.results)
      add(result.type);
  double memory = double(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  if (total <= memory)
    return llvm::Error::success();
  return llvm::createStringError(
      "the tensors have %.0f MB, this machine has %.0f MB of memory",
      total / 1e6, memory / 1e6);
}

llvm::Expected<std::vector<HostTensor>>
ladon::generateInputs(const Attention &attention, const InputOptions &options) {
  InputRoles roles(attention);
  std::vector<InputRole> ofParams;
  for (const auto &param : attention.params)
    ofParams.push_back(roles.of(param.get()));
  return generateInputs(attention, ofParams, options);
}

llvm::Expected<std::vector<HostTensor>>
ladon::generateInputs(const Attention &attention, ArrayRef<InputRole> roles,
                      const InputOptions &options) {
  for (const std::string &name : sizeNames(attention))
    if (!options.sizes.count(name))
      return llvm::createStringError("no size is given for " + name);
  Bindings bindings;
  bindings.sizes = options.sizes;
  for (const auto &param : attention.params)
    if (param->type.dims)
      for (const Dim &dim : *param->type.dims)
        if (bindings.extent(dim) < 0)
          return llvm::createStringError("the size " + dim.name + " of " +
                                         param->name + " is negative");
  llvm::DenseSet<const Param *> indexed = InputRoles(attention).indexed;
  auto needsMemory = [&](const Param *param) {
    return !options.shapesOnly || indexed.contains(param);
  };
  if (llvm::Error error = checkMemory(attention, bindings, needsMemory))
    return std::move(error);
  Random random(options.seed);
  Filler filler(attention, options, random);
  std::vector<HostTensor> inputs;
  for (auto [param, role] : llvm::zip_equal(attention.params, roles)) {
    if (param->type.isTensor() && !needsMemory(param.get())) {
      HostTensor shape;
      shape.element = param->type.element;
      shape.shape = bindings.shape(param->type);
      shape.strides = denseStrides(shape.shape);
      inputs.push_back(std::move(shape));
      continue;
    }
    // Elements of what is written may not share memory.
    bool isDense = param->isInout && options.views == ViewKind::Broadcast;
    HostTensor tensor =
        param->type.isTensor()
            ? makeView(param->type.element, bindings.shape(param->type),
                       isDense ? ViewKind::Dense : options.views)
            : HostTensor::zeros(param->type.element, {});
    filler.fill(tensor, *param, role);
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}
