#!/usr/bin/env python3
"""Times Ladon beside its CPU peers: one run, the same numbers, one at a time.

    scripts/bench-peers --rounds 5 --threads 1,2 --report docs/performance.md

Each peer is a process of its own that waits on a pipe for its turn, so that no
thread pool spins beside another's timing. Each variant (one way to ask a peer
for a case, see calls.py) is compared with an fp64 reference before it is timed,
and left out if it is off. A turn is calls for --slice seconds, after a warm-up
call where a call takes less than 0.1 s, and gives their median; the rounds go
through all variants in turn; reported is the median over the rounds.

Other work on the machine: a turn during which other processes used more than
0.1 CPU is taken again, --tries times in all, and the calmest counts. A time that
was disturbed all the same is marked with ~ in the table, and no part of the
mean.

"of peak" and "of read bandwidth" are the work that `ladon bench` counts, over
the time in the table, over the highest ceiling that `ladon bench` measured in
this run (it has a turn in each round; its own fractions are in the JSON).
"""

import argparse, contextlib, json, os, pathlib, platform, select, statistics, subprocess, sys, tempfile, time
import numpy as np
from calls import PEERS
from cases import CASES, arrays, reference, shrink

TOLERANCE = {"f32": 1e-4, "bf16": 2e-2}  # largest difference from the reference
LIMIT = 400  # seconds that one request may take
REPORT = """# Beside its peers

Written by `scripts/bench-peers` on {started}, on {cpus} CPUs of {machine}; what
is timed, and how, stands in `scripts/peers/run.py`. A case is f32 unless its name says bf16. A time
with ~ was taken while other programs ran.
"""
CALM = 0.1  # CPUs that other processes may use during a turn

# ---- In the process of a peer


def memory(key):
    """A figure of this process in MB: VmRSS, or VmHWM, the most since the last reset()."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status[status.index(key + ":") :].split()[1]) / 1024


def reset():
    pathlib.Path("/proc/self/clear_refs").write_text("5")


def busy():
    """CPU seconds that all processes of the machine have used, and those the host took."""
    user, nice, system, _, _, irq, soft, steal = map(
        int, open("/proc/stat").readline().split()[1:9]
    )
    return (user + nice + system + irq + soft + steal) / os.sysconf(
        "SC_CLK_TCK"
    )


class Server:
    def __init__(self, options):
        make, self.packages = PEERS[options.worker]
        self.options, self.peer, self.made = (
            options,
            make(int(options.threads), options),
            {},
        )

    def versions(self):
        from importlib.metadata import version

        return {p: version(p) for p in self.packages}

    def case(self, name):
        self.made = {}
        c = shrink(next(c for c in CASES if c.name == name), self.options.scale)
        self.variants = self.peer.variants(c, arrays(c))
        return list(self.variants)

    def make(self, variant, file):
        before, start = memory("VmRSS"), time.perf_counter()
        run, result = self.variants[variant]()
        ready = time.perf_counter()
        run()
        first = time.perf_counter()
        np.save(file, result())
        reset()
        run()
        self.made[variant] = run
        return {
            "setup_s": ready - start,
            "first_s": first - ready,
            "extra_mb": memory("VmHWM") - before,
            "peak_mb": memory("VmHWM"),
            "note": getattr(self.peer, "note", ""),
        }

    def time(self, variant):
        if variant not in self.made:
            raise RuntimeError("its process broke before")
        run, clock, samples = self.made[variant], time.perf_counter, []
        begin, all_before, own_before = clock(), busy(), time.process_time()
        run()
        if clock() - begin >= 0.1:
            samples.append(clock() - begin)
        while not samples or clock() - begin < self.options.slice:
            start = clock()
            run()
            samples.append(clock() - start)
        wall, own = clock() - begin, time.process_time() - own_before
        return {
            "s": statistics.median(samples),
            "min_s": min(samples),
            "calls": len(samples),
            "own_cpus": own / wall,
            "other_cpus": max(0, busy() - all_before - own) / wall,
        }

    def bench(self):
        return self.peer.bench()


def serve(options):
    wire = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes to the log
    server = None
    for line in sys.stdin:
        verb, *arguments = json.loads(line)
        try:
            server = server or Server(options)
            answer = {"ok": getattr(server, verb)(*arguments)}
        except subprocess.CalledProcessError as error:
            answer = {"error": error.stderr.strip()[-300:]}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {str(error)[:300]}"}
        print(json.dumps(answer), file=wire, flush=True)


# ---- In the process that asks


class Worker:
    """A peer's process, started at the first request, and again after it broke."""

    def __init__(self, peer, threads, options, folder):
        self.process, self.peer, self.folder = None, peer, folder
        self.command = [
            sys.executable,
            __file__,
            "--worker",
            peer,
            "--threads",
            str(threads),
            "--folder",
            str(folder),
            "--ladon",
            options.ladon,
            "--cpu",
            options.cpu,
            "--scale",
            str(options.scale),
            "--slice",
            str(options.slice),
        ]
        self.environment = os.environ | {
            f"{library}_NUM_THREADS": str(threads)
            for library in ("OMP", "MKL", "OPENBLAS")
        }
        self.environment |= {
            "TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor"),
            "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1",
        }

    def ask(self, *request):
        """The answer, or a RuntimeError that says what went wrong."""
        if not self.process:
            log = open(self.folder / f"{self.peer}.log", "ab")
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(
                self.command,
                stdin=pipe,
                stdout=pipe,
                stderr=log,
                env=self.environment,
            )
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write((json.dumps(request) + "\n").encode())
            self.process.stdin.flush()
        answered, _, _ = select.select([self.process.stdout], [], [], LIMIT)
        line = self.process.stdout.readline() if answered else b""
        if not line:
            self.stop()
            raise RuntimeError(
                "died" if answered else f"no answer in {LIMIT} s"
            )
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["ok"]

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


def prepare(c, worker, expected, failures):
    """Makes and checks the variants of one peer: those that are right."""
    good, file = {}, worker.folder / "result.npy"
    try:
        variants = worker.ask("case", c.name)
    except RuntimeError as error:
        failures["*"] = str(error)
        return good
    for variant in variants:
        try:
            facts = worker.ask("make", variant, str(file))
            facts["error"] = float(np.abs(np.load(file) - expected).max())
            if facts["error"] <= TOLERANCE[c.type]:
                good[variant] = facts
            else:
                failures[variant] = f"wrong result: off by {facts['error']:.3g}"
        except RuntimeError as error:
            failures[variant] = str(error)
            if not worker.process:  # it lost its variants
                return {}
    return good


def turn(worker, variant, tries):
    taken = []
    for _ in range(tries):
        time.sleep(0.05)  # until the last one's threads sleep
        taken.append(worker.ask("time", variant))
        if taken[-1]["other_cpus"] <= CALM:
            break
    return min(taken, key=lambda t: t["other_cpus"])


def measure(c, workers, expected, options):
    row = {
        "case": c.name,
        "failures": {p: {} for p in workers},
        "peers": {},
        "bench": [],
    }
    for name, worker in workers.items():
        row["peers"][name] = prepare(c, worker, expected, row["failures"][name])
    for _ in range(options.rounds):
        for name, variants in row["peers"].items():
            for variant in list(variants):
                try:
                    variants[variant].setdefault("turns", []).append(
                        turn(workers[name], variant, options.tries)
                    )
                    if name == "ladon":
                        row["bench"].append(workers[name].ask("bench"))
                except RuntimeError as error:
                    row["failures"][name][variant] = str(error)
                    del variants[variant]
    for variants in row["peers"].values():
        for facts in variants.values():
            facts["ms"] = 1e3 * statistics.median(
                t["s"] for t in facts["turns"]
            )
            facts["min_ms"] = 1e3 * min(t["min_s"] for t in facts["turns"])
            facts["calm"] = (
                statistics.median(t["other_cpus"] for t in facts["turns"])
                <= CALM
            )
    best = {
        name: min(variants.items(), key=lambda v: v[1]["ms"])
        for name, variants in row["peers"].items()
        if variants
    }
    row["best"] = {
        name: {"variant": variant} | {key: facts[key] for key in ("ms", "calm")}
        for name, (variant, facts) in best.items()
    }
    if "ladon" in best:
        for name, facts in row["best"].items():
            facts["ratio"] = facts["ms"] / row["best"]["ladon"]["ms"]
    return row


def fraction(row, work, ceiling, rows):
    """Of the highest ceiling in rows, what the row's Ladon reached: work per second, in 1e9."""
    if not row["bench"] or "ladon" not in row["best"]:
        return "-"
    return f"{row['bench'][0][work] / row['best']['ladon']['ms'] / 1e6 / max(b[ceiling] for r in rows for b in r['bench']):.3f}"


def table(rows, peers, threads):
    yield f"\n{threads} thread(s); ms, times slower than Ladon, best variant\n"
    yield "| case | ladon | of peak | of read bandwidth | " + " | ".join(
        peers
    ) + " |"
    yield "|---|--:|--:|--:|" + "--:|" * len(peers)
    shown = lambda b: ("" if b["calm"] else "~") + f"{b['ms']:.4g}"
    times = lambda b: f"{b['ratio']:.2f}x " if "ratio" in b else ""
    cell = lambda b: f"{shown(b)} ({times(b)}{b['variant']})" if b else "-"
    for row in rows:
        own = [
            shown(row["best"]["ladon"]) if "ladon" in row["best"] else "-",
            fraction(row, "flops", "fma_peak_gflops", rows),
            fraction(row, "bytes", "read_bandwidth_gbs", rows),
        ]
        yield f"| {row['case']} | " + " | ".join(
            own + [cell(row["best"].get(p)) for p in peers]
        ) + " |"
    pairs = {
        p: [
            (r["best"][p], r["best"]["ladon"])
            for r in rows
            if {p, "ladon"} <= r["best"].keys()
        ]
        for p in peers
    }
    ratios = {
        p: [peer["ratio"] for peer, own in x if peer["calm"] and own["calm"]]
        for p, x in pairs.items()
    }
    means = [
        f"{statistics.geometric_mean(x):.2f}x of {len(x)}" if x else "-"
        for x in ratios.values()
    ]
    yield "| geometric mean, calm pairs | | | | " + " | ".join(means) + " |\n"
    yield "seconds from spec to first result, and MB beyond the inputs in a call, median over the cases:"
    for p in ["ladon", *peers]:
        made = [v for r in rows for v in r["peers"].get(p, {}).values()]
        if made:
            middle = lambda key: statistics.median(v[key] for v in made)
            total = statistics.median(v["setup_s"] + v["first_s"] for v in made)
            yield (
                f"  {p}: {total:.3f} s (set-up {middle('setup_s'):.3f}), {middle('extra_mb'):.1f} MB, "
                f"largest difference {max(v['error'] for v in made):.1e}"
            )
    for row in rows:
        for p, failed in row["failures"].items():
            for variant, why in failed.items():
                yield f"  {row['case']}, {p} {variant}: {' '.join(why.split())[:160]}"


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument(
        "--ladon",
        required=True,
        help="build/bin/ladon",
    )
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument(
        "--threads", default="1", help="1, or 1,2 for one table after the other"
    )
    p.add_argument(
        "--cases",
        default=",".join(c.name for c in CASES),
        help="of " + ",".join(c.name for c in CASES),
    )
    p.add_argument(
        "--peers", default=",".join(PEERS), help="of " + ",".join(PEERS)
    )
    p.add_argument("--report", help="file for the tables, in Markdown")
    p.add_argument(
        "--json", help="file for all figures, written after each case"
    )
    p.add_argument(
        "--cpu",
        default="native",
        help="what Ladon compiles for: native, x86-64-v3 or x86-64-v4",
    )
    p.add_argument(
        "--tries",
        type=int,
        default=3,
        help="how often at most a disturbed turn is taken",
    )
    p.add_argument("--slice", type=float, default=0.3, help="seconds of a turn")
    p.add_argument(
        "--scale",
        type=int,
        default=1,
        help="divide lengths by this, to try the harness",
    )
    for own in ("--worker", "--folder"):
        p.add_argument(own, help=argparse.SUPPRESS)
    options = p.parse_args()
    if options.worker:
        return serve(options)
    wanted, names = options.cases.split(","), options.peers.split(",")
    if unknown := {*wanted} - {c.name for c in CASES} | {*names} - {*PEERS}:
        p.error(f"unknown: {', '.join(sorted(unknown))}")
    models = [
        line.split(":")[1].strip()
        for line in open("/proc/cpuinfo")
        if line.startswith("model name")
    ]
    report = {
        "machine": (models or [platform.machine()])[0],
        "cpus": os.cpu_count(),
        "started": time.strftime("%F %T"),
        "load_before": os.getloadavg(),
        "options": vars(options),
        "tables": {},
    }
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for threads in options.threads.split(","):
            workers = {
                name: Worker(name, threads, options, folder) for name in names
            }
            for name in names:
                try:
                    report.setdefault("versions", {}).update(
                        workers[name].ask("versions")
                    )
                except RuntimeError as error:
                    print(f"{name} is left out: {error}")
                    workers.pop(name).stop()
            rows = report["tables"][threads] = []
            for c in (c for c in CASES if c.name in wanted):
                known = folder / f"{c.name}.npy"
                if not known.exists():
                    small = shrink(c, options.scale)
                    np.save(known, reference(small, arrays(small)))
                rows.append(measure(c, workers, np.load(known), options))
                brief = {
                    n: f"{b['ms']:.4g} ms {b['variant']}"
                    for n, b in rows[-1]["best"].items()
                }
                print(c.name, brief, file=sys.stderr, flush=True)
                if options.json:
                    report["load_after"] = os.getloadavg()
                    pathlib.Path(options.json).write_text(
                        json.dumps(report, indent=1)
                    )
            for worker in workers.values():
                worker.stop()
            peers = [name for name in workers if name != "ladon"]
            lines += table(rows, peers, threads)
    lines += ["", ", ".join(f"{k} {v}" for k, v in report["versions"].items())]
    text = "\n".join(lines)
    print(text, flush=True)
    if options.report:
        pathlib.Path(options.report).write_text(
            REPORT.format(command=" ".join(sys.argv[1:]), **report)
            + text
            + "\n"
        )


if __name__ == "__main__":
    sys.exit(main())
