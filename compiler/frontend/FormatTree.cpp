//===- FormatTree.cpp - Tokens grouped for layout -------------------------===//

#include "compiler/frontend/FormatTree.h"

#include <algorithm>
#include <utility>

using namespace ladon;
using namespace ladon::format;

namespace {

bool startsStatement(Tok kind) {
  switch (kind) {
  case Tok::KwFn:
  case Tok::KwParam:
  case Tok::KwAttention:
  case Tok::KwLet:
  case Tok::KwReturn:
  case Tok::RBrace:
  case Tok::Eof:
    return true;
  default:
    return false;
  }
}

unsigned widthOf(const Element &element) {
  unsigned space = element.spaceBefore;
  switch (element.kind) {
  case Element::Text:
    return space + element.text.size();
  case Element::Break:
    return 1;
  case Element::Nested:
    return space + element.bracket->flatWidth;
  case Element::Block:
  case Element::Trailing:
  case Element::OwnLine:
    return infiniteWidth;
  }
  return 0;
}

class Grouper {
public:
  explicit Grouper(llvm::ArrayRef<Token> tokens) : tokens(tokens) {}

  std::vector<Statement> run() {
    std::vector<Statement> statements;
    while (tokens[at].kind != Tok::Eof) {
      Statement statement;
      statement.blankBefore = tokens[at].newlinesBefore > 1;
      if (tokens[at].kind == Tok::RBrace)
        inBody = false;
      statement.indent = inBody ? 2 : 0;
      if (tokens[at].kind == Tok::Comment)
        addComment(statement.item, /*first=*/true);
      else
        readStatement(statement.item);
      statements.push_back(std::move(statement));
    }
    return statements;
  }

private:
  /// Whether the comments at `from` stand before a new statement.
  bool commentsEndStatement(size_t from) const {
    while (tokens[from].kind == Tok::Comment)
      ++from;
    return startsStatement(tokens[from].kind);
  }

  void addComment(Item &item, bool first = false) {
    Element element;
    bool own = first || tokens[at].newlinesBefore;
    element.kind = own ? Element::OwnLine : Element::Trailing;
    element.text = tokens[at++].text;
    item.elements.push_back(std::move(element));
    previous = Tok::Comment;
  }

  void readStatement(Item &item) {
    Tok first = tokens[at].kind;
    isAttention = first == Tok::KwAttention;
    previous = Tok::Eof;
    beforePrevious = Tok::Eof;
    afterOpen = true;
    do
      addToken(item);
    while (!endsHere(first));
    if (first == Tok::KwAttention)
      inBody = true;
    // A comment on the same line belongs to the statement.
    if (tokens[at].kind == Tok::Comment && !tokens[at].newlinesBefore)
      addComment(item);
  }

  bool endsHere(Tok first) const {
    const Token &token = tokens[at];
    if (token.kind == Tok::Comment)
      return commentsEndStatement(at) &&
             (token.newlinesBefore || first != Tok::KwAttention);
    if (first == Tok::KwAttention && tokens[at - 1].kind == Tok::LBrace)
      return true;
    return first == Tok::RBrace || startsStatement(token.kind);
  }

  bool needsSpace(Tok kind) const {
    bool isInSlice = previous == Tok::Colon && innermost == Tok::LBracket;
    if (afterOpen || unaryBefore || isInSlice)
      return false;
    switch (kind) {
    case Tok::RParen:
    case Tok::RBracket:
    case Tok::Comma:
    case Tok::Colon:
    case Tok::Dot:
    case Tok::DotDot:
      return false;
    case Tok::LParen:
      return previous != Tok::Name;
    case Tok::LBracket:
      return !endsOperand(previous);
    default:
      return previous != Tok::Dot && previous != Tok::DotDot;
    }
  }

  /// A line may end before these, and after `=` of a statement.
  bool breaksBefore(Tok kind) const {
    switch (kind) {
    case Tok::KwAnd:
    case Tok::KwOr:
    case Tok::KwThen:
    case Tok::KwElse:
      return true;
    case Tok::Plus:
    case Tok::Minus:
      return endsOperand(previous);
    default:
      return previous == Tok::Equal && depth == 0;
    }
  }

  void addToken(Item &item) {
    const Token &token = tokens[at];
    if (token.kind == Tok::Comment)
      return addComment(item);
    Element element;
    element.text = token.text;
    element.spaceBefore = needsSpace(token.kind);
    if (element.spaceBefore && breaksBefore(token.kind)) {
      Element gap;
      gap.kind = Element::Break;
      gap.before = token.kind;
      item.elements.push_back(std::move(gap));
      element.spaceBefore = false;
    }
    bool isUnary = (token.kind == Tok::Minus || token.kind == Tok::Tilde) &&
                   !endsOperand(previous);
    if (token.kind == Tok::LParen || token.kind == Tok::LBracket) {
      addBracket(item, std::move(element));
      return;
    }
    if (token.kind == Tok::LBrace && (depth || !isAttention)) {
      addBlock(item, std::move(element));
      return;
    }
    unaryBefore = isUnary;
    afterOpen = false;
    // `in` of a reduction is a word between two operands.
    bool isIn = token.text == "in" && previous == Tok::Name;
    beforePrevious = previous;
    previous = isIn ? Tok::KwNot : token.kind;
    item.elements.push_back(std::move(element));
    ++at;
  }

  void addBracket(Item &item, Element element) {
    auto bracket = std::make_unique<Bracket>();
    bool isParen = tokens[at].kind == Tok::LParen;
    bracket->open = tokens[at].text;
    // Parameters follow `attention name`, several results follow `->`.
    bracket->isDeclaration =
        isAttention && depth == 0 && isParen &&
        (previous == Tok::Arrow ||
         (previous == Tok::Name && beforePrevious == Tok::KwAttention));
    ++at;
    ++depth;
    Tok close = isParen ? Tok::RParen : Tok::RBracket;
    Tok outer = std::exchange(innermost, isParen ? Tok::LParen : Tok::LBracket);
    unaryBefore = false;
    while (tokens[at].kind != close)
      bracket->items.push_back(readItem(close));
    if (!carried.empty())
      bracket->items.push_back({std::exchange(carried, {})});
    --depth;
    innermost = outer;
    bracket->close = tokens[at++].text;
    bracket->flatWidth = 2;
    for (size_t index = 0; index < bracket->items.size(); ++index)
      bracket->flatWidth = std::min(
          infiniteWidth,
          bracket->flatWidth + bracket->items[index].width() + (index ? 2 : 0));
    element.kind = Element::Nested;
    element.bracket = std::move(bracket);
    afterOpen = false;
    unaryBefore = false;
    beforePrevious = previous;
    previous = close;
    item.elements.push_back(std::move(element));
  }

  /// Comments before the closing brace are statements of their own.
  void addBlock(Item &item, Element element) {
    element.kind = Element::Block;
    unsigned outerDepth = std::exchange(depth, 0);
    Tok outer = std::exchange(innermost, Tok::LBrace);
    for (++at; tokens[at].kind != Tok::RBrace;) {
      Statement statement;
      statement.blankBefore = tokens[at].newlinesBefore > 1;
      if (tokens[at].kind == Tok::Comment) {
        addComment(statement.item, /*first=*/true);
      } else {
        previous = Tok::Eof;
        afterOpen = true;
        do
          addToken(statement.item);
        while (tokens[at].kind == Tok::Comment
                   ? !commentsEndStatement(at)
                   : !startsStatement(tokens[at].kind));
        if (tokens[at].kind == Tok::Comment && !tokens[at].newlinesBefore)
          addComment(statement.item);
      }
      element.statements.push_back(std::move(statement));
    }
    ++at;
    depth = outerDepth;
    innermost = outer;
    afterOpen = false;
    unaryBefore = false;
    beforePrevious = previous;
    previous = Tok::RBrace;
    item.elements.push_back(std::move(element));
  }

  /// Behind a comma stands at most one comment, on its line. Others, also those
  /// in front of the comma, are printed below it, and so are the next item's.
  void carryComments(Item &item) {
    size_t kept = item.beforeComma;
    if (kept < item.elements.size() &&
        item.elements[kept].kind == Element::Trailing)
      ++kept;
    for (size_t index = kept; index < item.elements.size(); ++index) {
      item.elements[index].kind = Element::OwnLine;
      carried.push_back(std::move(item.elements[index]));
    }
    item.elements.resize(kept);
  }

  Item readItem(Tok close) {
    Item item;
    item.elements = std::exchange(carried, {});
    item.isNamed =
        tokens[at].kind == Tok::Name && tokens[at + 1].kind == Tok::Equal;
    // A comment right after the bracket or comma is not part of the text.
    previous = Tok::Comma;
    afterOpen = true;
    while (tokens[at].kind != close && tokens[at].kind != Tok::Comma) {
      bool isComment = tokens[at].kind == Tok::Comment;
      if (!isComment && item.beforeComma == 0)
        item.isNamed =
            tokens[at].kind == Tok::Name && tokens[at + 1].kind == Tok::Equal;
      Tok kept = previous;
      addToken(item);
      if (isComment)
        previous = kept;
      else
        item.beforeComma = item.elements.size();
    }
    if (tokens[at].kind == Tok::Comma) {
      ++at;
      while (tokens[at].kind == Tok::Comment && !tokens[at].newlinesBefore)
        addComment(item);
      carryComments(item);
    }
    return item;
  }

  llvm::ArrayRef<Token> tokens;
  size_t at = 0;
  Tok previous = Tok::Eof, beforePrevious = Tok::Eof;
  unsigned depth = 0;
  Tok innermost = Tok::Eof;     ///< The bracket around, which is not closed.
  std::vector<Element> carried; ///< Comments that the next item begins with.
  bool inBody = false;
  bool isAttention = false;
  bool afterOpen = true;
  bool unaryBefore = false;
};

} // namespace

unsigned Item::width() const {
  unsigned sum = 0;
  for (const Element &element : elements)
    sum = std::min(infiniteWidth, sum + widthOf(element));
  return sum;
}

std::vector<Statement> format::group(llvm::ArrayRef<Token> tokens) {
  return Grouper(tokens).run();
}
