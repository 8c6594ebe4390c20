//===- spec_fuzzer.cpp - Any bytes as a spec ------------------------------===//
//
// A text is accepted or refused with an error. What is accepted is printed, and
// the print is accepted too and prints as itself.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Frontend.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>

using namespace ladon;
using llvm::StringRef;

namespace {
/// A text as a file, and what is said about it.
struct File {
  explicit File(StringRef text)
      : diagnostics(sources),
        id(sources.AddNewSourceBuffer(
            llvm::MemoryBuffer::getMemBufferCopy(text, "fuzzed.attn"), {})) {}
  llvm::SourceMgr sources;
  DiagnosticEngine diagnostics;
  unsigned id;
};
} // namespace

static void expect(bool holds, const char *what) {
  if (holds)
    return;
  llvm::errs() << what << "\n";
  std::abort();
}

/// Looks at the messages about a file that was accepted, or not.
static void expectMessages(File &file, bool isAccepted) {
  std::string messages;
  llvm::raw_string_ostream os(messages);
  file.diagnostics.print(os);
  expect(isAccepted != file.diagnostics.hasErrors(),
         "refused without an error, or accepted with one");
}

static bool check(StringRef text) {
  File file(text);
  bool accepted =
      parseAndCheck(file.sources, file.id, {}, file.diagnostics) != nullptr;
  expectMessages(file, accepted);
  return accepted;
}

static std::optional<std::string> format(StringRef text) {
  File file(text);
  std::optional<std::string> printed =
      formatSpec(file.sources, file.id, file.diagnostics);
  expectMessages(file, printed.has_value());
  return printed;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  StringRef text(reinterpret_cast<const char *>(data), size);
  // What is no spec by its grammar is not printed, and most texts are none.
  std::optional<std::string> printed = format(text);
  if (!printed || !check(text))
    return 0;
  expect(check(*printed), "the print is refused");
  expect(format(*printed) == printed, "the print prints as something else");
  return 0;
}
