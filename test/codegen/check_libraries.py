"""Builds every spec in a folder and inspects the libraries.

    check_libraries.py LADON LLVM_BIN WORK EXAMPLES

For each one: two exported symbols (the entry NAME and NAME_last_error), libc.so.6
and libm.so.6 at most as needed libraries, no undefined symbol that those do not
have, and at most 220 KB without the symbol table.
"""

import pathlib
import re
import subprocess
import sys

LIMIT = 220_000


def output(*command):
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout


def problems(ladon, tools, work, spec):
    """What is wrong with the library of `spec`, in sentences."""
    directory = work / spec.stem
    files = output(ladon, "build", spec, "--emit", "so", "-o", directory).split()
    library = pathlib.Path(files[0])
    name = library.stem.removeprefix("lib")

    dynamic = output(tools / "llvm-readelf", "--dynamic-table", library)
    needed = set(re.findall(r"NEEDED.*\[(.*)\]", dynamic))
    if not needed <= {"libc.so.6", "libm.so.6"}:
        yield f"needs {sorted(needed)}"
    if re.search(r"\((RPATH|RUNPATH|TEXTREL)\)", dynamic):
        yield "has a run path or text relocations"

    symbols = output(tools / "llvm-nm", "--dynamic", library).splitlines()
    defined = {s.split()[-1] for s in symbols if s.split()[-2] not in "Uw"}
    if defined != {name, f"{name}_last_error"}:
        yield f"exports {sorted(defined)}"
    for symbol in symbols:
        if symbol.split()[-2] == "U" and "@GLIBC" not in symbol:
            yield f"leaves {symbol.split()[-1]} undefined"

    stack = output(tools / "llvm-readelf", "--program-headers", library)
    if re.search(r"GNU_STACK.*\sRWE\s", stack):
        yield "has an executable stack"

    stripped = directory / "stripped.so"
    output(tools / "llvm-strip", "-o", stripped, library)
    if stripped.stat().st_size > LIMIT:
        yield f"has {stripped.stat().st_size} bytes, more than {LIMIT}"


def main():
    ladon, tools, work, examples = sys.argv[1:]
    specs = sorted(pathlib.Path(examples).glob("*.attn"))
    count = 0
    for spec in specs:
        for problem in problems(ladon, pathlib.Path(tools), pathlib.Path(work), spec):
            print(f"{spec.name}: {problem}")
            count += 1
    print(f"{len(specs)} examples, {count} problems")
    return 1 if count or len(specs) < 16 else 0


if __name__ == "__main__":
    sys.exit(main())
