"""What goes wrong, as exceptions."""

from __future__ import annotations

import re
from typing import NamedTuple


class Diagnostic(NamedTuple):
    """One thing that the compiler has to say about a spec."""

    severity: str  #: "error" or "warning"
    message: str
    id: str | None  #: "LDN0201": the entry in docs/errors.md
    file: str | None
    line: int | None  #: from 1
    column: int | None  #: from 1
    notes: tuple[str, ...] = ()


class SpecError(ValueError):
    """A spec, a param or an option that cannot be compiled.

    str() is what the compiler prints, with the lines of the spec; `diagnostics`
    has the same as data.
    """

    def __init__(self, text: str, diagnostics: list[Diagnostic]):
        super().__init__(text)
        self.diagnostics = diagnostics

    def __reduce__(self):
        return (SpecError, (str(self), self.diagnostics))


class CallError(ValueError):
    """Arguments that a kernel cannot be called with; nothing was written.

    `status` is the code of the C interface (docs/abi.md), None where the call
    did not get as far: an array whose memory cannot be used, for example.
    """

    def __init__(self, message: str, status: int | None = None):
        super().__init__(message)
        self.status = status

    def __reduce__(self):
        return (CallError, (str(self), self.status))


class CompilerError(RuntimeError):
    """The compiler failed in a way that is no fault of the spec."""


_HEAD = re.compile(r"^(?:(?P<file>.*?):(?P<line>\d+):(?P<column>\d+): |ladon: )"
                   r"(?P<severity>error|warning|note): (?P<message>.*?)"
                   r"(?: \[(?P<id>LDN\d+)\])?$")


def read_diagnostics(text: str) -> list[Diagnostic]:
    """What the compiler printed, as data. Excerpts of the spec are left out."""
    found: list[Diagnostic] = []
    for line in text.splitlines():
        match = _HEAD.match(line)
        if not match:
            continue
        parts = match.groupdict()
        if parts["severity"] == "note":
            if found:
                found[-1] = found[-1]._replace(notes=(*found[-1].notes, parts["message"]))
            continue
        found.append(Diagnostic(
            parts["severity"], parts["message"], parts["id"], parts["file"],
            parts["line"] and int(parts["line"]), parts["column"] and int(parts["column"])))
    return found
