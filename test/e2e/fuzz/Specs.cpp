//===- Specs.cpp - Whole specs at random ----------------------------------===//

#include "test/e2e/fuzz/SpecWriter.h"

#include "llvm/ADT/StringExtras.h"

#include <utility>

using namespace ladon::e2e;

//===--- Types and sizes -------------------------------------------------===//

int64_t SpecWriter::features() {
  return choices.pick<int64_t>({8, 1, 2, 3, 7, 16, 17, 24, 32, 33, 64, 65});
}

void SpecWriter::addSize(const std::string &name) {
  if (!llvm::is_contained(sizes, name))
    sizes.push_back(name);
}

/// A run-time size of that name, or a static one.
std::string SpecWriter::length(const char *name) {
  if (choices.chance(20))
    return std::to_string(
        choices.pick<int64_t>({1, 5, 8, 9, 17, 24, 48, 49, 64, 100, 129}));
  addSize(name);
  return name;
}

/// The number of keys: that of the queries, another, or that of a past and
/// something that comes after it.
std::string SpecWriter::keyLength(const std::string &queries) {
  switch (choices.below(8)) {
  case 5:
  case 6:
    return queries;
  case 7:
    addSize("P");
    if (choices.chance(40))
      return "P + " + length("T");
    return "P + " + choices.pick<std::string>({queries, "1", "17"});
  default:
    return length("T");
  }
}

SpecWriter::Operands SpecWriter::chooseOperands() {
  static const std::pair<int64_t, int64_t> groups[] = {
      {1, 1}, {2, 2}, {2, 1}, {3, 3}, {4, 2}, {4, 1}, {6, 2}, {5, 5}, {8, 1}};
  Operands operands;
  std::tie(operands.heads, operands.keyHeads) =
      choices.pick(llvm::ArrayRef(groups));
  operands.headDim = operands.valueDim = features();
  if (choices.chance(40))
    operands.valueDim = features();
  operands.queries = length("S");
  operands.keys = keyLength(operands.queries);
  maxHeads = std::max(maxHeads, operands.heads);
  return operands;
}

void SpecWriter::declareOperands(Operands &operands) {
  auto text = [](int64_t number) { return std::to_string(number); };
  operands.q = tensors.operand("q", {batch, text(operands.heads),
                                     operands.queries, text(operands.headDim)});
  operands.k = tensors.operand("k", {batch, text(operands.keyHeads),
                                     operands.keys, text(operands.headDim)});
  operands.v = tensors.operand("v", {batch, text(operands.keyHeads),
                                     operands.keys, text(operands.valueDim)});
}

/// Queries, and a pool of pages with keys and values.
void SpecWriter::declarePages(Operands &operands) {
  auto text = [](int64_t number) { return std::to_string(number); };
  pageSize = choices.pick<int64_t>({16, 1, 2, 3, 7, 8, 64});
  operands.keys = "P * " + text(pageSize);
  for (const char *size : {"P", "N"})
    addSize(size);
  operands.q = tensors.operand("q", {batch, text(operands.heads),
                                     operands.queries, text(operands.headDim)});
  operands.k = tensors.operand("k", {"N", text(operands.keyHeads),
                                     text(pageSize), text(operands.headDim)});
  operands.v = tensors.operand("v", {"N", text(operands.keyHeads),
                                     text(pageSize), text(operands.valueDim)});
  operands.pages = declarations.capture("i32[" + batch + ", P]");
}

/// A cache like `fresh` but for its positions, to which that is appended; the
/// name of a let of both.
std::string SpecWriter::declareCache(const std::string &name,
                                     const std::string &element, Names shape,
                                     const std::string &fresh,
                                     const std::string &at) {
  shape[2] = "C";
  declarations.tensors.push_back("inout cache_" + name + ": " + element + "[" +
                                 llvm::join(shape, ", ") + "]");
  declarations.lets.push_back("let " + name + "s = append(cache_" + name +
                              ", " + fresh + ", at = " + at +
                              (shape.size() == 3 ? ", axis = 2)" : ")"));
  return name + "s";
}

/// The same of 8 bits, divided by scales, which may have a cache of their own.
std::string SpecWriter::declareRounded(const std::string &name, Names shape,
                                       const std::string &fresh,
                                       const std::string &at) {
  std::string scale = choices.pick<const char *>({"0.04", "0.3", "1"}),
              scales = scale;
  if (choices.chance(60)) {
    Names ofScales(shape.begin(), shape.begin() + 3);
    std::string factor = name + "_unit";
    declarations.lets.push_back("let " + factor + " = " + scale + " + abs(" +
                                tensors.declare("fresh_" + factor, ofScales) +
                                ")");
    scale = factor;
    scales = declareCache(factor, tensors.element(), ofScales, factor, at);
  }
  return "float(" +
         declareCache(name, "i8", shape, "(" + fresh + ") / " + scale, at) +
         ") * " + scales;
}

/// Queries, and caches to which as many keys and values are appended.
void SpecWriter::declareCaches(Operands &operands) {
  auto text = [](int64_t number) { return std::to_string(number); };
  operands.keys = "C";
  addSize("C");
  bool isOne = choices.chance(25); // Place for all entries.
  std::string at =
      declarations.capture(choices.pick<const char *>({"i32", "i64"}) +
                           (isOne ? "" : "[" + batch + "]"));
  if (!isOne)
    at += "[b]";
  operands.q = tensors.operand("q", {batch, text(operands.heads),
                                     operands.queries, text(operands.headDim)});
  for (auto [side, features] : {std::pair(&operands.k, operands.headDim),
                                {&operands.v, operands.valueDim}}) {
    std::string name = *side;
    Names shape = {batch, text(operands.keyHeads), operands.queries,
                   text(features)};
    std::string fresh = tensors.operand(name, shape);
    // The floats of integers are f32.
    bool isRounded = !tensors.isF64 && choices.chance(30);
    *side = isRounded ? declareRounded(name, shape, fresh, at)
                      : declareCache(name, tensors.element(), shape, fresh, at);
  }
}

//===--- Attends and results ---------------------------------------------===//

/// What makes weights of scores, as arguments of an attend.
std::string SpecWriter::normalizer(Operands &operands) {
  std::string name = choices.pick<const char *>(
      {"softmax_plus_one", "sigmoid", "relu", "relu2", "linear", "softmax"});
  std::string text = ",\n    normalize = " + name;
  operands.hasLse = llvm::StringRef(name).starts_with("softmax");
  if (operands.hasLse || choices.chance(50))
    return text;
  std::string divisor = declarations.capture(tensors.isF64 ? "f64" : "f32");
  return text + ", divisor = " +
         choices.pick<std::string>(
             {"3", "1 + abs(" + divisor + ")", "1 + " + operands.queries});
}

/// Some of the heads, at least one.
std::string SpecWriter::keptHeads(int64_t heads) {
  Names kept;
  int64_t always = choices.below(heads);
  for (int64_t head = 0; head < heads; ++head)
    if (head == always || choices.chance(50))
      kept.push_back(std::to_string(head));
  return llvm::join(kept, ", ");
}

std::string SpecWriter::attend(Operands &operands) {
  ++attends;
  operands.hasLse = true;
  AttendScope scope = demands.scope;
  scope.isF64 = tensors.isF64;
  scope.isMixed = tensors.isMixed;
  scope.heads = operands.heads;
  scope.keyHeads = operands.keyHeads;
  scope.batch = batch;
  scope.queries = operands.queries;
  scope.keys = operands.keys;
  ExpressionWriter expressions(choices, declarations, scope);
  std::string text =
      "attend(" + operands.q + ", " + operands.k + ", " + operands.v;
  Choices::Mark span(choices, SpanKind::Clause);
  Names conditions;
  if (!demands.mask.empty())
    conditions.push_back(demands.mask);
  if (!demands.hasOnlyThisMask && choices.chance(75))
    conditions.push_back(expressions.mask(choices.below(4)));
  if (!conditions.empty())
    text += ",\n    mask = " + llvm::join(conditions, " and ");
  if (choices.chance(60))
    text += ",\n    score = " + expressions.score(1 + choices.below(4));
  if (choices.chance(40))
    text += std::string(",\n    scale = ") +
            choices.pick<const char *>({"1", "0.5", "-0.3", "2 / 3", "1e-2"});
  if (!operands.pages.empty())
    text += ",\n    pages = " + operands.pages;
  if (demands.mayNormalize && choices.chance(12))
    text += normalizer(operands);
  if (scope.usesHeads && operands.heads > 1 && choices.chance(10))
    text += ",\n    keep_heads = [" + keptHeads(operands.heads) + "]";
  if (demands.mayHaveSinks && operands.hasLse && choices.chance(15))
    text += ",\n    sinks = " +
            declarations.capture(tensors.element() + "[" +
                                 std::to_string(operands.heads) + "]");
  return text + ")";
}

void SpecWriter::addResult(const std::string &name, const std::string &value,
                           const Names &dims) {
  results.push_back(name + ": " + tensors.element() + "[" +
                    llvm::join(dims, ", ") + "]");
  values.push_back(value);
}

/// The output of the attend `let`, its lse, or both.
void SpecWriter::addResults(const std::string &let, const Operands &operands) {
  int64_t which = operands.hasLse ? choices.below(6) : 0;
  std::string heads = std::to_string(operands.heads);
  if (which != 1)
    addResult(
        let + "_out", choices.chance(50) ? let + ".out" : let,
        {batch, heads, operands.queries, std::to_string(operands.valueDim)});
  if (which == 1 || which == 2)
    addResult(let + "_lse", let + ".lse", {batch, heads, operands.queries});
}

//===--- The whole -------------------------------------------------------===//

GeneratedSpec SpecWriter::assemble() const {
  GeneratedSpec spec;
  auto lines = [&](llvm::ArrayRef<std::string> parts, const char *indent,
                   const char *end) {
    for (const std::string &part : parts)
      spec.text += indent + part + end;
  };
  lines(declarations.params, "", "\n");
  lines(declarations.fns, "", "\n");
  spec.text += "attention generated(\n";
  lines(declarations.tensors, "    ", ",\n");
  for (const auto &[type, name] : declarations.captured)
    spec.text += "    " + name + ": " + type + ",\n";
  spec.text += ") -> (" + llvm::join(results, ", ") + ") {\n";
  lines(declarations.lets, "  ", "\n");
  spec.text += "  return " + llvm::join(values, ", ") + "\n}\n";
  spec.sizes = sizes;
  spec.heads = maxHeads;
  spec.attends = attends;
  spec.pageSize = pageSize;
  return spec;
}

GeneratedSpec SpecWriter::write() {
  int64_t family = choices.below(10);
  tensors.chooseTypes();
  if (choices.chance(10))
    batch = std::to_string(1 + choices.below(2));
  else
    sizes.push_back("B");
  switch (family) {
  case 9:
    writeTwoAttends();
    break;
  case 8:
    writeChain();
    break;
  case 7:
    writePacked();
    break;
  case 6:
    writeModule();
    break;
  default:
    writeOneAttend();
    break;
  }
  return assemble();
}

GeneratedSpec SpecWriter::writeAttend(const SpecDemands &wanted) {
  demands = wanted;
  demands.mayNormalize = false;
  demands.scope.hasComputedSizes = false;
  tensors.chooseTypes();
  Operands operands = chooseOperands();
  operands.queries = "S";
  operands.keys = "T";
  sizes = {"B", "S", "T"};
  auto declare = [&](const char *name, int64_t heads, const char *length,
                     int64_t features) {
    tensors.declare(
        name, {batch, std::to_string(heads), length, std::to_string(features)});
  };
  declare("q", operands.heads, "S", operands.headDim);
  declare("k", operands.keyHeads, "T", operands.headDim);
  declare("v", operands.keyHeads, "T", operands.valueDim);
  if (!demands.tensor.empty())
    declarations.tensors.push_back(demands.tensor);
  declarations.lets.push_back("let a = " + attend(operands));
  tensors.isMixed = false;
  addResult("out", "a.out",
            {batch, std::to_string(operands.heads), operands.queries,
             std::to_string(operands.valueDim)});
  addResult("lse", "a.lse",
            {batch, std::to_string(operands.heads), operands.queries});
  GeneratedSpec spec = assemble();
  spec.keyHeads = operands.keyHeads;
  return spec;
}

GeneratedSpec ladon::e2e::writeAttendSpec(Choices &choices,
                                          const SpecDemands &demands) {
  return SpecWriter(choices).writeAttend(demands);
}

GeneratedSpec ladon::e2e::writeSpec(Choices &choices) {
  return SpecWriter(choices).write();
}
