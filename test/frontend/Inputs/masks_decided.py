"""Compiles each mask of a table and compares what the compiler says about it."""

import re
import subprocess
import sys

ladon, table = sys.argv[1:]
spec = """attention a(
    q: f32[B, 8, S, 16], k: f32[B, 2, T, 16], v: f32[B, 2, T, 16],
    doc: i32[B, T], visible: bool[B, T], left: i32,
) -> f32[B, 8, S, 16] {
  return attend(q, k, v, score = s + left * doc[b, j] * int(visible[b, j]),
    mask = MASK)
}
"""
rows = re.findall(r"^# (false|true|unknown): (.*)$", open(table).read(), re.M)
wrong = 0
for expected, mask in rows:
    result = subprocess.run(
        [ladon, "build", "-", "--emit", "ast"],
        input=spec.replace("MASK", mask), capture_output=True, text=True,
    )
    if "[LDN0501]" in result.stderr:
        found = "false"
    elif "[LDN0502]" in result.stderr:
        found = "true"
    elif result.returncode == 0 and not result.stderr:
        found = "unknown"
    else:
        found = result.stderr
    if found != expected:
        wrong += 1
        print(f"{mask}: expected {expected}, found {found}")
if not wrong:
    print(f"{len(rows)} masks as expected")
