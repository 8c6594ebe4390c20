"""The same attention by PyTorch, where that is installed: SDPA with each of its
fast backends, and FlexAttention compiled with the same mask and score."""

import functools


@functools.cache
def torch():
    try:
        import torch
    except ImportError:
        return None
    return torch if torch.cuda.is_available() else None


def version():
    return torch().__version__ if torch() else None


def seconds(call, runs, flush):
    """The median by the clock of the GPU, each run with a cold cache."""
    t = torch()
    call()
    taken = []
    for _ in range(runs):
        flush()
        begin, end = (t.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record(t.cuda.default_stream())
        call()
        end.record(t.cuda.default_stream())
        t.cuda.synchronize()
        taken.append(begin.elapsed_time(end) * 1e-3)
    return sorted(taken)[len(taken) // 2]


def sdpa(kind, q, k, v):
    """Each backend that takes the case, by name."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.nn.functional import scaled_dot_product_attention

    for name in ("FLASH_ATTENTION", "CUDNN_ATTENTION"):

        def call(backend=getattr(SDPBackend, name)):
            with sdpa_kernel(backend):
                scaled_dot_product_attention(
                    q, k, v, is_causal=kind == "causal", enable_gqa=True
                )

        yield name.lower().replace("_attention", " (SDPA)"), call


def flex(kind, shapes, q, k, v):
    """FlexAttention with the mask and the score of the case."""
    from torch.nn.attention.flex_attention import (
        create_block_mask,
        flex_attention,
    )

    t = torch()
    length = shapes["q"][2]
    doc = 4 * t.arange(length, device="cuda") // max(length, 1)
    masks = {
        "causal": lambda b, h, i, j: i >= j,
        "capped": lambda b, h, i, j: i >= j,
        "window": lambda b, h, i, j: (i >= j) & (i - j <= 1024),
        "packed": lambda b, h, i, j: (i >= j) & (doc[i] == doc[j]),
    }
    mask = masks.get(kind)
    block = mask and create_block_mask(
        mask, None, None, length, shapes["k"][2], device="cuda"
    )
    score = None
    if kind == "capped":
        score = lambda s, b, h, i, j: 20 * t.tanh(s / 20)
    compiled = t.compile(flex_attention)

    def call():
        compiled(q, k, v, score_mod=score, block_mask=block, enable_gqa=True)

    return call


def times(kind, shapes, runs, flush):
    """(name, seconds) of each peer that takes the case."""
    t = torch()
    if not t or not kind:
        return
    q, k, v = (
        t.full(shapes[n], 1 / 16, device="cuda", dtype=t.bfloat16)
        for n in "qkv"
    )
    calls = []
    if kind in ("full", "causal", "decode"):
        calls += sdpa(kind, q, k, v)
    try:
        calls.append(("FlexAttention", flex(kind, shapes, q, k, v)))
    except Exception as problem:
        print(f"  FlexAttention: {problem!s:.100}")
    for name, call in calls:
        try:
            yield name, seconds(call, runs, flush)
        except Exception as problem:
            print(f"  {name}: {problem!s:.100}")
