"""A compiled attention."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from . import _program
from ._native import Entry

if TYPE_CHECKING:
    import inspect


class Parameter(NamedTuple):
    """An argument or a result of a kernel."""

    name: str
    kind: str  #: "input", "output", "scalar" or "inout"
    dtype: str  #: "f16", "bf16", "f32", "f64", "i32", "i64" or "bool"
    dims: tuple[int | str, ...]  #: extents, numbers or names; () for a scalar
    doc: str | None = None

    def __str__(self) -> str:
        dims = f"[{', '.join(map(str, self.dims))}]" if self.kind != "scalar" else ""
        prefix = "inout " if self.kind == "inout" else ""
        return f"{prefix}{self.name}: {self.dtype}{dims}"


class Build(NamedTuple):
    """What a kernel was made of."""

    text: str
    file: str  #: '' when there was none
    options: tuple[str, ...]  #: of the compiler


class Picture(str):
    """What a mask lets through, as text; a notebook shows it as a picture."""

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg


def _formula(symbol: str, symbols: list[str]) -> Callable[[tuple[int, ...]], int] | None:
    """For a size that is computed from others, such as "(S + 15) // 16", a function of
    the values of all symbols; None for the name of a size."""
    if symbol.isidentifier():
        return None
    # A formula has numbers, names, + - * // and parentheses, as Python has them.
    body = re.sub(r"[A-Za-z_]\w*", lambda name: f"s[{symbols.index(name[0])}]", symbol)
    return eval(f"lambda s: {body}")


class Kernel(Entry):
    """A compiled attention. Call it with the arguments of its spec:

        kernel(q, k, v, ..., out=None, threads=0, stream=None, check_indices=False)

    Arguments are the inputs and scalars of the spec, in its order or by name.
    Tensors are anything with the buffer protocol, `__dlpack__`, or a capsule of
    DLPack: NumPy arrays (ml_dtypes included), PyTorch tensors, JAX arrays. They
    are read where they lie; any strides will do, broadcast and read-only arrays
    too. Scalars are numbers of Python or NumPy. A cache, an inout parameter, is an
    array that can be written to, and holds what is appended after the call.

    Results are new arrays of the same library as the first tensor (NumPy's, for
    a library that is not known), or those given as `out=`, a tuple of them when
    there are several. `threads` is how many may work, 0 for one per CPU; results
    do not depend on it. `stream` is the number of a CUstream, for code for a GPU;
    PyTorch's current stream where it is left out. With `check_indices` a captured
    index that would be clamped is a CallError with status 23, at the price of
    looking at every position one by one before anything is computed.

    The interpreter's lock is free while the kernel runs. TypeError says that
    arguments are missing or no arrays, CallError that they do not fit.
    """

    name: str
    #: The arguments, in order.
    parameters: tuple[Parameter, ...]
    #: The results, in order.
    results: tuple[Parameter, ...]
    #: The text that was compiled.
    spec: str
    #: The C header of the library.
    header: str
    #: What `ladon build` says about the library (docs/abi.md).
    manifest: dict[str, Any]
    #: The file of the library. It is gone when it was not cached.
    library: str

    def __init__(self, library: str, manifest: dict[str, Any], header: str, build: Build):
        symbols = manifest["symbols"]
        super().__init__(library, manifest["entry"], manifest["last_error"], manifest["params"],
                         symbols, [_formula(symbol, symbols) for symbol in symbols])
        every = [Parameter(p["name"], p["kind"], p["dtype"], tuple(p.get("dims", ())),
                           p.get("doc")) for p in manifest["params"]]
        self.name = manifest["name"]
        self.parameters = tuple(p for p in every if p.kind != "output")
        self.results = tuple(p for p in every if p.kind == "output")
        self.spec = build.text
        self.header = header
        self.manifest = manifest
        self.library = library
        self._build = build

    @property
    def target(self) -> str:
        """The machine that the code is for."""
        return self.manifest["target"]

    @property
    def symbols(self) -> tuple[str, ...]:
        """The names of the sizes that calls choose."""
        return tuple(self.manifest["symbols"])

    @property
    def __signature__(self) -> inspect.Signature:
        import inspect

        kind = inspect.Parameter
        return inspect.Signature(
            [kind(p.name, kind.POSITIONAL_OR_KEYWORD, annotation=str(p).partition(": ")[2])
             for p in self.parameters]
            + [kind("out", kind.KEYWORD_ONLY, default=None),
               kind("threads", kind.KEYWORD_ONLY, default=0),
               kind("stream", kind.KEYWORD_ONLY, default=None)])

    def __repr__(self) -> str:
        arguments = ", ".join(map(str, self.parameters))
        results = ", ".join(map(str, self.results))
        return f"<ladon.Kernel {self.name}({arguments}) -> ({results}), {self.target}>"

    def check(self, *, seed: int | None = None, **sizes: int) -> str:
        """Compares the kernel with an independent f64 reference on generated
        inputs, of `sizes` (or a table of them), and returns the report. Raises
        SpecError with the report when they differ."""
        return self._run("check", _size_options(sizes) + _option("--seed", seed))

    def bench(self, *, threads: int = 1, runs: int | None = None, **sizes: int) -> dict[str, Any]:
        """Times the kernel at `sizes`, all of which are needed, beside the peaks
        of this machine. What `ladon bench --json` prints, as a dictionary."""
        import json

        options = _size_options(sizes) + _option("--threads", threads) + _option("--runs", runs)
        return json.loads(self._run("bench", [*options, "--json"]))

    def explain(self, *, batch: int = 0, head: int = 0, **sizes: int) -> Picture:
        """Which keys are computed for which queries at `sizes` (without any, 512,
        and 1 for B): text, and in a notebook a picture."""
        import tempfile

        handle, file = tempfile.mkstemp(prefix="ladon-", suffix=".svg")
        os.close(handle)
        try:
            text = self._run("explain", [*_size_options(sizes), *_option("--batch", batch),
                                         *_option("--head", head), "--svg", file])
            picture = Picture(text)
            with open(file, encoding="utf-8") as svg:
                picture.svg = svg.read()
        finally:
            os.unlink(file)
        return picture

    def _run(self, command: str, options: list[str]) -> str:
        return _program.run([command, "-", *self._build.options, *options], self._build.text,
                            self._build.file)


def _option(name: str, value: int | None) -> list[str]:
    return [] if value is None else [name, str(value)]


def _size_options(sizes: dict[str, int]) -> list[str]:
    pairs = ",".join(f"{name}={int(size)}" for name, size in sizes.items())
    return ["--size", pairs] if pairs else []
