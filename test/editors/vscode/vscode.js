// As much of VS Code as the extension uses, for Node: what it registers is kept, what it
// shows is noted. Of the interface's own objects only what is read back.

"use strict";

const { EventEmitter } = require("events");
const { fileURLToPath } = require("url");

class Position {
  constructor(line, character) { Object.assign(this, { line, character }); }
}
class Range {
  constructor(start, end) { Object.assign(this, { start, end }); }
}
// Spells names of files as VS Code does, which is not how a server has to.
class Uri {
  constructor(text) { this.text = text; }
  static parse(text) { return new Uri(decodeURIComponent(text)); }
  get fsPath() { return fileURLToPath(this.text); }
  toString() { return this.text.replace(/ä/g, "%C3%A4").replace(/ /g, "%20"); }
}
// Objects that are their arguments, by these names.
const record = (...names) => class {
  constructor(...values) { names.forEach((name, index) => (this[name] = values[index])); }
};
class WorkspaceEdit {
  constructor() { this.changes = {}; }
  set(uri, edits) { this.changes[uri.toString()] = edits; }
}

const events = new EventEmitter();
const on = (name) => (handler) => { events.on(name, handler); return { dispose() {} }; };
const providers = {};
const keep = (name) => (selector, provider) => { providers[name] = { selector, provider }; return { dispose() {} }; };
const commands = {};
const shown = { errors: [], panels: [] };
const problems = new Map();
const settings = {};

module.exports = {
  Position, Range, Uri, WorkspaceEdit,
  Location: record("uri", "range"),
  TextEdit: { replace: (range, newText) => ({ range, newText }) },
  MarkdownString: record("value"),
  Diagnostic: record("range", "message", "severity"),
  DiagnosticRelatedInformation: record("location", "message"),
  Hover: record("contents", "range"),
  CompletionItem: record("label", "kind"),
  SignatureHelp: record(),
  SignatureInformation: record("label", "documentation"),
  ParameterInformation: record("label", "documentation"),
  DocumentSymbol: record("name", "detail", "kind", "range", "selectionRange"),
  CodeAction: record("title", "kind"),
  CodeActionKind: { QuickFix: "quickfix" },
  CodeLens: record("range", "command"),
  ViewColumn: { Beside: -2 },
  languages: {
    match: (selector, document) =>
      selector.language === document.languageId && document.uri.text.startsWith(selector.scheme + ":") ? 10 : 0,
    createDiagnosticCollection: () => ({
      set: (uri, list) => { problems.set(uri.toString(), list); events.emit("problems"); },
      clear: () => problems.clear(),
    }),
    registerHoverProvider: keep("hover"),
    registerCompletionItemProvider: keep("completion"),
    registerSignatureHelpProvider: keep("signature"),
    registerDefinitionProvider: keep("definition"),
    registerReferenceProvider: keep("references"),
    registerDocumentSymbolProvider: keep("symbols"),
    registerRenameProvider: keep("rename"),
    registerDocumentFormattingEditProvider: keep("format"),
    registerCodeActionsProvider: keep("actions"),
    registerCodeLensProvider: keep("lens"),
  },
  workspace: {
    textDocuments: [],
    workspaceFolders: undefined,
    getConfiguration: (section) => ({ get: (name) => settings[`${section}.${name}`] }),
    onDidOpenTextDocument: on("open"),
    onDidChangeTextDocument: on("change"),
    onDidCloseTextDocument: on("close"),
    onDidChangeConfiguration: on("configuration"),
  },
  window: {
    activeTextEditor: undefined,
    showErrorMessage: (text) => { shown.errors.push(text); events.emit("error message"); },
    createWebviewPanel: (type, title, column, options) => {
      const panel = { title, options, webview: { html: "" }, reveal() {}, onDidDispose() {} };
      shown.panels.push(panel);
      return panel;
    },
  },
  commands: { registerCommand: (name, command) => { commands[name] = command; return { dispose() {} }; } },
  // For the test.
  stub: { events, providers, commands, shown, problems, settings },
};
