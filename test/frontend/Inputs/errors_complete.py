"""Checks that each diagnostic has its documentation and its test."""

import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
definitions = (root / "compiler/frontend/Diagnostics.def").read_text()
documentation = (root / "docs/errors.md").read_text()
entries = re.findall(
    r'^DIAG\((\d+), \w+, (\w+), "(.*)"\)$', definitions, re.MULTILINE
)
assert len(entries) == len(re.findall(r"^DIAG\(", definitions, re.MULTILINE))

problems = []
seen = set()
for number, severity, message in entries:
    name = f"LDN{int(number):04d}"
    if name in seen:
        problems.append(f"{name} is defined twice")
    seen.add(name)
    if f"### {name}\n\n{severity.lower()}: `{message}`\n" not in documentation:
        problems.append(f"{name}: docs/errors.md has no entry with its message")
    tests = list((root / "test/frontend/errors").glob(name + ".*"))
    if not any(f"[{name}]" in test.read_text() for test in tests):
        problems.append(f"{name}: no test in test/frontend/errors checks it")
for name in re.findall(r"^### (LDN\d+)$", documentation, re.MULTILINE):
    if name not in seen:
        problems.append(f"{name} is documented but not defined")

print("\n".join(problems))
if not problems:
    print(f"{len(entries)} diagnostics, all documented and tested")
