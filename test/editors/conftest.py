"""A client of the language server, and texts with places in them."""

import os
import pathlib

import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

LADON = os.environ["LADON"]
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


@pytest_lsp.fixture(config=ClientServerConfig(server_command=[LADON, "lsp", "--stdio"]))
async def client(lsp_client: LanguageClient):
    await lsp_client.initialize_session(
        types.InitializeParams(capabilities=client_capabilities("visual-studio-code")))
    yield
    await lsp_client.shutdown_session()


class Opened:
    """A text that the server has open. A place in it is named by what stands there: '|'
    in `around` is the place."""

    def __init__(self, client, text, uri):
        self.client, self.text, self.uri, self.version = client, text, uri, 1
        self.document = types.TextDocumentIdentifier(uri=uri)

    def at(self, around):
        before, after = around.split("|")
        assert self.text.count(before + after) == 1, around
        return self.position(self.text.index(before + after) + len(before))

    def position(self, offset):
        lines = self.text[:offset].split("\n")
        return types.Position(line=len(lines) - 1,
                              character=len(lines[-1].encode("utf-16-le")) // 2)

    def offset(self, position):
        lines = self.text.split("\n")
        in_line = lines[position.line].encode("utf-16-le")[:2 * position.character]
        return (sum(len(line) + 1 for line in lines[:position.line])
                + len(in_line.decode("utf-16-le")))

    def covered(self, range_):
        return self.text[self.offset(range_.start):self.offset(range_.end)]

    def applied(self, edits):
        text = self.text
        for edit in sorted(edits, key=lambda e: self.offset(e.range.start), reverse=True):
            text = (text[:self.offset(edit.range.start)] + edit.new_text
                    + text[self.offset(edit.range.end):])
        return text

    @property
    def diagnostics(self):
        return list(self.client.diagnostics[self.uri])

    def place(self, around):
        return {"text_document": self.document, "position": self.at(around)}

    async def change(self, changes):
        self.version += 1
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(
            text_document=types.VersionedTextDocumentIdentifier(uri=self.uri,
                                                                version=self.version),
            content_changes=changes))
        await self.client.wait_for_notification("textDocument/publishDiagnostics")

    async def replace(self, old, new):
        """As an editor does when somebody types."""
        start = self.text.index(old)
        change = types.TextDocumentContentChangePartial(
            range=types.Range(self.position(start), self.position(start + len(old))), text=new)
        self.text = self.text.replace(old, new, 1)
        await self.change([change])


@pytest.fixture
def opened(client):
    async def open_text(text, uri="file:///specs/spec.attn"):
        client.text_document_did_open(types.DidOpenTextDocumentParams(
            text_document=types.TextDocumentItem(uri=uri, language_id="attn", version=1,
                                                 text=text)))
        await client.wait_for_notification("textDocument/publishDiagnostics")
        return Opened(client, text, uri)

    return open_text
