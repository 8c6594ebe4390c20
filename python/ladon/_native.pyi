from typing import Any, Callable

class Entry:
    """An entry point of a compiled library."""

    def __init__(self, library: str, entry: str, last_error: str, params: list[dict[str, Any]],
                 symbols: list[str], formulas: list[Callable[[tuple[int, ...]], int] | None]) -> None: ...
    def __call__(self, *arguments: Any, out: Any = None, threads: int = 0,
                 stream: int | None = None, **named: Any) -> Any: ...

def native_level() -> str:
    """The level of x86-64 that this machine has: "x86-64-v3"."""
