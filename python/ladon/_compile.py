"""From a spec to a kernel, by way of the cache."""

from __future__ import annotations

import json
import os
import warnings
from typing import Any

from . import _cache, _program
from ._errors import SpecError
from ._kernel import Build, Kernel
from ._native import native_level


def compile(source: str | os.PathLike[str], target: str = "native", *, codegen: str = "llvm",
            entry: str | None = None, cache: bool = True, **params: Any) -> Kernel:
    """Compiles a spec.

    source   the text of a spec or of a module of MLIR, or the path of a file: a
             pathlib.Path, or a string of one line that ends in .attn or .mlir
    target   "native" (this machine), a level of x86-64 ("x86-64-v3") or several
             for one library ("x86-64-v3,x86-64-v4"), or a GPU ("sm_80",
             "sm_90a"): whatever `ladon build --target` takes
    codegen  what makes the code of attends: "llvm" or "halide"
    entry    which function of a module that has several
    cache    whether the result is kept on disk for the next time
    params   values of the spec's compile-time params

    Raises SpecError with the diagnostics when the spec cannot be compiled, and
    OSError when its file cannot be read.

    Kernels are kept in $XDG_CACHE_HOME/ladon/kernels (or $LADON_CACHE), at most
    1 GiB of them (or $LADON_CACHE_SIZE bytes). A cache that cannot be written is
    a RuntimeWarning; the kernel is then compiled for this process alone.
    """
    text, name = _read(source)
    options = ["--codegen", codegen]
    if target not in ("native", "cpu"):
        options += ["--target", target]
    for param in sorted(params):
        options += ["-D", f"{param}={_spell(param, params[param])}"]
    build = Build(text, name, tuple(options))

    def fill(folder: str) -> None:
        _program.run(["build", "-", "-o", folder, "--name", "kernels", *options], text, name)

    # Code for `native` is that of this machine; a home may be shared by several.
    machine = native_level() if target in ("native", "cpu") else ""
    key = _cache.key(_program.identity(), machine, *options, text)
    if cache:
        # A process that clears the cache may be faster than opening an entry.
        for _ in range(3):
            try:
                folder = _cache.find(key) or _cache.add(key, fill)
                return _open(folder, build, entry)
            except FileNotFoundError:
                continue
            except OSError as error:
                warnings.warn(f"ladon: the cache cannot be written: {error}", RuntimeWarning,
                              stacklevel=2)
                break
    import tempfile

    with tempfile.TemporaryDirectory(prefix="ladon-") as folder:
        fill(folder)
        return _open(folder, build, entry)


def _read(source: str | os.PathLike[str]) -> tuple[str, str]:
    """The text of a spec and the name of its file, '' without one."""
    if isinstance(source, str) and ("\n" in source or not source.endswith((".attn", ".mlir"))):
        return source, ""
    path = os.fspath(source)
    with open(path, "rb") as file:
        data = file.read()
    try:
        return data.decode("utf-8"), path
    except UnicodeDecodeError as error:
        raise SpecError(f"{path}: the text is not valid UTF-8 at byte {error.start}", []) from None


def _spell(name: str, value: Any) -> str:
    """A value as `-D` takes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if hasattr(value, "item"):  # A number of NumPy.
        return _spell(name, value.item())
    if isinstance(value, (int, float)):
        return repr(value)
    raise TypeError(f"{name}: expected a number or a bool, found {type(value).__name__}")


def _open(folder: str, build: Build, entry: str | None) -> Kernel:
    """The kernel of a compiled folder."""
    manifests = sorted(file for file in os.listdir(folder) if file.endswith(".json"))
    names = [file[:-len(".json")] for file in manifests]
    if entry is None and len(names) > 1:
        raise SpecError("the module has several functions, entry= says which: "
                        + ", ".join(names), [])
    if entry is not None and entry not in names:
        raise SpecError(f"there is no function '{entry}', but: {', '.join(names)}", [])
    if not names:
        raise FileNotFoundError(folder)
    chosen = entry or names[0]
    with open(os.path.join(folder, chosen + ".json"), encoding="utf-8") as file:
        manifest = json.load(file)
    with open(os.path.join(folder, chosen + ".h"), encoding="utf-8") as file:
        header = file.read()
    return Kernel(os.path.join(folder, manifest["library"]), manifest, header, build)
