//===- Hover.cpp - What stands at a place ---------------------------------===//

#include "compiler/driver/lsp/CallContext.h"
#include "compiler/driver/lsp/Features.h"
#include "compiler/driver/lsp/MaskView.h"
#include "compiler/frontend/Documentation.h"

#include "llvm/ADT/StringExtras.h"

using namespace ladon;
using namespace ladon::lsp;
using llvm::StringRef;

//===--- Symbols ----------------------------------------------------------===//

/// The types of a symbol where it is read, or of its value.
static std::string typesOf(const Document &document, const Symbol &symbol) {
  if (symbol.type)
    return textOf(symbol.type->range).str();
  if (symbol.value)
    return document.typeOf(symbol.value);
  if (symbol.kind == Symbol::Size || symbol.kind == Symbol::RangeVariable)
    return "i32";
  std::vector<std::string> types;
  for (const syntax::Expr *reader : symbol.readers)
    if (std::string type = document.typeOf(reader);
        !type.empty() && !llvm::is_contained(types, type))
      types.push_back(type);
  return llvm::join(types, " or ");
}

std::string ladon::lsp::declarationOf(const Document &document,
                                      const Symbol &symbol) {
  std::string name = symbol.name.text.str();
  if (symbol.kind == Symbol::Function) {
    std::vector<std::string> params;
    for (const syntax::Name &param : symbol.fn->params)
      params.push_back(param.text.str());
    return "fn " + name + "(" + llvm::join(params, ", ") + ")";
  }
  std::string type = typesOf(document, symbol);
  if (!type.empty())
    name += ": " + type;
  switch (symbol.kind) {
  case Symbol::Param:
    return "param " + name + " = " + textOf(symbol.value->range).str();
  case Symbol::Let:
    return "let " + name;
  case Symbol::AttentionName:
    return "attention " + name;
  case Symbol::Size:
    return name + "  # a size, known at run time";
  case Symbol::Argument:
    return name + "  # of fn " + symbol.fn->name.text.str();
  case Symbol::RangeVariable:
    return name + "  # of a range";
  case Symbol::Parameter:
    return name + "  # a parameter";
  case Symbol::Result:
    return name + "  # a result";
  case Symbol::Function:
    break;
  }
  return name;
}

std::string ladon::lsp::commentOf(const Document &document,
                                  const Symbol &symbol) {
  llvm::ArrayRef<Token> tokens = document.spec().tokens;
  // The keyword in front of the name, then the comments above it.
  const Token *name = llvm::partition_point(tokens, [&](const Token &token) {
    return token.text.begin() < symbol.name.text.begin();
  });
  size_t at = name - tokens.begin();
  if (at == 0 || at == tokens.size() || tokens[at - 1].kind < Tok::KwFn ||
      tokens[at - 1].kind > Tok::KwLet)
    return "";
  std::vector<std::string> lines;
  for (--at; at > 0 && tokens[at - 1].kind == Tok::Comment &&
             tokens[at].newlinesBefore == 1;
       --at) {
    // One at the end of a line belongs to what stands there.
    if (at > 1 && tokens[at - 1].newlinesBefore == 0)
      break;
    lines.push_back(tokens[at - 1].text.ltrim('#').trim().str());
  }
  std::reverse(lines.begin(), lines.end());
  return llvm::join(lines, "\n");
}

//===--- Hovers -----------------------------------------------------------===//

static std::string block(const std::string &code) {
  return "```attn\n" + code + "\n```\n";
}

/// What is known about the value of a `mask = ...` whose name is token `at`.
static std::string describeMask(const Document &document, size_t at) {
  llvm::ArrayRef<Token> tokens = document.spec().tokens;
  if (!document.spec().checked || tokens[at].text != "mask" ||
      tokens[at + 1].kind != Tok::Equal)
    return "";
  // The next mask that is written after the equal sign.
  const char *after = tokens[at + 1].text.end();
  const WrittenMask *nearest = nullptr;
  for (const WrittenMask &mask : document.spec().checked->masks)
    if (mask.range.Start.getPointer() >= after &&
        (!nearest ||
         mask.range.Start.getPointer() < nearest->range.Start.getPointer()))
      nearest = &mask;
  std::optional<MaskView> view =
      nearest ? viewMask(*document.spec().checked, *nearest) : std::nullopt;
  if (!view)
    return "";
  std::string text = view->share + " (" + view->sizes + ")\n";
  if (!view->picture.empty())
    text += "```text\n" + view->picture + "```\n";
  return text;
}

static std::string describeToken(const Document &document, size_t at) {
  llvm::ArrayRef<Token> tokens = document.spec().tokens;
  const Token &token = tokens[at];
  bool isNext = tokens[at + 1].kind == Tok::Equal;
  if (token.kind == Tok::Name && isNext) {
    PlaceContext context = contextAt(tokens, token.range().Start);
    if (StringRef text = documentationOf(context.callee, token.text);
        !text.empty())
      return block(token.text.str() + " = ...  # of " + context.callee.str()) +
             text.str() + "\n\n" + describeMask(document, at);
  }
  if (at && tokens[at - 1].kind == Tok::Dot)
    for (const DocumentedWord &result : resultsOfAttend())
      if (result.name == token.text)
        return block("." + token.text.str() + ": " + result.shape.str()) +
               result.text.str() + "\n";
  const Symbol *symbol = token.kind == Tok::Name
                             ? document.index().find(token.range().Start)
                             : nullptr;
  if (symbol) {
    std::string comment = commentOf(document, *symbol);
    return block(declarationOf(document, *symbol)) +
           (comment.empty() ? "" : comment + "\n");
  }
  std::string text = documentationOf(token.text);
  if (text.empty())
    return "";
  CallSignature call = signatureOf(token.text);
  return block(call.text.empty() ? token.text.str() : call.text) + text + "\n";
}

std::optional<llvm::lsp::Hover> ladon::lsp::hover(const Document &document,
                                                  Position position) {
  llvm::SMLoc place = document.at(position);
  std::optional<size_t> at = document.tokenAt(place);
  if (!at)
    return std::nullopt;
  const Token &token = document.spec().tokens[*at];
  std::string text =
      token.kind == Tok::Comment ? "" : describeToken(document, *at);
  llvm::SMRange range = token.range();
  const syntax::Expr *expr =
      token.kind == Tok::Comment ? nullptr : document.typedExprAt(place);
  bool isSymbol = document.index().find(token.range().Start);
  if (expr && (text.empty() || !isSymbol)) {
    if (text.empty())
      range = expr->range;
    std::string shown =
        textOf(expr->range).size() <= 60 && !textOf(expr->range).contains('\n')
            ? textOf(expr->range).str() + ": "
            : "value: ";
    text += block(shown + document.typeOf(expr));
  }
  if (text.empty())
    return std::nullopt;
  llvm::lsp::Hover result(document.positions().range(range));
  result.contents.value = std::move(text);
  return result;
}
