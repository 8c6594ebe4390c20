"""The colours of an editor without a server: the grammar that `ladon syntax` prints, in an
engine that is not ours, and in Vim and Emacs where there are such."""

import json
import re
import shutil
import subprocess
import zipfile

import pytest
from textmate_grammar.parsers.base import LanguageParser

from conftest import LADON, ROOT


def printed(editor):
    return subprocess.run([LADON, "syntax", editor], capture_output=True, text=True,
                          check=True).stdout


@pytest.fixture(scope="module")
def scopes():
    parser = LanguageParser(json.loads(printed("textmate")))

    def of(text):
        """(text, innermost scope) of all pieces, but space."""
        return [(piece, found[-1].removesuffix(".attn"))
                for _, piece, found in parser.parse_string(text).flatten() if piece.strip()]

    return of


SPEC = """\
# A comment: fn let 3 tanh.
param reach: i32 = 0x40
fn softcap(x, cap) = if not true then cap * tanh(x / cap) else sum(n in 0..4, float(n))
attention local(q: bf16[B, 8, S, 64]) -> (o: f32[B]) {
  let mask = attend(q, q, q, mask = causal and window(reach, 0), score = softcap(s, 3.5e1) < inf)
  return mask.lse
}
"""


@pytest.mark.parametrize("piece, scope", [
    ("# A comment: fn let 3 tanh.", "comment.line.number-sign"), ("param", "keyword.declaration"),
    ("reach", "variable.other.constant"), ("i32", "storage.type"), ("bf16", "storage.type"),
    ("0x40", "constant.numeric"), ("fn", "keyword.declaration"),
    ("softcap", "entity.name.function"), ("local", "entity.name.function"),
    ("if", "keyword.control"), ("in", "keyword.control"), ("return", "keyword.control"),
    ("not", "keyword.operator.logical"), ("true", "constant.language"), ("inf", "constant.language"),
    ("tanh", "support.function"), ("float", "support.function"), ("sum", "support.function"),
    ("attend", "support.function"), ("causal", "support.constant"), ("window", "support.constant"),
    ("score", "variable.parameter"), ("3.5e1", "constant.numeric"), ("lse", "variable.other.property"),
    ("s", "variable.language"), ("cap", "variable.other"), ("->", "keyword.operator"),
    ("..", "keyword.operator"), ("<", "keyword.operator"),
])
def test_scopes(scopes, piece, scope):
    assert (piece, scope) in scopes(SPEC)


def test_an_argument_is_one_where_it_is_given(scopes):
    found = [scope for piece, scope in scopes(SPEC) if piece == "mask"]
    assert found == ["variable.other", "variable.parameter", "variable.other"]


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.attn")), ids=lambda p: p.stem)
def test_every_word_and_number_of_the_examples_has_a_colour(scopes, path):
    text = path.read_text()
    found = scopes(text)
    bare = [piece for piece, scope in found if scope == "source" and re.search(r"\w", piece)]
    assert not bare
    comments = [piece for piece, scope in found if scope == "comment.line.number-sign"]
    assert comments == re.findall(r"#.*", text)


@pytest.mark.parametrize("editor, path", [
    ("textmate", "vscode/syntaxes/attn.tmLanguage.json"), ("vim", "vim/syntax/attn.vim"),
    ("emacs", "emacs/attn-mode.el"),
])
def test_what_is_kept_is_what_is_printed(editor, path):
    assert (ROOT / "editors" / path).read_text() == printed(editor), \
        f"run: ladon syntax {editor} > editors/{path}"


def test_the_extension_is_whole(tmp_path):
    for name in ["one.vsix", "two.vsix"]:
        subprocess.run([ROOT / "scripts/vsix", tmp_path / name], check=True, capture_output=True)
    assert (tmp_path / "one.vsix").read_bytes() == (tmp_path / "two.vsix").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.vsix", "two.vsix"]
    with zipfile.ZipFile(tmp_path / "one.vsix") as archive:
        names = set(archive.namelist())
        package = json.loads(archive.read("extension/package.json"))
        json.loads(archive.read("extension/language-configuration.json"))
        manifest = archive.read("extension.vsixmanifest").decode()
    for language in package["contributes"]["languages"]:
        assert "extension/" + language["configuration"].removeprefix("./") in names
    for grammar in package["contributes"]["grammars"]:
        assert "extension/" + grammar["path"].removeprefix("./") in names
    assert f'Version="{package["version"]}"' in manifest
    assert set(re.findall(r'Path="([^"]*)"', manifest)) <= names
    assert {"[Content_Types].xml", "extension/LICENSE.txt"} <= names


@pytest.mark.skipif(not shutil.which("vim"), reason="no Vim")
def test_vim(tmp_path):
    (tmp_path / "a.attn").write_text(SPEC)
    places = {"param": "attnDeclaration", "0x40": "attnNumber", "softcap": "attnName",
              "tanh(": "attnFunction", "bf16": "attnType", "mask = causal": "attnArgument",
              "causal": "attnMask", "lse": "attnResult", "inf": "attnConstant",
              "A comment": "attnComment", "s, 3": "attnPosition"}
    script = tmp_path / "check.vim"
    lines = [f"set runtimepath^={ROOT}/editors/vim", "filetype plugin on", "syntax on",
             f"edit {tmp_path}/a.attn", "let out = [&filetype, &commentstring]"]
    for text in places:
        lines += ["call cursor(1, 1)", f"call search('\\V\\<{text}', 'cW')",
                  "call add(out, synIDattr(synID(line('.'), col('.'), 1), 'name'))"]
    script.write_text("\n".join(lines + [f"call writefile(out, '{tmp_path}/out')", "qall!"]) + "\n")
    subprocess.run(["vim", "-Nu", "NONE", "-es", "-S", script], timeout=30, check=False,
                   stdin=subprocess.DEVNULL)
    found = (tmp_path / "out").read_text().split("\n")
    assert found[:2] == ["attn", "# %s"]
    assert dict(zip(places, found[2:])) == places


@pytest.mark.skipif(not shutil.which("emacs"), reason="no Emacs")
def test_emacs(tmp_path):
    (tmp_path / "a.attn").write_text(SPEC)
    places = {"param": "keyword", "i32": "type", "tanh(": "builtin", "A comment": "comment",
              "causal": "constant"}
    checks = "".join(
        f'(goto-char (point-min)) (search-forward "{text}") (goto-char (match-beginning 0))'
        '(princ (format "%s\\n" (get-text-property (point) \'face)))' for text in places)
    result = subprocess.run(
        ["emacs", "-Q", "--batch", "-l", ROOT / "editors/emacs/attn-mode.el", "--eval",
         f'(progn (find-file "{tmp_path}/a.attn") (font-lock-ensure) {checks})'],
        capture_output=True, text=True, timeout=30)
    assert result.stdout.split() == [f"font-lock-{face}-face" for face in places.values()]
