"""Compiles every ```attn block of a page: doc_examples.py LADON PAGE."""

import re
import subprocess
import sys

ladon, page = sys.argv[1:]
text = open(page).read()
count = 0
for match in re.finditer(r"^```attn\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
    line = text[: match.start()].count("\n") + 1
    result = subprocess.run(
        [ladon, "build", "-", "--emit", "ast"],
        input=match[1], capture_output=True, text=True,
    )
    count += 1
    if result.returncode or result.stderr:
        print(f"{page}:{line}: the example does not compile\n{result.stderr}")
print(f"{count} examples")
