"""From text to kernels: files, params, modules, errors as data."""

import os
import pickle
import subprocess

import ladon
import numpy
import pytest
from conftest import PLAIN, qkv

BAD = """attention bad(q: f32[B, 2, S, 8], k: f32[B, 2, T, 8]) -> f32[B, 2, S, 8] {
  return attend(q, k, w, scle = 2)
}
"""


def test_errors_are_text_and_data():
    with pytest.raises(ladon.SpecError) as caught:
        ladon.compile(BAD)
    error = caught.value
    assert "'w' is not defined [LDN0201]\n  return attend(q, k, w, scle = 2)\n" in str(error)
    found = {d.id: d for d in error.diagnostics}
    assert found["LDN0201"] == ladon.Diagnostic("error", "'w' is not defined", "LDN0201",
                                                "<stdin>", 2, 23, ())
    note, = found["LDN0321"].notes
    assert note.startswith("named arguments are scale, score, mask")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) and copy.diagnostics == error.diagnostics


def test_errors_name_the_file(tmp_path):
    file = tmp_path / "bad.attn"
    file.write_text(BAD)
    for source in (file, str(file)):
        with pytest.raises(ladon.SpecError, match="bad.attn:2:") as caught:
            ladon.compile(source)
        assert caught.value.diagnostics[0].file == str(file)


def test_files_are_compiled_as_they_are_now(tmp_path):
    file = tmp_path / "plain.attn"
    file.write_text(PLAIN)
    assert ladon.compile(file).symbols == ("B", "S", "T")
    file.write_text(PLAIN.replace("T", "S"))
    assert ladon.compile(file).symbols == ("B", "S")
    with pytest.raises(FileNotFoundError):
        ladon.compile(tmp_path / "absent.attn")
    file.write_bytes(b"# \xff\n")
    with pytest.raises(ladon.SpecError, match="not valid UTF-8 at byte 2"):
        ladon.compile(file)


@pytest.mark.parametrize("text", ["", "x", "\0", "attention", "# comment\n", "é" * 10])
def test_what_is_no_spec(text):
    with pytest.raises(ladon.SpecError) as caught:
        ladon.compile(text)
    assert caught.value.diagnostics and caught.value.diagnostics[0].severity == "error"


def test_params():
    spec = """
        param reach: i32 = 1
        param slope: f32 = 0.5
        param both: bool = false
        attention p(q: f32[B, 2, S, 16], k: f32[B, 2, S, 16], v: f32[B, 2, S, 16])
            -> f32[B, 2, S, 16] {
          return attend(q, k, v, score = s + slope * j, mask = window(reach, if both then reach else 0))
        }"""
    facts = ladon.compile(spec, reach=3, slope=-0.25, both=True).manifest["facts"]
    assert (facts["param.reach"], facts["param.both"]) == ("3", "true")
    assert float(facts["param.slope"]) == -0.25
    with pytest.raises(ladon.SpecError, match="LDN0211") as caught:
        ladon.compile(spec, width=3)
    assert caught.value.diagnostics[0].message == "-D width: the spec has no param 'width'"
    with pytest.raises(ladon.SpecError, match="expected a value of type i32"):
        ladon.compile(spec, reach=2.5)
    with pytest.raises(TypeError, match="reach: expected a number or a bool, found list"):
        ladon.compile(spec, reach=[1])


def test_targets():
    native = ladon.compile(PLAIN)
    assert native.target.split()[-1] == ladon._native.native_level()
    assert ladon.compile(PLAIN, target="x86-64-v3").manifest["cpu_level"] == 3
    both = ladon.compile(PLAIN, target="x86-64-v2,x86-64-v3")
    assert [level["name"] for level in both.manifest["levels"]] == ["x86-64-v2", "x86-64-v3"]
    numpy.testing.assert_allclose(both(*qkv()), native(*qkv()), rtol=1e-5, atol=1e-6)
    gpu = ladon.compile(PLAIN, target="sm_80")
    with pytest.raises(ladon.CallError) as caught:
        gpu(*qkv())
    assert caught.value.status in (2, 21) and caught.value.args
    with pytest.raises(ladon.SpecError, match="--target: toaster not in"):
        ladon.compile(PLAIN, target="toaster")


def test_modules_of_several_functions():
    dump = subprocess.run([ladon._program.path(), "build", "-", "--emit", "attn"], input=PLAIN,
                          capture_output=True, text=True, check=True).stdout
    one = ladon.compile(dump)
    assert (one(*qkv()) == ladon.compile(PLAIN)(*qkv())).all()
    start, end = dump.index("  func.func"), dump.rindex("}")
    both = dump[:end] + dump[start:end].replace("@plain", "@other") + dump[end:]
    with pytest.raises(ladon.SpecError, match="entry= says which: other, plain"):
        ladon.compile(both)
    other = ladon.compile(both, entry="other")
    assert other.name == "other" and (other(*qkv()) == one(*qkv())).all()
    with pytest.raises(ladon.SpecError, match="there is no function 'third', but: other, plain"):
        ladon.compile(both, entry="third")


def test_a_compiler_that_is_not_there(monkeypatch):
    monkeypatch.setenv("LADON_PROGRAM", "/nonexistent/ladon")
    with pytest.raises(ladon.CompilerError, match="cannot find the compiler: /nonexistent/ladon"):
        ladon.compile(PLAIN)


def test_a_compiler_that_dies(monkeypatch, tmp_path, own_cache):
    program = tmp_path / "ladon"
    program.write_text("#!/bin/sh\necho half > \"$4/libplain.so\"\nkill -9 $$\n")
    program.chmod(0o755)
    monkeypatch.setenv("LADON_PROGRAM", str(program))
    with pytest.raises(ladon.CompilerError, match="the compiler ended with -9"):
        ladon.compile(PLAIN)
    assert os.listdir(own_cache) == []


def test_version():
    said = subprocess.run([ladon._program.path(), "--version"], capture_output=True, text=True)
    assert said.stdout == f"ladon {ladon.__version__}\n"
