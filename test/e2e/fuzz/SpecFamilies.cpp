//===- SpecFamilies.cpp - Families of specs at random ---------------------===//

#include "test/e2e/fuzz/SpecWriter.h"

using namespace ladon::e2e;

void SpecWriter::writeOneAttend() {
  Operands operands = chooseOperands();
  if (choices.chance(12))
    declarePages(operands);
  else if (choices.chance(12))
    declareCaches(operands);
  else
    declareOperands(operands);
  declarations.lets.push_back("let a = " + attend(operands));
  addResults("a", operands);
}

/// Two attends on the same queries and keys, apart or combined.
void SpecWriter::writeTwoAttends() {
  Operands operands = chooseOperands();
  declareOperands(operands);
  Operands others = operands;
  declarations.lets.push_back("let a = " + attend(operands));
  declarations.lets.push_back("let d = " + attend(others));
  if (choices.chance(50)) {
    addResults("a", operands);
    addResults("d", others);
    return;
  }
  std::vector<const char *> forms = {
      "a + d",          "a.out - 0.5 * d.out",   "a * d / 2",
      "a * sigmoid(d)", "max(tanh(a), d, 0.25)", "-a / 4 + 1"};
  if (operands.hasLse && others.hasLse)
    forms.push_back("a * exp(a.lse - max(a.lse, d.lse, -1e30)) + d / 2");
  const char *form = choices.pick(llvm::ArrayRef(forms));
  addResult("out", form,
            {batch, std::to_string(operands.heads), operands.queries,
             std::to_string(operands.valueDim)});
  if (llvm::StringRef(form).starts_with("-a"))
    addResults("d", others);
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
    second.valueDim = choices.chance(30) ? features() : first.valueDim;
    second.k =
        tensors.operand("k2", {batch, std::to_string(second.keyHeads),
                               second.keys, std::to_string(second.headDim)});
    second.v =
        tensors.operand("v2", {batch, std::to_string(second.keyHeads),
                               second.keys, std::to_string(second.valueDim)});
  } else {
    second.k = second.v = "a";
    second.keyHeads = first.heads;
    second.keys = first.queries;
    second.q =
        tensors.operand("q2", {batch, std::to_string(second.heads),
                               second.queries, std::to_string(second.headDim)});
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
    std::string side = name, count = std::to_string(heads);
    std::string packed = tensors.operand(
        "x" + side, {batch, length, std::to_string(heads * features)});
    std::string value =
        tensors.changed("split(" + packed + ", heads = " + count + ")", side,
                        {batch, count, length, std::to_string(features)});
    declarations.lets.push_back("let " + side + " = " + value);
  }
  declarations.lets.push_back("let a = " + attend(operands));
  addResult("out", "concat(a)",
            {batch, operands.queries,
             std::to_string(operands.heads * operands.valueDim)});
  if (operands.hasLse && choices.chance(30))
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
  std::string x = tensors.operand("x", {batch, operands.queries, width});
  std::string y =
      isSelf ? x : tensors.operand("y", {batch, operands.keys, width});
  declarations.lets.push_back("let nx = " + x);
  if (!isSelf)
    declarations.lets.push_back("let ny = " + y);
  auto product = [&](const std::string &name, const char *from, int64_t size) {
    std::string columns = std::to_string(size);
    bool isTransposed = choices.chance(25);
    std::string weight =
        tensors.declare("w" + name, isTransposed ? Names{columns, width}
                                                 : Names{width, columns});
    std::string value = std::string(from) + " @ " +
                        (isTransposed ? "transpose(" + weight + ")" : weight);
    if (choices.chance(40))
      value += " + " + tensors.declare("bias_" + name, {columns});
    return value;
  };
  struct Projected {
    const char *name, *from;
    int64_t heads, dim;
    const std::string &length;
    int64_t size() const { return heads * dim; }
  };
  const char *other = isSelf ? "nx" : "ny";
  const Projected all[] = {
      {"q", "nx", operands.heads, operands.headDim, operands.queries},
      {"k", other, operands.keyHeads, operands.headDim, operands.keys},
      {"v", other, operands.keyHeads, operands.valueDim, operands.keys}};
  bool isPacked = isSelf && choices.chance(30);
  if (isPacked)
    declarations.lets.push_back(
        "let (pq, pk, pv) = split(" +
        product("qkv", "nx", all[0].size() + all[1].size() + all[2].size()) +
        ", sizes = [" + std::to_string(all[0].size()) + ", " +
        std::to_string(all[1].size()) + ", " + std::to_string(all[2].size()) +
        "])");
  for (const Projected &one : all) {
    std::string name = one.name, count = std::to_string(one.heads);
    std::string value =
        isPacked ? "p" + name : product(name, one.from, one.size());
    value =
        tensors.changed("split(" + value + ", heads = " + count + ")", name,
                        {batch, count, one.length, std::to_string(one.dim)});
    declarations.lets.push_back("let " + name + " = " + value);
  }
  declarations.lets.push_back("let a = " + attend(operands));
  std::string columns = std::to_string(operands.heads * operands.valueDim);
  std::string value = "concat(a)";
  if (choices.chance(70)) {
    value += " @ " + tensors.declare("wo", {columns, width});
    columns = width;
    if (choices.chance(40))
      value =
          "(" + value + " + " + tensors.declare("bias_o", {width}) + ") * 0.5";
    if (choices.chance(30))
      value =
          choices.pick<const char *>({"silu(", "tanh(", "gelu("}) + value + ")";
    if (choices.chance(40))
      value = "nx + " + value;
  }
  addResult("out", value, {batch, operands.queries, columns});
  if (operands.hasLse && choices.chance(20))
    addResult("lse", "a.lse",
              {batch, std::to_string(operands.heads), operands.queries});
}
