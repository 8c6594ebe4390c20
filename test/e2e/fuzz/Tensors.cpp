//===- Tensors.cpp - What attends work on, at random ----------------------===//

#include "test/e2e/fuzz/Tensors.h"

#include "llvm/ADT/StringExtras.h"

#include <charconv>

using namespace ladon::e2e;
using llvm::StringRef;

//===--- Parameters ------------------------------------------------------===//

void TensorWriter::chooseTypes() {
  isF64 = choices.chance(15);
  isMixed = choices.chance(35);
  if (isMixed && choices.chance(50))
    only = choices.pick<const char *>({"bf16", "f16"});
}

std::string TensorWriter::element() {
  if (isF64)
    return "f64";
  if (isMixed && !only.empty())
    return only;
  return isMixed ? choices.pick<const char *>({"f32", "f16", "bf16"}) : "f32";
}

std::string TensorWriter::declare(const std::string &name, const Dims &dims) {
  declarations.tensors.push_back(name + ": " + element() + "[" +
                                 llvm::join(dims, ", ") + "]");
  return name;
}

/// Integers, as a cache holds them, times scales.
std::string TensorWriter::dequantised(const std::string &name,
                                      const Dims &dims) {
  std::string integers = choices.pick<const char *>({"i8", "u8", "i16"});
  declarations.tensors.push_back(name + ": " + integers + "[" +
                                 llvm::join(dims, ", ") + "]");
  std::string value = "float(" + name + ")";
  if (choices.chance(25))
    value = "(" + value + " - 8)";
  return value + " * " + fitting(name + "_scale", dims);
}

/// A part of a parameter: one position of an axis more, or some of one that is
/// longer; or all of it, with two axes exchanged.
std::string TensorWriter::part(const std::string &name, const Dims &dims) {
  Dims whole = dims, indices(dims.size(), ":");
  std::vector<size_t> known;
  for (size_t axis = 0; axis < dims.size(); ++axis)
    if (llvm::all_of(dims[axis], llvm::isDigit))
      known.push_back(axis);
  switch (choices.below(known.empty() ? 2 : 3)) {
  case 1: {
    int64_t axis = choices.below(dims.size() + 1),
            count = choices.integer(1, 3);
    whole.insert(whole.begin() + axis, std::to_string(count));
    indices.insert(indices.begin() + axis,
                   std::to_string(choices.below(count)));
    break;
  }
  case 2: {
    size_t axis = known[choices.below(known.size())];
    int64_t from = choices.below(3), to = from + std::stoll(dims[axis]);
    whole[axis] = std::to_string(to + choices.below(3));
    indices[axis] = std::to_string(from) + ":" + std::to_string(to);
    break;
  }
  default: {
    int64_t first = choices.below(dims.size()),
            second = choices.below(dims.size());
    std::swap(whole[first], whole[second]);
    return "transpose(" + declare(name, whole) + ", " + std::to_string(first) +
           ", " + std::to_string(second) + ")";
  }
  }
  return declare(name, whole) + "[" + llvm::join(indices, ", ") + "]";
}

std::string TensorWriter::parameter(const std::string &name, const Dims &dims) {
  if (choices.chance(12))
    return part(name, dims);
  // The floats of integers are f32.
  if (!isF64 && choices.chance(12))
    return dequantised(name, dims);
  return declare(name, dims);
}

/// A tensor whose sequence is a sum "P + S", of its two parts.
std::string TensorWriter::joined(const std::string &name, const Dims &dims) {
  size_t sequence = dims.size() - 2;
  auto [first, second] = StringRef(dims[sequence]).split(" + ");
  Dims past = dims, next = dims;
  past[sequence] = first.str();
  next[sequence] = second.str();
  std::string text = "concat(" + parameter("past_" + name, past) + ", " +
                     parameter(name, next);
  if (choices.chance(25))
    text += ", axis = " + std::to_string(sequence);
  return text + ")";
}

std::string TensorWriter::operand(const std::string &name, const Dims &dims) {
  bool isSum = StringRef(dims[dims.size() - 2]).contains(" + ");
  return changed(isSum ? joined(name, dims) : parameter(name, dims), name,
                 dims);
}

//===--- What is made of them --------------------------------------------===//

/// A parameter that combines with one of those dims: it has some of them.
std::string TensorWriter::fitting(const std::string &name, const Dims &dims) {
  Dims own = dims;
  switch (choices.below(5)) {
  case 1: // The beginning of the shape.
    own.pop_back();
    break;
  case 2:
  case 3: // Some axes are 1.
    for (std::string &dim : own)
      if (choices.chance(50))
        dim = "1";
    break;
  case 4:
    break;
  default: // The features.
    own.erase(own.begin(), own.end() - 1);
  }
  return declare(name, own);
}

std::string TensorWriter::norm(const std::string &x, const std::string &name,
                               const Dims &dims) {
  std::string eps = choices.pick<const char *>({"", ", eps = 1e-3"});
  switch (choices.below(4)) {
  case 1:
    return "l2_norm(" + x + eps + ")";
  case 2:
    return "layer_norm(" + x + ", " + fitting(name + "_gain", dims) + ", " +
           fitting(name + "_bias", dims) + eps + ")";
  case 3:
    return "rms_norm(" + x + ", " + fitting(name + "_gain", dims) + eps + ")";
  default:
    return "rms_norm(" + x + eps + ")";
  }
}

/// `x` with some or all of its features turned; there are at least two.
std::string TensorWriter::rope(const std::string &x, const std::string &name,
                               const Dims &dims) {
  int64_t features = 0;
  const std::string &last = dims.back(), &sequence = dims[dims.size() - 2];
  std::from_chars(last.data(), last.data() + last.size(), features);
  int64_t turned = features / 2 * 2;
  bool isPart = turned != features || choices.chance(25);
  if (turned > 2 && choices.chance(50))
    turned = 2 * choices.integer(1, turned / 2);
  std::string text = "rope(" + x;
  if (isPart || turned != features)
    text += ", dims = " + std::to_string(turned);
  if (choices.chance(35))
    text += ", interleaved = true";
  std::string pairs = std::to_string(turned / 2);
  Dims positions =
      choices.chance(50) ? Dims{dims.front(), sequence} : Dims{sequence};
  if (choices.chance(30)) {
    Dims table = positions;
    table.push_back(pairs);
    std::string cosines = declare(name + "_cos", table);
    return text + ", cos = " + cosines +
           ", sin = " + declare(name + "_sin", table) + ")";
  }
  if (choices.chance(20))
    text += ", base = 500.5";
  else if (choices.chance(20))
    text += ", frequencies = " + declare(name + "_frequencies", {pairs}) +
            choices.pick<const char *>({"", " / 4"});
  if (choices.chance(25))
    text += ", start = " + declarations.capture("i32");
  if (choices.chance(25))
    text += ", positions = " +
            declarations.capture("i32[" + llvm::join(positions, ", ") + "]");
  return text + ")";
}

/// Operators and functions of `x`, whose values stay moderate.
std::string TensorWriter::elementwise(const std::string &x,
                                      const std::string &name,
                                      const Dims &dims) {
  auto other = [&] { return fitting(name + "_by", dims); };
  switch (choices.below(10)) {
  case 9: // Along the last axis: what is left is the beginning of the shape.
    return "(" + x + ") / (0.5 + " +
           choices.pick<const char *>({"max", "sum"}) + "(abs(" + x +
           "), axis = " + std::to_string(dims.size() - 1) + "))";
  case 1:
    return x + " + " + other();
  case 2:
    return other() + " - " + x;
  case 3:
    return x + " / (1 + abs(" + other() + "))";
  case 4:
    return choices.pick<const char *>({"tanh(", "gelu(", "silu(", "relu(",
                                       "sigmoid(", "abs(", "sin(", "sign(",
                                       "softplus("}) +
           x + ")";
  case 5:
    return "max(" + x + ", " + other() + ")";
  case 6:
    return "min(" + x + ", 2.5, " + other() + ")";
  case 7:
    return x + " * " + declarations.capture(isF64 ? "f64" : "f32");
  case 8:
    return "exp(min(" + x + ", 1)) * 0.5";
  default:
    return x + " * " + other();
  }
}

std::string TensorWriter::changed(const std::string &x, const std::string &name,
                                  const Dims &dims) {
  Choices::Mark span(choices, SpanKind::Tensor);
  switch (choices.below(14)) {
  case 11:
    return norm(x, name, dims);
  case 12:
    if (dims.back() != "1")
      return rope(x, name, dims);
    [[fallthrough]];
  case 13:
    return elementwise(x, name, dims);
  case 10:
    if (dims.back() != "1")
      return rope(norm(x, name, dims), name, dims);
    [[fallthrough]];
  default:
    return x;
  }
}
