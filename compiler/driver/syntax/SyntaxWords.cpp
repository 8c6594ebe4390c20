//===- SyntaxWords.cpp - The words of the language, for colours -----------===//

#include "compiler/driver/syntax/SyntaxWords.h"

#include "compiler/frontend/Builtins.h"
#include "compiler/frontend/Documentation.h"
#include "compiler/frontend/Lexer.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace ladon;
using llvm::StringRef;

using Group = std::vector<StringRef> SyntaxWords::*;

/// Where a keyword belongs; one that is new is a word of control.
static Group groupOfKeyword(StringRef word) {
  return llvm::StringSwitch<Group>(word)
      .Cases({"fn", "param", "attention", "let"}, &SyntaxWords::declarations)
      .Cases({"and", "or", "not"}, &SyntaxWords::operators)
      .Cases({"true", "false"}, &SyntaxWords::constants)
      .Default(&SyntaxWords::control);
}

static Group groupOfName(StringRef name) {
  if (findScalarType(name))
    return &SyntaxWords::types;
  if (!argumentsOf(name).empty())
    return &SyntaxWords::operations;
  if (findMaskForm(name))
    return &SyntaxWords::masks;
  if (!signatureOf(name).text.empty())
    return &SyntaxWords::functions;
  if (name == "inf")
    return &SyntaxWords::constants;
  return &SyntaxWords::positions;
}

SyntaxWords ladon::syntaxWords() {
  SyntaxWords words;
  for (StringRef word : keywords())
    (words.*groupOfKeyword(word)).push_back(word);
  // Words that may be names elsewhere: of a range, `sum(n in 0..4, ...)`, and
  // of a parameter, `inout cache: f32[...]`.
  words.control.push_back("in");
  words.declarations.push_back("inout");
  auto add = [](std::vector<StringRef> &group, StringRef name) {
    if (!llvm::is_contained(group, name))
      group.push_back(name);
  };
  for (StringRef name : reservedNames()) {
    add(words.*groupOfName(name), name);
    for (const ArgumentInfo &argument : argumentsOf(name))
      if (argument.use != ArgumentInfo::Positional)
        add(words.arguments, argument.name);
  }
  for (const DocumentedWord &result : resultsOfAttend())
    words.results.push_back(result.name);
  return words;
}
