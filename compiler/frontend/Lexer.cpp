//===- Lexer.cpp - Text of a spec to tokens -------------------------------===//

#include "compiler/frontend/Lexer.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/ConvertUTF.h"

#include <cmath>

using namespace ladon;
using llvm::SMLoc;
using llvm::SMRange;
using llvm::StringRef;

bool ladon::endsOperand(Tok kind) {
  switch (kind) {
  case Tok::Name:
  case Tok::Integer:
  case Tok::Float:
  case Tok::KwTrue:
  case Tok::KwFalse:
  case Tok::RParen:
  case Tok::RBracket:
    return true;
  default:
    return false;
  }
}

namespace {

bool isNameStart(char c) { return llvm::isAlpha(c) || c == '_'; }
bool isNamePart(char c) { return llvm::isAlnum(c) || c == '_'; }

Tok keywordOrName(StringRef text) {
  return llvm::StringSwitch<Tok>(text)
      .Case("fn", Tok::KwFn)
      .Case("param", Tok::KwParam)
      .Case("attention", Tok::KwAttention)
      .Case("let", Tok::KwLet)
      .Case("return", Tok::KwReturn)
      .Case("if", Tok::KwIf)
      .Case("then", Tok::KwThen)
      .Case("else", Tok::KwElse)
      .Case("and", Tok::KwAnd)
      .Case("or", Tok::KwOr)
      .Case("not", Tok::KwNot)
      .Case("true", Tok::KwTrue)
      .Case("false", Tok::KwFalse)
      .Default(Tok::Name);
}

struct Punctuation {
  StringRef text;
  Tok kind;
};

/// Longer spellings stand before their prefixes.
const Punctuation punctuations[] = {
    {"->", Tok::Arrow}, {"<<", Tok::Shl},        {">>", Tok::Shr},
    {"<=", Tok::Le},    {">=", Tok::Ge},         {"==", Tok::EqEq},
    {"!=", Tok::NotEq}, {"//", Tok::SlashSlash}, {"(", Tok::LParen},
    {")", Tok::RParen}, {"[", Tok::LBracket},    {"]", Tok::RBracket},
    {"{", Tok::LBrace}, {"}", Tok::RBrace},      {",", Tok::Comma},
    {":", Tok::Colon},  {".", Tok::Dot},         {"=", Tok::Equal},
    {"+", Tok::Plus},   {"-", Tok::Minus},       {"*", Tok::Star},
    {"/", Tok::Slash},  {"%", Tok::Percent},     {"@", Tok::At},
    {"&", Tok::Amp},    {"|", Tok::Pipe},        {"^", Tok::Caret},
    {"~", Tok::Tilde},  {"<", Tok::Lt},          {">", Tok::Gt}};

/// Operators of other languages, reported with the right spelling.
struct Foreign {
  StringRef text, replacement;
  Tok kind;
};
const Foreign foreigns[] = {{"&&", "and", Tok::KwAnd},
                            {"||", "or", Tok::KwOr},
                            {"**", "pow(x, y)", Tok::Star},
                            {"!", "not", Tok::KwNot}};

class Lexer {
public:
  Lexer(StringRef text, DiagnosticEngine &diagnostics)
      : text(text), diagnostics(diagnostics) {}

  std::vector<Token> run() {
    while (skipSpace(), at < text.size())
      lexOne();
    push(Tok::Eof, 0);
    return std::move(tokens);
  }

private:
  SMRange range(size_t begin, size_t end) const {
    return {SMLoc::getFromPointer(text.data() + begin),
            SMLoc::getFromPointer(text.data() + end)};
  }

  void push(Tok kind, size_t length) {
    tokens.push_back({kind, text.substr(at, length), newlines, dropped});
    dropped = false;
    at += length;
    newlines = 0;
    spaces = 0;
  }

  void skipSpace() {
    spaces = 0;
    for (; at < text.size(); ++at) {
      char c = text[at];
      if (c == '\n')
        ++newlines;
      else if (c == '\t')
        ++spaces;
      else if (c != ' ' && c != '\r')
        return;
      ++spaces;
    }
  }

  void lexOne() {
    char c = text[at];
    if (isNameStart(c)) {
      size_t length = text.substr(at).take_while(isNamePart).size();
      if (length > maxNameLength)
        diagnostics.report(DiagId::NameTooLong, range(at, at + length),
                           maxNameLength, length);
      return push(keywordOrName(text.substr(at, length)), length);
    }
    if (llvm::isDigit(c))
      return lexNumber();
    StringRef rest = text.substr(at);
    if (rest.starts_with("//") && isComment())
      return lexComment();
    for (const Foreign &foreign : foreigns)
      if (rest.starts_with(foreign.text) && !rest.starts_with("!=")) {
        SMRange where = range(at, at + foreign.text.size());
        Diagnostic &report = diagnostics.report(
            DiagId::ForeignOperator, where, foreign.text, foreign.replacement);
        if (foreign.text != "**")
          report.fixIt(where,
                       foreign.text == "!" ? "not " : foreign.replacement);
        return push(foreign.kind, foreign.text.size());
      }
    for (const Punctuation &punctuation : punctuations)
      if (rest.starts_with(punctuation.text))
        return push(punctuation.kind, punctuation.text.size());
    lexUnexpected();
  }

  void lexUnexpected() {
    size_t length = 1;
    std::string shown;
    unsigned char c = text[at];
    if (c >= 0x80) {
      length = std::min<size_t>(llvm::getNumBytesForUTF8(c), text.size() - at);
      shown = "'" + text.substr(at, length).str() + "'";
    } else if (c < 0x20 || c == 0x7f) {
      shown = llvm::formatv("with code {0}", unsigned(c)).str();
    } else {
      shown = llvm::formatv("'{0}'", char(c)).str();
    }
    diagnostics.report(DiagId::UnexpectedCharacter, range(at, at + length),
                       shown);
    at += length;
    dropped = true;
  }

  //===--- Comments ------------------------------------------------------===//

  /// `//` is both a comment and the floor division. It divides only where an
  /// operator can stand (on the line of the operand, at most one space after
  /// it) and the text up to the next `//` reads as an expression.
  bool isComment() {
    if (tokens.empty() || newlines || spaces > 1 ||
        !endsOperand(tokens.back().kind))
      return true;
    if (readsAsExpression(restOfLine(at + 2)))
      return false;
    SMRange here = range(at, at + 2);
    diagnostics.report(DiagId::CommentNeedsSpace, here)
        .fixIt({here.Start, here.Start}, spaces ? " " : "  ");
    return true;
  }

  StringRef restOfLine(size_t begin) const {
    // The first words tell; a longer look would make lines of `//` quadratic.
    StringRef line = text.substr(begin, 400).split('\n').first;
    return line.split("//").first.trim();
  }

  /// Whether `line` could continue an expression: it starts like an operand
  /// and no two operands stand side by side, as the words of a comment do.
  static bool readsAsExpression(StringRef line) {
    if (line.empty() || line.ends_with(".") || line.ends_with(":") ||
        !(isNamePart(line[0]) || StringRef("(-~").contains(line[0])))
      return false;
    bool afterOperand = false;
    while (!line.empty()) {
      char c = line[0];
      if (isNamePart(c)) {
        StringRef word = line.take_while(isNamePart);
        line = line.drop_front(word.size()).ltrim();
        bool operand = endsOperand(keywordOrName(word));
        if (operand && afterOperand)
          return false;
        afterOperand = operand;
        continue;
      }
      if (!StringRef("()[]{},:.=+-*/%@&|^~<>!\t\r").contains(c))
        return false;
      afterOperand = c == ')' || c == ']';
      line = line.drop_front().ltrim();
    }
    return true;
  }

  void lexComment() {
    StringRef line = text.substr(at).split('\n').first;
    push(Tok::Comment, line.rtrim().size());
  }

  //===--- Numbers -------------------------------------------------------===//

  void lexNumber() {
    StringRef rest = text.substr(at);
    size_t length = 0;
    auto digits = [&] {
      while (length < rest.size() && llvm::isDigit(rest[length]))
        ++length;
    };
    bool hex = rest.starts_with("0x") || rest.starts_with("0X");
    bool isFloat = false;
    if (hex) {
      length = 2;
      while (length < rest.size() && llvm::isHexDigit(rest[length]))
        ++length;
    } else {
      digits();
      // "1.out" is no number: a digit must follow the point.
      if (length + 1 < rest.size() && rest[length] == '.' &&
          llvm::isDigit(rest[length + 1])) {
        isFloat = true;
        ++length;
        digits();
      }
      if (length < rest.size() && llvm::toLower(rest[length]) == 'e') {
        size_t exponent = length + 1;
        if (exponent < rest.size() &&
            (rest[exponent] == '+' || rest[exponent] == '-'))
          ++exponent;
        if (exponent < rest.size() && llvm::isDigit(rest[exponent])) {
          isFloat = true;
          length = exponent;
          digits();
        }
      }
    }
    size_t wordEnd = length;
    while (wordEnd < rest.size() && isNamePart(rest[wordEnd]))
      ++wordEnd;
    StringRef word = rest.take_front(wordEnd);
    SMRange where = range(at, at + wordEnd);
    if (wordEnd != length || (hex && length == 2))
      diagnostics.report(DiagId::BadNumber, where, word.take_front(40));
    else
      checkValue(word, isFloat, where);
    push(isFloat ? Tok::Float : Tok::Integer, wordEnd);
  }

  void checkValue(StringRef word, bool isFloat, SMRange where) {
    double number;
    uint64_t integer;
    std::string shown = word.take_front(40).str();
    if (word.size() > 40)
      shown += "...";
    if (isFloat) {
      if (word.getAsDouble(number) || !std::isfinite(number))
        diagnostics.report(DiagId::FloatTooLarge, where, shown);
    } else if (word.starts_with_insensitive("0x")
                   ? word.drop_front(2).getAsInteger(16, integer)
                   : word.getAsInteger(10, integer)) {
      diagnostics.report(DiagId::IntegerTooLarge, where, shown);
    } else if (integer > uint64_t(INT64_MAX)) {
      diagnostics.report(DiagId::IntegerTooLarge, where, shown);
    }
  }

  StringRef text;
  DiagnosticEngine &diagnostics;
  std::vector<Token> tokens;
  size_t at = 0;
  unsigned newlines = 0;
  unsigned spaces = 0;
  bool dropped = false; ///< Text since the last token was left out.
};

/// Reports the first byte that is not UTF-8.
bool checkUtf8(StringRef text, DiagnosticEngine &diagnostics) {
  auto *begin = reinterpret_cast<const llvm::UTF8 *>(text.begin());
  auto *end = reinterpret_cast<const llvm::UTF8 *>(text.end());
  const llvm::UTF8 *at = begin;
  if (llvm::isLegalUTF8String(&at, end))
    return true;
  auto where = SMLoc::getFromPointer(reinterpret_cast<const char *>(at));
  diagnostics.report(DiagId::InvalidUtf8, {where, where});
  return false;
}

} // namespace

std::vector<Token> ladon::lex(StringRef text, DiagnosticEngine &diagnostics) {
  auto start = SMLoc::getFromPointer(text.begin());
  std::vector<Token> nothing = {{Tok::Eof, text.substr(text.size())}};
  if (text.size() > maxSourceBytes) {
    diagnostics.report(DiagId::SourceTooLarge, {start, start}, text.size(),
                       maxSourceBytes);
    return nothing;
  }
  if (!checkUtf8(text, diagnostics))
    return nothing;
  text.consume_front("\xef\xbb\xbf"); // A byte order mark.
  return Lexer(text, diagnostics).run();
}
