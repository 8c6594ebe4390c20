"""What the tests of the Python package share."""

import os

import numpy
import pytest

import ladon

SCALED = """
param bias: f32 = 0.0
attention scaled(
    q: f32[B, 2, S, 16], k: f32[B, 1, T, 16], v: f32[B, 1, T, 8],
    factor: f32, reach: i32, hide: bool,
) -> (out: f32[B, 2, S, 8], lse: f32[B, 2, S]) {
  let a = attend(q, k, v, score = s * factor + bias,
    mask = window(reach, reach) and not (hide and j == 0))
  return a.out, a.lse
}
"""

PLAIN = """
attention plain(q: f32[B, 2, S, 16], k: f32[B, 2, T, 16], v: f32[B, 2, T, 16])
    -> f32[B, 2, S, 16] {
  return attend(q, k, v)
}
"""


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """A cache that all tests of a run share, and no user."""
    folder = str(tmp_path_factory.getbasetemp() / "shared-cache")
    monkeypatch.setenv("LADON_CACHE", folder)
    monkeypatch.delenv("LADON_CACHE_SIZE", raising=False)
    return folder


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """An empty cache."""
    folder = str(tmp_path / "cache")
    monkeypatch.setenv("LADON_CACHE", folder)
    return folder


@pytest.fixture
def plain():
    return ladon.compile(PLAIN)


@pytest.fixture
def scaled():
    return ladon.compile(SCALED)


def arrays(*shapes, seed=1):
    random = numpy.random.default_rng(seed)
    return [random.standard_normal(shape, numpy.float32) for shape in shapes]


def qkv(batch=1, heads=2, queries=5, keys=7, features=16):
    return arrays((batch, heads, queries, features), (batch, heads, keys, features),
                  (batch, heads, keys, features))


def attend(q, k, v, score=lambda s: s, mask=None, scale=None):
    """Attention in f64, straight from its definition."""
    q, k, v = (numpy.asarray(x, numpy.float64) for x in (q, k, v))
    group = q.shape[1] // k.shape[1]
    k, v = (numpy.repeat(x, group, axis=1) for x in (k, v))
    s = score(q @ k.swapaxes(-1, -2) * (scale or q.shape[-1] ** -0.5))
    if mask is not None:
        s = numpy.where(mask, s, -numpy.inf)
    lse = numpy.logaddexp.reduce(s, axis=-1)
    return numpy.exp(s - lse[..., None]) @ v, lse
