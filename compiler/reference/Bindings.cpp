//===- Bindings.cpp - Sizes and tensors of one evaluation -----------------===//

#include "compiler/reference/Bindings.h"

#include "compiler/support/SizeExpr.h"

using namespace ladon;
using namespace ladon::ast;

int64_t Bindings::extent(const Dim &dim) const {
  if (dim.isStatic())
    return dim.size;
  if (!isComputedSize(dim.name))
    return sizes.lookup(dim.name);
  return SizeExpr::parse(dim.name)
      ->evaluate([&](llvm::StringRef name) { return sizes.lookup(name); })
      .value_or(-1);
}

std::optional<int64_t> Bindings::largestValue(const Param &param) const {
  std::optional<int64_t> most;
  for (const std::string &text : param.most) {
    std::optional<int64_t> value = SizeExpr::parse(text)->evaluate(
        [&](llvm::StringRef name) { return sizes.lookup(name); });
    most = std::min(most.value_or(INT64_MAX), value.value_or(-1));
  }
  return most;
}

Extents Bindings::shape(const Type &type) const {
  Extents shape;
  if (type.dims)
    for (const Dim &dim : *type.dims)
      shape.push_back(extent(dim));
  return shape;
}

int64_t Bindings::keyCount(const ast::AttendArgs &args) const {
  Extents keys = shape(args.k->type);
  if (!args.pages)
    return keys[2];
  return keys[0] == 0 ? 0 : shape(args.pages->type)[1] * keys[2];
}

static llvm::Error bindOne(const Param &param, const HostTensor &input,
                           Bindings &bindings,
                           llvm::StringMap<std::string> &boundBy) {
  size_t rank = param.type.dims ? param.type.dims->size() : 0;
  if (input.element != param.type.element)
    return llvm::createStringError(
        "%s: expected %s elements, found %s", param.name.c_str(),
        spelling(param.type.element).data(), spelling(input.element).data());
  if (input.shape.size() != rank)
    return llvm::createStringError("%s: expected %zu axes, found %zu",
                                   param.name.c_str(), rank,
                                   input.shape.size());
  for (size_t axis = 0; axis < rank; ++axis) {
    const Dim &dim = (*param.type.dims)[axis];
    int64_t found = input.shape[axis];
    if (dim.isStatic()) {
      if (found != dim.size)
        return llvm::createStringError(
            "%s: expected extent %lld on axis %zu, found %lld",
            param.name.c_str(), (long long)dim.size, axis, (long long)found);
      continue;
    }
    if (isComputedSize(dim.name))
      continue; // Once all names are bound.
    auto [it, isNew] = bindings.sizes.try_emplace(dim.name, found);
    if (isNew)
      boundBy[dim.name] = param.name;
    else if (it->second != found)
      return llvm::createStringError(
          "%s: expected %s = %lld on axis %zu, as in %s, found %lld",
          param.name.c_str(), dim.name.c_str(), (long long)it->second, axis,
          boundBy[dim.name].c_str(), (long long)found);
  }
  bindings.inputs[&param] = input;
  return llvm::Error::success();
}

llvm::Expected<Bindings> ladon::bindInputs(const Attention &attention,
                                           llvm::ArrayRef<HostTensor> inputs) {
  if (inputs.size() != attention.params.size())
    return llvm::createStringError("expected %zu inputs, found %zu",
                                   attention.params.size(), inputs.size());
  Bindings bindings;
  llvm::StringMap<std::string> boundBy;
  for (size_t index = 0; index < inputs.size(); ++index)
    if (llvm::Error error =
            bindOne(*attention.params[index], inputs[index], bindings, boundBy))
      return std::move(error);
  for (size_t index = 0; index < inputs.size(); ++index) {
    const Param &param = *attention.params[index];
    for (size_t axis = 0; axis < inputs[index].shape.size(); ++axis) {
      const Dim &dim = (*param.type.dims)[axis];
      int64_t expected = bindings.extent(dim),
              found = inputs[index].shape[axis];
      if (found != expected)
        return llvm::createStringError(
            "%s: expected %s = %lld on axis %zu, found %lld",
            param.name.c_str(), dim.name.c_str(), (long long)expected, axis,
            (long long)found);
    }
  }
  return bindings;
}
