//===- Lexer.cpp - Text of a spec to tokens -------------------------------===//

#include "compiler/frontend/Lexer.h"

#include "compiler/frontend/ForeignWords.h"

#include "llvm/ADT/StringExtras.h"
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

struct Keyword {
  StringRef text;
  Tok kind;
};

const Keyword keywordTable[] = {
    {"fn", Tok::KwFn},
    {"param", Tok::KwParam},
    {"attention", Tok::KwAttention},
    {"let", Tok::KwLet},
    {"return", Tok::KwReturn},
    {"if", Tok::KwIf},
    {"then", Tok::KwThen},
    {"else", Tok::KwElse},
    {"and", Tok::KwAnd},
    {"or", Tok::KwOr},
    {"not", Tok::KwNot},
    {"true", Tok::KwTrue},
    {"false", Tok::KwFalse},
};

Tok keywordOrName(StringRef text) {
  for (const Keyword &keyword : keywordTable)
    if (keyword.text == text)
      return keyword.kind;
  return Tok::Name;
}

struct Punctuation {
  StringRef text;
  Tok kind;
};

/// Longer spellings stand before their prefixes.
const Punctuation punctuations[] = {
    {"..", Tok::DotDot},  {"->", Tok::Arrow}, {"<<", Tok::Shl},
    {">>", Tok::Shr},     {"<=", Tok::Le},    {">=", Tok::Ge},
    {"==", Tok::EqEq},    {"!=", Tok::NotEq}, {"//", Tok::SlashSlash},
    {"(", Tok::LParen},   {")", Tok::RParen}, {"[", Tok::LBracket},
    {"]", Tok::RBracket}, {"{", Tok::LBrace}, {"}", Tok::RBrace},
    {",", Tok::Comma},    {":", Tok::Colon},  {".", Tok::Dot},
    {"=", Tok::Equal},    {"+", Tok::Plus},   {"-", Tok::Minus},
    {"*", Tok::Star},     {"/", Tok::Slash},  {"%", Tok::Percent},
    {"@", Tok::At},       {"&", Tok::Amp},    {"|", Tok::Pipe},
    {"^", Tok::Caret},    {"~", Tok::Tilde},  {"<", Tok::Lt},
    {">", Tok::Gt}};

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
  }

  void skipSpace() {
    for (; at < text.size() && StringRef(" \t\r\n").contains(text[at]); ++at)
      newlines += text[at] == '\n';
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
    if (c == '.' && rest.size() > 1 && llvm::isDigit(rest[1]) &&
        (tokens.empty() || !endsOperand(tokens.back().kind)))
      return lexBareFraction();
    if (c == '?' && !tokens.empty() && endsOperand(tokens.back().kind)) {
      diagnostics.report(DiagId::ForeignOperator, range(at, at + 1), "?",
                         "if c then x else y");
      ++at;
      dropped = true;
      return;
    }
    if (c == '#')
      return lexComment();
    if (rest.starts_with("//") && isProse())
      return lexForeignComment();
    if (rest.starts_with("/*"))
      return lexUnexpected();
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
    } else if (c == '/') {
      // A comment of C, left out as a whole; a division has an operand here.
      length = std::min(text.find("*/", at + 2), text.size() - 2) + 2 - at;
      shown = "'/*'";
    } else {
      shown = llvm::formatv("'{0}'", char(c)).str();
    }
    Diagnostic &report = diagnostics.report(DiagId::UnexpectedCharacter,
                                            range(at, at + length), shown);
    if (StringRef advice = findForeignCharacter(c); !advice.empty())
      report.note({}, advice.str());
    at += length;
    dropped = true;
  }

  //===--- Comments ------------------------------------------------------===//

  void lexComment() {
    StringRef line = text.substr(at).split('\n').first;
    push(Tok::Comment, line.rtrim().size());
  }

  /// Whether the `//` here begins a comment of another language: at the start
  /// of a line, or before a text that no expression can hold. Either way the
  /// spec has an error; this finds the one that helps.
  bool isProse() const {
    if (tokens.empty() || newlines)
      return true;
    // The first words tell; a longer look would make lines of `//` quadratic.
    StringRef line = text.substr(at + 2, 400).split('\n').first;
    line = line.split('#').first.split("//").first;
    bool afterOperand = false;
    while (!(line = line.ltrim()).empty()) {
      StringRef word = line.take_while(isNamePart);
      if (word.empty() &&
          !StringRef("()[]{},:.=+-*/%@&|^~<>!").contains(line[0]))
        return true;
      // `in` of a reduction stands between two operands.
      bool isOperand =
          !word.empty() && word != "in" && endsOperand(keywordOrName(word));
      if (isOperand && afterOperand)
        return true;
      afterOperand = isOperand;
      line = line.drop_front(std::max<size_t>(word.size(), 1));
    }
    return false;
  }

  /// Reports the comment and leaves it out.
  void lexForeignComment() {
    SMRange slashes = range(at, at + 2);
    diagnostics.report(DiagId::ForeignComment, slashes).fixIt(slashes, "#");
    lexComment();
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
    // "5." and "5.e3" of other languages; "5.out" is a point and a name.
    const size_t point = length;
    bool hasSuffix = false;
    if (!hex && !isFloat && rest.substr(length).starts_with(".") &&
        !rest.substr(length).starts_with("..")) {
      StringRef after = rest.substr(length + 1).take_while(isNamePart);
      hasSuffix = after == "f" || after == "F";
      if (after.empty() || hasSuffix ||
          (llvm::toLower(after[0]) == 'e' && after.size() > 1 &&
           llvm::isDigit(after[1])))
        ++length;
    }
    size_t wordEnd = length;
    while (wordEnd < rest.size() && isNamePart(rest[wordEnd]))
      ++wordEnd;
    StringRef word = rest.take_front(wordEnd);
    SMRange where = range(at, at + wordEnd);
    if (length != point) {
      diagnostics.report(DiagId::BadNumber, where, word.take_front(40))
          .note({}, "a digit follows the point")
          .fixIt(range(at + point, at + point + 1 + hasSuffix), ".0");
      isFloat = true;
    } else if (wordEnd != length || (hex && length == 2)) {
      Diagnostic &report =
          diagnostics.report(DiagId::BadNumber, where, word.take_front(40));
      if (!hex && wordEnd == length + 1 && llvm::toLower(word.back()) == 'f')
        report.note({}, "numbers have no suffix: their place says their type")
            .fixIt(where, word.drop_back());
      else if (StringRef(word).drop_front(length).starts_with("_"))
        report.note({}, "the digits of a number stand together");
    } else {
      checkValue(word, isFloat, where);
    }
    push(isFloat ? Tok::Float : Tok::Integer, wordEnd);
  }

  /// ".5" of other languages.
  void lexBareFraction() {
    StringRef rest = text.substr(at);
    size_t length = 1 + rest.drop_front().take_while(isNamePart).size();
    diagnostics
        .report(DiagId::BadNumber, range(at, at + length),
                rest.take_front(std::min<size_t>(length, 40)))
        .note({}, "a digit stands before the point")
        .fixIt(range(at, at), "0");
    push(Tok::Float, length);
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

std::vector<StringRef> ladon::keywords() {
  std::vector<StringRef> result;
  for (const Keyword &keyword : keywordTable)
    result.push_back(keyword.text);
  return result;
}

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
