//===- Builtins.cpp - The names the language defines ----------------------===//

#include "compiler/frontend/Builtins.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

#include <climits>

using namespace ladon;
using namespace ladon::ast;
using llvm::StringRef;

namespace {

const BuiltinInfo builtins[] = {
#define BUILTIN(id, name, least, most, operands, value, meaning)               \
  {name, Builtin::id, least, most, Operands::operands, meaning},
#include "compiler/frontend/Builtins.def"
};

const ArgumentInfo arguments[] = {
#define ARGUMENT(call, name, use) {#call, #name, ArgumentInfo::use},
#include "compiler/frontend/Builtins.def"
};

const PositionInfo positions[] = {
    {"b", IndexVar::Batch, "the position in the batch"},
    {"h", IndexVar::Head, "the query head"},
    {"hk", IndexVar::KvHead, "the key head"},
    {"i", IndexVar::Query, "the position of the query"},
    {"j", IndexVar::Key, "the position of the key"},
    {"s", IndexVar::Score, "the scaled score"},
};

struct Reserved {
  StringRef name, meaning;
};
const Reserved reserved[] = {
    {"offset", "the number of keys before the first query"},
    {"inf", "infinity"},
    {"sum", "a reduction"},
    {"any", "a reduction"},
    {"all", "a reduction"},
    {"causal", "a mask"},
    {"causal_top_left", "a mask"},
    {"window", "a mask"},
};

} // namespace

llvm::ArrayRef<BuiltinInfo> ladon::builtinTable() { return builtins; }
llvm::ArrayRef<PositionInfo> ladon::positionTable() { return positions; }

const BuiltinInfo *ladon::findBuiltin(StringRef name) {
  auto *found =
      llvm::find_if(builtins, [&](auto &entry) { return entry.name == name; });
  return found == std::end(builtins) ? nullptr : found;
}

std::vector<ArgumentInfo> ladon::argumentsOf(StringRef call) {
  std::vector<ArgumentInfo> result;
  for (const ArgumentInfo &argument : arguments)
    if (argument.call == call)
      result.push_back(argument);
  return result;
}

const PositionInfo *ladon::findPosition(StringRef name) {
  auto *found =
      llvm::find_if(positions, [&](auto &entry) { return entry.name == name; });
  return found == std::end(positions) ? nullptr : found;
}

StringRef ladon::positionName(IndexVar var) {
  return llvm::find_if(positions, [&](auto &entry) { return entry.var == var; })
      ->name;
}

std::optional<MaskForm> ladon::findMaskForm(StringRef name) {
  return llvm::StringSwitch<std::optional<MaskForm>>(name)
      .Case("causal", MaskForm::Causal)
      .Case("causal_top_left", MaskForm::CausalTopLeft)
      .Case("window", MaskForm::Window)
      .Default(std::nullopt);
}

StringRef ladon::maskFormName(MaskForm form) {
  switch (form) {
  case MaskForm::Causal:
    return "causal";
  case MaskForm::CausalTopLeft:
    return "causal_top_left";
  case MaskForm::Window:
    return "window";
  }
  return "";
}

StringRef ladon::reservedMeaning(StringRef name) {
  if (auto *position = findPosition(name))
    return position->meaning;
  if (findBuiltin(name))
    return "a function";
  if (findScalarType(name))
    return "a type";
  if (!argumentsOf(name).empty())
    return "a tensor operation";
  for (const Reserved &entry : reserved)
    if (entry.name == name)
      return entry.meaning;
  return "";
}

std::vector<StringRef> ladon::reservedNames() {
  std::vector<StringRef> names;
  for (const BuiltinInfo &entry : builtins)
    names.push_back(entry.name);
  for (const PositionInfo &entry : positions)
    names.push_back(entry.name);
  for (const ScalarTypeInfo &entry : scalarTypes())
    names.push_back(entry.name);
  for (const ArgumentInfo &entry : arguments)
    if (names.back() != entry.call)
      names.push_back(entry.call);
  for (const Reserved &entry : reserved)
    names.push_back(entry.name);
  return names;
}

StringRef ladon::spelling(BinaryOp op) {
  switch (op) {
  case BinaryOp::Add:
    return "+";
  case BinaryOp::Sub:
    return "-";
  case BinaryOp::Mul:
    return "*";
  case BinaryOp::Div:
    return "/";
  case BinaryOp::FloorDiv:
    return "//";
  case BinaryOp::Mod:
    return "%";
  case BinaryOp::BitAnd:
    return "&";
  case BinaryOp::BitOr:
    return "|";
  case BinaryOp::BitXor:
    return "^";
  case BinaryOp::Shl:
    return "<<";
  case BinaryOp::Shr:
    return ">>";
  case BinaryOp::Lt:
    return "<";
  case BinaryOp::Le:
    return "<=";
  case BinaryOp::Gt:
    return ">";
  case BinaryOp::Ge:
    return ">=";
  case BinaryOp::Eq:
    return "==";
  case BinaryOp::Ne:
    return "!=";
  case BinaryOp::And:
    return "and";
  case BinaryOp::Or:
    return "or";
  case BinaryOp::MatMul:
    return "@";
  }
  return "";
}

StringRef ladon::spelling(UnaryOp op) {
  switch (op) {
  case UnaryOp::Neg:
    return "-";
  case UnaryOp::Not:
    return "not";
  case UnaryOp::BitNot:
    return "~";
  }
  return "";
}

std::string Type::str() const {
  std::string text = spelling(element).str();
  if (!dims)
    return text;
  text += '[';
  for (size_t axis = 0; axis < dims->size(); ++axis) {
    const Dim &dim = (*dims)[axis];
    text += (axis ? ", " : "") +
            (dim.isStatic() ? std::to_string(dim.size) : dim.name);
  }
  return text + ']';
}
