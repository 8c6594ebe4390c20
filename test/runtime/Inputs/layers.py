"""Prints which members of an archive use which, and how many use a later one.

    layers.py NM ARCHIVE MEMBER...

The members are named in the order in which they stand on each other.
"""

import re
import subprocess
import sys


def main():
    nm, archive, *order = sys.argv[1:]
    text = subprocess.run([nm, archive], check=True, capture_output=True, text=True).stdout
    defined, used = {}, {}
    member = None
    for line in text.splitlines():
        if header := re.match(r"(\w+)\.c\.o:$", line):
            member = header[1]
            used[member] = set()
        elif symbol := re.search(r"([A-Zu]) (ladon_\w+)$", line):
            if symbol[1] == "U":
                used[member].add(symbol[2])
            else:
                defined[symbol[2]] = member
    if sorted(used) != sorted(order):
        sys.exit(f"expected the members {sorted(order)}, found {sorted(used)}")
    upward = 0
    for member in order:
        below = sorted({defined[name] for name in used[member] if name in defined})
        upward += sum(order.index(other) >= order.index(member) for other in below)
        print(member, "->", *below)
    print(f"{len(order)} parts, {upward} upward")


main()
