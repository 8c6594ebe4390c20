"""Asks whether the tests notice small changes of the compiler's sources.

    scripts/mutate --source [--count N] [--seed K] [--seconds S] [--again] [FILE...]

One build (build-mutants) holds all changes of an operator, constant, call, condition
or statement, each behind a switch (test/mutants/schemata.py). Every test runs once
without a change, and it is noted which changes it reaches; a mutant, of N at random,
then runs only these tests until one fails. What no test reaches is
listed, and counts as a survivor. Results are kept, by the name of the change, in
build-mutants/results.jsonl, so that a run can be continued; --again runs those that
survived again, after a new test. A mutant has S seconds (default: all tests run).
test/mutants/equivalent.txt has changes that nobody can notice, with the reason."""

import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time

import schemata

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "build-mutants"
SOURCES = ["compiler/analysis/*.cpp", "compiler/transforms/*.cpp", "compiler/frontend/Sema*.cpp", "compiler/frontend/Fold.cpp"]
PROGRAMS = ["ladon", "ladon-opt", "ladon-unit-tests", "ladon-e2e"]
LIT = subprocess.check_output(["llvm-config-22", "--bindir"], text=True).strip() + "/lit"
E2E_SHARDS = 40


class Suite:
    """Tests that one command can run: what stands before their names, how it joins them."""

    def __init__(self, names, command):
        self.names, self.command = names, command


def suites():
    unit = str(OUT / "bin/ladon-unit-tests")
    prefix, names = "", []
    for line in subprocess.check_output([unit, "--gtest_list_tests"], text=True).splitlines():
        if line.startswith("  "):
            names.append(prefix + line.split()[0])
        elif line.endswith("."):
            prefix = line
    e2e = [str(OUT / "bin/ladon-e2e"), "--threads", "1", "--options", str(ROOT / "test/e2e/options.txt")]
    specs = str(ROOT / "test/e2e/specs")
    shown = subprocess.check_output([LIT, "--show-tests", OUT / "test"], text=True).splitlines()
    lit = [line.split(" :: ")[1] for line in shown if " :: " in line]
    cases = {f"specs {shard}": [specs, "--shards", str(E2E_SHARDS), "--shard", str(shard)] for shard in range(E2E_SHARDS)}
    cases |= {f"examples {shard}": [str(ROOT / "examples"), "--shards", "8", "--shard", str(shard)] for shard in range(8)}
    cases["projections"] = [str(ROOT / "test/e2e/projections"), "--fuse-projections"]
    cases["simulated"] = [specs, "--simulate", "sm_80", "--trials", "1", "--shards", "40", "--shard", "0"]
    return {
        "unit": Suite(names, lambda part: [unit, "--gtest_fail_fast", "--gtest_brief=1", "--gtest_filter=" + ":".join(part)]),
        "lit": Suite(lit, lambda part: [LIT, "-v", "-j1", "--max-failures=1", "--skip-test-time-recording", *(f"{OUT}/test/{name}" for name in part)]),
        "e2e": Suite(list(cases), lambda part: e2e + cases[part[0]]),
    }  # fmt: skip


def limits():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (12 << 30, resource.RLIM_INFINITY))  # What lifts it itself may.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))


def run(command, seconds, **variables):
    """The exit status and what was printed; 'hangs' after so many seconds."""
    (OUT / "work").mkdir(exist_ok=True)
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            command, cwd=OUT / "work", stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=os.environ | variables,
            process_group=0, preexec_fn=limits)  # fmt: skip
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = "hangs"
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        out.seek(0)
        return status, out.read().decode(errors="replace")


def prepare():
    """Writes the mutants and builds; the mutants by name."""
    subprocess.run(["scripts/build"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # Its headers and commands.
    if not (OUT / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "mutants"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    names = [str(path.relative_to(ROOT)) for pattern in SOURCES for path in sorted(ROOT.glob(pattern))]
    mutants = schemata.write(ROOT, OUT, names)
    with open(OUT / "build.log", "w") as out:
        if subprocess.run(["ninja", "-C", OUT, *PROGRAMS], stdout=out, stderr=out).returncode != 0:
            sys.exit(f"the build failed, see {OUT}/build.log")
    named = {}
    for mutant in mutants:  # Equal lines of a file are told apart by a count.
        name, count = mutant["name"], 1
        while name in named:
            count += 1
            name = f"{mutant['name']} ({count})"
        named[name] = mutant
    return named


def measure(tests, mutants):
    """Of each test its seconds and the numbers of the mutants that it reaches; two run at a
    time. What is known of a test is kept as long as the mutants are the same ones."""
    kept = OUT / "reached.json"
    version = hashlib.sha256(json.dumps(mutants).encode()).hexdigest()
    known = json.loads(kept.read_text()) if kept.exists() else {"version": None}
    if known["version"] != version:
        known = {"version": version, "tests": {}}
    known = known["tests"]
    size = max(mutant["number"] for mutant in mutants.values()) + 1

    def one(entry):
        suite, name = entry
        with tempfile.NamedTemporaryFile(dir=OUT) as reached:
            reached.write(bytes(size))
            reached.flush()
            start = time.time()
            status, text = run(tests[suite].command([name]), 900, LADON_MUTANTS_REACHED=reached.name)
            if status != 0:
                print(f"without a change: {suite} {name} fails, and is left out\n{text[-2000:]}", flush=True)
            numbers = [number for number, byte in enumerate(pathlib.Path(reached.name).read_bytes()) if byte]
        known[f"{suite} {name}"] = {"seconds": time.time() - start, "reaches": numbers, "good": status == 0}

    missing = [(suite, name) for suite, part in tests.items() for name in part.names if f"{suite} {name}" not in known]
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        list(threads.map(one, missing))
    if missing:
        kept.write_text(json.dumps({"version": version, "tests": known}))
    return {name: test | {"reaches": set(test["reaches"])} for name, test in known.items()}


def parts(tests, seconds):
    """Lists of tests that a command runs: the first ten and slow ones alone, else many of a
    suite together."""
    yield from ([test] for test in tests[:10])
    for first in range(10, len(tests), 60):
        window = tests[first : first + 60]
        alone = [test for test in window if test[0] == "e2e" or seconds(test) > 5]
        for suite in ("unit", "lit"):
            if part := [test for test in window if test[0] == suite and test not in alone]:
                yield part
        yield from ([test] for test in alone)


def notice(mutant, tests, measured, catches, limit):
    """The test that notices a mutant, or None, and how many were run."""
    reaching = [
        (suite, name) for suite, all_tests in tests.items() for name in all_tests.names
        if measured[f"{suite} {name}"]["good"] and mutant["number"] in measured[f"{suite} {name}"]["reaches"]]  # fmt: skip
    # A run of lit takes a while to start, but many of its tests run together.
    seconds = lambda test: max(measured[" ".join(test)]["seconds"] - (0.5 if test[0] == "lit" else 0), 0.05)
    # What caught others of the file or folder is likely to, and what is quick and about little else.
    breadth = lambda test: len(measured[" ".join(test)]["reaches"])
    places = [mutant["file"], mutant["file"].rpartition("/")[0]]
    reaching.sort(key=lambda test: ([-catches[place, test] for place in places], seconds(test) * breadth(test)))
    end, ran = time.time() + limit, 0
    for part in parts(reaching, seconds):
        if time.time() > end:
            break
        suite, names = part[0][0], [name for _, name in part]
        status, text = run(tests[suite].command(names), 20 + 8 * sum(map(seconds, part)), LADON_MUTANT=str(mutant["number"]))
        ran += len(part)
        if status != 0:
            guilty = next((test for test in part if re.search(r"FAIL.* " + re.escape(test[1]), text)), part[0])
            catches.update((place, guilty) for place in places)
            return " ".join(guilty), ran, len(reaching)
    return None, ran, len(reaching)


def equivalents():
    lines = (ROOT / "test/mutants/equivalent.txt").read_text().splitlines()
    return {line.split(" => ")[0] for line in lines if line and not line.startswith("#")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", help="only mutants of these, e.g. compiler/analysis")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    mutants = prepare()
    tests = suites()
    measured = measure(tests, mutants)
    known_equivalent = equivalents()
    for name in known_equivalent - set(mutants):
        print(f"equivalent.txt: no such mutant: {name}")
    results = OUT / "results.jsonl"
    known = {result["name"]: result for result in map(json.loads, results.read_text().splitlines())} if results.exists() else {}
    catches = collections.Counter()  # Of tests, in each file and folder.
    for name, result in known.items():
        if result["by"]:
            file = name.split(":")[0]
            catches.update((place, tuple(result["by"].split(" ", 1))) for place in (file, file.rpartition("/")[0]))
    names = sorted(name for name in mutants if not options.files or name.startswith(tuple(options.files)))
    random.Random(options.seed).shuffle(names)
    chosen = names[: options.count]
    for name in chosen:
        mutant, old = mutants[name], known.get(name)
        if name in known_equivalent or old and (old["by"] or not options.again):
            continue
        start = time.time()
        by, ran, reaching = notice(mutant, tests, measured, catches, options.seconds)
        known[name] = {"name": name, "by": by, "ran": ran, "reaching": reaching, "seconds": round(time.time() - start, 1)}
        with open(results, "a") as out:
            out.write(json.dumps(known[name]) + "\n")
        if not by:
            print(f"SURVIVED {ran} of {reaching} tests, line {mutant['line']}: {name}", flush=True)
    equivalent = [name for name in chosen if name in known_equivalent]
    judged = [known[name] for name in chosen if name not in known_equivalent]
    for result in judged:
        if not result["by"]:
            reason = "NEVER RUN" if not result["reaching"] else f"SURVIVED ({result['ran']} of {result['reaching']} tests)"
            print(f"{reason} line {mutants[result['name']]['line']}: {result['name']}")
    caught = sum(1 for result in judged if result["by"])
    suites_of = collections.Counter(result["by"].split()[0] for result in judged if result["by"])
    print(f"source mutants: {caught} of {len(judged)} were caught {dict(suites_of)}, {len(equivalent)} others are equivalent")


if __name__ == "__main__":
    main()
