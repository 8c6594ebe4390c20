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

/// Runs `use` on a text as on a file.
template <typename Use>
static auto with(StringRef text, DiagnosticEngine *&diagnostics, Use use) {
  static std::unique_ptr<llvm::SourceMgr> sources;
  static std::unique_ptr<DiagnosticEngine> engine;
  sources = std::make_unique<llvm::SourceMgr>();
  engine = std::make_unique<DiagnosticEngine>(*sources);
  diagnostics = engine.get();
  unsigned id = sources->AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(text, "fuzzed.attn"), {});
  return use(*sources, id, *engine);
}

static void expect(bool holds, const char *what) {
  if (holds)
    return;
  llvm::errs() << what << "\n";
  std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  StringRef text(reinterpret_cast<const char *>(data), size);
  DiagnosticEngine *diagnostics;
  auto check = [](llvm::SourceMgr &sources, unsigned id,
                  DiagnosticEngine &engine) {
    return parseAndCheck(sources, id, {}, engine) != nullptr;
  };
  auto format = [](llvm::SourceMgr &sources, unsigned id,
                   DiagnosticEngine &engine) {
    return formatSpec(sources, id, engine);
  };
  bool isAccepted = with(text, diagnostics, check);
  std::string messages;
  llvm::raw_string_ostream os(messages);
  diagnostics->print(os);
  expect(isAccepted != diagnostics->hasErrors(), "refused without an error");
  std::optional<std::string> printed = with(text, diagnostics, format);
  if (!isAccepted)
    return 0;
  expect(printed.has_value(), "accepted, and not printed");
  expect(with(*printed, diagnostics, check), "the print is refused");
  std::optional<std::string> again = with(*printed, diagnostics, format);
  expect(again == printed, "the print prints as something else");
  return 0;
}
