//===- Diagnostics.cpp - Errors and warnings about a spec -----------------===//

#include "compiler/frontend/Diagnostics.h"

#include "llvm/Support/raw_ostream.h"

using namespace ladon;
using llvm::SMRange;
using llvm::SourceMgr;

namespace {

struct Entry {
  unsigned number;
  Severity severity;
  const char *format;
};

const Entry entries[] = {
#define DIAG(number, name, severity, format)                                   \
  {number, Severity::severity, format},
#include "compiler/frontend/Diagnostics.def"
};

const Entry &entryOf(DiagId id) { return entries[static_cast<unsigned>(id)]; }

/// Longer lines are not shown: a spec of one line would repeat a megabyte.
constexpr size_t longestShownLine = 300;

} // namespace

const char *DiagnosticEngine::formatOf(DiagId id) { return entryOf(id).format; }

std::string DiagnosticEngine::idText(DiagId id) {
  std::string digits = std::to_string(entryOf(id).number);
  return "LDN" + std::string(4 - digits.size(), '0') + digits;
}

Diagnostic &DiagnosticEngine::add(DiagId id, SMRange range,
                                  std::string message) {
  Diagnostic diagnostic{id, entryOf(id).severity, range, std::move(message), {},
                        {}};
  bool isError = diagnostic.severity == Severity::Error;
  auto sameAs = [&](const Diagnostic &other) {
    return other.id == id && other.range.Start == range.Start &&
           other.range.End == range.End && other.message == diagnostic.message;
  };
  bool repeated = llvm::any_of(diagnostics, sameAs);
  bool full = diagnostics.size() >= maxErrors;
  if (repeated || full) {
    if (isError) {
      errors += full;
      droppedErrors += full;
    }
    dropped.clear();
    dropped.push_back(std::move(diagnostic));
    return dropped.back();
  }
  errors += isError;
  diagnostics.push_back(std::move(diagnostic));
  return diagnostics.back();
}

void DiagnosticEngine::printOne(llvm::raw_ostream &os, SMRange range,
                                SourceMgr::DiagKind kind,
                                const std::string &text,
                                llvm::ArrayRef<llvm::SMFixIt> fixIts,
                                bool colors) const {
  if (!range.isValid()) {
    llvm::SMDiagnostic(/*filename=*/"ladon", kind, text)
        .print(nullptr, os, colors);
    return;
  }
  llvm::SMDiagnostic shown =
      sources.GetMessage(range.Start, kind, text, range, fixIts);
  if (shown.getLineContents().size() <= longestShownLine) {
    shown.print(nullptr, os, colors);
    return;
  }
  llvm::SMDiagnostic(sources, range.Start, shown.getFilename(),
                     shown.getLineNo(), shown.getColumnNo(), kind, text,
                     "(line too long to show)", {}, {})
      .print(nullptr, os, colors);
}

void DiagnosticEngine::print(llvm::raw_ostream &os, bool colors) const {
  for (const Diagnostic &diagnostic : diagnostics) {
    bool isError = diagnostic.severity == Severity::Error;
    printOne(os, diagnostic.range,
             isError ? SourceMgr::DK_Error : SourceMgr::DK_Warning,
             diagnostic.message + " [" + idText(diagnostic.id) + "]",
             diagnostic.fixIts, colors);
    for (const Diagnostic::Note &note : diagnostic.notes)
      printOne(os, note.range, SourceMgr::DK_Note, note.text, {}, colors);
  }
  if (droppedErrors)
    printOne(
        os, {}, SourceMgr::DK_Error,
        llvm::formatv("{0} further errors are not shown", droppedErrors).str(),
        {}, colors);
}
