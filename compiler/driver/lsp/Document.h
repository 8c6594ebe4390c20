//===- Document.h - A text that a client has open --------------*- C++ -*-===//
//
// One version of a spec with all that the front end finds in it. A change makes
// a new document: a spec is read in a few milliseconds.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_LSP_DOCUMENT_H
#define LADON_COMPILER_DRIVER_LSP_DOCUMENT_H

#include "compiler/driver/lsp/SpecIndex.h"
#include "compiler/driver/lsp/TextPositions.h"
#include "compiler/frontend/Inspect.h"

namespace ladon::lsp {

class Document {
public:
  Document(llvm::lsp::URIForFile uri, int64_t version, llvm::StringRef text);
  Document(const Document &) = delete;
  Document &operator=(const Document &) = delete;

  const llvm::lsp::URIForFile uri;
  const int64_t version;

  llvm::StringRef text() const;
  llvm::ArrayRef<Diagnostic> diagnostics() const { return found; }
  const InspectedSpec &spec() const { return inspected; }
  const SpecIndex &index() const { return names; }
  const TextPositions &positions() const { return places; }

  llvm::SMLoc at(llvm::lsp::Position position) const;

  /// The index of the token that a place is in or, failing that, at the end of;
  /// none between tokens.
  std::optional<size_t> tokenAt(llvm::SMLoc place) const;

  /// The smallest expression with a type that a place is in; null for none.
  const syntax::Expr *typedExprAt(llvm::SMLoc place) const;
  /// "f32[B, 8, S, 64]", or "i32 or f32" in a `fn`; empty when unknown.
  std::string typeOf(const syntax::Expr *expr) const;

  /// The canonical form; none when the text does not parse.
  std::optional<std::string> formatted() const;

private:
  mutable llvm::SourceMgr sources;
  unsigned buffer;
  std::vector<Diagnostic> found;
  InspectedSpec inspected;
  SpecIndex names;
  TextPositions places;
};

} // namespace ladon::lsp

#endif // LADON_COMPILER_DRIVER_LSP_DOCUMENT_H
