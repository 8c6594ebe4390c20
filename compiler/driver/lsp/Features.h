//===- Features.h - What a client can ask about a document -----*- C++ -*-===//
//
// One file for each. None changes anything; a place without an answer gets an
// empty one.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_LSP_FEATURES_H
#define LADON_COMPILER_DRIVER_LSP_FEATURES_H

#include "compiler/driver/lsp/Document.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

namespace ladon::lsp {

using llvm::lsp::Position;

/// The parameters of textDocument/publishDiagnostics.
llvm::json::Value diagnosticsOf(const Document &document);

/// The fixes of the diagnostics that touch a range.
std::vector<llvm::lsp::CodeAction> codeActions(const Document &document,
                                               llvm::lsp::Range range);

std::optional<llvm::lsp::Hover> hover(const Document &document,
                                      Position position);

llvm::lsp::CompletionList complete(const Document &document, Position position);

/// Without a signature where there is no call.
llvm::lsp::SignatureHelp signatureHelp(const Document &document,
                                       Position position);

/// Null for none.
llvm::json::Value definition(const Document &document, Position position);
std::vector<llvm::json::Value>
references(const Document &document, Position position, bool withDefinition);
std::vector<llvm::lsp::DocumentSymbol> outline(const Document &document);

/// The name that would be renamed.
std::optional<llvm::lsp::Range> renameRange(const Document &document,
                                            Position position);
/// Fails, in words for the user, where the new name would mean something else
/// or an error.
llvm::Expected<llvm::lsp::WorkspaceEdit>
rename(const Document &document, Position position, llvm::StringRef newName);

/// The edits that give the text its canonical form.
std::vector<llvm::lsp::TextEdit> format(const Document &document);

/// A line above each mask: the share of pairs that it lets through. As the
/// protocol's CodeLens.
std::vector<llvm::json::Value> codeLenses(const Document &document);

/// A place as the protocol's Location. LLVM's does not own its name of the file
/// once it is JSON; this one has that of the document.
llvm::json::Value locationOf(const Document &document, llvm::SMRange range);

/// How a symbol is declared: "let o: f32[B, 8, S, 64]".
std::string declarationOf(const Document &document, const Symbol &symbol);
/// The comment above a declaration, or empty.
std::string commentOf(const Document &document, const Symbol &symbol);

} // namespace ladon::lsp

#endif // LADON_COMPILER_DRIVER_LSP_FEATURES_H
