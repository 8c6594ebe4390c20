"""Compares what the front end says of many small specs with what stands below
them in a file.

    messages.py LADON FILE

A case is a line that begins with a place, and the lines under it that begin with
two blanks:

    score: s + flag
      error `flag`: '+' expects numbers, found bool [LDN0301]
      note: int(x) makes 0 or 1 of a bool

The place says where in a spec the text stands: the score, the mask or another
argument of an attend (`attend: q, k, k, scale = 0`), the value that is returned
(`return`), the whole file after it has been put on one line (`file`). Between the
backquotes is the text that the message underlines; a message without a place has
none. With --fixes a message may be followed by `fix: not`, the text that is offered
in place of what is underlined. With --print the cases are printed as they are.
"""

import re
import subprocess
import sys

PARAMS = {
    "q": "f32[B, 4, S, 8]", "k": "f32[B, 4, T, 8]", "v": "f32[B, 4, T, 8]",
    "q64": "f64[B, 4, S, 8]", "k2": "f32[B, 2, T, 8]", "k3": "f32[B, 3, T, 8]",
    "kc": "f32[C, 4, T, 8]", "v2": "f32[B, 2, T, 8]", "vu": "f32[B, 4, U, 8]",
    "q1": "f32[1, 1, S, 8]", "k1": "f32[1, 1, T, 8]", "v1": "f32[1, 1, T, 8]",
    "k9": "f32[B, 4, T, 9]", "kd": "f32[B, 4, T, D]", "qh": "f32[B, H, S, 8]",
    "x": "f32[B, S, 32]", "w": "f32[32, 16]", "w64": "f64[32, 16]",
    "x9": "f32[B, S, 9]", "bias": "f32[B, T]", "table": "f32[4]",
    "wide": "f64[4]", "doc": "i32[B, T]", "visible": "bool[B, T]",
    "half": "f16[B, T]", "z": "f32[4]", "z3": "f32[3]", "zi": "i32[4]",
    "n": "i32", "m": "i64", "f": "f32", "d": "f64", "flag": "bool",
}


def spec_of(place, text):
    if place == "file":
        return text
    if place in ("score", "mask"):
        text = f"attend(q, k, v, {place} =\n{text})"
    elif place == "attend":
        text = f"attend(\n{text})"
    words = set(re.findall(r"\w+", re.sub(r"\b\w+ =[^=]", "", text)))
    params = ", ".join(f"{name}: {type}" for name, type in PARAMS.items() if name in words)
    result = "f32[B, 4, S, 8]"
    if place == "return":
        result = "f32[B, S, 32]" if params else "f32[4]"
    return f"attention a({params}) -> {result} {{ return\n{text}\n}}\n"


def messages_of(ladon, place, text, fixes):
    """What is said, in the form of the file."""
    run = subprocess.run([ladon, "build", "-", "--emit", "ast"], capture_output=True,
                         input=spec_of(place, text).encode())
    lines = run.stderr.decode().splitlines()
    found = []
    for at, line in enumerate(lines):
        placed = re.match(r"<stdin>:\d+:\d+: (error|warning|note): (.*)", line)
        plain = re.match(r"(?:ladon: )?(error|warning|note): (.*)", line)
        if placed:
            source, marks = lines[at + 1], lines[at + 2]
            first = len(marks) - len(marks.lstrip())
            found.append(f"{placed[1]} `{source[first:len(marks)]}`: {placed[2]}")
            below = lines[at + 3] if at + 3 < len(lines) else ""
            if fixes and not re.match(r"(<stdin>|ladon|error|note|warning|$)", below):
                found.append(f"fix: {below.strip()}")
        elif plain:
            found.append(f"{plain[1]}: {plain[2]}")
    if run.returncode not in (0, 1):
        found.append(f"exit code {run.returncode}")
    return found


def main():
    ladon, path = sys.argv[1:3]
    cases = []
    for line in open(path):
        case = re.match(r"(score|mask|attend|return|file): (.*)", line)
        if case:
            cases.append((case[1], case[2], []))
        elif line.startswith("  ") and cases:
            cases[-1][2].append(line.strip())
    bad = 0
    for place, text, expected in cases:
        found = messages_of(ladon, place, text, "--fixes" in sys.argv)
        if "--print" in sys.argv:
            print(f"{place}: {text}", *found, sep="\n  ")
        elif found != expected:
            bad += 1
            print(f"{place}: {text}\n expected", *expected, sep="\n  ")
            print(" found", *found, sep="\n  ")
    print(f"{len(cases)} cases, {bad} differ")
    return 1 if bad or len(cases) < 40 else 0


if __name__ == "__main__":
    sys.exit(main())
