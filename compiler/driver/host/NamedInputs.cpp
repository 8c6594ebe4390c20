//===- NamedInputs.cpp - Inputs on the command line -----------------------===//

#include "compiler/driver/host/NamedInputs.h"
#include "compiler/driver/host/Npy.h"
#include "compiler/driver/host/Safetensors.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace ladon;
using ast::ScalarType;

/// The value of a run-time scalar as text: 3, 0.5, true.
static llvm::Expected<HostTensor> parseScalar(const ast::Param &param,
                                              llvm::StringRef text) {
  HostTensor scalar = HostTensor::zeros(param.type.element, {});
  int64_t integer;
  double number;
  auto fits = [&](int64_t value) {
    return param.type.element != ScalarType::I32 ||
           value == static_cast<int32_t>(value);
  };
  if (param.type.element == ScalarType::Bool &&
      (text == "true" || text == "false")) {
    scalar.setInteger({}, text == "true");
    return scalar;
  }
  if (param.type.isInteger() && !text.getAsInteger(10, integer) &&
      fits(integer)) {
    scalar.setInteger({}, integer);
    return scalar;
  }
  if (param.type.isFloat() && !text.getAsDouble(number)) {
    scalar.setFloat({}, number);
    // Infinity and NaN are values when they are meant, not when they come of a
    // number that is too large.
    bool isMeant =
        text.contains_insensitive("inf") || text.contains_insensitive("nan");
    if (isMeant || std::isfinite(scalar.getFloat({})))
      return scalar;
    return llvm::createStringError(param.name + ": " + text +
                                   " is too large for " + param.type.str());
  }
  std::string wanted = param.type.element == ScalarType::Bool
                           ? "true or false"
                           : "a value of type " + param.type.str();
  return llvm::createStringError(param.name + ": expected " + wanted +
                                 ", found '" + text + "'");
}

llvm::Expected<std::pair<llvm::StringRef, llvm::StringRef>>
ladon::splitNameValue(llvm::StringRef option, llvm::StringRef text) {
  auto [name, value] = text.split('=');
  if (name.empty() || value.empty())
    return llvm::createStringError(option + " " + text +
                                   ": expected NAME=VALUE");
  return std::make_pair(name, value);
}

/// A byte, zero or not, is what a library takes for a bool.
static HostTensor inputFor(const ast::Param &param, HostTensor tensor) {
  if (param.type.element == ScalarType::Bool &&
      tensor.element == ScalarType::U8)
    tensor.element = ScalarType::Bool;
  return tensor;
}

llvm::Error ladon::readNamedInputs(const ast::Attention &attention,
                                   llvm::ArrayRef<std::string> texts,
                                   std::vector<HostTensor> &inputs,
                                   std::vector<bool> &given) {
  for (const std::string &text : texts) {
    auto pair = splitNameValue("--input", text);
    if (!pair)
      return pair.takeError();
    auto [name, value] = *pair;
    size_t index = 0;
    while (index < inputs.size() && attention.params[index]->name != name)
      ++index;
    if (index == inputs.size())
      return llvm::createStringError("--input " + name +
                                     ": the spec has no such parameter");
    if (given[index])
      return llvm::createStringError("--input " + name + " is given twice");
    const ast::Param &param = *attention.params[index];
    bool isFile = param.type.isTensor() || value.ends_with(".npy");
    auto tensor = isFile ? readNpy(value) : parseScalar(param, value);
    if (!tensor)
      return tensor.takeError();
    inputs[index] = inputFor(param, std::move(*tensor));
    given[index] = true;
  }
  return llvm::Error::success();
}

llvm::Error ladon::readArchive(const ast::Attention &attention,
                               llvm::StringRef path,
                               std::vector<HostTensor> &inputs,
                               std::vector<bool> &given) {
  auto isParam = [&](llvm::StringRef name) {
    return llvm::any_of(attention.params,
                        [&](const auto &param) { return param->name == name; });
  };
  auto arrays =
      path.ends_with(".safetensors") ? readSafetensors(path, isParam)
      : path.ends_with(".npz")
          ? readNpz(path)
          : llvm::Expected<llvm::StringMap<HostTensor>>(llvm::createStringError(
                path + ": expected a file .npz or .safetensors"));
  if (!arrays)
    return arrays.takeError();
  bool isUsed = false;
  for (size_t index = 0; index < inputs.size(); ++index) {
    auto array = arrays->find(attention.params[index]->name);
    if (array == arrays->end())
      continue;
    isUsed = true;
    if (given[index])
      continue;
    inputs[index] = inputFor(*attention.params[index], array->second);
    given[index] = true;
  }
  if (!isUsed)
    return llvm::createStringError(
        path + ": none of its arrays has the name of a parameter");
  return llvm::Error::success();
}
