//===- Lexer.h - Text of a spec to tokens ----------------------*- C++ -*-===//
//
// Turns a whole buffer into tokens, comments included. Any text is accepted:
// what is no token is reported and left out, and the last token is Eof.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_LEXER_H
#define LADON_COMPILER_FRONTEND_LEXER_H

#include "compiler/frontend/Diagnostics.h"

#include "llvm/ADT/StringRef.h"

#include <vector>

namespace ladon {

/// The kinds of token. Type and function names are plain names.
enum class Tok {
  Eof,
  Comment,
  Name,
  Integer,
  Float,
  KwFn,
  KwParam,
  KwAttention,
  KwLet,
  KwReturn,
  KwIf,
  KwThen,
  KwElse,
  KwAnd,
  KwOr,
  KwNot,
  KwTrue,
  KwFalse,
  LParen,
  RParen,
  LBracket,
  RBracket,
  LBrace,
  RBrace,
  Comma,
  Colon,
  Dot,
  DotDot,
  Equal,
  Arrow,
  Plus,
  Minus,
  Star,
  Slash,
  SlashSlash,
  Percent,
  At,
  Amp,
  Pipe,
  Caret,
  Tilde,
  Shl,
  Shr,
  Lt,
  Le,
  Gt,
  Ge,
  EqEq,
  NotEq
};

/// A token; `text` points into the source buffer.
struct Token {
  Tok kind = Tok::Eof;
  llvm::StringRef text;
  unsigned newlinesBefore = 0; ///< Line ends since the token before it.
  bool afterError = false;     ///< Text before it was reported and left out.

  llvm::SMRange range() const {
    return {llvm::SMLoc::getFromPointer(text.begin()),
            llvm::SMLoc::getFromPointer(text.end())};
  }
};

/// The keywords of the language.
std::vector<llvm::StringRef> keywords();

/// Whether an expression can end with `kind`, so that an operator may follow.
bool endsOperand(Tok kind);

/// The longest accepted spec in bytes.
constexpr size_t maxSourceBytes = 1 << 20;

/// The longest accepted name.
constexpr size_t maxNameLength = 128;

/// Tokens of `text`, which must lie in a buffer that the diagnostics can show.
std::vector<Token> lex(llvm::StringRef text, DiagnosticEngine &diagnostics);

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_LEXER_H
