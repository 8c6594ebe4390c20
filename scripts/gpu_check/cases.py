"""What is checked and timed on a GPU: specs, sizes, and how to make their inputs."""

import random

HEAD = "attention {name}(\n    {params}\n) -> {dtype}[B, {heads}, S, {value}] {{\n  return attend(q, k, v{options})\n}}\n"


def spec(
    name,
    dtype="bf16",
    heads=4,
    key_heads=2,
    dim=64,
    value=None,
    options="",
    extra=(),
):
    value = value or dim
    params = [
        f"q: {dtype}[B, {heads}, S, {dim}]",
        f"k: {dtype}[B, {key_heads}, T, {dim}]",
        f"v: {dtype}[B, {key_heads}, T, {value}]",
        *extra,
    ]
    return HEAD.format(
        name=name,
        params=",\n    ".join(params),
        dtype=dtype,
        heads=heads,
        value=value,
        options=options and ", " + options,
    )


PAGED = """attention paged(
    q: bf16[B, 8, S, 128],
    k: bf16[N, 2, 16, 128],
    v: bf16[N, 2, 16, 128],
    table: i32[B, P],
    length: i32[B],
) -> bf16[B, 8, S, 128] {
  return attend(q, k, v, pages = table, mask = j < length[b])
}
"""


def documents(shape, sizes):
    """Ascending numbers, four documents in each row."""
    batch, length = shape
    return [4 * at // length for _ in range(batch) for at in range(length)]


def lengths(shape, sizes):
    capacity = sizes.get("T") or 16 * sizes["P"]
    return [capacity - 3 * n for n in range(shape[0])]


def pages(shape, sizes):
    numbers = list(range(sizes["N"]))
    random.Random(5).shuffle(numbers)
    return [
        numbers[n % len(numbers)] for n in range(shape[0] * shape[1])
    ]


MAKERS = {"doc": documents, "length": lengths, "table": pages}


class Case:
    """`sizes`: of the check, small; `timed`: of the timing; `peer`: what PyTorch
    is asked for, see peers.py."""

    def __init__(self, text, sizes, timed=(), peer=None):
        self.text, self.sizes, self.timed, self.peer = text, sizes, timed, peer
        self.name = text.split("(")[0].split()[1]


SMALL = {"B": 2, "S": 150, "T": 150}
FEW = {"B": 2, "S": 3, "T": 700}
LONG = [{"B": 1, "S": 16384, "T": 16384}, {"B": 8, "S": 2048, "T": 2048}]
CACHE = [
    {"B": 1, "S": 1, "T": 16384},
    {"B": 16, "S": 1, "T": 16384},
    {"B": 1, "S": 1, "T": 131072},
]

CASES = [
    Case(
        spec("full128", heads=16, key_heads=16, dim=128), SMALL, LONG, "full"
    ),
    Case(
        spec(
            "causal128", heads=16, key_heads=16, dim=128, options="mask = causal"
        ),
        SMALL,
        LONG,
        "causal",
    ),
    Case(
        spec(
            "causal64", heads=32, key_heads=32, dim=64, options="mask = causal"
        ),
        SMALL,
        LONG,
        "causal",
    ),
    Case(
        spec(
            "causal256", heads=8, key_heads=8, dim=256, options="mask = causal"
        ),
        SMALL,
        LONG,
        "causal",
    ),
    Case(
        spec(
            "capped",
            heads=16,
            key_heads=16,
            dim=128,
            options="score = 20 * tanh(s / 20), mask = causal",
        ),
        SMALL,
        LONG,
        "capped",
    ),
    Case(
        spec(
            "window",
            heads=16,
            key_heads=16,
            dim=128,
            options="mask = window(1024, 0)",
        ),
        SMALL,
        LONG,
        "window",
    ),
    Case(
        spec(
            "packed",
            heads=16,
            key_heads=16,
            dim=128,
            options="mask = causal && doc[b, i] == doc[b, j]",
            extra=["doc: i32[B, S]"],
        ).replace("T,", "S,"),
        {"B": 2, "S": 150},
        [{"B": 1, "S": 16384}],
        "packed",
    ),
    Case(
        spec("halves", dtype="f16", dim=80, value=40, options="mask = causal"),
        SMALL,
    ),
    Case(spec("single", dtype="f32", dim=64, options="mask = causal"), SMALL),
    Case(
        spec("decode", heads=64, key_heads=8, dim=128), FEW, CACHE, "decode"
    ),
    Case(
        spec(
            "decode_lengths",
            heads=8,
            key_heads=2,
            dim=128,
            options="mask = j < length[b]",
            extra=["length: i32[B]"],
        ),
        FEW,
        CACHE,
    ),
    Case(
        PAGED,
        {"B": 2, "S": 2, "N": 60, "P": 25},
        [{"B": 16, "S": 1, "N": 16384, "P": 1024}],
    ),
]
