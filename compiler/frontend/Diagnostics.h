//===- Diagnostics.h - Errors and warnings about a spec --------*- C++ -*-===//
//
// Collects diagnostics and prints them with the source line, the range
// underlined, notes and fix-its. Every message has a stable id and is defined
// in Diagnostics.def. Reporting never fails and never stops the caller; equal
// reports are kept once, and after `maxErrors` errors further ones are dropped.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_DIAGNOSTICS_H
#define LADON_COMPILER_FRONTEND_DIAGNOSTICS_H

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/SourceMgr.h"

#include <deque>
#include <string>
#include <vector>

namespace ladon {

/// The text of a spec that `range` covers.
inline llvm::StringRef textOf(llvm::SMRange range) {
  return {range.Start.getPointer(),
          size_t(range.End.getPointer() - range.Start.getPointer())};
}

/// One enumerator per entry of Diagnostics.def.
enum class DiagId : unsigned {
#define DIAG(number, name, severity, format) name,
#include "compiler/frontend/Diagnostics.def"
};

/// Whether a diagnostic stops the build.
enum class Severity { Error, Warning };

/// A reported problem. Places are optional: an invalid range prints none.
struct Diagnostic {
  struct Note {
    llvm::SMRange range;
    std::string text;
  };

  DiagId id;
  Severity severity;
  llvm::SMRange range;
  std::string message;
  std::vector<Note> notes;
  std::vector<llvm::SMFixIt> fixIts;

  /// Adds a note about another place (or none).
  Diagnostic &note(llvm::SMRange where, std::string text) {
    notes.push_back({where, std::move(text)});
    return *this;
  }
  /// Adds an edit that is surely right.
  Diagnostic &fixIt(llvm::SMRange where, llvm::StringRef replacement) {
    fixIts.emplace_back(where, replacement);
    return *this;
  }
};

/// Collects the diagnostics of one spec.
class DiagnosticEngine {
public:
  static constexpr unsigned maxErrors = 50;

  explicit DiagnosticEngine(llvm::SourceMgr &sources) : sources(sources) {}

  /// Records a diagnostic and returns it for notes and fix-its. The reference
  /// is valid until the engine dies.
  template <typename... Args>
  Diagnostic &report(DiagId id, llvm::SMRange range, Args &&...args) {
    return add(id, range,
               llvm::formatv(formatOf(id), std::forward<Args>(args)...).str());
  }

  bool hasErrors() const { return errors != 0; }
  unsigned errorCount() const { return errors; }
  const std::deque<Diagnostic> &all() const { return diagnostics; }

  /// Prints every diagnostic, in the order of their report.
  void print(llvm::raw_ostream &os, bool colors = false) const;

  /// "LDN0201".
  static std::string idText(DiagId id);

private:
  static const char *formatOf(DiagId id);
  Diagnostic &add(DiagId id, llvm::SMRange range, std::string message);
  void printOne(llvm::raw_ostream &os, llvm::SMRange range,
                llvm::SourceMgr::DiagKind kind, const std::string &text,
                llvm::ArrayRef<llvm::SMFixIt> fixIts, bool colors) const;

  llvm::SourceMgr &sources;
  std::deque<Diagnostic> diagnostics;
  std::deque<Diagnostic> dropped; ///< Takes the notes of unwanted reports.
  unsigned errors = 0;
  unsigned droppedErrors = 0;
};

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_DIAGNOSTICS_H
