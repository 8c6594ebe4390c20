//===- Document.cpp - A text that a client has open -----------------------===//

#include "compiler/driver/lsp/Document.h"

#include "compiler/frontend/CheckMasks.h"

#include "llvm/ADT/StringExtras.h"

using namespace ladon;
using namespace ladon::lsp;
using llvm::SMLoc;

static InspectedSpec inspect(llvm::SourceMgr &sources, unsigned buffer,
                             std::vector<Diagnostic> &found) {
  DiagnosticEngine diagnostics(sources);
  InspectedSpec spec = inspectSpec(sources, buffer, diagnostics);
  if (spec.checked)
    checkMasks(*spec.checked, sources, diagnostics);
  found.assign(diagnostics.all().begin(), diagnostics.all().end());
  return spec;
}

Document::Document(llvm::lsp::URIForFile uri, int64_t version,
                   llvm::StringRef text)
    : uri(std::move(uri)), version(version),
      buffer(sources.AddNewSourceBuffer(
          llvm::MemoryBuffer::getMemBufferCopy(text, this->uri.file()),
          SMLoc())),
      inspected(inspect(sources, buffer, found)),
      names(inspected.file, this->text()), places(this->text()) {}

llvm::StringRef Document::text() const {
  return sources.getMemoryBuffer(buffer)->getBuffer();
}

SMLoc Document::at(llvm::lsp::Position position) const {
  return SMLoc::getFromPointer(text().begin() + places.offset(position));
}

std::optional<size_t> Document::tokenAt(SMLoc place) const {
  std::optional<size_t> result;
  for (size_t at = 0; at + 1 < inspected.tokens.size(); ++at)
    if (touches(inspected.tokens[at].range(), place))
      result = at; // Of two that touch, the one that begins here.
  // A name that ends here says more than punctuation that begins here.
  if (result && *result &&
      touches(inspected.tokens[*result - 1].range(), place) &&
      inspected.tokens[*result].kind > Tok::KwFalse &&
      inspected.tokens[*result - 1].kind <= Tok::KwFalse)
    --*result;
  return result;
}

const syntax::Expr *Document::typedExprAt(SMLoc place) const {
  const syntax::Expr *smallest = nullptr;
  for (const syntax::Expr &expr : inspected.file.exprs)
    if (touches(expr.range, place) && inspected.types.contains(&expr) &&
        (!smallest ||
         textOf(expr.range).size() < textOf(smallest->range).size()))
      smallest = &expr;
  return smallest;
}

std::string Document::typeOf(const syntax::Expr *expr) const {
  auto known = inspected.types.find(expr);
  return known == inspected.types.end() ? ""
                                        : llvm::join(known->second, " or ");
}

std::optional<std::string> Document::formatted() const {
  DiagnosticEngine ignored(sources);
  return formatSpec(sources, buffer, ignored);
}
