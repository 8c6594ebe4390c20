"""The command `ladon` of the package: the compiler's own commands, and those that
are about Python."""

from __future__ import annotations

import argparse
import os
import sys
import time

from . import _cache, _program


def main() -> int:
    arguments = sys.argv[1:]
    if arguments[:1] == ["cache"]:
        return _cache_command(arguments[1:])
    if arguments[:1] == ["import"]:
        try:
            from .onnx._model import import_command
        except ImportError as error:
            print(f"ladon: error: ladon import needs the package onnx: {error}", file=sys.stderr)
            return 1
        return import_command(arguments[1:])
    program = _program.path()
    try:
        os.execv(program, [program, *arguments])
    except OSError as error:
        print(f"ladon: error: cannot run the compiler: {program}: {error.strerror}",
              file=sys.stderr)
        return 70


def _cache_command(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="ladon cache", description="Kernels that ladon.compile keeps on disk")
    parser.add_argument("action", choices=["list", "clear"],
                        help="list: each with its size and when it was used last; clear: remove all")
    action = parser.parse_args(arguments).action
    try:
        if action == "clear":
            print(f"{_cache.clear()} kernels removed from {_cache.folder()}")
            return 0
        entries, most = _cache.entries(), _cache.limit()
    except (OSError, ValueError) as error:
        print(f"ladon: error: {error}", file=sys.stderr)
        return 1
    for entry in entries:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        names = sorted(file[:-len(".json")] for file in os.listdir(entry.path)
                       if file.endswith(".json"))
        print(f"{used}  {entry.size / 1e3:8.1f} kB  {' '.join(names)}  {entry.path}")
    total = sum(entry.size for entry in entries)
    print(f"{len(entries)} kernels, {total / 1e6:.1f} MB of at most {most / 1e6:.1f} MB, "
          f"in {_cache.folder()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
