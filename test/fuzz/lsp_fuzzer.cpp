//===- lsp_fuzzer.cpp - Any bytes as an editor ----------------------------===//
//
// Bytes that begin like a header are what a client sends. Others are a text
// that it has open, about each place of which it asks everything.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/lsp/Features.h"
#include "compiler/driver/lsp/Server.h"

#include "llvm/Support/LSP/Logging.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>

using namespace ladon::lsp;
using llvm::StringRef;

static void askAll(const Document &document) {
  diagnosticsOf(document);
  outline(document);
  codeLenses(document);
  // Formatting is a change of the text, and a canonical text has none.
  for (const llvm::lsp::TextEdit &edit : format(document)) {
    size_t begin = document.positions().offset(edit.range.start);
    size_t end = document.positions().offset(edit.range.end);
    std::string text = document.text().str();
    text.replace(begin, end - begin, edit.newText);
    if (!format(Document(document.uri, 2, text)).empty())
      std::abort();
  }
  size_t step = document.text().size() / 50 + 1;
  for (size_t at = 0; at <= document.text().size(); at += step) {
    Position place = document.positions().position(at);
    hover(document, place);
    complete(document, place);
    signatureHelp(document, place);
    definition(document, place);
    references(document, place, true);
    codeActions(document, {place, place});
  }
  Position middle = document.positions().position(document.text().size() / 2);
  llvm::consumeError(rename(document, middle, "renamed").takeError());
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  StringRef text(reinterpret_cast<const char *>(data), size);
  if (text.starts_with("Content-")) {
    std::FILE *in = fmemopen(const_cast<uint8_t *>(data), size, "r");
    llvm::raw_null_ostream out;
    llvm::consumeError(serve(in, out, "fuzzed"));
    std::fclose(in);
    return 0;
  }
  static const auto uri =
      llvm::cantFail(llvm::lsp::URIForFile::fromFile("/fuzzed.attn"));
  askAll(Document(uri, 1, text));
  return 0;
}
