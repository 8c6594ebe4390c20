"""Checks that docs/language.md has the row of each function of Builtins.def."""

import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
table = (root / "compiler/frontend/Builtins.def").read_text()
page = (root / "docs/language.md").read_text()
TAKES = {"FLOAT_BUILTIN": "floats", "NUMBER_BUILTIN": "integers or floats",
         "INTEGER_BUILTIN": "integers", "PREDICATE": "floats", "CONVERSION": "any value"}

table = table[table.rindex("#endif"):]
rows = re.findall(r'^([A-Z_]+)\(\w+, "(\w+)",.*, "([^"]*)"\)$', table, re.MULTILINE)
assert len(rows) == len(re.findall(r"^(?:\w+_BUILTIN|PREDICATE|CONVERSION)\(", table, re.MULTILINE))
problems = []
for kind, name, meaning in rows:
    row = rf"^\| `{name}\([^`|]*\)` \| {TAKES[kind]} \| {re.escape(meaning)} \|$"
    if not re.search(row, page, re.MULTILINE):
        problems.append(f"{name}: docs/language.md has no row '| `{name}(...)` | "
                        f"{TAKES[kind]} | {meaning} |'")
for name in re.findall(r"^\| `(\w+)\([^`|]*\)` \| (?:floats|integers|any)", page, re.MULTILINE):
    if name not in [row[1] for row in rows]:
        problems.append(f"{name} is documented but not defined")
print("\n".join(problems))
if not problems:
    print(f"{len(rows)} functions, all documented")
