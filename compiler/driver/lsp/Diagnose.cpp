//===- Diagnose.cpp - Diagnostics, and actions that repair ----------------===//

#include "compiler/driver/lsp/Features.h"

using namespace ladon;
using namespace ladon::lsp;
using llvm::json::Object;

/// Whether the name that is underlined could be taken away.
static bool isUnused(DiagId id) {
  return id == DiagId::UnusedParameter || id == DiagId::UnusedLet ||
         id == DiagId::UnusedFn || id == DiagId::UnusedParam;
}

/// Whether a note shows another place. One about the same, or none, is more of
/// the message.
static bool isElsewhere(const Diagnostic::Note &note,
                        const Diagnostic &diagnostic) {
  return note.range.isValid() && note.range.Start != diagnostic.range.Start;
}

static llvm::lsp::Diagnostic convert(const Document &document,
                                     const Diagnostic &diagnostic) {
  llvm::lsp::Diagnostic result;
  result.range = document.positions().range(diagnostic.range);
  result.severity = diagnostic.severity == Severity::Error
                        ? llvm::lsp::DiagnosticSeverity::Error
                        : llvm::lsp::DiagnosticSeverity::Warning;
  result.source = "ladon";
  result.message = diagnostic.message;
  for (const Diagnostic::Note &note : diagnostic.notes)
    if (!isElsewhere(note, diagnostic))
      result.message += "\n" + note.text;
  if (isUnused(diagnostic.id))
    result.tags.push_back(llvm::lsp::DiagnosticTag::Unnecessary);
  return result;
}

llvm::json::Value ladon::lsp::locationOf(const Document &document,
                                         llvm::SMRange range) {
  return Object{{"uri", document.uri.uri()},
                {"range", toJSON(document.positions().range(range))}};
}

llvm::json::Value ladon::lsp::diagnosticsOf(const Document &document) {
  llvm::json::Array all;
  for (const Diagnostic &diagnostic : document.diagnostics()) {
    llvm::json::Value value = toJSON(convert(document, diagnostic));
    Object &fields = *value.getAsObject();
    fields["code"] = DiagnosticEngine::idText(diagnostic.id);
    llvm::json::Array related;
    for (const Diagnostic::Note &note : diagnostic.notes)
      if (isElsewhere(note, diagnostic))
        related.push_back(Object{{"location", locationOf(document, note.range)},
                                 {"message", note.text}});
    if (!related.empty())
      fields["relatedInformation"] = std::move(related);
    all.push_back(std::move(value));
  }
  return Object{{"uri", document.uri.uri()},
                {"version", document.version},
                {"diagnostics", std::move(all)}};
}

std::vector<llvm::lsp::CodeAction>
ladon::lsp::codeActions(const Document &document, llvm::lsp::Range range) {
  std::vector<llvm::lsp::CodeAction> actions;
  size_t begin = document.positions().offset(range.start);
  size_t end = document.positions().offset(range.end);
  for (const Diagnostic &diagnostic : document.diagnostics()) {
    size_t first = document.positions().offset(diagnostic.range.Start);
    size_t last = document.positions().offset(diagnostic.range.End);
    if (diagnostic.fixIts.empty() || last < begin || end < first)
      continue;
    llvm::lsp::CodeAction action;
    std::vector<llvm::lsp::TextEdit> edits;
    for (const llvm::SMFixIt &fix : diagnostic.fixIts)
      edits.push_back(
          {document.positions().range(fix.getRange()), fix.getText().str()});
    const llvm::SMFixIt &fix = diagnostic.fixIts.front();
    llvm::StringRef old = textOf(fix.getRange());
    action.title =
        old.empty() ? "Insert '" + fix.getText().str() + "'"
        : fix.getText().empty()
            ? "Remove '" + old.str() + "'"
            : "Replace '" + old.str() + "' by '" + fix.getText().str() + "'";
    action.kind = llvm::lsp::CodeAction::kQuickFix.str();
    action.isPreferred = true;
    action.diagnostics = {convert(document, diagnostic)};
    action.edit.emplace();
    action.edit->changes[document.uri.uri().str()] = std::move(edits);
    actions.push_back(std::move(action));
  }
  return actions;
}
