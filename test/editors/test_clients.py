"""Clients that send garbage, or die: a message, an exit code, no crash and no hang."""

import json
import os
import subprocess

import pytest

from conftest import LADON


def message(content):
    if not isinstance(content, bytes):
        content = json.dumps(content).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(content), content)


def request(method, params=None, number=1):
    return message({"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}})


def notification(method, params=None):
    return message({"jsonrpc": "2.0", "method": method, "params": params or {}})


INITIALIZE = request("initialize", {"capabilities": {}})
EXIT = notification("exit")


def serve(data, timeout=20):
    return subprocess.run([LADON, "lsp"], input=data, capture_output=True, timeout=timeout)


def test_a_session():
    result = serve(INITIALIZE + notification("initialized") + request("shutdown", number=2) + EXIT)
    assert result.returncode == 0 and result.stderr == b""
    assert b'"name":"ladon"' in result.stdout and b'"result":null' in result.stdout


@pytest.mark.parametrize("data, said", [
    (b"", "it has gone without 'exit'"),
    (INITIALIZE, "it has gone without 'exit'"),
    (EXIT, "expected 'shutdown' before 'exit'"),
    (b"hello\n", "expected a header 'Content-Length: N', found 'hello'"),
    (b"\x00\xff\xfe" * 5000, "expected a header 'Content-Length: N', found '\\00\\FF"),
    (b"{}" * 5000, "expected a header"),
    (b"Content-Length: x\r\n\r\n", "expected one length, found 'Content-Length: x'"),
    (b"Content-Length: -1\r\n\r\n", "expected one length"),
    (b"Content-Length: 99999999999999999999\r\n\r\n", "expected one length"),
    (b"Content-Length: 999999999999\r\n\r\n", "expected a message of at most 16777216 bytes"),
    (b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "expected one length"),
    (b"\r\n{}", "expected a header"),
    (b"Content-Length: 100\r\n\r\n{}", "expected 100 bytes of a message, found 2"),
    (b"Content-Length", "expected a header"),
    (message(b"{"), "expected JSON, found '{'"),
    (message(b"\xff\xff"), "expected JSON"),
    (message([]), "expected a message of JSON-RPC 2.0, found '[]'"),
    (message({"jsonrpc": "1.0", "method": "exit"}), "expected a message of JSON-RPC 2.0"),
    (message({"jsonrpc": "2.0"}), "expected a message of JSON-RPC 2.0"),
    (message(b"[" * 1000000), "expected a message of at most 64 levels"),
    (message(b'{"a":' * 1000000), "expected a message of at most 64 levels"),
])
def test_garbage(data, said):
    result = serve(data)
    assert result.returncode == 1
    assert result.stderr.decode().startswith("ladon: error: the client: ")
    assert said in result.stderr.decode()


@pytest.mark.parametrize("params", [
    {}, [], {"textDocument": 3}, {"textDocument": {"uri": "http://x", "version": 1, "text": ""}},
    {"textDocument": {"uri": "file:///a", "languageId": "attn", "version": "x", "text": 7}},
])
def test_wrong_parameters_are_answered_and_the_session_goes_on(params):
    result = serve(INITIALIZE + notification("textDocument/didOpen", params)
                   + request("textDocument/hover", params, 2)
                   + request("no/such/method", params, 3)
                   + notification("$/unknown", params)
                   + message({"jsonrpc": "2.0", "id": 77, "result": None})
                   + request("shutdown", number=4) + EXIT)
    assert result.returncode == 0
    assert b'"code":-3260' in result.stdout
    assert b'"id":4,"jsonrpc":"2.0","result":null' in result.stdout


def test_changes_of_what_is_not_open():
    change = {"textDocument": {"uri": "file:///a.attn", "version": 2}, "contentChanges": []}
    result = serve(INITIALIZE + notification("textDocument/didChange", change)
                   + notification("textDocument/didClose", change)
                   + request("shutdown", number=2) + EXIT)
    assert result.returncode == 0 and b"is not open" in result.stderr


def test_a_range_that_is_none():
    opened = {"textDocument": {"uri": "file:///a.attn", "languageId": "attn", "version": 1,
                               "text": "fn f(x) = x\n"}}
    changes = [{"range": {"start": {"line": a, "character": b}, "end": {"line": c, "character": d}},
                "text": "y"} for a, b, c, d in [(5, 0, 1, 0), (-1, -1, -5, -5), (0, 9, 0, 2),
                                                (0, 2**31 - 1, 2**31 - 1, 0)]]
    result = serve(INITIALIZE + notification("textDocument/didOpen", opened)
                   + notification("textDocument/didChange", {
                       "textDocument": {"uri": "file:///a.attn", "version": 2},
                       "contentChanges": changes})
                   + request("shutdown", number=2) + EXIT)
    assert result.returncode == 0


def test_a_spec_that_is_too_large():
    opened = {"textDocument": {"uri": "file:///a.attn", "languageId": "attn", "version": 1,
                               "text": "#" + "x" * (1 << 20)}}
    result = serve(INITIALIZE + notification("textDocument/didOpen", opened)
                   + request("shutdown", number=2) + EXIT)
    assert result.returncode == 0 and b"LDN0001" in result.stdout


def test_a_client_that_does_not_read():
    """It closes its side, then sends more than a pipe holds."""
    read, write = os.pipe()
    server = subprocess.Popen([LADON, "lsp"], stdin=subprocess.PIPE, stdout=write,
                              stderr=subprocess.PIPE)
    os.close(write)
    os.close(read)
    _, said = server.communicate(INITIALIZE * 2000, timeout=20)
    assert server.returncode == 1
    assert said.decode().startswith("ladon: error: the client: ")
