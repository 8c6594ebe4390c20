"""Fails if a register tile in assembly for x86-64 or AArch64 spills.

    hot_loops.py [--function REGEX] [--vectors] [--fewest N] [--loops N] FILE

A register tile is an innermost loop with at least --fewest fused multiply-adds,
or multiplications of SSE, in a function whose name --function matches. All that
it uses is to stay in registers: an instruction of it that addresses the stack is
an error, and so are fewer than --loops such loops, and one in which multiply-adds
are less than half of the instructions. With --vectors that is asked of vectors
only: pointers and counters may be on the stack, and shuffles and copies among the
multiply-adds. FILE may be '-'.
"""

import argparse
import re
import sys

FUNCTION = re.compile(r"^[A-Za-z_][\w.$]*:")
LABEL = re.compile(r"^(\.L\w+):")
JUMP = re.compile(r"^\t(?:j\w+|b\.\w+|cbn?z|tbn?z)\s+(?:.*, )?(\.L\w+)")
VECTOR = re.compile(r"%[xyz]mm\d|\b[qv]\d")
PRODUCT = re.compile(r"^(vfmadd|fmla|mulp[sd]|vdpbf16ps)")
COMMENT = re.compile(r"#[^\d-]|//")
INSTRUCTION = re.compile(r"^\t[a-z]")


def functions(text):
    """Splits assembly into functions: their names, and their lines."""
    name, lines = "", []
    for line in text.split("\n"):
        if FUNCTION.match(line):
            yield name, lines
            name, lines = line.split(":")[0], []
        lines.append(line)
    yield name, lines


def inner_loops(lines):
    """Yields (label, instructions) of every loop without a label inside."""
    labels = {}
    for number, line in enumerate(lines):
        if match := LABEL.match(line):
            labels[match.group(1)] = number
        match = JUMP.match(line)
        if not match or labels.get(match.group(1), number) >= number:
            continue
        first = labels[match.group(1)] + 1
        body = lines[first : number + 1]
        if not any(LABEL.match(inner) for inner in body):
            code = [COMMENT.split(l)[0].strip() for l in body if INSTRUCTION.match(l)]
            yield match.group(1), code


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--function", type=re.compile, default=re.compile(""))
    parser.add_argument("--vectors", action="store_true")
    parser.add_argument("--fewest", type=int, default=8)
    parser.add_argument("--loops", type=int, default=1)
    parser.add_argument("file")
    options = parser.parse_args()
    source = sys.stdin if options.file == "-" else open(options.file)
    with source:
        text = source.read()

    found, problems = 0, 0
    for name, lines in functions(text):
        if not options.function.search(name):
            continue
        # Without a frame, %rbp is a register like any other.
        framed = any(line.strip() == "movq\t%rsp, %rbp" for line in lines)
        stack = re.compile(r"\(%r[sb]p|\[sp" if framed else r"\(%rsp|\[sp")
        for label, code in inner_loops(lines):
            products = sum(bool(PRODUCT.match(line)) for line in code)
            if products < options.fewest:
                continue
            found += 1
            for line in filter(stack.search, code):
                if options.vectors and not VECTOR.search(line):
                    continue
                print(f"{label}: addresses the stack: {line}")
                problems += 1
            if (products >= 24 and products * 2 < len(code)
                    and not options.vectors):
                print(f"{label}: {products} multiply-adds in {len(code)} instructions")
                problems += 1
    print(f"{found} loops with at least {options.fewest} multiply-adds, "
          f"{problems} problems")
    return 1 if problems or found < options.loops else 0


if __name__ == "__main__":
    sys.exit(main())
