"""Compares what `ladon` says to command lines with what stands below them in a
file.

    usage.py LADON FOLDER FILE

A case is a command line and, under it with two blanks in front, the exit code and
the lines of the standard error that are not blank; the command runs in FOLDER:

    $ ladon build absent.attn
      exit 1
      ladon: error: absent.attn: No such file or directory

What a command prints on the standard output is not compared. With --print the
cases are printed as they are.
"""

import shlex
import subprocess
import sys


def answer(ladon, folder, line):
    words = [ladon] + shlex.split(line)[1:]
    run = subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True)
    lines = run.stderr.decode().rstrip().splitlines()
    return [f"exit {run.returncode}"] + [text.rstrip() for text in lines if text.strip()]


def main():
    ladon, folder, path = sys.argv[1:4]
    cases = []
    for line in open(path):
        if line.startswith("$ "):
            cases.append((line[2:].rstrip("\n"), []))
        elif line.startswith("  ") and cases:
            cases[-1][1].append(line[2:].rstrip())
    bad = 0
    for line, expected in cases:
        found = answer(ladon, folder, line)
        if "--print" in sys.argv:
            print(f"$ {line}", *found, sep="\n  ")
        elif found != expected:
            bad += 1
            print(f"$ {line}\n expected", *expected, sep="\n  ")
            print(" found", *found, sep="\n  ")
    print(f"{len(cases)} command lines, {bad} differ")
    return 1 if bad or len(cases) < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
