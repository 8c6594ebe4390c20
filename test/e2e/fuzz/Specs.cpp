//===- Specs.cpp - Whole specs at random ----------------------------------===//

#include "test/e2e/fuzz/Specs.h"

#include "llvm/ADT/StringExtras.h"

#include <utility>

using namespace ladon::e2e;

namespace {

/// Writes one spec.
class SpecWriter {
public:
  explicit SpecWriter(Choices &choices) : choices(choices) {}

  GeneratedSpec write();
  GeneratedSpec writeAttend(const SpecDemands &wanted);

private:
  /// What an attend works on: the names of its tensors and their sizes.
  struct Operands {
    std::string q = "q", k = "k", v = "v";
    int64_t heads, keyHeads, headDim, valueDim;
    std::string queries, keys;
  };
  using Names = std::vector<std::string>;

  std::string element();
  int64_t features();
  std::string length(const char *name);
  std::string declare(const std::string &name, const Names &dims);
  Operands chooseOperands();
  void declareOperands(const Operands &operands);
  std::string attend(const Operands &operands);
  void addResult(const std::string &name, const std::string &value,
                 const Names &dims);
  void addResults(const std::string &let, const Operands &operands);

  void writeOneAttend();
  void writeTwoAttends();
  void writeChain();
  void writePacked();
  void writeModule();
  GeneratedSpec assemble() const;

  Choices &choices;
  Declarations declarations;
  bool isF64 = false, isMixed = false;
  std::string batch = "B";
  Names sizes, results, values;
  int64_t maxHeads = 1, attends = 0;
  SpecDemands demands;
};

} // namespace

//===--- Types and sizes -------------------------------------------------===//

/// The element type of a tensor that is computed on.
std::string SpecWriter::element() {
  if (isF64)
    return "f64";
  return isMixed ? choices.pick<const char *>({"f32", "f16", "bf16"}) : "f32";
}

int64_t SpecWriter::features() {
  return choices.pick<int64_t>({8, 1, 2, 3, 7, 16, 17, 24, 32, 33, 64, 65});
}

/// A run-time size of that name, or a static one.
std::string SpecWriter::length(const char *name) {
  if (choices.chance(20))
    return std::to_string(
        choices.pick<int64_t>({1, 5, 8, 9, 17, 24, 48, 49, 64, 100, 129}));
  if (!llvm::is_contained(sizes, name))
    sizes.push_back(name);
  return name;
}

std::string SpecWriter::declare(const std::string &name, const Names &dims) {
  declarations.tensors.push_back(name + ": " + element() + "[" +
                                 llvm::join(dims, ", ") + "]");
  return name;
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
  operands.keys = choices.chance(25) ? operands.queries : length("T");
  maxHeads = std::max(maxHeads, operands.heads);
  return operands;
}

void SpecWriter::declareOperands(const Operands &operands) {
  auto text = [](int64_t number) { return std::to_string(number); };
  declare(operands.q, {batch, text(operands.heads), operands.queries,
                       text(operands.headDim)});
  declare(operands.k, {batch, text(operands.keyHeads), operands.keys,
                       text(operands.headDim)});
  declare(operands.v, {batch, text(operands.keyHeads), operands.keys,
                       text(operands.valueDim)});
}

//===--- Attends and results ---------------------------------------------===//

std::string SpecWriter::attend(const Operands &operands) {
  ++attends;
  AttendScope scope = demands.scope;
  scope.isF64 = isF64;
  scope.isMixed = isMixed;
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
  if (demands.mayHaveSinks && choices.chance(15))
    text += ",\n    sinks = " +
            declarations.capture(element() + "[" +
                                 std::to_string(operands.heads) + "]");
  return text + ")";
}

void SpecWriter::addResult(const std::string &name, const std::string &value,
                           const Names &dims) {
  results.push_back(name + ": " + element() + "[" + llvm::join(dims, ", ") +
                    "]");
  values.push_back(value);
}

/// The output of the attend `let`, its lse, or both.
void SpecWriter::addResults(const std::string &let, const Operands &operands) {
  int64_t which = choices.below(6);
  std::string heads = std::to_string(operands.heads);
  if (which != 1)
    addResult(
        let + "_out", choices.chance(50) ? let + ".out" : let,
        {batch, heads, operands.queries, std::to_string(operands.valueDim)});
  if (which == 1 || which == 2)
    addResult(let + "_lse", let + ".lse", {batch, heads, operands.queries});
}

//===--- Families --------------------------------------------------------===//

void SpecWriter::writeOneAttend() {
  Operands operands = chooseOperands();
  declareOperands(operands);
  declarations.lets.push_back("let a = " + attend(operands));
  addResults("a", operands);
}

/// Two attends on the same queries and keys, apart or combined.
void SpecWriter::writeTwoAttends() {
  Operands operands = chooseOperands();
  declareOperands(operands);
  declarations.lets.push_back("let a = " + attend(operands));
  declarations.lets.push_back("let d = " + attend(operands));
  if (choices.chance(50)) {
    addResults("a", operands);
    addResults("d", operands);
    return;
  }
  const char *form = choices.pick<const char *>(
      {"a + d", "a.out - 0.5 * d.out", "a * d / 2",
       "a * exp(a.lse - max(a.lse, d.lse, -1e30)) + d / 2", "a * sigmoid(d)",
       "max(tanh(a), d, 0.25)", "-a / 4 + 1"});
  addResult("out", form,
            {batch, std::to_string(operands.heads), operands.queries,
             std::to_string(operands.valueDim)});
  if (llvm::StringRef(form).starts_with("-a"))
    addResults("d", operands);
}

/// One attend whose result is the queries, or the keys and values, of another.
void SpecWriter::writeChain() {
  Operands first = chooseOperands();
  declareOperands(first);
  declarations.lets.push_back("let a = " + attend(first));
  Operands second = first;
  second.headDim = first.valueDim;
  if (choices.chance(50)) {
    second.q = "a";
    second.k = "k2", second.v = "v2";
    second.valueDim = choices.chance(30) ? features() : first.valueDim;
    declare("k2", {batch, std::to_string(second.keyHeads), second.keys,
                   std::to_string(second.headDim)});
    declare("v2", {batch, std::to_string(second.keyHeads), second.keys,
                   std::to_string(second.valueDim)});
  } else {
    second.q = "q2";
    second.k = "a", second.v = "a";
    second.keyHeads = first.heads;
    second.keys = first.queries;
    declare("q2", {batch, std::to_string(second.heads), second.queries,
                   std::to_string(second.headDim)});
  }
  declarations.lets.push_back("let d = " + attend(second));
  addResults("d", second);
  if (choices.chance(30))
    addResults("a", first);
}

/// Heads side by side in memory.
void SpecWriter::writePacked() {
  Operands operands = chooseOperands();
  struct Packed {
    const char *name;
    int64_t heads, features;
    const std::string &length;
  };
  for (auto [name, heads, features, length] :
       {Packed{"q", operands.heads, operands.headDim, operands.queries},
        Packed{"k", operands.keyHeads, operands.headDim, operands.keys},
        Packed{"v", operands.keyHeads, operands.valueDim, operands.keys}}) {
    declare(std::string("x") + name,
            {batch, length, std::to_string(heads * features)});
    declarations.lets.push_back(std::string("let ") + name + " = split(x" +
                                name + ", heads = " + std::to_string(heads) +
                                ")");
  }
  declarations.lets.push_back("let a = " + attend(operands));
  addResult("out", "concat(a)",
            {batch, operands.queries,
             std::to_string(operands.heads * operands.valueDim)});
  if (choices.chance(30))
    addResult("lse", "a.lse",
              {batch, std::to_string(operands.heads), operands.queries});
}

/// Projections around an attend, some of them with a bias.
void SpecWriter::writeModule() {
  Operands operands = chooseOperands();
  operands.headDim = std::min<int64_t>(operands.headDim, 17);
  operands.valueDim = std::min<int64_t>(operands.valueDim, 17);
  std::string width = std::to_string(choices.pick<int64_t>({8, 5, 16, 20, 33}));
  bool isSelf = operands.queries == operands.keys;
  declare("x", {batch, operands.queries, width});
  if (!isSelf)
    declare("y", {batch, operands.keys, width});
  auto project = [&](const char *name, const char *from, int64_t heads,
                     int64_t dim) {
    std::string columns = std::to_string(heads * dim);
    bool isTransposed = choices.chance(25);
    std::string weight =
        declare(std::string("w") + name,
                isTransposed ? Names{columns, width} : Names{width, columns});
    std::string value = std::string(from) + " @ " +
                        (isTransposed ? "transpose(" + weight + ")" : weight);
    if (choices.chance(40))
      value += " + " + declare(std::string("bias_") + name, {columns});
    declarations.lets.push_back(std::string("let ") + name + " = split(" +
                                value + ", heads = " + std::to_string(heads) +
                                ")");
  };
  project("q", "x", operands.heads, operands.headDim);
  project("k", isSelf ? "x" : "y", operands.keyHeads, operands.headDim);
  project("v", isSelf ? "x" : "y", operands.keyHeads, operands.valueDim);
  declarations.lets.push_back("let a = " + attend(operands));
  std::string columns = std::to_string(operands.heads * operands.valueDim);
  std::string value = "concat(a)";
  if (choices.chance(70)) {
    value += " @ " + declare("wo", {columns, width});
    columns = width;
    if (choices.chance(40))
      value = "(" + value + " + " + declare("bias_o", {width}) + ") * 0.5";
    if (choices.chance(30))
      value =
          choices.pick<const char *>({"silu(", "tanh(", "gelu("}) + value + ")";
    if (choices.chance(40))
      value = "x + " + value;
  }
  addResult("out", value, {batch, operands.queries, columns});
  if (choices.chance(20))
    addResult("lse", "a.lse",
              {batch, std::to_string(operands.heads), operands.queries});
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
  return spec;
}

GeneratedSpec SpecWriter::write() {
  int64_t family = choices.below(10);
  isF64 = choices.chance(15);
  isMixed = choices.chance(35);
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
  isF64 = choices.chance(15);
  isMixed = choices.chance(35);
  Operands operands = chooseOperands();
  operands.queries = "S";
  operands.keys = "T";
  sizes = {"B", "S", "T"};
  declareOperands(operands);
  if (!demands.tensor.empty())
    declarations.tensors.push_back(demands.tensor);
  declarations.lets.push_back("let a = " + attend(operands));
  isMixed = false;
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
