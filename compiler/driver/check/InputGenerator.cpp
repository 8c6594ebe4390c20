//===- InputGenerator.cpp - Inputs that expose errors ---------------------===//

#include "compiler/driver/check/InputFiller.h"

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
  case ValueKind::Peak:
    return "peak";
  case ValueKind::Ascending:
    return "ascending";
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
    if (!options.sizes.contains(name))
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
  InputFiller filler(attention, options, random);
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
