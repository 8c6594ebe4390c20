"""Kernels of PyTorch tensors, and FlexAttention's interface."""

import math

import ladon
import ladon.torch
import pytest
import torch
from conftest import PLAIN
from ladon.torch import TraceError
from torch.nn.attention.flex_attention import (BlockMask, and_masks, create_block_mask,
                                               flex_attention, or_masks)

B, H, S = 2, 4, 96

document = torch.arange(S, dtype=torch.int32) // 37
bias = torch.randn(H, S, S, generator=torch.Generator().manual_seed(3))
table = torch.randn(2 * S, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
slopes = torch.exp2(-torch.arange(1, H + 1) * 8.0 / H)
prefix = torch.tensor([10, 50])
shown = torch.rand(B, S, generator=torch.Generator().manual_seed(5)) < 0.5
temperature = torch.tensor(0.7)


def tensors(heads=H, shared=None, queries=S, keys=S, batch=B, features=32, dtype=torch.float32):
    make = torch.Generator().manual_seed(1)
    shared = shared or heads
    return [torch.randn(batch, h, n, features, generator=make).to(dtype)
            for h, n in ((heads, queries), (shared, keys), (shared, keys))]


def causal(b, h, q_idx, kv_idx):
    return q_idx >= kv_idx


def window(b, h, q_idx, kv_idx):
    return (q_idx - kv_idx).abs() <= 9


def sinusoid(score, b, h, q_idx, kv_idx):
    near = torch.clamp(q_idx - kv_idx, min=0, max=20)
    return score + torch.sin(near / 3) * torch.where(h % 2 == 0, 1.0, -0.5)


SCORES = {
    "relative": lambda s, b, h, q, k: s + (q - k),
    "alibi": lambda s, b, h, q, k: s + (k - q) * slopes[h],
    "softcap": lambda s, b, h, q, k: 20 * torch.tanh(s / 20),
    "bias": lambda s, b, h, q, k: s + bias[h, q, k],
    "bias in steps": lambda s, b, h, q, k: s + bias[h][q][k] * temperature,
    "f64 table, from the end": lambda s, b, h, q, k: s + table[q - k],
    "derived table": lambda s, b, h, q, k: s * table.float().exp()[q + k].sqrt(),
    "as a mask": lambda s, b, h, q, k: torch.where(q >= k, s, -float("inf")),
    "sinusoid": sinusoid,
    "numbers of all kinds": lambda s, b, h, q, k: (
        s.abs().add(1).log2() + torch.maximum(q, k).float().rsqrt().clamp(max=2) ** 2
        + ((q ^ k) & 3) - (q << 1) // 5 % 3 + (~h).float() / 7 + (q > k) * 0.25
        - torch.minimum(s, k.float()).sigmoid() + q ** 2 * 1e-4 + 1 / (1 + h)
        + (s > 0).to(torch.int32) + s.new_ones(()) + torch.sign(s) * temperature),
}

MASKS = {
    "causal": causal,
    "window": window,
    "both": and_masks(causal, window),
    "either": or_masks(window, lambda b, h, q, k: k < 3),
    "documents": lambda b, h, q, k: (document[q] == document[k]) & (q >= k),
    "prefix": lambda b, h, q, k: (k < prefix[b]) | (q >= k),
    "shown": lambda b, h, q, k: shown[b, k] & ~(q == 5),
    "dilated": lambda b, h, q, k: torch.logical_and((q - k) % 4 == 0, q >= k),
    "per head": lambda b, h, q, k: (q - k).abs() < (h + 1) * 7,
    "grid": lambda b, h, q, k: ((q // 8 - k // 8).abs() <= 1) & ((q % 8 - k % 8).abs() <= 1),
}


def compare(q, k, v, error=2e-5, **options):
    """With eager FlexAttention; the mask is given in both ways."""
    mask = options.pop("mask_mod", None)
    block = mask and create_block_mask(mask, q.shape[0], q.shape[1], q.shape[2], k.shape[2], device="cpu")
    expected, sums = flex_attention(q, k, v, block_mask=block, return_lse=True, **options)
    for given in ({"mask_mod": mask}, {"block_mask": block}):
        out, lse = ladon.torch.flex_attention(q, k, v, return_lse=True, **given, **options)
        assert out.dtype == q.dtype and out.shape == expected.shape
        torch.testing.assert_close(out, expected, rtol=error, atol=error)
        torch.testing.assert_close(lse, sums.to(lse.dtype), rtol=error, atol=error)
    return out


@pytest.mark.parametrize("name", SCORES)
def test_scores_are_those_of_flex_attention(name):
    compare(*tensors(), score_mod=SCORES[name])


@pytest.mark.parametrize("name", MASKS)
def test_masks_are_those_of_flex_attention(name):
    compare(*tensors(), mask_mod=MASKS[name])


def test_scores_and_masks_share_tensors():
    _, captured = ladon.torch._flex._write_spec(
        torch.float32, H, H, 32, 32, lambda s, b, h, q, k: s + document[q],
        lambda b, h, q, k: document[q] == document[k], None, False)
    assert len(captured) == 1 and captured[0].data_ptr() == document.data_ptr()
    compare(*tensors(), score_mod=SCORES["alibi"], mask_mod=MASKS["documents"])


def test_options():
    compare(*tensors(), scale=0.3)
    compare(*tensors(queries=17, keys=80), mask_mod=causal)
    compare(*tensors(shared=2), mask_mod=MASKS["per head"], enable_gqa=True)
    q, k, v = tensors()
    shared = ladon.torch.flex_attention(q, k[:1], v[:1], score_mod=SCORES["softcap"])
    assert (shared == compare(q, k[:1].expand(B, -1, -1, -1), v[:1].expand(B, -1, -1, -1),
                              score_mod=SCORES["softcap"])).all()
    compare(q, k, v[..., :8].contiguous())
    compare(*(x.transpose(1, 2).contiguous().transpose(1, 2) for x in (q, k, v)), mask_mod=causal)
    out = ladon.torch.flex_attention(q, k, v, scale=0.3, mask_mod=causal)
    assert (out == ladon.torch.flex_attention(q, k, v, None, None, 0.3, mask_mod=causal)).all()


@pytest.mark.parametrize("dtype, error", [(torch.float16, 3e-3), (torch.bfloat16, 3e-2),
                                          (torch.float64, 1e-10)])
def test_element_types(dtype, error):
    compare(*tensors(dtype=dtype), error, mask_mod=causal,
            score_mod=lambda s, b, h, q, k: s + bias.to(dtype)[h, q, k])


def test_rows_without_keys_are_zeros():
    q, k, v = tensors()
    out, lse = ladon.torch.flex_attention(q, k, v, mask_mod=lambda b, h, q, k: q > k, return_lse=True)
    assert (out[:, :, 0] == 0).all() and (lse[:, :, 0] == -math.inf).all()


def test_captured_tensors_are_read_at_each_call():
    q, k, v = tensors()
    length = torch.tensor([10, 20])
    mod = lambda b, h, q, k: k < length[b]  # noqa: E731
    first = ladon.torch.flex_attention(q, k, v, mask_mod=mod)
    length += 5
    second = compare(q, k, v, mask_mod=mod)
    assert (first != second).any()


def test_mods_that_refer_to_other_values_are_other_mods():
    q, k, v = tensors()

    def make(reach):
        return lambda b, h, q, k: q - k < reach

    assert (compare(q, k, v, mask_mod=make(3)) != compare(q, k, v, mask_mod=make(30))).any()
    known = len(ladon.torch._flex._specs)
    ladon.torch.flex_attention(q, k, v, mask_mod=make(3), return_lse=True)
    assert len(ladon.torch._flex._specs) == known, "the same mod, made anew"



@pytest.mark.parametrize("mod, message", [
    (lambda s, b, h, q, k: s if q > k else -s, "may branch on Python values only"),
    (lambda s, b, h, q, k: s + bias[h].sum(), "'sum' is not supported"),
    (lambda s, b, h, q, k: s + torch.lgamma(s), "'lgamma' is not supported"),
    (lambda s, b, h, q, k: s + bias[h, q], r"a tensor of shape \[96\] stands where a number"),
    (lambda s, b, h, q, k: s.to(torch.bfloat16), "rounding to torch.bfloat16 is not supported"),
    (lambda s, b, h, q, k: s + bias[:, q, k][h], "indexed from its first axis on"),
    (lambda s, b, h, q, k: s + float("nan"), "a constant that is NaN"),
    (lambda s, b, h, q, k: 3.0, "the mod returns float, expected a tensor"),
])
def test_what_a_spec_cannot_say_names_the_line(mod, message):
    with pytest.raises(TraceError, match=rf"test_torch\.py:{mod.__code__.co_firstlineno}: .*{message}"):
        ladon.torch.flex_attention(*tensors(), score_mod=mod)


def test_the_line_is_that_of_the_operation():
    def mod(s, b, h, q, k):
        s = s * 2
        return torch.lgamma(s)

    with pytest.raises(TraceError) as caught:
        ladon.torch.flex_attention(*tensors(), score_mod=mod)
    assert f"test_torch.py:{mod.__code__.co_firstlineno + 2}: " in str(caught.value)
    with pytest.raises(TraceError, match="expected 2 arguments but got 5"):
        ladon.torch.flex_attention(*tensors(), score_mod=lambda s, b: s)


def test_wrong_arguments():
    q, k, v = tensors()
    call = ladon.torch.flex_attention
    for error, message, arguments, options in [
            (ValueError, "query: expected 4 axes, found 3", (q[0], k, v), {}),
            (ValueError, "key: expected floats of one type", (q, k.double(), v), {}),
            (ValueError, "key: expected 32 features, found 16", (q, k[..., :16], v), {}),
            (ValueError, "heads of queries as of keys", (q, k[:, :2], v[:, :2]), {}),
            (ValueError, "a multiple", (q, k[:, :3], v[:, :3]), {"enable_gqa": True}),
            (ValueError, "value: expected the heads and keys", (q, k, v[:, :, :5]), {}),
            (ValueError, "key: expected a batch of 2 or 1, found 3", (q, *tensors(batch=3)[1:]), {}),
            (ValueError, "found both", (q, k, v), {"mask_mod": causal, "block_mask": 1}),
            (TypeError, "block_mask: expected a BlockMask, found int", (q, k, v), {"block_mask": 1})]:
        with pytest.raises(error, match=message):
            call(*arguments, **options)
    other = create_block_mask(causal, None, None, S, 2 * S, device="cpu")
    with pytest.raises(ValueError, match="made for 96 queries and 192 keys, found 96 and 96"):
        call(q, k, v, block_mask=other)
    blocks = BlockMask.from_kv_blocks(torch.ones(1, 1, 1, dtype=torch.int32),
                                      torch.zeros(1, 1, 1, 2, dtype=torch.int32), BLOCK_SIZE=64)
    with pytest.raises(NotImplementedError, match="without a mask_mod"):
        call(q, k, v, block_mask=blocks)
    with pytest.raises(NotImplementedError, match="no backward"):
        call(q.clone().requires_grad_(), k, v)
    with torch.no_grad():
        call(q.clone().requires_grad_(), k, v)


# What PyTorch says about its own interfaces and compiler is not about Ladon.
pytestmark = pytest.mark.filterwarnings("ignore")


class Model(torch.nn.Module):
    def forward(self, q, k, v):
        return ladon.torch.flex_attention(q * 2, k, v, mask_mod=MASKS["documents"]) + 1


def test_models_are_exported_and_compiled():
    q, k, v = tensors()
    expected = Model()(q, k, v)
    program = torch.export.export(Model(), (q, k, v))
    assert "torch.ops.ladon.attend" in program.graph_module.code
    assert (program.module()(q, k, v) == expected).all()
    compiled = torch.compile(Model(), backend="aot_eager")
    assert (compiled(q, k, v) == expected).all()


class Closures(torch.nn.Module):
    """Mods over what the model has, gets, and computes."""

    def __init__(self):
        super().__init__()
        self.register_buffer("slopes", slopes)

    def forward(self, q, k, v, document, reach=40):
        late = document + 1

        def score(s, b, h, q, k):
            return s + (k - q) * self.slopes[h]

        def mask(b, h, q, k):
            return (late[q] == late[k]) & (q - k < reach)

        out, lse = ladon.torch.flex_attention(q * 2, k, v, score_mod=score, mask_mod=mask, return_lse=True)
        return out + 1, lse * 2


@pytest.mark.parametrize("backend", ["eager", "aot_eager", "inductor"])
def test_models_are_compiled_without_a_break(backend):
    torch._dynamo.reset()
    q, k, v = tensors()
    model = Closures()
    compiled = torch.compile(model, backend=backend, fullgraph=True)
    others = document.flip(0).contiguous()
    with torch.no_grad():
        for _ in range(2):
            # Other contents, another tensor, another number.
            for given in ((document,), (others,), (others, 7)):
                expected, found = model(q, k, v, *given), compiled(q, k, v, *given)
                for a, b in zip(expected, found):
                    torch.testing.assert_close(b, a)
    assert (model(q, k, v, document)[0] != model(q, k, v, others)[0]).any()


@pytest.mark.parametrize("name", [*SCORES, *MASKS])
def test_mods_are_compiled_without_a_break(name):
    torch._dynamo.reset()
    q, k, v = tensors()
    options = {"score_mod": SCORES[name]} if name in SCORES else {
        "block_mask": create_block_mask(MASKS[name], B, H, S, S, device="cpu")}
    compiled = torch.compile(lambda q, k, v: ladon.torch.flex_attention(q, k, v, **options),
                             backend="aot_eager", fullgraph=True)
    expected = ladon.torch.flex_attention(q, k, v, **options)
    if name == "derived table":
        with pytest.raises(Exception, match="do it before the call"):
            compiled(q, k, v)
    else:
        torch.testing.assert_close(compiled(q, k, v), expected)


def test_lengths_change_under_a_compiler():
    torch._dynamo.reset()
    compiled = torch.compile(lambda q, k, v: ladon.torch.flex_attention(q, k, v, mask_mod=causal),
                             backend="aot_eager", fullgraph=True, dynamic=True)
    for queries in (17, 40, 96):
        q, k, v = tensors(queries=queries, keys=queries)
        torch.testing.assert_close(compiled(q, k, v), ladon.torch.flex_attention(q, k, v, mask_mod=causal))


def test_what_a_spec_cannot_say_under_a_compiler():
    torch._dynamo.reset()
    compiled = torch.compile(lambda q, k, v: ladon.torch.flex_attention(
        q, k, v, score_mod=lambda s, b, h, q, k: torch.lgamma(s)), backend="aot_eager", fullgraph=True)
    with pytest.raises(Exception, match="'lgamma' is not supported"):
        compiled(*tensors())


def test_kernels_take_and_give_tensors():
    kernel = ladon.compile(PLAIN)
    q, k, v = tensors(heads=2, features=16)
    out = kernel(q, k, v)
    assert type(out) is torch.Tensor
    into = torch.empty_like(out)
    assert kernel(q.numpy(), k, v, out=into) is into and (into == out).all()
    half = ladon.compile(PLAIN.replace("f32", "bf16"))
    assert half(*(x.bfloat16() for x in (q, k, v))).dtype == torch.bfloat16
    with pytest.raises(ladon.CallError, match="q: its memory cannot be used"):
        kernel(q.to("meta"), k, v)
