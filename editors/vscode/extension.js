// The extension: `ladon lsp` for the texts that are open, and the picture of a mask.

"use strict";

const { execFile } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const vscode = require("vscode");
const { Client } = require("./client");
const convert = require("./convert");

const SPECS = { language: "attn", scheme: "file" };

let client = null; // The server, from when it is started.
let live = false; // Whether it answers.
let problems = null; // Diagnostics of all texts.
let ends = []; // When the server ended by itself, in milliseconds.

const program = () => vscode.workspace.getConfiguration("ladon").get("path") || "ladon";
const isSpec = (document) => vscode.languages.match(SPECS, document) > 0;
const named = (document) => ({ textDocument: { uri: document.uri.toString() } });
const at = (document, position) => ({
  ...named(document), position: { line: position.line, character: position.character },
});

//===--- The server -----------------------------------------------------------===//

async function start() {
  const started = new Client(program(), ["lsp"], {
    notification(method, params) {
      if (method === "textDocument/publishDiagnostics")
        problems.set(vscode.Uri.parse(params.uri), params.diagnostics.map(convert.diagnostic));
    },
    end: (reason) => ended(started, reason),
  });
  client = started;
  const folder = (vscode.workspace.workspaceFolders || [])[0];
  try {
    await started.request("initialize", {
      processId: process.pid, rootUri: folder ? folder.uri.toString() : null, capabilities: {},
    });
  } catch {
    return; // It has ended, which is told.
  }
  if (client !== started) return;
  started.notify("initialized", {});
  live = true;
  vscode.workspace.textDocuments.forEach(open);
}

// Starts it again, but not for ever.
function ended(which, reason) {
  if (which !== client) return;
  forget();
  const now = Date.now();
  ends = [...ends.filter((time) => now - time < 60000), now];
  if (which.process.pid !== undefined && ends.length < 4) return void start();
  vscode.window.showErrorMessage(`'${program()} lsp' does not run: ${reason}. ` +
    "The setting ladon.path says where ladon is; 'Ladon: Restart the Language Server' tries again.");
}

// What was the server until now, or null.
function forget() {
  const old = client;
  client = null;
  live = false;
  problems.clear();
  return old;
}

async function restart() {
  const old = forget();
  ends = [];
  if (old) await old.stop();
  await start();
}

function open(document) {
  if (live && isSpec(document))
    client.notify("textDocument/didOpen", { textDocument: {
      uri: document.uri.toString(), languageId: "attn", version: document.version, text: document.getText(),
    } });
}

function change({ document }) {
  if (live && isSpec(document))
    client.notify("textDocument/didChange", {
      textDocument: { uri: document.uri.toString(), version: document.version },
      contentChanges: [{ text: document.getText() }],
    });
}

function close(document) {
  if (live && isSpec(document)) client.notify("textDocument/didClose", named(document));
}

// The answer, or null where there is none: VS Code then shows nothing.
async function ask(method, params) {
  if (!live) return null;
  return client.request("textDocument/" + method, params).catch(() => null);
}

const all = (list, make) => (list || []).map(make);

const providers = {
  provideHover: async (document, position) => convert.hover(await ask("hover", at(document, position))),
  provideCompletionItems: async (document, position) =>
    convert.completions((await ask("completion", at(document, position))) || { items: [] }),
  provideSignatureHelp: async (document, position) =>
    convert.signatures(await ask("signatureHelp", at(document, position))),
  provideDefinition: async (document, position) => {
    const found = await ask("definition", at(document, position));
    return found && convert.location(found);
  },
  provideReferences: async (document, position, context) =>
    all(await ask("references", { ...at(document, position), context }), convert.location),
  provideDocumentSymbols: async (document) => all(await ask("documentSymbol", named(document)), convert.symbol),
  prepareRename: async (document, position) => {
    const found = await ask("prepareRename", at(document, position));
    if (!found) throw new Error("there is no name here that can be changed");
    return convert.range(found);
  },
  // Refused in the server's words, which VS Code shows.
  provideRenameEdits: async (document, position, newName) => live && convert.workspaceEdit(
    await client.request("textDocument/rename", { ...at(document, position), newName })),
  provideDocumentFormattingEdits: async (document) =>
    convert.edits(await ask("formatting", named(document))),
  provideCodeActions: async (document, { start, end }) =>
    all(await ask("codeAction", { ...named(document), range: { start, end }, context: { diagnostics: [] } }),
      convert.codeAction),
  provideCodeLenses: async (document) => all(await ask("codeLens", named(document)), (lens) =>
    new vscode.CodeLens(convert.range(lens.range), {
      title: lens.command.title, command: "ladon.showMask", arguments: [document.uri],
    })),
};

//===--- The picture ----------------------------------------------------------===//

const panels = new Map(); // By the text that they show.

// The page of `ladon explain` for a text as it is in the editor.
async function showMask(uri) {
  const editor = vscode.window.activeTextEditor;
  uri = uri || (editor && editor.document.uri);
  const document = uri && vscode.workspace.textDocuments.find((one) => one.uri.toString() === uri.toString());
  if (!document || !isSpec(document))
    return void vscode.window.showErrorMessage("Ladon shows the masks of a spec (.attn) that is open.");
  let page;
  try {
    page = await explain(document.getText());
  } catch (error) {
    return void vscode.window.showErrorMessage(`There is no picture: ${error.message}`);
  }
  let panel = panels.get(uri.toString());
  if (!panel) {
    panel = vscode.window.createWebviewPanel("ladon.mask", "Masks of " + path.basename(uri.fsPath),
      vscode.ViewColumn.Beside, { enableScripts: true, localResourceRoots: [] });
    panel.onDidDispose(() => panels.delete(uri.toString()));
    panels.set(uri.toString(), panel);
  }
  panel.webview.html = page;
  panel.reveal(undefined, true);
}

// A page of HTML, which needs nothing else; rejects with what the compiler says.
async function explain(spec) {
  const folder = await fs.promises.mkdtemp(path.join(os.tmpdir(), "ladon-"));
  try {
    const file = path.join(folder, "mask.html");
    await new Promise((resolve, reject) => {
      const child = execFile(program(), ["explain", "-", "--html", file], { timeout: 60000 },
        (error, _, said) => (error ? reject(new Error(said.trim() || error.message)) : resolve()));
      child.stdin.on("error", () => {});
      child.stdin.end(spec);
    });
    return await fs.promises.readFile(file, "utf8");
  } finally {
    await fs.promises.rm(folder, { recursive: true, force: true });
  }
}

//===--- VS Code ----------------------------------------------------------------===//

async function activate(context) {
  problems = vscode.languages.createDiagnosticCollection("ladon");
  const { languages, workspace, commands } = vscode;
  context.subscriptions.push(
    problems,
    commands.registerCommand("ladon.showMask", showMask),
    commands.registerCommand("ladon.restart", restart),
    workspace.onDidOpenTextDocument(open),
    workspace.onDidChangeTextDocument(change),
    workspace.onDidCloseTextDocument(close),
    workspace.onDidChangeConfiguration((event) => event.affectsConfiguration("ladon.path") && restart()),
    languages.registerHoverProvider(SPECS, providers),
    languages.registerCompletionItemProvider(SPECS, providers, ".", "(", ","),
    languages.registerSignatureHelpProvider(SPECS, providers, "(", ","),
    languages.registerDefinitionProvider(SPECS, providers),
    languages.registerReferenceProvider(SPECS, providers),
    languages.registerDocumentSymbolProvider(SPECS, providers),
    languages.registerRenameProvider(SPECS, providers),
    languages.registerDocumentFormattingEditProvider(SPECS, providers),
    languages.registerCodeActionsProvider(SPECS, providers),
    languages.registerCodeLensProvider(SPECS, providers));
  await start();
}

async function deactivate() {
  const old = forget();
  if (old) await old.stop();
}

module.exports = { activate, deactivate };
