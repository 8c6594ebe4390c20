//===- Builtins.cpp - The names the language defines ----------------------===//

#include "compiler/frontend/Builtins.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/StringSwitch.h"

#include <climits>

using namespace ladon;
using namespace ladon::ast;
using llvm::StringRef;

namespace {

const BuiltinInfo builtins[] = {
    {"min", Builtin::Min, 2, UINT_MAX, true},
    {"max", Builtin::Max, 2, UINT_MAX, true},
    {"abs", Builtin::Abs, 1, 1, true},
    {"clamp", Builtin::Clamp, 3, 3, true},
    {"exp", Builtin::Exp, 1, 1, false},
    {"exp2", Builtin::Exp2, 1, 1, false},
    {"log", Builtin::Log, 1, 1, false},
    {"log2", Builtin::Log2, 1, 1, false},
    {"sqrt", Builtin::Sqrt, 1, 1, false},
    {"rsqrt", Builtin::Rsqrt, 1, 1, false},
    {"tanh", Builtin::Tanh, 1, 1, false},
    {"sigmoid", Builtin::Sigmoid, 1, 1, false},
    {"relu", Builtin::Relu, 1, 1, false},
    {"erf", Builtin::Erf, 1, 1, false},
    {"sin", Builtin::Sin, 1, 1, false},
    {"cos", Builtin::Cos, 1, 1, false},
    {"pow", Builtin::Pow, 2, 2, false},
    {"floor", Builtin::Floor, 1, 1, false},
    {"ceil", Builtin::Ceil, 1, 1, false},
    {"round", Builtin::Round, 1, 1, false},
    {"float", Builtin::Float, 1, 1, false},
    {"int", Builtin::Int, 1, 1, false},
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
    {"causal", "a mask"},
    {"causal_top_left", "a mask"},
    {"window", "a mask"},
    {"attend", "a tensor operation"},
    {"split", "a tensor operation"},
    {"concat", "a tensor operation"},
    {"f32", "a type"},
    {"f64", "a type"},
    {"f16", "a type"},
    {"bf16", "a type"},
    {"i32", "a type"},
    {"i64", "a type"},
    {"bool", "a type"},
};

} // namespace

llvm::ArrayRef<BuiltinInfo> ladon::builtinTable() { return builtins; }
llvm::ArrayRef<PositionInfo> ladon::positionTable() { return positions; }

const BuiltinInfo *ladon::findBuiltin(StringRef name) {
  auto *found =
      llvm::find_if(builtins, [&](auto &entry) { return entry.name == name; });
  return found == std::end(builtins) ? nullptr : found;
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
  for (const Reserved &entry : reserved)
    names.push_back(entry.name);
  return names;
}

bool ladon::isForeignKeyword(StringRef name) {
  static const llvm::StringSet<> keywords = {
      "alignas",   "alignof",   "asm",       "auto",         "break",
      "case",      "catch",     "char",      "class",        "const",
      "constexpr", "continue",  "decltype",  "default",      "delete",
      "do",        "double",    "else",      "enum",         "explicit",
      "export",    "extern",    "false",     "float",        "for",
      "friend",    "goto",      "if",        "inline",       "int",
      "long",      "mutable",   "namespace", "new",          "noexcept",
      "not",       "nullptr",   "operator",  "or",           "and",
      "private",   "protected", "public",    "register",     "restrict",
      "return",    "short",     "signed",    "sizeof",       "static",
      "struct",    "switch",    "template",  "this",         "throw",
      "true",      "try",       "typedef",   "typeid",       "typename",
      "union",     "unsigned",  "using",     "virtual",      "void",
      "volatile",  "while",     "xor",       "bitand",       "bitor",
      "compl",     "requires",  "concept",   "thread_local", "static_assert",
      "typeof",    "wchar_t"};
  return keywords.contains(name);
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

StringRef ladon::spelling(ScalarType type) {
  switch (type) {
  case ScalarType::Bool:
    return "bool";
  case ScalarType::I32:
    return "i32";
  case ScalarType::I64:
    return "i64";
  case ScalarType::F32:
    return "f32";
  case ScalarType::F64:
    return "f64";
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
