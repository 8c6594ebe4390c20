//===- Rename.cpp - Another name for what a spec defines ------------------===//
//
// Whether a new name is free is not asked of the scopes: the renamed text is
// read again, and has to be what it was but for the name.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/lsp/Features.h"

#include "compiler/frontend/Builtins.h"

#include "llvm/Support/LSP/Protocol.h"

using namespace ladon;
using namespace ladon::lsp;

static llvm::Error refuse(const llvm::Twine &reason) {
  return llvm::make_error<llvm::lsp::LSPError>(
      reason.str(), llvm::lsp::ErrorCode::RequestFailed);
}

/// Whether `text` is one name that a spec may define.
static llvm::Error checkName(llvm::StringRef text) {
  llvm::SourceMgr sources;
  DiagnosticEngine diagnostics(sources);
  unsigned buffer = sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(text), llvm::SMLoc());
  std::vector<Token> tokens =
      lex(sources.getMemoryBuffer(buffer)->getBuffer(), diagnostics);
  if (diagnostics.hasErrors() || tokens.size() != 2 ||
      tokens[0].kind != Tok::Name || tokens[0].text != text)
    return refuse("'" + text + "' is not a name");
  return llvm::Error::success();
}

/// The places of a name, in order.
static std::vector<llvm::StringRef> placesOf(const Symbol &symbol) {
  std::vector<llvm::StringRef> places = {symbol.name.text};
  for (const syntax::Name *use : symbol.uses)
    places.push_back(use->text);
  llvm::sort(places, [](auto a, auto b) { return a.begin() < b.begin(); });
  return places;
}

/// Whether every name of both is defined and read in the same places.
static bool isSameBut(const Document &before, const Document &after) {
  const auto &old = before.index().all(), &now = after.index().all();
  if (old.size() != now.size() ||
      before.spec().tokens.size() != after.spec().tokens.size())
    return false;
  // Places are compared by the number of the token.
  auto numbers = [](const Document &document, const Symbol &symbol) {
    std::vector<size_t> result;
    llvm::ArrayRef<Token> tokens = document.spec().tokens;
    for (llvm::StringRef place : placesOf(symbol))
      result.push_back(llvm::partition_point(tokens,
                                             [&](const Token &token) {
                                               return token.text.begin() <
                                                      place.begin();
                                             }) -
                       tokens.begin());
    return result;
  };
  for (size_t at = 0; at < old.size(); ++at)
    if (old[at].kind != now[at].kind ||
        numbers(before, old[at]) != numbers(after, now[at]))
      return false;
  return true;
}

std::optional<llvm::lsp::Range>
ladon::lsp::renameRange(const Document &document, Position position) {
  syntax::Name name;
  if (!document.index().find(document.at(position), &name))
    return std::nullopt;
  return document.positions().range(name.range);
}

llvm::Expected<llvm::lsp::WorkspaceEdit>
ladon::lsp::rename(const Document &document, Position position,
                   llvm::StringRef newName) {
  const Symbol *symbol = document.index().find(document.at(position));
  if (!symbol)
    return refuse("there is no name of the spec here");
  if (llvm::Error error = checkName(newName))
    return std::move(error);
  std::vector<llvm::lsp::TextEdit> edits;
  std::string renamed;
  const char *copied = document.text().begin();
  for (llvm::StringRef place : placesOf(*symbol)) {
    renamed.append(copied, place.begin());
    renamed += newName;
    copied = place.end();
    size_t begin = place.begin() - document.text().begin();
    edits.push_back({document.positions().range(begin, begin + place.size()),
                     newName.str()});
  }
  renamed.append(copied, document.text().end());

  auto errors = [](const Document &of) {
    return llvm::count_if(of.diagnostics(), [](const Diagnostic &diagnostic) {
      return diagnostic.severity == Severity::Error;
    });
  };
  Document after(document.uri, document.version, renamed);
  if (errors(after) > errors(document)) {
    const Diagnostic *first =
        llvm::find_if(after.diagnostics(), [](const Diagnostic &diagnostic) {
          return diagnostic.severity == Severity::Error;
        });
    return refuse(first->message);
  }
  if (!isSameBut(document, after) ||
      (!reservedMeaning(newName).empty() && symbol->kind != Symbol::Argument))
    return refuse("'" + newName + "' would mean something else here");
  llvm::lsp::WorkspaceEdit edit;
  edit.changes[document.uri.uri().str()] = std::move(edits);
  return edit;
}
