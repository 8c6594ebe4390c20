"""The cases of run.py: inputs, masks, and the fp64 reference."""

import collections
import numpy as np

HIDDEN, CAP = np.float32(-1e30), 50.0
Case = collections.namedtuple("Case", "name S T rule B H Hk D type")


def case(name, S, T=None, rule="full", B=1, H=8, Hk=None, D=64, type="f32"):
    return Case(name, S, T or S, rule, B, H, Hk or H, D, type)


CASES = [
    case("full_1024", 1024),
    case("full_4096", 4096),
    case("full_4096_d128", 4096, D=128),
    case("causal_4096", 4096, rule="causal"),
    case("causal_gqa_2048", 2048, rule="causal", H=32, Hk=8, D=128),
    case("window_4096", 4096, rule="window"),
    case("documents_4096", 4096, rule="documents"),
    case("alibi_4096", 4096, rule="alibi"),
    case("softcap_2048", 2048, rule="softcap"),
    case("bool_mask_2048", 2048, rule="visible"),
    case("bert_16x12x128", 128, B=16, H=12),
    case("decode_mha_16384", 1, 16384, "causal"),
    case("decode_gqa_16384", 1, 16384, "causal", H=32, Hk=8, D=128),
    case("short_16x12x64", 64, B=16, H=12),
    case("chunk_128_4096", 128, 4096, "causal"),
    case("chunk_gqa_16_4096", 16, 4096, "causal", H=32, Hk=8, D=128),
    case("tiny_16", 16, H=1),
    case("encoder_8x512", 512, rule="module", B=8),
    case("bf16_full_2048", 2048, type="bf16"),
    case("bf16_full_2048_d128", 2048, D=128, type="bf16"),
    case("bf16_causal_gqa_2048", 2048, rule="causal", H=32, Hk=8, D=128, type="bf16"),
    case("bf16_decode_gqa_16384", 1, 16384, "causal", H=32, Hk=8, D=128, type="bf16"),
]


def shrink(c, by):
    small = lambda n: n if n <= 16 else max(16, n // by)
    return c._replace(S=small(c.S), T=small(c.T))


# ---- The numbers: inputs, masks, the reference. Window, documents and blocks scale with S: 256, 512 and 128 at full size.


def bf16_bits(x):
    """The bits of f32 numbers as bf16: to nearest, ties to even."""
    bits = np.ascontiguousarray(x).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def from_bf16(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def arrays(c):
    """Inputs, in f32; those of bf16 cases are numbers that bf16 has."""
    r = np.random.default_rng(1)

    def n(*shape):
        x = r.standard_normal(shape, dtype=np.float32)
        return from_bf16(bf16_bits(x)) if c.type == "bf16" else x

    if c.rule == "module":
        a = {"x": n(c.B, c.S, 512), "len": np.full(c.B, c.S, np.int32)}
        return (
            a
            | {
                w: n(512, 512) / np.float32(512**0.5)
                for w in ("wq", "wk", "wv", "wo")
            }
            | {"bo": n(512)}
        )
    a = {
        "q": n(c.B, c.H, c.S, c.D),
        "k": n(c.B, c.Hk, c.T, c.D),
        "v": n(c.B, c.Hk, c.T, c.D),
    }
    if c.rule == "documents":
        a["doc"] = np.repeat(np.arange(8, dtype=np.int32), c.S // 8)[None]
    if c.rule == "visible":
        a["visible"] = np.kron(
            (r.random((16, 16)) < 0.5) | np.eye(16, dtype=bool),
            np.ones((c.S // 16, c.T // 16), bool),
        )
    return a


def slopes(c):
    return 2.0 ** (-8 * np.arange(1, c.H + 1) / c.H)


def mask(c, a):
    """bool [S, T], or None where every key is visible."""
    i, j = np.arange(c.S)[:, None] + c.T - c.S, np.arange(c.T)[None]
    if c.rule in ("causal", "alibi"):
        return None if c.S == 1 else j <= i
    return {
        "window": (
            (j <= i) & (j >= i - c.S // 16) if c.rule == "window" else None
        ),
        "visible": a.get("visible"),
        "documents": a["doc"][0][:, None] == a["doc"] if "doc" in a else None,
    }.get(c.rule)


def bias(c, a):
    """The mask, and ALiBi's penalty, as f32 [1, 1 or H, S, T]."""
    m = np.where(mask(c, a), np.float32(0), HIDDEN)[None]
    if c.rule == "alibi":
        distance = (np.arange(c.T) - np.arange(c.S)[:, None]).astype(np.float32)
        m = np.stack(
            [
                np.where(m[0] == 0, np.float32(s) * distance, m[0])
                for s in slopes(c)
            ]
        )
    return m[None]


def reference(c, a):
    if c.rule == "module":
        heads = (
            lambda w: (a["x"].astype(float) @ a[w])
            .reshape(c.B, c.S, 8, 64)
            .swapaxes(1, 2)
        )
        o = reference(
            c._replace(rule="full"),
            {"q": heads("wq"), "k": heads("wk"), "v": heads("wv")},
        )
        return o.swapaxes(1, 2).reshape(c.B, c.S, 512) @ a["wo"] + a["bo"]
    out, m = np.empty((c.B, c.H, c.S, c.D)), mask(c, a)
    for b, h in np.ndindex(c.B, c.H):
        hk = h * c.Hk // c.H
        s = (
            a["q"][b, h].astype(float)
            @ a["k"][b, hk].astype(float).T
            / c.D**0.5
        )
        if c.rule == "softcap":
            s = CAP * np.tanh(s / CAP)
        if c.rule == "alibi":
            s += slopes(c)[h] * (np.arange(c.T) - np.arange(c.S)[:, None])
        if m is not None:
            s[~m] = -np.inf
        p = np.exp(s - s.max(1, keepdims=True))
        out[b, h] = p @ a["v"][b, hk] / p.sum(1, keepdims=True)
    return out
