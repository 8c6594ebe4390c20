//===- Navigate.cpp - Definitions, references, outline --------------------===//

#include "compiler/driver/lsp/Features.h"

using namespace ladon;
using namespace ladon::lsp;
using llvm::lsp::SymbolKind;

llvm::json::Value ladon::lsp::definition(const Document &document,
                                         Position position) {
  const Symbol *symbol = document.index().find(document.at(position));
  return symbol ? locationOf(document, symbol->name.range) : nullptr;
}

std::vector<llvm::json::Value> ladon::lsp::references(const Document &document,
                                                      Position position,
                                                      bool withDefinition) {
  std::vector<llvm::json::Value> result;
  const Symbol *symbol = document.index().find(document.at(position));
  if (!symbol)
    return result;
  if (withDefinition)
    result.push_back(locationOf(document, symbol->name.range));
  for (const syntax::Name *use : symbol->uses)
    result.push_back(locationOf(document, use->range));
  return result;
}

/// What an outline shows; none for what stands inside of something.
static std::optional<SymbolKind> outlineKind(const Symbol &symbol) {
  switch (symbol.kind) {
  case Symbol::Function:
  case Symbol::AttentionName:
    return SymbolKind::Function;
  case Symbol::Param:
    return SymbolKind::Constant;
  case Symbol::Parameter:
  case Symbol::Let:
    return SymbolKind::Variable;
  case Symbol::Result:
    return SymbolKind::Property;
  default:
    return std::nullopt;
  }
}

std::vector<llvm::lsp::DocumentSymbol>
ladon::lsp::outline(const Document &document) {
  std::vector<const Symbol *> shown;
  for (const Symbol &symbol : document.index().all())
    if (outlineKind(symbol))
      shown.push_back(&symbol);
  llvm::sort(shown, [](const Symbol *a, const Symbol *b) {
    return a->name.text.begin() < b->name.text.begin();
  });
  std::vector<llvm::lsp::DocumentSymbol> result;
  for (const Symbol *symbol : shown) {
    llvm::lsp::Range range = document.positions().range(symbol->name.range);
    result.emplace_back(symbol->name.text, *outlineKind(*symbol), range, range);
    result.back().detail = declarationOf(document, *symbol);
  }
  return result;
}
