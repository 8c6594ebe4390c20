//===- Server.cpp - The language server -----------------------------------===//

#include "compiler/driver/lsp/Server.h"

#include "compiler/driver/lsp/Features.h"
#include "compiler/driver/lsp/MessageReader.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/LSP/Logging.h"

using namespace ladon;
using namespace ladon::lsp;
using namespace llvm::lsp;
using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;
// Both namespaces have one.
using ladon::lsp::Document;

namespace {

/// Of textDocument/rename, which LLVM does not have.
struct RenameParams : TextDocumentPositionParams {
  std::string newName;
};

bool fromJSON(const Value &value, RenameParams &result, llvm::json::Path path) {
  llvm::json::ObjectMapper fields(value, path);
  return fromJSON(value, static_cast<TextDocumentPositionParams &>(result),
                  path) &&
         fields && fields.map("newName", result.newName);
}

class Server {
public:
  Server(JSONTransport &transport, llvm::StringRef version);

  MessageHandler handler;
  bool isShutDown = false;

private:
  void initialize(const InitializeParams &params, Callback<Value> reply);
  void initialized(const NoParams &) {}
  void shutdown(const NoParams &, Callback<Value> reply);

  void open(const DidOpenTextDocumentParams &params);
  void change(const DidChangeTextDocumentParams &params);
  void close(const DidCloseTextDocumentParams &params);
  void read(const URIForFile &uri, int64_t version, llvm::StringRef text);

  /// Registers a request that is answered from the document it names.
  template <typename Params>
  void request(llvm::StringLiteral method,
               llvm::Expected<Value> (*answer)(const Document &,
                                               const Params &));
  const Document *find(const URIForFile &uri) const;

  std::string version;
  OutgoingNotification<Value> publish;
  llvm::StringMap<std::unique_ptr<Document>> documents; ///< By URI.
  std::vector<std::shared_ptr<void>> calls; ///< What the handler calls.
};

} // namespace

//===--- Answers ----------------------------------------------------------===//

template <typename T> static Value toValue(const std::optional<T> &answer) {
  return answer ? Value(*answer) : Value(nullptr);
}

using Answer = llvm::Expected<Value>;

static Answer answerHover(const Document &document,
                          const TextDocumentPositionParams &params) {
  return toValue(hover(document, params.position));
}
static Answer answerCompletion(const Document &document,
                               const TextDocumentPositionParams &params) {
  return complete(document, params.position);
}
static Answer answerSignature(const Document &document,
                              const TextDocumentPositionParams &params) {
  SignatureHelp help = signatureHelp(document, params.position);
  return help.signatures.empty() ? Value(nullptr) : Value(help);
}
static Answer answerDefinition(const Document &document,
                               const TextDocumentPositionParams &params) {
  return definition(document, params.position);
}
static Answer answerReferences(const Document &document,
                               const ReferenceParams &params) {
  return references(document, params.position,
                    params.context.includeDeclaration);
}
static Answer answerOutline(const Document &document,
                            const DocumentSymbolParams &) {
  return outline(document);
}
static Answer answerPrepareRename(const Document &document,
                                  const TextDocumentPositionParams &params) {
  return toValue(renameRange(document, params.position));
}
static Answer answerRename(const Document &document,
                           const RenameParams &params) {
  llvm::Expected<WorkspaceEdit> edit =
      rename(document, params.position, params.newName);
  if (!edit)
    return edit.takeError();
  return *edit;
}
static Answer answerFormatting(const Document &document,
                               const DocumentSymbolParams &) {
  return format(document);
}
static Answer answerCodeAction(const Document &document,
                               const CodeActionParams &params) {
  return codeActions(document, params.range);
}
static Answer answerCodeLens(const Document &document,
                             const DocumentSymbolParams &) {
  return codeLenses(document);
}

template <typename Params>
void Server::request(llvm::StringLiteral method,
                     llvm::Expected<Value> (*answer)(const Document &,
                                                     const Params &)) {
  // MessageHandler calls members; the one here finds the document first.
  struct Call {
    Server &server;
    llvm::Expected<Value> (*answer)(const Document &, const Params &);
    void run(const Params &params, Callback<Value> reply) {
      if (const Document *document = server.find(params.textDocument.uri))
        return reply(answer(*document, params));
      reply(llvm::make_error<LSPError>("the document is not open",
                                       ErrorCode::InvalidParams));
    }
  };
  auto call = std::make_shared<Call>(Call{*this, answer});
  handler.method<Params, Value>(method, call.get(), &Call::run);
  calls.push_back(std::move(call));
}

//===--- Life of the server -----------------------------------------------===//

Server::Server(JSONTransport &transport, llvm::StringRef version)
    : handler(transport), version(version),
      publish(handler.outgoingNotification<Value>(
          "textDocument/publishDiagnostics")) {
  handler.method("initialize", this, &Server::initialize);
  handler.notification("initialized", this, &Server::initialized);
  handler.method("shutdown", this, &Server::shutdown);
  handler.notification("textDocument/didOpen", this, &Server::open);
  handler.notification("textDocument/didChange", this, &Server::change);
  handler.notification("textDocument/didClose", this, &Server::close);
  request("textDocument/hover", answerHover);
  request("textDocument/completion", answerCompletion);
  request("textDocument/signatureHelp", answerSignature);
  request("textDocument/definition", answerDefinition);
  request("textDocument/references", answerReferences);
  request("textDocument/documentSymbol", answerOutline);
  request("textDocument/prepareRename", answerPrepareRename);
  request("textDocument/rename", answerRename);
  request("textDocument/formatting", answerFormatting);
  request("textDocument/codeAction", answerCodeAction);
  request("textDocument/codeLens", answerCodeLens);
}

void Server::initialize(const InitializeParams &, Callback<Value> reply) {
  constexpr int incremental = 2;
  Object capabilities{
      {"positionEncoding", "utf-16"},
      {"textDocumentSync",
       Object{{"openClose", true}, {"change", incremental}}},
      {"hoverProvider", true},
      {"completionProvider",
       Object{{"triggerCharacters", Array{".", "(", ","}}}},
      {"signatureHelpProvider", Object{{"triggerCharacters", Array{"(", ","}}}},
      {"definitionProvider", true},
      {"referencesProvider", true},
      {"documentSymbolProvider", true},
      {"renameProvider", Object{{"prepareProvider", true}}},
      {"documentFormattingProvider", true},
      {"codeActionProvider",
       Object{{"codeActionKinds", Array{CodeAction::kQuickFix}}}},
      {"codeLensProvider", Object{{"resolveProvider", false}}},
  };
  reply(
      Object{{"capabilities", std::move(capabilities)},
             {"serverInfo", Object{{"name", "ladon"}, {"version", version}}}});
}

void Server::shutdown(const NoParams &, Callback<Value> reply) {
  isShutDown = true;
  reply(nullptr);
}

//===--- Documents --------------------------------------------------------===//

const Document *Server::find(const URIForFile &uri) const {
  auto found = documents.find(uri.uri());
  return found == documents.end() ? nullptr : found->second.get();
}

void Server::read(const URIForFile &uri, int64_t version,
                  llvm::StringRef text) {
  auto document = std::make_unique<Document>(uri, version, text);
  publish(diagnosticsOf(*document));
  documents[uri.uri()] = std::move(document);
}

void Server::open(const DidOpenTextDocumentParams &params) {
  read(params.textDocument.uri, params.textDocument.version,
       params.textDocument.text);
}

void Server::change(const DidChangeTextDocumentParams &params) {
  const Document *document = find(params.textDocument.uri);
  if (!document)
    return Logger::error("'{0}' changes and is not open",
                         params.textDocument.uri.uri());
  std::string text = document->text().str();
  for (const TextDocumentContentChangeEvent &change : params.contentChanges) {
    if (!change.range) {
      text = change.text;
      continue;
    }
    TextPositions positions(text);
    size_t begin = positions.offset(change.range->start);
    size_t end = std::max(begin, positions.offset(change.range->end));
    text.replace(begin, end - begin, change.text);
  }
  read(params.textDocument.uri, params.textDocument.version, text);
}

void Server::close(const DidCloseTextDocumentParams &params) {
  if (documents.erase(params.textDocument.uri.uri()))
    publish(Object{{"uri", params.textDocument.uri.uri()},
                   {"diagnostics", Array{}}});
}

llvm::Error ladon::lsp::serve(std::FILE *in, llvm::raw_ostream &out,
                              llvm::StringRef version) {
  Logger::setLogLevel(Logger::Level::Error);
  auto input = std::make_unique<MessageReader>(in);
  MessageReader &reader = *input;
  JSONTransport transport(std::move(input), out);
  Server server(transport, version);
  llvm::Error stopped = transport.run(server.handler);
  llvm::consumeError(std::move(stopped)); // The reader knows better.
  if (!reader.problem().empty())
    return llvm::createStringError("the client: " + reader.problem());
  if (!server.isShutDown)
    return llvm::createStringError(
        "the client: expected 'shutdown' before 'exit'");
  return llvm::Error::success();
}
