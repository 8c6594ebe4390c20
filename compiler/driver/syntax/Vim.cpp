//===- Vim.cpp - A syntax file of Vim -------------------------------------===//

#include "compiler/driver/syntax/SyntaxWords.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace ladon;
using llvm::StringRef;

namespace {
struct VimGroup {
  const char *name, *highlight;
  std::vector<StringRef> SyntaxWords::*words;
};
} // namespace

static const VimGroup groups[] = {
    {"attnDeclaration", "Keyword", &SyntaxWords::declarations},
    {"attnControl", "Conditional", &SyntaxWords::control},
    {"attnOperator", "Operator", &SyntaxWords::operators},
    {"attnConstant", "Constant", &SyntaxWords::constants},
    {"attnType", "Type", &SyntaxWords::types},
    {"attnOperation", "Function", &SyntaxWords::operations},
    {"attnFunction", "Function", &SyntaxWords::functions},
    {"attnMask", "Special", &SyntaxWords::masks},
    {"attnPosition", "Identifier", &SyntaxWords::positions},
};

std::string ladon::vimSyntax() {
  SyntaxWords words = syntaxWords();
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "\" Vim syntax of attention specs. Printed by `ladon syntax vim`.\n"
        "if exists('b:current_syntax')\n  finish\nendif\n"
        "syntax case match\n\n";
  for (const VimGroup &group : groups)
    os << "syntax keyword " << group.name << " "
       << llvm::join(words.*group.words, " ") << "\n";
  // What is defined later wins: before '=' a word is an argument.
  os << "syntax match attnArgument /\\v<(" << llvm::join(words.arguments, "|")
     << ")>\\ze\\s*\\=\\=@!/\n"
     << "syntax match attnResult /\\v\\.@<=(" << llvm::join(words.results, "|")
     << ")>/\n"
     << "syntax match attnName /\\v(<(fn|attention|param)\\s+)@<=\\h\\w*/\n"
     << "syntax match attnNumber "
        "/\\v<(0[xX]\\x+|\\d+(\\.\\d+)?([eE][+-]?\\d+)?)>/\n"
     << "syntax match attnComment /#.*$/ contains=@Spell\n\n";
  for (const VimGroup &group : groups)
    os << "highlight default link " << group.name << " " << group.highlight
       << "\n";
  os << "highlight default link attnArgument Label\n"
        "highlight default link attnResult Identifier\n"
        "highlight default link attnName Function\n"
        "highlight default link attnNumber Number\n"
        "highlight default link attnComment Comment\n\n"
        "let b:current_syntax = 'attn'\n";
  return text;
}
