//===- CallContext.cpp - The call that a place is in ----------------------===//

#include "compiler/driver/lsp/CallContext.h"

#include "llvm/ADT/StringExtras.h"

using namespace ladon;
using namespace ladon::lsp;
using llvm::StringRef;

static bool isWord(const Token &token) {
  return token.kind == Tok::Name ||
         (token.kind >= Tok::KwFn && token.kind <= Tok::KwFalse);
}

/// The index of the bracket that is open at the end of `tokens`; none: -1.
static ptrdiff_t openBracket(llvm::ArrayRef<Token> tokens) {
  unsigned depth = 0;
  for (ptrdiff_t at = ptrdiff_t(tokens.size()) - 1; at >= 0; --at)
    switch (tokens[at].kind) {
    case Tok::RParen:
    case Tok::RBracket:
    case Tok::RBrace:
      ++depth;
      break;
    case Tok::LParen:
    case Tok::LBracket:
    case Tok::LBrace:
      if (!depth)
        return at;
      --depth;
      break;
    default:
      break;
    }
  return -1;
}

/// Fills in the arguments of a call, which are `tokens` up to the place.
static void readArguments(llvm::ArrayRef<Token> tokens, PlaceContext &context) {
  unsigned depth = 0;
  size_t begin = 0; // Of the current argument.
  for (size_t at = 0; at < tokens.size(); ++at) {
    Tok kind = tokens[at].kind;
    if (kind == Tok::LParen || kind == Tok::LBracket || kind == Tok::LBrace)
      ++depth;
    else if (kind == Tok::RParen || kind == Tok::RBracket ||
             kind == Tok::RBrace)
      depth -= depth != 0;
    else if (!depth && kind == Tok::Comma) {
      ++context.argument;
      context.argumentName = "";
      begin = at + 1;
    } else if (!depth && kind == Tok::Equal && at == begin + 1 &&
               tokens[begin].kind == Tok::Name) {
      context.argumentName = tokens[begin].text;
      context.namesGiven.push_back(tokens[begin].text);
    }
  }
  context.startsArgument = begin == tokens.size();
}

PlaceContext ladon::lsp::contextAt(llvm::ArrayRef<Token> all,
                                   llvm::SMLoc place) {
  PlaceContext context;
  std::vector<Token> tokens;
  for (const Token &token : all) {
    const char *here = place.getPointer();
    if (token.text.begin() >= here || token.kind == Tok::Eof)
      break;
    if (token.kind == Tok::Comment)
      context.inComment |= here <= token.text.end();
    // A word that ends here, or goes on, is being typed.
    else if (!isWord(token) || token.text.end() < here)
      tokens.push_back(token);
  }
  if (!tokens.empty())
    context.before = tokens.back();
  llvm::ArrayRef<Token> rest = tokens;
  for (;;) {
    ptrdiff_t open = openBracket(rest);
    if (open < 0)
      break;
    context.inBracket = true;
    llvm::ArrayRef<Token> inside =
        llvm::ArrayRef<Token>(tokens).drop_front(open + 1);
    rest = rest.take_front(open);
    if (tokens[open].kind == Tok::LBrace)
      break;
    bool isCall = tokens[open].kind == Tok::LParen && open > 0 &&
                  tokens[open - 1].kind == Tok::Name;
    // The head of a declaration is no call.
    bool isHead = open > 1 && (tokens[open - 2].kind == Tok::KwFn ||
                               tokens[open - 2].kind == Tok::KwAttention);
    if (!isCall || isHead)
      continue;
    context.callee = tokens[open - 1].text;
    readArguments(inside, context);
    break;
  }
  return context;
}
