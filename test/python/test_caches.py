"""Caches: inout parameters are written where they lie."""

import numpy as np
import pytest

import ladon

STEP = """
attention step(
    q: f32[B, 2, S, 8], k: f32[B, 1, S, 8], v: f32[B, 1, S, 8],
    inout cache_k: {type}[B, 1, C, 8], inout cache_v: {type}[B, 1, C, 8],
    len: i32[B],
) -> f32[B, 2, S, 8] {{
  let keys = append(cache_k, k, at = len[b])
  let values = append(cache_v, v, at = len[b])
  return attend(q, keys, values, mask = j <= i + len[b])
}}
"""


@pytest.fixture(scope="module")
def step():
    return ladon.compile(STEP.format(type="f32"))


def draw(*shape, dtype=np.float32):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


def attend(q, k, v, first):
    """Of one entry: q[H, S, D], k and v [T, D]; query i sees keys up to first + i."""
    scores = q @ k.T / np.sqrt(q.shape[-1])
    hidden = np.arange(k.shape[0]) > first + np.arange(q.shape[1])[:, None]
    weights = np.exp(np.where(hidden, -np.inf, scores))
    return weights @ v / weights.sum(-1, keepdims=True)


def test_a_cache_is_written_where_it_lies(step):
    cache_k, cache_v = np.zeros((2, 2, 1, 20, 8), np.float32)
    lens = np.array([0, 5], np.int32)
    cache_k[1, 0, :5], cache_v[1, 0, :5] = draw(5, 8), -draw(5, 8)
    for count in (4, 1, 1, 7):
        q, k, v = draw(2, 2, count, 8), draw(2, 1, count, 8), 3 * draw(2, 1, count, 8)
        before = cache_k.copy()
        out = step(q, k, v, cache_k=cache_k, cache_v=cache_v, len=lens)
        for b, first in enumerate(lens):
            end = first + count
            assert (cache_k[b, 0, first:end] == k[b, 0]).all()
            assert (cache_v[b, 0, first:end] == v[b, 0]).all()
            assert (np.delete(cache_k[b, 0], slice(first, end), 0)
                    == np.delete(before[b, 0], slice(first, end), 0)).all()
            expected = attend(q[b], cache_k[b, 0, :end], cache_v[b, 0, :end], first)
            np.testing.assert_allclose(out[b], expected, atol=1e-5)
        lens += count


def test_a_view_and_another_type_of_cache():
    half = ladon.compile(STEP.format(type="f16"))
    whole = np.zeros((3, 30, 1, 8), np.float16)  # [batch, position, head, feature]
    cache = whole[1:].transpose(0, 2, 1, 3)[:, :, 4:24]
    k = draw(2, 1, 3, 8)
    half(draw(2, 2, 3, 8), k, k, cache, np.zeros((2, 1, 20, 8), np.float16),
         np.array([17, 0], np.int32))
    assert (whole[1, 21:24, 0] == k[0, 0].astype(np.float16)).all()
    assert (whole[2, 4:7, 0] == k[1, 0].astype(np.float16)).all()
    assert np.count_nonzero(whole.any(-1)) == 6


def test_what_does_not_fit_changes_nothing(step):
    cache = np.full((2, 2, 1, 20, 8), 7, np.float32)
    new = draw(2, 1, 3, 8)
    with pytest.raises(ladon.CallError,
                       match="len: expected 0 to C - S = 17 in entry 1, found 18") as error:
        step(draw(2, 2, 3, 8), new, new, *cache, np.array([0, 18], np.int32))
    assert error.value.status == 22
    assert (cache == 7).all()


def test_a_cache_must_be_writable_and_of_its_own(step):
    q, new, lens = draw(2, 2, 3, 8), draw(2, 1, 3, 8), np.zeros(2, np.int32)
    cache_k, cache_v = np.zeros((2, 2, 1, 20, 8), np.float32)
    cache_k.flags.writeable = False
    with pytest.raises(ladon.CallError, match="cache_k: the array is read-only"):
        step(q, new, new, cache_k, cache_v, lens)
    with pytest.raises(ladon.CallError, match="cache_v: its memory overlaps that of cache_k"):
        step(q, new, new, cache_v, cache_v, lens)
    with pytest.raises(TypeError, match="cache_k is not given"):
        step(q, new, new, cache_v=cache_v, len=lens)


def test_what_a_kernel_says_of_its_caches(step):
    assert [p.kind for p in step.parameters] == ["input"] * 3 + ["inout"] * 2 + ["input"]
    assert "inout cache_k: f32[B, 1, C, 8]" in repr(step)
    assert step.manifest["params"][5]["to"] == ["C - S"]
    assert "passed" in step.check(B=2, S=3, C=9)


def test_a_cache_of_bytes_is_quantised_by_the_call():
    source = STEP.format(type="i8").replace("len: i32[B],", """len: i32[B],
    inout scales_k: f32[B, 1, C], inout scales_v: f32[B, 1, C],""")
    for side in "kv":
        source = source.replace(f"append(cache_{side}, {side},",
                                f"append(cache_{side}, {side} / scale({side}),")
    source = source.replace("  return attend(q, keys, values,", """
  let ks = append(scales_k, scale(k), at = len[b], axis = 2)
  let vs = append(scales_v, scale(v), at = len[b], axis = 2)
  return attend(q, float(keys) * ks, float(values) * vs,""")
    kernel = ladon.compile("fn scale(x) = max(abs(x), axis = 3) / 127\n" + source)
    caches = np.zeros((2, 2, 1, 20, 8), np.int8)
    scales = np.zeros((2, 2, 1, 20), np.float32)
    lens = np.array([0, 5], np.int32)
    for count in (4, 1, 7):
        new = draw(2, 2, 1, count, 8) * np.float32(3)  # [k or v, batch, ...]
        q = draw(2, 2, count, 8)
        out = kernel(q, new[0], new[1], cache_k=caches[0], cache_v=caches[1], len=lens,
                     scales_k=scales[0], scales_v=scales[1])
        for b, first in enumerate(lens):
            end = first + count
            found = slice(first, end)
            unit = np.abs(new[:, b, 0]).max(-1) / np.float32(127)
            np.testing.assert_allclose(scales[:, b, 0, found], unit, rtol=1e-6)
            exact = new[:, b, 0] / unit[..., None]
            assert (np.abs(caches[:, b, 0, found] - exact) <= 0.5001).all()
            assert (np.abs(caches[:, b, 0, found]).max(-1) == 127).all()
            k, v = caches[:, b, 0, :end] * scales[:, b, 0, :end, None]
            np.testing.assert_allclose(out[b], attend(q[b], k, v, first), atol=1e-5)
        lens += count
