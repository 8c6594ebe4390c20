//===- FormatTree.h - Tokens grouped for layout ----------------*- C++ -*-===//
//
// The formatter works on tokens, so that nothing a spec says can get lost. This
// groups them into statements, and brackets into comma-separated items, with
// the comments where they stand. The text must parse.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_FORMATTREE_H
#define LADON_COMPILER_FRONTEND_FORMATTREE_H

#include "compiler/frontend/Lexer.h"

#include <memory>

namespace ladon::format {

constexpr unsigned lineWidth = 80;
constexpr unsigned infiniteWidth = 1u << 24;

struct Bracket;
struct Statement;

/// A piece of a line.
struct Element {
  enum Kind {
    Text,
    Break,    ///< A space, or a line end where the line is full.
    Nested,   ///< A bracket.
    Block,    ///< `{`, statements and `}`, each on its line.
    Trailing, ///< A comment after code.
    OwnLine   ///< A comment on its own line.
  };
  Kind kind = Text;
  llvm::StringRef text;
  bool spaceBefore = false;
  Tok before = Tok::Eof; ///< Break: the token after it.
  std::unique_ptr<Bracket> bracket;
  std::vector<Statement> statements; ///< Block.
};

/// Elements up to a comma, or a statement. The comma stands after
/// `beforeComma` elements; comments may follow it.
struct Item {
  std::vector<Element> elements;
  size_t beforeComma = 0;
  bool isNamed = false; ///< `name = value` in a call.
  unsigned width() const;
};

struct Bracket {
  llvm::StringRef open, close;
  bool isDeclaration = false; ///< One item a line, comma after the last.
  std::vector<Item> items;
  unsigned flatWidth = 0;
};

/// A top-level or body statement, or a comment between two of them.
struct Statement {
  Item item;
  unsigned indent = 0;
  bool blankBefore = false;
};

std::vector<Statement> group(llvm::ArrayRef<Token> tokens);

} // namespace ladon::format

#endif // LADON_COMPILER_FRONTEND_FORMATTREE_H
