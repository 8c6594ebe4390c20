"""On a machine with a GPU: are results right, and how long do calls take."""

import json, math, statistics, time

from driver import Driver, Library, Memory, NoGpu
from tensors import FORMATS, decode, read_npy, shape_of
import peers

# The largest difference from the f64 reference, of results of inputs between -1
# and 1: weights are rounded to the type of the values, and so are results.
TOLERANCE = {"bf16": 0.02, "f16": 0.003, "f32": 2e-5}
FLUSH = 256 << 20  # bytes that replace what is in the cache of the GPU


class Case:
    def __init__(self, folder):
        self.folder, self.name = folder, folder.name
        described = json.loads((folder / "case.json").read_text())
        self.sizes, self.timed = described["sizes"], described["timed"]
        self.peer, self.libraries = described["peer"], described["libraries"]

    def library(self, number):
        return Library(
            self.folder / self.libraries[number]["folder"], self.name
        )


def byte_count(param, sizes):
    return math.prod(shape_of(param, sizes)) * FORMATS[param["dtype"]][1]


def worst(data, expected, dtype):
    """The largest difference; infinity where one of two is not a number."""
    pairs = zip(decode(data, dtype), decode(expected, dtype))
    differences = [abs(found - wanted) for found, wanted in pairs]
    return (
        math.inf if any(map(math.isnan, differences)) else max(differences)
    )


def check_case(driver, case, number):
    """What is wrong with the results of one library, or nothing."""
    library = case.library(number)
    shapes = [shape_of(p, case.sizes) for p in library.params]
    memories = []
    for param in library.params:
        memory = Memory(driver, byte_count(param, case.sizes))
        is_input = param["kind"] == "input"
        memories.append(
            memory.write(read_npy(case.folder / f"{param['name']}.npy"))
            if is_input
            else memory.fill(0xFFFF)
        )
    library.bind(driver, memories, shapes)()
    driver.wait()
    dtype = library.params[-1]["dtype"]
    off = worst(
        memories[-1].read(), read_npy(case.folder / "expected.npy"), dtype
    )
    if off <= TOLERANCE[dtype]:
        return ""
    return f"differs by {off:.3g}, expected at most {TOLERANCE[dtype]:.3g}"


def check_all(driver, cases):
    """The cases of which a library is wrong, with what is wrong."""
    wrong = {}
    for case in cases:
        for number, library in enumerate(case.libraries):
            try:
                problem = check_case(driver, case, number)
            except RuntimeError as error:
                problem = str(error)
            label = f"{case.name} {library['tile']}"
            print(f"{'FAILED' if problem else 'right ':6}  {label}  {problem}")
            if problem:
                wrong[label] = problem
    return wrong


# ---- Times


def inputs_for_times(driver, library, case, sizes):
    """Elements do not change the time, unless they say where to look."""
    from cases import MAKERS
    from tensors import encode

    memories = []
    for param in library.params:
        memory = Memory(driver, byte_count(param, sizes))
        maker = MAKERS.get(param["name"])
        if maker:
            shape = shape_of(param, sizes)
            memory.write(encode(maker(shape, sizes), param["dtype"]))
        elif param["dtype"] == "bf16":
            memory.fill(0x3D80)  # 1/16
        memories.append(memory)
    return memories


def work(params, sizes, peer):
    """Operations of what is visible, and bytes of all tensors."""
    of = {p["name"]: shape_of(p, sizes) for p in params}
    batch, heads, queries, dim = of["q"]
    keys = of["k"][2] if "table" not in of else 16 * sizes["P"]
    pairs = batch * heads * queries * keys
    if peer in ("causal", "capped") and queries == keys:
        pairs //= 2
    elif peer == "packed":
        pairs //= 8
    elif peer == "window":
        pairs = batch * heads * queries * min(keys, 1025)
    return pairs * 2 * (dim + of["v"][3]), sum(
        byte_count(p, sizes) for p in params
    )


def time_case(driver, case, sizes, runs, flush):
    rows = []
    for number, library in enumerate(case.libraries):
        loaded = case.library(number)
        memories = inputs_for_times(driver, loaded, case, sizes)
        shapes = [shape_of(p, sizes) for p in loaded.params]
        call = loaded.bind(driver, memories, shapes)
        call()
        driver.wait()
        seconds = []
        for _ in range(runs):
            flush()
            seconds += driver.time(call, 1)
        started = time.perf_counter()
        for _ in range(50):
            call()
        launch = (time.perf_counter() - started) / 50
        driver.wait()
        flops, size = work(loaded.params, sizes, case.peer)
        rows.append(
            {
                "case": case.name,
                "sizes": sizes,
                "by": f"ladon {library['tile']}",
                "seconds": statistics.median(seconds),
                "least": min(seconds),
                "launch_seconds": launch,
                "workspace": call.workspace,
                "flops": flops,
                "bytes": size,
            }
        )
    shapes = {p["name"]: shape_of(p, sizes) for p in loaded.params}
    for name, seconds in peers.times(case.peer, shapes, runs, flush):
        rows.append({**rows[0], "by": name, "launch_seconds": None,
                     "workspace": None, "seconds": seconds, "least": None})  # fmt: skip
    return rows


def print_row(row):
    sizes = ",".join(f"{name}={size}" for name, size in row["sizes"].items())
    launch = row["launch_seconds"]
    print(
        f"{row['case']:15} {sizes:26} {row['by']:24}"
        f" {row['seconds'] * 1e6:10.1f} us"
        f" {row['flops'] / row['seconds'] * 1e-12:8.1f} TFLOP/s"
        f" {row['bytes'] / row['seconds'] * 1e-9:8.1f} GB/s"
        + (f" {launch * 1e6:6.1f} us/launch" if launch else "")
    )


def time_all(driver, cases, runs):
    halves = [Memory(driver, FLUSH) for _ in range(2)]

    def flush():
        halves[0].copy_from(halves[1])

    flush()
    copied = 2 * FLUSH / driver.time(flush, 10)[0]
    print(f"a copy: {copied * 1e-9:.0f} GB/s read and written")
    rows = []
    for case in cases:
        for sizes in case.timed:
            try:
                found = time_case(driver, case, sizes, runs, flush)
            except RuntimeError as error:
                print(f"{case.name:15} {sizes}: {error}")
                continue
            for row in found:
                print_row(row)
            rows += found
    return copied, rows


def check(options):
    folders = sorted((options.dir / "cases").glob("*/case.json"))
    cases = [Case(path.parent) for path in folders]
    cases = [c for c in cases if not options.only or c.name in options.only]
    try:
        driver = Driver(options.driver)
    except NoGpu as problem:
        print(f"gpu-check: no GPU found: {problem}")
        return 3
    if not cases:
        print(f"gpu-check: {options.dir} has no cases; see --prepare")
        return 1
    print(
        f"{driver.name}, compute capability {driver.capability},"
        f" driver for CUDA {driver.version}, PyTorch {peers.version() or 'absent'}"
    )
    wrong = check_all(driver, cases)
    copied, rows = None, []
    if not options.no_times:
        copied, rows = time_all(driver, cases, options.runs)
    path = options.json or options.dir / "gpu-check.json"
    path.write_text(
        json.dumps(
            {
                "gpu": driver.name,
                "capability": driver.capability,
                "driver": driver.version,
                "torch": peers.version(),
                "date": time.strftime("%Y-%m-%d"),
                "wrong": wrong,
                "copy_bytes_per_second": copied,
                "times": rows,
            },
            indent=1,
        )
    )
    print(f"{len(cases)} cases, {len(wrong)} wrong; figures are in {path}")
    return 1 if wrong else 0
