// What the protocol says, as objects of VS Code, and back.

"use strict";

const vscode = require("vscode");

const position = ({ line, character }) => new vscode.Position(line, character);
const range = ({ start, end }) => new vscode.Range(position(start), position(end));
const location = (value) => new vscode.Location(vscode.Uri.parse(value.uri), range(value.range));
const edits = (list) => (list || []).map((edit) => vscode.TextEdit.replace(range(edit.range), edit.newText));
const text = (value) =>
  value && (typeof value === "string" ? value : new vscode.MarkdownString(value.value));

function diagnostic(value) {
  const result = new vscode.Diagnostic(range(value.range), value.message, value.severity - 1);
  result.source = value.source;
  result.code = value.code;
  result.tags = value.tags;
  result.relatedInformation = (value.relatedInformation || []).map(
    (one) => new vscode.DiagnosticRelatedInformation(location(one.location), one.message));
  return result;
}

function hover(value) {
  return value && new vscode.Hover(text(value.contents), value.range && range(value.range));
}

function completions(list) {
  return list.items.map((value) => {
    const item = new vscode.CompletionItem(value.label, value.kind - 1);
    item.detail = value.detail;
    item.documentation = text(value.documentation);
    item.sortText = value.sortText;
    item.filterText = value.filterText;
    item.insertText = value.insertText;
    return item;
  });
}

function signatures(value) {
  if (!value) return null;
  const help = new vscode.SignatureHelp();
  help.activeSignature = value.activeSignature;
  help.activeParameter = value.activeParameter;
  help.signatures = value.signatures.map((one) => {
    const signature = new vscode.SignatureInformation(one.label, text(one.documentation));
    signature.parameters = (one.parameters || []).map(
      (parameter) => new vscode.ParameterInformation(parameter.label, text(parameter.documentation)));
    return signature;
  });
  return help;
}

function symbol(value) {
  const result = new vscode.DocumentSymbol(value.name, value.detail || "", value.kind - 1,
    range(value.range), range(value.selectionRange));
  result.children = (value.children || []).map(symbol);
  return result;
}

function workspaceEdit(value) {
  const result = new vscode.WorkspaceEdit();
  for (const [uri, list] of Object.entries(value.changes)) result.set(vscode.Uri.parse(uri), edits(list));
  return result;
}

function codeAction(value) {
  const action = new vscode.CodeAction(value.title, vscode.CodeActionKind.QuickFix);
  action.edit = workspaceEdit(value.edit);
  action.isPreferred = value.isPreferred;
  action.diagnostics = value.diagnostics.map(diagnostic);
  return action;
}

module.exports = {
  codeAction, completions, diagnostic, edits, hover, location, range, signatures, symbol, workspaceEdit,
};
