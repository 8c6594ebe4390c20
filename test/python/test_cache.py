"""Compiled kernels on disk."""

import multiprocessing
import os
import subprocess
import sys

import ladon
import pytest
from conftest import PLAIN, qkv
from ladon import _cache, _program


def spec(number):
    return PLAIN.replace("return attend(q, k, v)", f"return attend(q, k, v, scale = {number}.0)")


def folders(cache):
    return sorted(os.listdir(cache))


def test_the_second_time_nothing_is_compiled(own_cache, monkeypatch):
    first = ladon.compile(PLAIN)
    assert folders(own_cache) == [os.path.basename(os.path.dirname(first.library))]
    monkeypatch.setattr(_program, "run", None)
    second = ladon.compile(PLAIN)
    assert second.library == first.library
    assert (second(*qkv()) == first(*qkv())).all()


def test_all_that_code_depends_on_is_in_the_key(own_cache, monkeypatch, tmp_path):
    ladon.compile(PLAIN)
    ladon.compile(PLAIN + "\n")
    ladon.compile(PLAIN, target="x86-64-v3")
    monkeypatch.setattr(_program, "identity", lambda: "another compiler")
    ladon.compile(PLAIN)
    monkeypatch.setattr("ladon._compile.native_level", lambda: "another machine")
    ladon.compile(PLAIN)
    assert len(folders(own_cache)) == 5


def test_parts_of_a_key_keep_apart():
    assert _cache.key("ab", "c") != _cache.key("a", "bc") != _cache.key("abc")


def test_without_the_cache_nothing_is_left(own_cache):
    kernel = ladon.compile(PLAIN, cache=False)
    assert not os.path.exists(own_cache) and not os.path.exists(kernel.library)
    assert kernel(*qkv()).shape == (1, 2, 5, 16)


def test_failures_leave_nothing(own_cache):
    with pytest.raises(ladon.SpecError):
        ladon.compile("attention")
    assert folders(own_cache) == []


def compile_one(arguments):
    folder, number = arguments
    os.environ["LADON_CACHE"] = folder
    kernel = ladon.compile(spec(number))
    return float(kernel(*qkv()).sum())


def test_many_processes_share_it(own_cache):
    numbers = [1, 2] * 4
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        sums = pool.map(compile_one, [(own_cache, n) for n in numbers], chunksize=1)
    assert len(set(sums[::2])) == len(set(sums[1::2])) == 1 and sums[0] != sums[1]
    assert len(folders(own_cache)) == 2


def test_the_least_recently_used_go_first(own_cache, monkeypatch):
    kernels = [ladon.compile(spec(n)) for n in range(1, 4)]
    for place, kernel in enumerate(kernels):
        os.utime(os.path.dirname(kernel.library), (1000 + place, 1000 + place))
    ladon.compile(spec(1))  # Now the youngest.
    one = _cache.entries()[0].size
    monkeypatch.setenv("LADON_CACHE_SIZE", str(int(one * 3.5)))
    ladon.compile(spec(4))
    left = [os.path.exists(kernel.library) for kernel in kernels]
    assert left == [True, False, True]
    assert (kernels[1](*qkv()) != 0).any(), "a library in use works on"


def test_what_was_made_just_now_stays(own_cache, monkeypatch):
    monkeypatch.setenv("LADON_CACHE_SIZE", "1")
    kernel = ladon.compile(PLAIN)
    assert os.path.exists(kernel.library)
    monkeypatch.setenv("LADON_CACHE_SIZE", "much")
    with pytest.raises(ValueError, match="LADON_CACHE_SIZE: expected a number of bytes"):
        ladon.compile(spec(2))


def test_what_dead_processes_left_goes(own_cache):
    ladon.compile(PLAIN)
    old, young = (os.path.join(own_cache, _cache._BEING_MADE + name) for name in ("old", "young"))
    for path in (old, young):
        os.mkdir(path)
    os.utime(old, (1000, 1000))
    ladon.compile(spec(2))
    assert not os.path.exists(old) and os.path.exists(young)
    assert len(_cache.entries()) == 2


def test_an_entry_that_goes_while_it_is_opened(own_cache, monkeypatch):
    ladon.compile(PLAIN)
    find, calls = _cache.find, []

    def vanish(name):
        path = find(name)
        calls.append(path)
        if path:
            _cache.clear()
        return path

    monkeypatch.setattr(_cache, "find", vanish)
    assert ladon.compile(PLAIN)(*qkv()).shape == (1, 2, 5, 16)
    assert calls[0] and not calls[1]


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("LADON_CACHE", str(file / "below"))
    with pytest.warns(RuntimeWarning, match="the cache cannot be written"):
        kernel = ladon.compile(PLAIN)
    assert kernel(*qkv()).shape == (1, 2, 5, 16)


def test_where_it_is(monkeypatch):
    monkeypatch.delenv("LADON_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert _cache.folder() == "/x/ladon/kernels"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert _cache.folder() == "/home/somebody/.cache/ladon/kernels"


def command(*arguments):
    return subprocess.run([sys.executable, "-m", "ladon", *arguments], capture_output=True, text=True)


def test_the_command_lists_and_clears(own_cache):
    assert command("cache", "list").stdout.startswith("0 kernels, 0.0 MB of at most 1073.7 MB")
    ladon.compile(PLAIN)
    lines = command("cache", "list").stdout.splitlines()
    assert len(lines) == 2 and " plain  " in lines[0] and lines[1].startswith("1 kernels")
    assert command("cache", "clear").stdout == f"1 kernels removed from {own_cache}\n"
    assert folders(own_cache) == []
    wrong = command("cache", "melt")
    assert wrong.returncode == 2 and "melt" in wrong.stderr


def test_other_commands_are_the_compilers(tmp_path):
    assert command("--version").stdout == f"ladon {ladon.__version__}\n"
    wrong = command("build", str(tmp_path / "absent.attn"))
    assert wrong.returncode == 1 and "No such file or directory" in wrong.stderr


def test_importing_stays_cheap():
    """Modules that take long to import are imported where they are used."""
    code = "import sys, ladon; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-I", "-c", f"import sys; sys.path[:0] = {sys.path}; {code}"],
                            capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "inspect", "tempfile", "subprocess", "hashlib", "json", "torch"} & set(loaded) - {"json"}
