//===- ParseExpr.cpp - Expressions ----------------------------------------===//

#include "compiler/frontend/ForeignWords.h"
#include "compiler/frontend/ParserImpl.h"

#include "llvm/ADT/ScopeExit.h"

using namespace ladon;
using namespace ladon::syntax;
using ast::BinaryOp;
using ast::UnaryOp;
using llvm::SMLoc;
using llvm::SMRange;
using Kind = syntax::Expr::Kind;

namespace {

/// Binding strength of the operators; `not` stands between `and` and the
/// comparisons.
enum Precedence {
  PrecOr = 1,
  PrecAnd,
  PrecNot,
  PrecCompare,
  PrecBitOr,
  PrecBitXor,
  PrecBitAnd,
  PrecShift,
  PrecSum,
  PrecProduct
};

struct Operator {
  int precedence = 0; ///< 0: no binary operator.
  BinaryOp op{};
};

Operator binaryOperator(Tok kind) {
  switch (kind) {
  case Tok::KwOr:
    return {PrecOr, BinaryOp::Or};
  case Tok::KwAnd:
    return {PrecAnd, BinaryOp::And};
  case Tok::Lt:
    return {PrecCompare, BinaryOp::Lt};
  case Tok::Le:
    return {PrecCompare, BinaryOp::Le};
  case Tok::Gt:
    return {PrecCompare, BinaryOp::Gt};
  case Tok::Ge:
    return {PrecCompare, BinaryOp::Ge};
  case Tok::EqEq:
    return {PrecCompare, BinaryOp::Eq};
  case Tok::NotEq:
    return {PrecCompare, BinaryOp::Ne};
  case Tok::Pipe:
    return {PrecBitOr, BinaryOp::BitOr};
  case Tok::Caret:
    return {PrecBitXor, BinaryOp::BitXor};
  case Tok::Amp:
    return {PrecBitAnd, BinaryOp::BitAnd};
  case Tok::Shl:
    return {PrecShift, BinaryOp::Shl};
  case Tok::Shr:
    return {PrecShift, BinaryOp::Shr};
  case Tok::Plus:
    return {PrecSum, BinaryOp::Add};
  case Tok::Minus:
    return {PrecSum, BinaryOp::Sub};
  case Tok::Star:
    return {PrecProduct, BinaryOp::Mul};
  case Tok::Slash:
    return {PrecProduct, BinaryOp::Div};
  case Tok::SlashSlash:
    return {PrecProduct, BinaryOp::FloorDiv};
  case Tok::Percent:
    return {PrecProduct, BinaryOp::Mod};
  case Tok::At:
    return {PrecProduct, BinaryOp::MatMul};
  default:
    return {};
  }
}

} // namespace

Expr *Parser::create(Kind kind, SMLoc begin, llvm::ArrayRef<Expr *> args) {
  file.exprs.emplace_back();
  Expr *expr = &file.exprs.back();
  expr->kind = kind;
  expr->range = {begin, lastEnd()};
  expr->args.assign(args.begin(), args.end());
  for (Expr *arg : args)
    expr->depth = std::max(expr->depth, arg->depth + 1);
  return expr;
}

Expr *Parser::errorExpr(SMRange range) {
  file.exprs.emplace_back();
  file.exprs.back().range = range;
  return &file.exprs.back();
}

Expr *Parser::parseExpr() {
  llvm::scope_exit leave([&] { --nesting; });
  if (++nesting > maxNesting) {
    error(DiagId::NestingTooDeep, peek().range(), maxNesting);
    // Everything up to the next statement hangs on the part left out.
    skipToStatement();
    errorAt = at;
    return errorExpr(peek().range());
  }
  Expr *expr = is(Tok::KwIf) ? parseIf() : parseBinary(PrecOr);
  if (is(Tok::KwIf))
    expr = parseTrailingIf(expr);
  if (is(Tok::Equal)) {
    if (Diagnostic *report = error(DiagId::AssignInExpression, peek().range()))
      report->fixIt(peek().range(), "==");
    take();
    parseExpr();
    errorAt = at;
  }
  return expr;
}

Expr *Parser::parseIf() {
  SMLoc begin = take().range().Start;
  Expr *condition = parseExpr();
  if (!expect(Tok::KwThen, "'then'"))
    return condition;
  Expr *then = parseExpr();
  if (!expect(Tok::KwElse, "'else'"))
    return condition;
  Expr *otherwise = parseExpr();
  return create(Kind::If, begin, {condition, then, otherwise});
}

/// `{ let a = x return y }`, as the body of an attention is written.
Expr *Parser::parseBlock() {
  SMLoc begin = take().range().Start;
  llvm::SmallVector<Expr *, 4> args;
  std::vector<Name> names;
  Expr *result = nullptr;
  bool good = true;
  while (!result && !is(Tok::RBrace) && !startsDeclaration()) {
    Name name;
    if (takeIf(Tok::KwReturn)) {
      result = parseExpr();
    } else if (takeIf(Tok::KwLet)) {
      good &=
          expectName(name, "the name of the let") && expect(Tok::Equal, "'='");
      if (!good) {
        skipToStatement();
        continue;
      }
      args.push_back(parseExpr());
      names.push_back(name);
    } else {
      errorExpected("'let' or 'return'");
      good = false;
      skipToStatement();
    }
  }
  if (!result && good)
    errorExpected("'return' and the value of the block");
  if (result && !is(Tok::RBrace)) {
    errorExpected("'}' after the value of the block");
    while (startsStatement() && !startsDeclaration()) {
      take();
      skipToStatement();
    }
  }
  takeIf(Tok::RBrace);
  args.push_back(result ? result : errorExpr(peek().range()));
  Expr *expr = create(Kind::Block, begin, args);
  expr->argNames = std::move(names);
  return expr;
}

/// `x if c else y`, as Python has it: nothing else continues with an `if`.
Expr *Parser::parseTrailingIf(Expr *then) {
  SMRange word = peek().range();
  Diagnostic *report = error(DiagId::TrailingIf, word);
  take();
  Expr *condition = parseBinary(PrecOr);
  if (!takeIf(Tok::KwElse))
    return then;
  Expr *otherwise = parseExpr();
  SMLoc begin = then->range.Start;
  if (report && otherwise->kind != Kind::Error)
    report->fixIt({begin, lastEnd()},
                  ("if " + textOf(condition->range) + " then " +
                   textOf(then->range) + " else " + textOf(otherwise->range))
                      .str());
  errorAt = at;
  return create(Kind::If, begin, {condition, then, otherwise});
}

Expr *Parser::parseBinary(int precedence) {
  SMLoc begin = peek().range().Start;
  Expr *left = parseOperand(precedence);
  while (true) {
    Token op = peek();
    Operator found = binaryOperator(op.kind);
    if (!found.precedence || found.precedence < precedence)
      return left;
    if (found.precedence == PrecCompare)
      checkChain(op, left);
    take();
    Expr *right = parseBinary(found.precedence + 1);
    Expr *expr = create(Kind::Binary, begin, {left, right});
    expr->binaryOp = found.op;
    expr->name = {op.text, op.range()};
    left = expr;
  }
}

/// `a < b < c` would compare a bool with c.
void Parser::checkChain(const Token &op, const Expr *left) {
  bool chained = left->kind == Kind::Binary && left->binaryOp >= BinaryOp::Lt &&
                 left->binaryOp <= BinaryOp::Ne &&
                 // A comparison in parentheses ends after its right side.
                 left->range.End == left->args[1]->range.End &&
                 left->range.Start == left->args[0]->range.Start;
  if (!chained || lastEnd() != left->range.End)
    return;
  const Expr *middle = left->args[1];
  Diagnostic *report = error(DiagId::ChainedComparison, op.range());
  if (!report)
    return;
  // `i < 5 & j < 5`: in C and Python the mistake would go unnoticed.
  bool isAnd = middle->binaryOp == BinaryOp::BitAnd;
  if (middle->kind == Kind::Binary && middle->range.End == lastEnd() &&
      (isAnd || middle->binaryOp == BinaryOp::BitOr)) {
    llvm::StringRef word = isAnd ? "and" : "or";
    report
        ->note(middle->name.range, ("'" + middle->name.text +
                                    "' works on the bits of integers; "
                                    "conditions are joined with '" +
                                    word + "'")
                                       .str())
        .fixIt(middle->name.range, word);
    return;
  }
  report->note(middle->range, "compare twice and join with 'and'")
      .fixIt({op.range().Start, op.range().Start},
             ("and " + textOf(middle->range) + " ").str());
}

Expr *Parser::parseOperand(int precedence) {
  bool isNot = is(Tok::KwNot);
  if (!isNot && !is(Tok::Minus) && !is(Tok::Tilde))
    return parsePostfix();
  llvm::scope_exit leave([&] { --nesting; });
  if (++nesting > maxNesting) {
    error(DiagId::NestingTooDeep, peek().range(), maxNesting);
    skipToStatement();
    errorAt = at;
    return errorExpr(peek().range());
  }
  if (isNot && precedence > PrecNot)
    error(DiagId::OperandNeedsParentheses, peek().range(), "not");
  Token op = take();
  Expr *operand = isNot ? parseBinary(PrecNot) : parseOperand(PrecProduct + 1);
  Expr *expr = create(Kind::Unary, op.range().Start, {operand});
  expr->unaryOp = isNot                   ? UnaryOp::Not
                  : op.kind == Tok::Minus ? UnaryOp::Neg
                                          : UnaryOp::BitNot;
  expr->name = {op.text, op.range()};
  return expr;
}

Expr *Parser::parsePostfix() {
  SMLoc begin = peek().range().Start;
  Expr *expr = parsePrimary();
  unsigned entered = nesting;
  llvm::scope_exit leave([&] { nesting = entered; });
  while (is(Tok::LBracket) || is(Tok::Dot)) {
    ++nesting;
    if (nesting > maxNesting) {
      error(DiagId::NestingTooDeep, peek().range(), maxNesting);
      skipToStatement();
      errorAt = at;
      return errorExpr(peek().range());
    }
    if (takeIf(Tok::Dot)) {
      Name member;
      if (!expectName(member, "'out' or 'lse'"))
        return expr;
      if (is(Tok::LParen)) {
        // `torch.exp(x)`.
        SMRange prefix = {begin, member.range.Start};
        Diagnostic *report = error(DiagId::PrefixedCall, prefix, member.text);
        const ForeignWord *word = findForeignMember(member.text);
        if (report && word)
          report->note({}, word->advice.str());
        else if (report && peek(1).kind != Tok::RParen)
          report->fixIt({begin, member.range.End}, member.text);
        Token callee{Tok::Name, member.text};
        expr = parseCall(callee);
        errorAt = at;
        continue;
      }
      expr = create(Kind::Member, begin, {expr});
      expr->name = member;
      continue;
    }
    take();
    if (is(Tok::RBracket))
      errorExpected("an index");
    llvm::SmallVector<Expr *, 4> args = {expr};
    parseList(Tok::RBracket, [&] { args.push_back(parseIndex()); });
    expr = create(Kind::Index, begin, args);
  }
  return expr;
}

/// An index, or `from:to`, where both ends may be missing.
Expr *Parser::parseIndex() {
  SMLoc begin = peek().range().Start;
  // From 0, unless something is written.
  Expr *first = is(Tok::Colon) ? create(Kind::Integer, begin) : parseExpr();
  if (first->range.End.getPointer() < begin.getPointer())
    first->range = {begin, begin};
  if (!takeIf(Tok::Colon))
    return first;
  llvm::SmallVector<Expr *, 2> ends = {first};
  if (!is(Tok::Comma) && !is(Tok::RBracket))
    ends.push_back(parseExpr());
  return create(Kind::Range, begin, ends);
}

Expr *Parser::parsePrimary() {
  Token token = peek();
  SMLoc begin = token.range().Start;
  switch (token.kind) {
  case Tok::Integer:
  case Tok::Float: {
    take();
    Expr *expr =
        create(token.kind == Tok::Integer ? Kind::Integer : Kind::Float, begin);
    // The lexer has reported what does not fit.
    if (token.kind == Tok::Float)
      token.text.getAsDouble(expr->floatValue);
    else if (token.text.starts_with_insensitive("0x"))
      token.text.drop_front(2).getAsInteger(16, expr->intValue);
    else
      token.text.getAsInteger(10, expr->intValue);
    return expr;
  }
  case Tok::KwTrue:
  case Tok::KwFalse: {
    take();
    Expr *expr = create(Kind::Bool, begin);
    expr->intValue = token.kind == Tok::KwTrue;
    return expr;
  }
  case Tok::Name: {
    take();
    if (is(Tok::LParen))
      return parseCall(token);
    Expr *expr = create(Kind::Name, begin);
    expr->name = {token.text, token.range()};
    return expr;
  }
  case Tok::LParen: {
    take();
    Expr *expr = parseExpr();
    if (!expect(Tok::RParen, "')'")) {
      skipToSeparator(Tok::RParen);
      takeIf(Tok::RParen);
    }
    // The parentheses belong to the range, so that an underline shows them.
    expr->range = {begin, lastEnd()};
    return expr;
  }
  case Tok::LBrace:
    return parseBlock();
  case Tok::LBracket: {
    take();
    llvm::SmallVector<Expr *, 4> items;
    parseList(Tok::RBracket, [&] { items.push_back(parseExpr()); });
    return create(Kind::List, begin, items);
  }
  case Tok::KwIf:
    error(DiagId::OperandNeedsParentheses, token.range(), "if");
    return parseExpr();
  default:
    errorExpected("an expression");
    return errorExpr(token.range());
  }
}

/// `sum(p in low..high, value)`, from after the bracket on.
Expr *Parser::parseReduce(const Token &callee) {
  Token variable = take();
  take();
  llvm::SmallVector<Expr *, 3> args = {parseBinary(PrecBitOr)};
  bool good = expect(Tok::DotDot, "'..' and the end of the range");
  if (good)
    args.push_back(parseBinary(PrecBitOr));
  good = good && expect(Tok::Comma, "',' and the value to reduce");
  if (good) {
    args.push_back(parseExpr());
    takeIf(Tok::Comma);
  }
  if (!good || !is(Tok::RParen)) {
    if (good)
      errorExpected("')'");
    do
      skipToSeparator(Tok::RParen);
    while (takeIf(Tok::Comma));
    good = false;
  }
  takeIf(Tok::RParen);
  if (!good)
    return errorExpr(callee.range());
  Expr *expr = create(Kind::Reduce, callee.range().Start, args);
  expr->name = {callee.text, callee.range()};
  expr->argNames = {{variable.text, variable.range()}};
  return expr;
}

Expr *Parser::parseCall(const Token &callee) {
  take();
  if (is(Tok::Name) && peek(1).kind == Tok::Name && peek(1).text == "in")
    return parseReduce(callee);
  llvm::SmallVector<Expr *, 4> args;
  std::vector<Name> names;
  parseList(Tok::RParen, [&] {
    Name name;
    if (is(Tok::Name) && peek(1).kind == Tok::Equal) {
      Token token = take();
      name = {token.text, token.range()};
      take();
    }
    args.push_back(parseExpr());
    names.push_back(name);
  });
  Expr *expr = create(Kind::Call, callee.range().Start, args);
  expr->name = {callee.text, callee.range()};
  expr->argNames = std::move(names);
  return expr;
}
