"""The extension for VS Code as it is packed, in Node, with a stand-in for VS Code and the
language server itself."""

import json
import re
import subprocess
import zipfile

import pytest

from conftest import LADON, ROOT


@pytest.fixture
def extension(tmp_path):
    packed = tmp_path / "ladon.vsix"
    subprocess.run([ROOT / "scripts/vsix", packed], check=True, capture_output=True)
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path)
    return tmp_path / "extension"


def test_everything_that_is_named_is_packed(extension):
    package = json.loads((extension / "package.json").read_text())
    contributes = package["contributes"]
    files = [package["main"], *(x["path"] for x in contributes["grammars"]),
             *(x["configuration"] for x in contributes["languages"])]
    sources = [file.read_text() for file in extension.glob("*.js")]
    files += [name + ".js" for text in sources for name in re.findall(r'require\("(\./[^"]*)"\)', text)]
    assert all((extension / file).is_file() for file in files)
    registered = {name for text in sources for name in re.findall(r'registerCommand\("([^"]*)"', text)}
    assert registered == {x["command"] for x in contributes["commands"]}
    types = (extension.parent / "[Content_Types].xml").read_text()
    suffixes = {file.suffix for file in extension.rglob("*") if file.is_file()}
    assert all(f'Extension="{suffix}"' in types for suffix in suffixes)


def test_a_session(extension):
    result = subprocess.run(["node", ROOT / "test/editors/vscode/session.js", extension, LADON],
                            env={"NODE_PATH": str(ROOT / "test/editors/vscode"), "PATH": "/usr/bin:/bin"},
                            capture_output=True, text=True, timeout=120)
    assert result.returncode == 0 and result.stdout == "done\n", result.stdout + result.stderr
