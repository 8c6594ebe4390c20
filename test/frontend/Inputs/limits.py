"""Builds and formats huge texts; each must end soon with 0 or 1 and, where a
message is given, with that one."""

import resource
import signal
import subprocess
import sys

ladon = sys.argv[1]
HEAD = """attention a(q: f32[B, 4, S, 8], k: f32[B, 4, T, 8], v: f32[B, 4, T, 8],
  e: f32[B, T], d: i32[B, T]) -> f32[B, 4, S, 8] {
  return attend(q, k, v, """


def attend(text):
    return HEAD + text + ")\n}\n"


def doubling(count):
    fns = ["fn g0(x) = x + 1\n"]
    fns += [f"fn g{n}(x) = g{n - 1}(x) + g{n - 1}(x)\n" for n in range(1, count)]
    return "".join(fns) + attend(f"score = g{count - 1}(s)")


def tree(op, parts):
    """A chain as deep as its logarithm."""
    parts = list(parts)
    while len(parts) > 1:
        parts = ["(" + f" {op} ".join(parts[n:n + 30]) + ")"
                 for n in range(0, len(parts), 30)]
    return parts[0]


DEEP, WIDE, NEST, LONG = "LDN0602", "LDN0601", "LDN0102", "LDN0001"
TEXTS = {
    "deep but legal": (attend("score = s" + " + e[b, j]" * 980), "LDN0000"),
    "deep": (attend("score = s" + " + 1" * 200000), DEEP),
    "parentheses": (attend("mask = " + "(" * 500000), NEST),
    "not": (attend("mask = " + "not " * 250000), NEST),
    "minus": (attend("score = " + "-" * 900000), NEST),
    "if": (attend("score = " + "if " * 300000), NEST),
    "index": (attend("score = e" + "[b]" * 300000), NEST),
    "member": (attend("score = e" + ".x" * 400000), NEST),
    "else": (attend("score = " + "if j == 1 then 1 else " * 250 + "s"), "LDN0000"),
    "arguments": (attend("score = min(" + "s, " * 300000 + ")"), WIDE),
    "axes": ("attention a(q: f32[" + "1," * 300000 + "]) -> f32[4] { return q }", WIDE),
    "doubling": (doubling(60), WIDE),
    "errors inside doubling": (doubling(60).replace("x + 1", "x and 1"), WIDE),
    "chain of fns": (
        "fn g0(x) = x\n"
        + "".join(f"fn g{n}(x) = g{n - 1}(x) + 1\n" for n in range(1, 15000))
        + attend("score = g14999(s)"),
        DEEP,
    ),
    "fn that calls its argument": ("fn w(f) = f(f)\n" + attend("score = w(w)"), DEEP),
    "conjunctions": (
        attend("mask = " + " or ".join(
            "(" + " and ".join(f"i + {n} < j * {m}" for m in range(1, 10)) + ")"
            for n in range(900))),
        "LDN0000",
    ),
    "distances": (
        attend("mask = " + tree("or", (f"abs(j - i - {n}) < 1" for n in range(6000)))),
        "LDN0000",
    ),
    "reads": (
        attend("mask = " + tree("or", (f"e[b, j + {n}] < 1 or d[b, j + {n}] == {n}"
                                       for n in range(4000)))),
        "LDN0000",
    ),
    "sums": (
        attend("mask = " + tree("+", (f"j * {n} % {n + 3} + d[b, j + {n}]"
                                      for n in range(4000))) + " < 5"),
        "LDN0000",
    ),
    "choices": (
        attend("mask = " + tree("and", ("max(" * 6 + f"j - i * {n}" + "".join(
            f", i * {m} - j)" for m in range(6)) + " < 7" for n in range(1000)))),
        "LDN0000",
    ),
    # Undecided for want of steps; on its own the end is never true.
    "out of steps": (
        attend("mask = " + tree("and", (f"abs(j - min(i, {n + 9})) < {n + 5000}"
                                        for n in range(2000)))
               + " and (j - i < 3 and j - i > 3)"),
        "LDN0000",
    ),
    "in steps": (attend("mask = j - i < 3 and j - i > 3"), "LDN0501"),
    "undefined": (attend("mask = " + " or ".join(f"u{n}" for n in range(900))), "LDN0201"),
    "brackets": ("{" * 1000000, "LDN0101"),
    "keywords": ("attention " * 100000, "LDN0101"),
    "control": ("\x01\x00" * 500000, "LDN0003"),
    "divisions": ("a //" * 250000, "LDN0101"),
    "name": (attend("mask = " + "x" * 900000), "LDN0008"),
    "number": (attend("mask = j < " + "9" * 900000), "LDN0005"),
    "long": (" " * (1 << 20) + "x", LONG),
    "empty": ("", "LDN0106"),
}

# Seconds of the processor, not of the clock: other work does not count.
SECONDS = 10


def limit_time():
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


bad = 0
for name, (text, expected) in TEXTS.items():
    for command in (["build", "-", "--emit", "ast"], ["fmt", "-"]):
        run = subprocess.run([ladon, *command], input=text.encode(),
                             capture_output=True, preexec_fn=limit_time)
        errors = run.stderr.decode(errors="replace")
        fine = run.returncode in (0, 1) and len(errors) < 200000
        if command[0] == "build":
            legal = expected == "LDN0000"
            fine &= (run.returncode == 0) == legal
            fine &= legal or f"[{expected}]" in errors
        if not fine:
            bad += 1
            killed = run.returncode in (-signal.SIGXCPU, -signal.SIGKILL)
            print(f"{name}: {command[0]} "
                  + ("does not end" if killed else f"gave {run.returncode}")
                  + f"\n{errors[:500]}")
print(f"{bad} limits fail" if bad else "all limits hold")
