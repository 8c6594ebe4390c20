#!/usr/bin/env python3
"""Changes source files by one operator, constant or call at a time, builds, and
asks the tests of units and the lit tests of passes and of the front end.

Prints each change that no test notices, which is equivalent or a gap in the
tests, and 'N of N'. Changes that do not compile do not count. A file is put
back as it was after each change, and when this is interrupted."""

import argparse
import pathlib
import random
import re
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = "compiler/analysis/*.cpp,compiler/transforms/*.cpp,compiler/frontend/Sema*.cpp"
RULES = [
    (r" < ", " <= "), (r" <= ", " < "), (r" > ", " >= "), (r" >= ", " > "),
    (r" == ", " != "), (r" != ", " == "), (r" && ", " || "), (r" \|\| ", " && "),
    (r" \+ ", " - "), (r" - ", " + "), (r" \* ", " + "),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r"\b0\b", "1"), (r"\b1\b", "2"),
    (r"\bmin\(", "max("), (r"\bmax\(", "min("),
    (r"\bslt\b", "sle"), (r"\bsgt\b", "sge"), (r"\bAddIOp\b", "SubIOp"),
    (r"\bSubIOp\b", "AddIOp"), (r"\bMinSIOp\b", "MaxSIOp"), (r"\bMaxSIOp\b", "MinSIOp"),
    (r"return success\(\);", "return failure();"), (r"if \(!", "if ("),
]  # fmt: skip
LEFT_OUT = re.compile(r'^\s*(#|\*|/\*|using|namespace)|"|template|assert|DEBUG')


def sites(files):
    """(file, line, begin, end, replacement) of all changes."""
    for file in files:
        for number, line in enumerate(file.read_text().splitlines()):
            code = line.split("//")[0]
            if LEFT_OUT.search(code):
                continue
            for pattern, new in RULES:
                for match in re.finditer(pattern, code):
                    yield file, number, match.start(), match.end(), new


def run(command, seconds):
    """Whether the command succeeds in time."""
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=seconds).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def build():
    return run(["ninja", "-C", "build", "ladon-opt", "ladon", "ladon-unit-tests"], 1800)


def suites():
    """Names and commands, the quick ones first."""
    llvm = subprocess.check_output(["llvm-config-22", "--bindir"], text=True).strip()
    lit = [f"{llvm}/lit", "-sv"]
    masks = "--gtest_filter=*Mask*:*Range*:*Linear*:*Sema*:*Frontend*:*Fold*"
    yield "masks", ["build/bin/ladon-unit-tests", "--gtest_brief=1", masks]
    yield "lit", lit + ["build/test/transforms", "build/test/frontend"]
    yield "unit", ["build/bin/ladon-unit-tests", "--gtest_brief=1"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", help="of the source tree; else the analysis, the passes and Sema")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    names = options.files or [name for pattern in FILES.split(",") for name in sorted(ROOT.glob(pattern))]
    changes = list(sites([ROOT / name for name in names]))
    random.Random(options.seed).shuffle(changes)
    end = time.time() + 60 * options.minutes
    tests = list(suites())
    killed, survived, broken = {}, 0, 0
    for file, number, begin, finish, new in changes:
        if time.time() > end:
            break
        text = file.read_text()
        lines = text.splitlines(keepends=True)
        before = lines[number]
        lines[number] = before[:begin] + new + before[finish:]
        try:
            file.write_text("".join(lines))
            if not build():
                broken += 1
                continue
            noticed = next((name for name, command in tests if not run(command, 600)), None)
        finally:
            file.write_text(text)
        if noticed:
            killed[noticed] = killed.get(noticed, 0) + 1
        else:
            survived += 1
            where = f"{file.relative_to(ROOT)}:{number + 1}"
            print(f"SURVIVED {where}: {before.strip()}  ->  {lines[number].strip()}", flush=True)
    build()
    caught = sum(killed.values())
    print(f"source mutants: {caught} of {caught + survived} were caught ({killed}); {broken} did not compile")


main()
