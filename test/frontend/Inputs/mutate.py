"""Mutates specs and checks that the front end answers with exit code 0 or 1.

Mutants that compile are formatted: the result must be a fixed point and have
the same checked tree. Failing texts are printed whole.
"""

import argparse
import pathlib
import random
import re
import subprocess
import time

parser = argparse.ArgumentParser()
parser.add_argument("ladon")
parser.add_argument("source", type=pathlib.Path)
parser.add_argument("--seconds", type=float, default=6)
parser.add_argument("--seed", type=int, default=20240607)
options = parser.parse_args()
print(f"seed {options.seed}")
rng = random.Random(options.seed)

corpus = [path.read_text() for path in sorted(options.source.glob("examples/*.attn"))]
page = (options.source / "docs/language.md").read_text()
corpus += re.findall(r"^```attn\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
TOKEN = re.compile(r"#.*|//|\w+|\s+|->|<<|>>|[<>=!]=|.", re.DOTALL)
words = sorted({t for text in corpus for t in TOKEN.findall(text) if not t.isspace()})
words += ["\x00", "é", "\t", "0x", "1e9", "2147483648", "-inf", "//", "#", "  # note\n",
          "bf16", "%", "window(", "if", "then", "else", "[", "]", "(", ")", "}"]


def mutate(text):
    tokens = TOKEN.findall(text)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        at = rng.randrange(len(tokens))
        kind = rng.randrange(6)
        if kind == 0:
            del tokens[at : at + rng.choice([1, 1, 2, 5])]
        elif kind == 1:
            tokens.insert(at, rng.choice(words))
        elif kind == 2:
            tokens[at] = rng.choice(words)
        elif kind == 3:
            other = rng.randrange(len(tokens))
            tokens[at], tokens[other] = tokens[other], tokens[at]
        elif kind == 4:
            end = min(len(tokens), at + rng.randrange(1, 12))
            tokens[at:at] = tokens[at:end] * rng.choice([1, 2, 40])
        else:
            tokens.insert(at, rng.choice([" ", "\n", "  # x\n", "\n\n\n", " # a b\n"]))
        if not tokens:
            tokens = ["x"]
    return "".join(tokens)


def run(text, *arguments):
    result = subprocess.run([options.ladon, *arguments, "-"], input=text.encode(),
                            capture_output=True, timeout=20)
    if result.returncode not in (0, 1):
        raise AssertionError(f"{arguments[0]} exits with {result.returncode}\n"
                             + result.stderr.decode(errors="replace"))
    return result.returncode == 0, result.stdout


def check(text):
    compiles, tree = run(text, "build", "--emit", "ast")
    if rng.random() < 0.5 and not compiles:
        return
    parses, formatted = run(text, "fmt")
    assert parses or not compiles, "compiles but does not format"
    if not parses:
        return
    again = run(formatted.decode(), "fmt")[1]
    assert again == formatted, "formatting twice differs\n" + formatted.decode()
    if compiles:
        after = run(formatted.decode(), "build", "--emit", "ast")
        assert after == (True, tree), "formatting changes the meaning"


count = failures = 0
end = time.monotonic() + options.seconds
while time.monotonic() < end:
    mutant = mutate(rng.choice(corpus))
    count += 1
    try:
        check(mutant)
    except (AssertionError, subprocess.TimeoutExpired) as error:
        failures += 1
        print(f"mutant {count}: {error}\n{mutant}\n----")
print(f"{failures} failures" if failures else f"no failure in {count} mutants")
