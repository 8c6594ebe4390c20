//===- Format.cpp - The canonical layout of a spec ------------------------===//

#include "compiler/frontend/FormatTree.h"
#include "compiler/frontend/Frontend.h"
#include "compiler/frontend/Parser.h"

using namespace ladon;
using namespace ladon::format;
using llvm::StringRef;

namespace {

/// Brackets up to this width move to the next line as a whole.
constexpr unsigned smallBracket = 40;

class Printer {
public:
  std::string print(llvm::ArrayRef<Statement> statements) {
    bool opened = true;
    for (const Statement &statement : statements) {
      newline(statement.indent);
      bool closes = statement.item.elements[0].text == "}";
      if (statement.blankBefore && !opened && !closes)
        out += '\n';
      print(statement.item, statement.indent + 4, /*comma=*/false,
            /*after=*/0);
      opened = endsWithBrace(statement.item);
    }
    newline(0);
    return std::move(out);
  }

private:
  static bool endsWithBrace(const Item &item) {
    for (const Element &element : llvm::reverse(item.elements))
      if (element.kind != Element::Trailing)
        return element.text == "{";
    return false;
  }

  //===--- Lines ---------------------------------------------------------===//

  /// Ends the line if something stands on it.
  void newline(unsigned indent) {
    if (!fresh)
      out += '\n';
    fresh = true;
    mustEnd = false;
    column = lineIndent = indent;
  }

  void write(StringRef text, unsigned indentIfEnded) {
    if (mustEnd)
      newline(indentIfEnded);
    if (fresh)
      out.append(lineIndent, ' ');
    fresh = false;
    out += text;
    column += text.size();
  }

  void space() {
    if (!fresh && !mustEnd)
      write(" ", 0);
  }

  //===--- Elements ------------------------------------------------------===//

  /// Prints an item. `indent` is for lines after its first; `after` is the
  /// width of what must follow on its last line.
  void print(const Item &item, unsigned indent, bool comma, unsigned after) {
    unsigned later = indent;
    // After comments alone, the item itself is still to begin.
    const unsigned start = lineIndent;
    const bool onOneLine =
        std::max(column, start) + item.width() + after <= lineWidth;
    indent = start;
    const bool hasOr = llvm::any_of(item.elements, [](const Element &element) {
      return element.before == Tok::KwOr;
    });
    for (size_t at = 0; at < item.elements.size(); ++at) {
      if (comma && at == item.beforeComma && at)
        write(",", indent);
      const Element &element = item.elements[at];
      if (element.spaceBefore)
        space();
      bool isComment =
          element.kind == Element::Trailing || element.kind == Element::OwnLine;
      unsigned here = indent;
      if (!isComment)
        indent = later;
      switch (element.kind) {
      case Element::Text:
        write(element.text, here);
        break;
      case Element::Break:
        if (at && item.elements[at - 1].kind == Element::Block)
          space();
        else if ((!onOneLine && mustBreak(element.before, hasOr)) ||
                 endsLine(item, at, indent, after))
          newline(indent);
        else
          space();
        break;
      case Element::Nested:
        if (mustEnd)
          newline(here);
        print(*element.bracket, segment(item, at + 1, after));
        break;
      case Element::Block:
        printBlock(element.statements, here);
        break;
      case Element::Trailing:
        if (!fresh)
          out += "  ";
        write(element.text, indent);
        mustEnd = true;
        break;
      case Element::OwnLine:
        // A comment below an item stands like the item.
        if (item.beforeComma && at >= item.beforeComma)
          newline(start);
        else if (!fresh)
          newline(indent);
        write(element.text, indent);
        mustEnd = true;
        break;
      }
    }
    if (comma && item.beforeComma == item.elements.size() && item.beforeComma)
      write(",", indent);
  }

  /// What takes several lines has one for each `else` and for each operand of
  /// its weakest operator, `or` before `and`.
  static bool mustBreak(Tok before, bool hasOr) {
    return before == Tok::KwElse || before == Tok::KwOr ||
           (before == Tok::KwAnd && !hasOr);
  }

  /// Whether the line ends at the Break `at`: if what follows does not fit
  /// here, unless it must be cut inside of a bracket on any line.
  bool endsLine(const Item &item, size_t at, unsigned indent,
                unsigned after) const {
    unsigned whole = segment(item, at + 1, after, infiniteWidth);
    if (column + 1 + whole <= lineWidth)
      return false;
    bool afterEqual = at && item.elements[at - 1].text == "=";
    if (!afterEqual && indent + whole <= lineWidth)
      return true;
    return column + 1 + segment(item, at + 1, after) > lineWidth;
  }

  /// The width from `at` to the next place where the line may end, which a
  /// bracket wider than `small` is too.
  static unsigned segment(const Item &item, size_t at, unsigned after,
                          unsigned small = smallBracket) {
    unsigned width = 0;
    for (; at < item.elements.size(); ++at) {
      const Element &element = item.elements[at];
      switch (element.kind) {
      case Element::Text:
        width += element.spaceBefore + element.text.size();
        break;
      case Element::Nested:
        if (element.bracket->flatWidth > small)
          return width + 1;
        width += element.spaceBefore + element.bracket->flatWidth;
        break;
      case Element::Block:
        return width + element.spaceBefore + 1;
      default:
        return width;
      }
    }
    return width + after;
  }

  void print(const Bracket &bracket, unsigned after) {
    if (column + bracket.flatWidth + after <= lineWidth)
      return printFlat(bracket);
    unsigned base = lineIndent;
    unsigned inner = base + (bracket.isDeclaration ? 4 : 2);
    write(bracket.open, base);
    for (size_t at = 0; at < bracket.items.size(); ++at) {
      const Item &item = bracket.items[at];
      bool last = at + 1 == bracket.items.size();
      unsigned following = 1 + (last && !bracket.isDeclaration ? after : 0);
      bool fits = column + 1 + item.width() + following <= lineWidth;
      if (bracket.isDeclaration || item.isNamed || mustEnd || (at && !fits))
        newline(inner);
      else if (at)
        space();
      bool comma = bracket.isDeclaration || !last;
      print(item, std::max(inner, lineIndent) + 2, comma, following);
    }
    if (bracket.isDeclaration || mustEnd)
      newline(base);
    write(bracket.close, base);
  }

  void printBlock(llvm::ArrayRef<Statement> statements, unsigned indent) {
    write("{", indent);
    unsigned base = lineIndent;
    for (const Statement &statement : statements) {
      newline(base + 2);
      if (statement.blankBefore && &statement != statements.begin())
        out += '\n';
      print(statement.item, base + 6, /*comma=*/false, /*after=*/0);
    }
    newline(base);
    write("}", base);
  }

  void printFlat(const Bracket &bracket) {
    write(bracket.open, 0);
    for (size_t at = 0; at < bracket.items.size(); ++at) {
      if (at)
        write(", ", 0);
      for (const Element &element : bracket.items[at].elements) {
        if (element.spaceBefore || element.kind == Element::Break)
          write(" ", 0);
        if (element.kind == Element::Nested)
          printFlat(*element.bracket);
        else
          write(element.text, 0);
      }
    }
    write(bracket.close, 0);
  }

  std::string out;
  unsigned column = 0;
  unsigned lineIndent = 0;
  bool fresh = true;    ///< Nothing stands on this line yet.
  bool mustEnd = false; ///< The line ended with a comment.
};

} // namespace

std::optional<std::string> ladon::formatSpec(llvm::SourceMgr &sources,
                                             unsigned bufferId,
                                             DiagnosticEngine &diagnostics) {
  StringRef text = sources.getMemoryBuffer(bufferId)->getBuffer();
  std::vector<Token> tokens = lex(text, diagnostics);
  parse(tokens, diagnostics);
  if (diagnostics.hasErrors())
    return std::nullopt;
  return Printer().print(group(tokens));
}
