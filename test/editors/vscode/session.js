// A session of the extension in the folder that is the first argument, with the server
// that is the second one. Fails at the first thing that is not as expected.

"use strict";

const assert = require("assert");
const path = require("path");
const vscode = require("vscode");
const { events, providers, commands, shown, problems, settings } = vscode.stub;
const [folder, ladon] = process.argv.slice(2);
const extension = require(path.join(folder, "extension.js"));

const SPEC = `# How far a query sees.
param reach: i32 = 64

attention local(
    q: f32[B, 8, S, 64],
    k: f32[B, 2, S, 64],
    v: f32[B, 2, S, 64],
) -> f32[B, 8, S, 64] {
  return attend(q, k, v, mask = window(reach, 0))
}
`;

const once = (name) => new Promise((resolve, reject) => {
  const late = setTimeout(() => reject(new Error(`waited for ${name}`)), 20000);
  events.once(name, () => { clearTimeout(late); resolve(); });
});

const document = {
  uri: new vscode.Uri("file:///specs/ä spec.attn"), languageId: "attn", version: 1, text: SPEC,
  getText() { return this.text; },
};

async function write(text) {
  document.text = text;
  document.version += 1;
  const seen = once("problems");
  events.emit("change", { document });
  await seen;
  return problems.get(document.uri.toString());
}

function place(text, offset = 0) {
  const lines = document.text.slice(0, document.text.indexOf(text) + offset).split("\n");
  return new vscode.Position(lines.length - 1, lines.at(-1).length);
}

const ask = (what, method, ...rest) => providers[what].provider[method](document, ...rest);

async function main() {
  // A text is open before there is a server.
  settings["ladon.path"] = "/no/such/ladon";
  vscode.workspace.textDocuments.push(document);
  await extension.activate({ subscriptions: [] });
  assert.match(shown.errors.pop(), /'\/no\/such\/ladon lsp' does not run: .*ENOENT.* ladon\.path/);
  assert.strictEqual(await ask("hover", "provideHover", place("reach")), null);

  settings["ladon.path"] = ladon;
  let seen = once("problems");
  events.emit("configuration", { affectsConfiguration: (name) => name === "ladon.path" });
  await seen;
  assert.deepStrictEqual(problems.get(document.uri.toString()), []);

  // What is wrong, and what repairs it.
  const found = await write(SPEC.replace("window(reach, 0)", "window(reach, 0) && j > 3"));
  assert.strictEqual(found[0].severity, 0);
  assert.strictEqual(found[0].source, "ladon");
  assert.match(found[0].code, /^LDN\d+$/);
  const [action] = await ask("actions", "provideCodeActions", { start: place("&&"), end: place("&&") });
  assert.strictEqual(action.title, "Replace '&&' by 'and'");
  assert.strictEqual(action.edit.changes[document.uri.toString()][0].newText, "and");
  assert.deepStrictEqual(await write(SPEC), []);

  // Questions.
  assert.match((await ask("hover", "provideHover", place("window"))).contents.value, /window/);
  const words = await ask("completion", "provideCompletionItems", place("window"));
  assert(words.some((item) => item.label === "causal"));
  const help = await ask("signature", "provideSignatureHelp", place("reach, 0", 7));
  assert.strictEqual(help.activeParameter, 1);
  assert.match(help.signatures[0].label, /^window\(/);
  const target = await ask("definition", "provideDefinition", place("reach, 0"));
  assert.deepStrictEqual([target.uri.toString(), target.range.start.line], [document.uri.toString(), 1]);
  const uses = await ask("references", "provideReferences", place("reach, 0"), { includeDeclaration: true });
  assert.strictEqual(uses.length, 2);
  const outline = await ask("symbols", "provideDocumentSymbols");
  assert.deepStrictEqual(outline.map((one) => one.name), ["reach", "local", "q", "k", "v"]);
  const name = await ask("rename", "prepareRename", place("reach, 0"));
  assert.strictEqual(name.end.character - name.start.character, 5);
  const edit = await ask("rename", "provideRenameEdits", place("reach, 0"), "extent");
  assert.strictEqual(edit.changes[document.uri.toString()].length, 2);
  await assert.rejects(ask("rename", "provideRenameEdits", place("reach, 0"), "causal"), /causal/);
  await assert.rejects(ask("rename", "prepareRename", place("64,")), /no name here/);
  await write(SPEC.replace("  return", "return"));
  assert((await ask("format", "provideDocumentFormattingEdits")).length > 0);
  await write(SPEC);

  // The picture of a mask, by the line above it.
  const [lens] = await ask("lens", "provideCodeLenses");
  assert.match(lens.command.title, /11\.9 % of 2097152 pairs visible/);
  await commands[lens.command.command](...lens.command.arguments);
  assert.deepStrictEqual(shown.errors, []);
  const [panel] = shown.panels;
  assert.strictEqual(panel.title, "Masks of ä spec.attn");
  assert.match(panel.webview.html, /11\.9 % of 2097152 pairs[^]*<\/html>/);
  await write(SPEC.replace("reach, 0", "extent, 0"));
  await commands["ladon.showMask"](document.uri);
  assert.match(shown.errors.pop(), /^There is no picture: [^]*'extent'/);
  assert.strictEqual(shown.panels.length, 1);
  vscode.window.activeTextEditor = undefined;
  await commands["ladon.showMask"]();
  assert.match(shown.errors.pop(), /that is open/);
  await write(SPEC);

  // A program that is no server: tried a few times, then told.
  settings["ladon.path"] = "/bin/false";
  seen = once("error message");
  await commands["ladon.restart"]();
  await seen;
  assert.match(shown.errors.pop(), /'\/bin\/false lsp' does not run: it ended with 1/);
  settings["ladon.path"] = "/bin/yes"; // Writes what is no message, without end.
  seen = once("error message");
  await commands["ladon.restart"]();
  await seen;
  assert.match(shown.errors.pop(), /writes what is no message/);

  // It is found again, and let go.
  settings["ladon.path"] = ladon;
  seen = once("problems");
  await commands["ladon.restart"]();
  await seen;
  events.emit("close", document);
  await extension.deactivate();
  assert.deepStrictEqual(shown.errors, []);
  console.log("done");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
