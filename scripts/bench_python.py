"""What scripts/bench-python runs: `bench_python.py calls|flex`."""

import os
import statistics
import subprocess
import sys
import tempfile
import time

TINY = """
attention tiny(q: f32[B, 1, S, 8], k: f32[B, 1, T, 8], v: f32[B, 1, T, 8]) -> f32[B, 1, S, 8] {
  return attend(q, k, v)
}
"""


def best(action, runs=20, calls=1):
    """Seconds of one call."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        for _ in range(calls):
            action()
        times.append((time.perf_counter() - start) / calls)
    return min(times)


def calls():
    """Of the package itself."""
    def start(code):
        return best(lambda: subprocess.run([sys.executable, "-c", code], check=True))

    empty, full = start("pass"), start("import ladon")
    print(f"import ladon            {1e3 * (full - empty):8.1f} ms, beside {1e3 * empty:.1f} of the interpreter")

    import ladon
    import numpy

    kernel = ladon.compile(TINY)
    print(f"ladon.compile, kept     {1e3 * best(lambda: ladon.compile(TINY), 200):8.2f} ms")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LADON_CACHE"] = folder
        begin = time.perf_counter()
        ladon.compile(TINY)
        print(f"ladon.compile, new      {1e3 * (time.perf_counter() - begin):8.1f} ms")
    q = numpy.ones((1, 1, 1, 8), numpy.float32)
    out = numpy.empty_like(q)
    print(f"the call from C         {1e6 * kernel.bench(B=1, S=1, T=1)['min_seconds']:8.2f} us")
    for name, call in (("with out=", lambda: kernel(q, q, q, out=out, threads=1)),
                       ("with a new result", lambda: kernel(q, q, q, threads=1))):
        print(f"the call from Python    {1e6 * best(call, 2000, 100):8.2f} us {name}")


def flex():
    """Of the drop-in for FlexAttention: times of calls in turn, and of the first call."""
    import torch
    from torch._inductor.utils import fresh_cache
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    import ladon.torch
    from ladon.torch import _flex

    def forget():
        _flex._specs.clear()
        _flex._kernels.clear()

    def first(call, forget):
        """Seconds of a call when nothing is kept, and what it gives."""
        forget()
        with tempfile.TemporaryDirectory() as folder, fresh_cache():
            os.environ["LADON_CACHE"] = folder
            begin = time.perf_counter()
            out = call()
            return time.perf_counter() - begin, out

    # One CPU for both: ladon then has one thread, too.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    length = 4096
    document = torch.arange(length) // 410  # Ten of about equal length.
    masks = {
        "causal": lambda b, h, q, k: q >= k,
        "window": lambda b, h, q, k: (q >= k) & (q - k < 256),
        "documents": lambda b, h, q, k: (document[q] == document[k]) & (q >= k),
    }
    print(f"S = {length}, 8 heads of 64 features, milliseconds; first calls in seconds, medians of 3")
    for dtype in (torch.float32, torch.bfloat16):
        q, k, v = (torch.randn(1, 8, length, 64).to(dtype) for _ in range(3))
        for name, mask in masks.items():
            blocks = create_block_mask(mask, None, None, length, length, device="cpu")
            compiled = torch.compile(flex_attention, dynamic=False, fullgraph=True)

            def ours():
                return ladon.torch.flex_attention(q, k, v, block_mask=blocks)

            def theirs():
                return compiled(q, k, v, block_mask=blocks)

            with torch.no_grad():
                # Once unseen: both import what they need when they are first called.
                firsts = [(first(ours, forget), first(theirs, torch._dynamo.reset))
                          for _ in range(4)][1:]
                error = (firsts[0][0][1] - firsts[0][1][1]).abs().max().item()
                assert error < (1e-4 if dtype == torch.float32 else 3e-2), error
                times = [(best(ours, 1), best(theirs, 1)) for _ in range(7)]
            firsts = [(a[0], b[0]) for a, b in firsts]
            ladon_time, flex_time = (min(column) for column in zip(*times))
            ratio = statistics.median(b / a for a, b in times)
            our_first, their_first = (statistics.median(column) for column in zip(*firsts))
            first_ratio = statistics.median(b / a for a, b in firsts)
            print(f"{str(dtype)[6:]:9} {name:10} ladon {1e3 * ladon_time:7.1f}   flex {1e3 * flex_time:7.1f}   "
                  f"{ratio:5.2f} x   first {our_first:.2f}, {their_first:.2f}: {first_ratio:.0f} x", flush=True)


if __name__ == "__main__":
    {"calls": calls, "flex": flex}[sys.argv[1]]()
