//===- Parser.cpp - Declarations and recovery -----------------------------===//

#include "compiler/frontend/ParserImpl.h"

#include "compiler/frontend/ForeignWords.h"

#include "llvm/ADT/StringSwitch.h"

using namespace ladon;
using namespace ladon::syntax;
using llvm::SMRange;
using llvm::StringRef;

Parser::Parser(llvm::ArrayRef<Token> all, DiagnosticEngine &diagnostics)
    : diagnostics(diagnostics) {
  for (const Token &token : all)
    if (token.kind != Tok::Comment)
      tokens.push_back(token);
}

//===--- Tokens -----------------------------------------------------------===//

void Parser::errorExpected(StringRef what) {
  if (peek().afterError) {
    errorAt = at;
    return;
  }
  StringRef text = peek().text;
  std::string found = is(Tok::Eof) ? "the end of the file"
                      : text.size() > 40
                          ? "'" + text.take_front(40).str() + "...'"
                          : "'" + text.str() + "'";
  Diagnostic *report = error(DiagId::Expected, peek().range(), what, found);
  const ForeignWord *word = is(Tok::Name) ? findForeignWord(text) : nullptr;
  const Token &previous = tokens[at ? at - 1 : 0];
  StringRef phrase = findForeignPhrase(what, at ? previous.text : "", text);
  if (report && word && endsOperand(previous.kind))
    report->note({}, word->advice.str());
  else if (report && !phrase.empty())
    report->note({}, phrase.str());
  // A `//` that divides is most often meant as a comment.
  size_t first = at > 64 ? at - 64 : 0;
  for (size_t back = at;
       report && back-- > first && !tokens[back + 1].newlinesBefore;)
    if (tokens[back].kind == Tok::SlashSlash) {
      report->note(tokens[back].range(),
                   "'//' divides here, a comment starts with '#'");
      break;
    }
}

bool Parser::expect(Tok kind, StringRef what) {
  if (takeIf(kind))
    return true;
  errorExpected(what);
  return false;
}

bool Parser::expectName(Name &name, StringRef what) {
  if (!is(Tok::Name)) {
    errorExpected(what);
    return false;
  }
  Token token = take();
  name = {token.text, token.range()};
  return true;
}

//===--- Recovery ---------------------------------------------------------===//

bool Parser::startsDeclaration() const {
  return is(Tok::KwFn) || is(Tok::KwParam) || is(Tok::KwAttention) ||
         is(Tok::Eof);
}

bool Parser::startsBody() const {
  return is(Tok::LBrace) || is(Tok::RBrace) || startsStatement();
}

void Parser::skipHead(bool toArrow) {
  while (!startsBody() && !(toArrow && is(Tok::Arrow)))
    take();
}

bool Parser::startsStatement() const {
  return is(Tok::KwLet) || is(Tok::KwReturn) || startsDeclaration();
}

void Parser::skipToSeparator(Tok close) {
  unsigned depth = 0;
  for (; !startsStatement() && !is(Tok::RBrace); take()) {
    if (!depth && (is(Tok::Comma) || is(close)))
      return;
    if (is(Tok::LParen) || is(Tok::LBracket))
      ++depth;
    else if ((is(Tok::RParen) || is(Tok::RBracket)) && depth)
      --depth;
  }
}

void Parser::skipToStatement() {
  while (!startsStatement() && !is(Tok::RBrace))
    take();
}

void Parser::skipToDeclaration() {
  while (!startsDeclaration())
    take();
}

void Parser::parseList(Tok close, llvm::function_ref<void()> item) {
  StringRef closeText = close == Tok::RParen ? "',' or ')'" : "',' or ']'";
  while (!is(close)) {
    size_t before = errorAt;
    item();
    if (takeIf(Tok::Comma))
      continue;
    if (is(close))
      break;
    if (errorAt == before)
      errorExpected(closeText);
    skipToSeparator(close);
    if (!takeIf(Tok::Comma))
      break;
  }
  expect(close, closeText);
}

//===--- Declarations -----------------------------------------------------===//

File Parser::parseFile() {
  while (!is(Tok::Eof)) {
    if (is(Tok::KwFn))
      parseFn();
    else if (is(Tok::KwParam))
      parseConstParam();
    else if (is(Tok::KwAttention))
      parseAttention();
    else
      errorExpected("'fn', 'param' or 'attention'");
    if (!startsDeclaration()) {
      if (errorAt == size_t(-1) || errorAt < at)
        errorExpected("'fn', 'param' or 'attention'");
      skipToDeclaration();
    }
  }
  file.end = tokens[at ? at - 1 : 0].range();
  return std::move(file);
}

void Parser::parseFn() {
  take();
  Fn fn;
  bool named = expectName(fn.name, "the name of the fn");
  if (expect(Tok::LParen, "'('"))
    parseList(Tok::RParen, [&] {
      Name param;
      if (expectName(param, "the name of a parameter"))
        fn.params.push_back(param);
    });
  bool hasBody = expect(Tok::Equal, "'='");
  if (!hasBody) {
    skipToDeclaration();
    return;
  }
  fn.body = parseExpr();
  if (named)
    file.fns.push_back(std::move(fn));
}

void Parser::parseConstParam() {
  take();
  ConstParam param;
  if (!expectName(param.name, "the name of the param") ||
      !expect(Tok::Colon, "':' and the type of the param"))
    return skipToDeclaration();
  param.type = parseType();
  if (!expect(Tok::Equal, "'=' and the default of the param"))
    return skipToDeclaration();
  param.value = parseExpr();
  file.params.push_back(std::move(param));
}

void Parser::parseAttention() {
  auto begin = take().range().Start;
  Attention attention;
  expectName(attention.name, "the name of the attention");
  if (expect(Tok::LParen, "'('"))
    parseList(Tok::RParen, [&] {
      TypedName param;
      // A word that may be a name as well.
      if (is(Tok::Name) && peek().text == "inout" &&
          tokens[at + 1].kind == Tok::Name) {
        take();
        param.isInout = true;
      }
      if (parseTypedName(param))
        attention.params.push_back(std::move(param));
    });
  else
    skipHead(/*toArrow=*/true);
  if (expect(Tok::Arrow, "'->' and the type of the result")) {
    parseResults(attention);
    if (!startsBody())
      errorExpected("'{'");
  }
  skipHead(/*toArrow=*/false);
  attention.range = {begin, lastEnd()};
  expect(Tok::LBrace, "'{'");
  parseBody(attention);
  expect(Tok::RBrace, "'}'");
  file.attentions.push_back(std::move(attention));
}

void Parser::parseResults(Attention &attention) {
  if (takeIf(Tok::LParen)) {
    parseList(Tok::RParen, [&] {
      TypedName result;
      if (parseTypedName(result))
        attention.results.push_back(std::move(result));
    });
    if (attention.results.empty())
      error(DiagId::Expected, {lastEnd(), lastEnd()}, "a result", "none");
    return;
  }
  TypedName result;
  result.type = parseType();
  result.name = {"out", result.type.range};
  attention.results.push_back(std::move(result));
}

void Parser::parseBody(Attention &attention) {
  bool returned = false;
  while (!is(Tok::RBrace) && !startsDeclaration()) {
    if (returned) {
      error(DiagId::AfterReturn, peek().range(),
            "'" + peek().text.take_front(40).str() + "'");
      take();
      skipToStatement();
      continue;
    }
    if (takeIf(Tok::KwLet)) {
      Let let;
      if (!parseLetNames(let.names) || !expect(Tok::Equal, "'='")) {
        skipToStatement();
        continue;
      }
      let.value = parseExpr();
      attention.lets.push_back(let);
    } else if (is(Tok::KwReturn)) {
      attention.returnRange = take().range();
      returned = true;
      do
        attention.returned.push_back(parseExpr());
      while (takeIf(Tok::Comma));
      // What follows a broken result is part of it, not a further statement.
      if (errorAt != size_t(-1) && errorAt + 1 >= at)
        skipToStatement();
    } else {
      errorExpected("'let', 'return' or '}'");
      skipToStatement();
    }
  }
  if (!returned)
    error(DiagId::MissingReturn, attention.name.range, attention.name.text);
}

/// `name`, or `(name, ...)`.
bool Parser::parseLetNames(std::vector<Name> &names) {
  size_t before = errorAt;
  if (takeIf(Tok::LParen)) {
    parseList(Tok::RParen, [&] {
      if (Name name; expectName(name, "the name of a part"))
        names.push_back(name);
    });
    if (names.empty() && errorAt == before)
      error(DiagId::Expected, {lastEnd(), lastEnd()}, "the names of parts",
            "none");
  } else if (Name name; expectName(name, "the name of the let")) {
    names.push_back(name);
  }
  return errorAt == before;
}

bool Parser::parseTypedName(TypedName &result) {
  if (!expectName(result.name, "a name") ||
      !expect(Tok::Colon, "':' and a type"))
    return false;
  result.type = parseType();
  return true;
}

TypeExpr Parser::parseType() {
  TypeExpr type;
  if (!is(Tok::Name)) {
    errorExpected("a type");
    type.isError = true;
    return type;
  }
  Token name = take();
  if (std::optional<ScalarType> element = findScalarType(name.text)) {
    type.element = *element;
  } else {
    bool isKnown = llvm::StringSwitch<bool>(name.text)
                       .Cases({"f8e4m3", "f8e5m2", "i4"}, true)
                       .Default(false);
    Diagnostic &report = diagnostics.report(
        isKnown ? DiagId::UnsupportedType : DiagId::UnknownType, name.range(),
        name.text, listTypes());
    if (const ForeignWord *word = findForeignType(name.text))
      report.note({}, word->advice.str())
          .fixIt(name.range(), word->replacement);
    type.isError = true;
  }
  if (takeIf(Tok::LBracket)) {
    type.isTensor = true;
    if (is(Tok::RBracket))
      errorExpected("a size");
    parseList(Tok::RBracket, [&] { type.dims.push_back(parseExpr()); });
  }
  type.range = {name.range().Start, lastEnd()};
  return type;
}

syntax::File ladon::parse(llvm::ArrayRef<Token> tokens,
                          DiagnosticEngine &diagnostics) {
  return Parser(tokens, diagnostics).parseFile();
}
