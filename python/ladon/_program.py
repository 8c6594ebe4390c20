"""The compiler, as a program beside this package."""

from __future__ import annotations

import os

from ._errors import CompilerError, SpecError, read_diagnostics

version = "0.1.0"


def path() -> str:
    """Of the compiler: LADON_PROGRAM in the environment, or the package's own."""
    return os.environ.get("LADON_PROGRAM") or os.path.join(os.path.dirname(__file__), "bin", "ladon")


def identity() -> str:
    """What changes when the compiler does."""
    program = path()
    try:
        found = os.stat(program)
    except OSError as error:
        raise CompilerError(f"cannot find the compiler: {program}: {error.strerror}") from None
    return f"{version} {found.st_size} {found.st_mtime_ns}"


def run(arguments: list[str], spec: str, name: str) -> str:
    """Runs the compiler on the text of a spec, which comes from the file `name`
    or from nowhere (''). Returns what it prints."""
    import subprocess

    try:
        done = subprocess.run([path(), *arguments], input=spec, capture_output=True,
                              text=True, encoding="utf-8", errors="replace")
    except OSError as error:
        raise CompilerError(f"cannot run the compiler: {path()}: {error.strerror}") from None
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.strip()
    if name:
        said = said.replace("<stdin>", name)
    if done.returncode in (1, 2):
        raise SpecError(said or done.stdout.strip(), read_diagnostics(said))
    raise CompilerError(said or f"the compiler ended with {done.returncode}")
