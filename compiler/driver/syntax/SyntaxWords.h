//===- SyntaxWords.h - The words of the language, for colours --*- C++ -*-===//
//
// What an editor colours without a language server: the tables of the front end
// in the groups that editors tell apart, and the forms of tokens. Each writer
// says them in the format of one editor.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_SYNTAX_SYNTAXWORDS_H
#define LADON_COMPILER_DRIVER_SYNTAX_SYNTAXWORDS_H

#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace ladon {

struct SyntaxWords {
  std::vector<llvm::StringRef> declarations; ///< "fn", "let"
  std::vector<llvm::StringRef> control;      ///< "if", "return"
  std::vector<llvm::StringRef> operators;    ///< "and"
  std::vector<llvm::StringRef> constants;    ///< "true", "inf"
  std::vector<llvm::StringRef> types;        ///< "f32"
  std::vector<llvm::StringRef> operations;   ///< "attend"
  std::vector<llvm::StringRef> functions;    ///< "tanh", "sum"
  std::vector<llvm::StringRef> masks;        ///< "causal"
  std::vector<llvm::StringRef> positions;    ///< "i", "offset"
  std::vector<llvm::StringRef> arguments;    ///< "mask", before "="
  std::vector<llvm::StringRef> results;      ///< "lse", behind "."
};

/// Every keyword and every reserved name, each in one group (the names of some
/// types are functions as well).
SyntaxWords syntaxWords();

/// A TextMate grammar, as JSON: for VS Code and others.
std::string textMateGrammar();
/// A syntax file of Vim.
std::string vimSyntax();
/// A major mode of Emacs.
std::string emacsMode();

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_SYNTAX_SYNTAXWORDS_H
