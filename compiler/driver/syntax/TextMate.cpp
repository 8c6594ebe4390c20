//===- TextMate.cpp - A TextMate grammar ----------------------------------===//

#include "compiler/driver/syntax/SyntaxWords.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace ladon;
using llvm::StringRef;
using llvm::json::Array;
using llvm::json::Object;

/// "\b(?:a|b)\b", with what must come before and after.
static std::string anyOf(llvm::ArrayRef<StringRef> words, StringRef before = "",
                         StringRef after = "") {
  return (before + "\\b(?:" + llvm::join(words, "|") + ")\\b" + after).str();
}

static Object match(const std::string &pattern, const char *scope) {
  return Object{{"match", pattern}, {"name", scope}};
}

/// A keyword and the name that it defines.
static Object definition(const char *keyword, const char *scope) {
  return Object{
      {"match",
       std::string("\\b(") + keyword + ")\\s+([A-Za-z_][A-Za-z0-9_]*)"},
      {"captures", Object{{"1", Object{{"name", "keyword.declaration.attn"}}},
                          {"2", Object{{"name", scope}}}}}};
}

std::string ladon::textMateGrammar() {
  SyntaxWords words = syntaxWords();
  const char *call = "(?=\\s*\\()";
  // The first that matches at a place has it.
  Array patterns{
      match("#.*$", "comment.line.number-sign.attn"),
      definition("fn", "entity.name.function.attn"),
      definition("attention", "entity.name.function.attn"),
      definition("param", "variable.other.constant.attn"),
      definition("let", "variable.other.attn"),
      match(anyOf(words.declarations), "keyword.declaration.attn"),
      match(anyOf(words.control), "keyword.control.attn"),
      match(anyOf(words.operators), "keyword.operator.logical.attn"),
      match(anyOf(words.constants), "constant.language.attn"),
      match(anyOf(words.results, "(?<=\\.)"), "variable.other.property.attn"),
      match(anyOf(words.arguments, "", "(?=\\s*=(?!=))"),
            "variable.parameter.attn"),
      match(anyOf(words.operations, "", call), "support.function.attn"),
      match(anyOf(words.functions, "", call), "support.function.attn"),
      match(anyOf(words.types, "", call), "support.function.attn"),
      match(anyOf(words.types), "storage.type.attn"),
      match(anyOf(words.masks), "support.constant.attn"),
      match("[A-Za-z_][A-Za-z0-9_]*" + std::string(call),
            "entity.name.function.attn"),
      match(anyOf(words.positions), "variable.language.attn"),
      match("[A-Za-z_][A-Za-z0-9_]*", "variable.other.attn"),
      match("0[xX][0-9a-fA-F]+|[0-9]+(?:\\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|"
            "\\.[0-9]+(?:[eE][+-]?[0-9]+)?",
            "constant.numeric.attn"),
      match("->|//|<<|>>|<=|>=|==|!=|\\.\\.|[-+*/%@&|^~<>=]",
            "keyword.operator.attn"),
  };
  return llvm::formatv("{0:2}\n", llvm::json::Value(Object{
                                      {"name", "Ladon"},
                                      {"scopeName", "source.attn"},
                                      {"fileTypes", Array{"attn"}},
                                      {"patterns", std::move(patterns)}}))
      .str();
}
