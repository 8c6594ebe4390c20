"""Calls of kernels: arguments, results, errors."""

import inspect
import pickle
import threading

import ladon
import numpy
import pytest
from conftest import PLAIN, arrays, attend, qkv


def close(found, expected):
    numpy.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)


def test_result_is_a_new_numpy_array(plain):
    q, k, v = qkv()
    out = plain(q, k, v)
    assert type(out) is numpy.ndarray and out.dtype == numpy.float32 and out.shape == (1, 2, 5, 16)
    close(out, attend(q, k, v)[0])


def test_scalars_and_several_results(scaled):
    q, k, v = arrays((2, 2, 6, 16), (2, 1, 6, 16), (2, 1, 6, 8))
    i, j = numpy.ogrid[:6, :6]
    for hide in (False, True, numpy.bool_(True), 0):
        out, lse = scaled(q, k, v, 0.5, 2, hide)
        expected = attend(q, k, v, lambda s: s * 0.5, (abs(i - j) <= 2) & ~(bool(hide) & (j == 0)))
        close(out, expected[0])
        close(lse, expected[1])


def test_arguments_by_name(scaled):
    q, k, v = arrays((1, 2, 3, 16), (1, 1, 3, 16), (1, 1, 3, 8))
    by_place = scaled(q, k, v, numpy.float64(0.25), numpy.int64(1), False)
    by_name = scaled(q, k, hide=False, reach=1, factor=0.25, v=v)
    assert all((a == b).all() for a, b in zip(by_place, by_name))


def test_params_are_compiled_in():
    q, k, v = arrays((1, 2, 3, 16), (1, 1, 3, 16), (1, 1, 3, 8))
    from conftest import SCALED
    plain, shifted = ladon.compile(SCALED), ladon.compile(SCALED, bias=numpy.float32(0.5))
    close(shifted(q, k, v, 1, 3, False)[1], plain(q, k, v, 1, 3, False)[1] + 0.5)


def test_out_is_written_and_returned(plain):
    q, k, v = qkv()
    memory = numpy.full((2, 5, 2, 16), 9, numpy.float32)
    out = memory.transpose(0, 2, 1, 3)[:1]
    assert plain(q, k, v, out=out) is out
    close(memory[0].transpose(1, 0, 2), attend(q, k, v)[0][0])
    assert (memory[1] == 9).all()


def test_out_of_several_results(scaled):
    q, k, v = arrays((1, 2, 3, 16), (1, 1, 3, 16), (1, 1, 3, 8))
    out = numpy.empty((1, 2, 3, 8), numpy.float32), numpy.empty((1, 2, 3), numpy.float32)
    assert scaled(q, k, v, 1.0, 3, False, out=out) is out
    assert (out[1] == scaled(q, k, v, 1.0, 3, False)[1]).all()
    with pytest.raises(TypeError, match="expected 2 arrays in out, found 1"):
        scaled(q, k, v, 1.0, 3, False, out=out[:1])


def test_any_strides_are_read(plain):
    q, k, v = qkv(queries=4, keys=4)
    expected = plain(q, k, v)
    base = numpy.ascontiguousarray(q.transpose(3, 0, 2, 1))
    assert (plain(base.transpose(1, 3, 2, 0), k, v) == expected).all()
    row = numpy.broadcast_to(k[:, :1, :1], k.shape)
    close(plain(q, row, v), attend(q, row, v)[0])
    frozen = q.copy()
    frozen.flags.writeable = False
    assert (plain(frozen, k, v) == expected).all()


def test_empty_tensors(plain):
    q, k, v = qkv(batch=0)
    assert plain(q, k, v).shape == (0, 2, 5, 16)
    q, k, v = qkv(keys=0)
    assert (plain(q, k, v) == 0).all()


def test_results_do_not_depend_on_threads(plain):
    q, k, v = qkv(batch=2, queries=100, keys=130)
    one = plain(q, k, v, threads=1)
    assert all((plain(q, k, v, threads=n) == one).all() for n in (0, 2, 5))


@pytest.mark.parametrize("make, status, message", [
    (lambda q: q.astype(numpy.float64), 3, "q: expected elements of type f32, found f64"),
    (lambda q: q.astype(numpy.int16), 3, "q: expected elements of type f32"),
    (lambda q: q[0], 4, "q: expected 4 axes, found 3"),
    (lambda q: q[:, :, :, :8], 8, "q: expected 16 features on axis 3, found 8"),
    (lambda q: numpy.concatenate([q, q]), 9, "k: expected B = 2 on axis 0, as in q, found 1"),
    (lambda q: q[:, :, ::-1], 12, "q: the stride of axis 2 is negative: -16"),
    (lambda q: q.reshape((1,) * 20 + q.shape), 4, "q: expected 4 axes, found 24"),
])
def test_what_does_not_fit_is_a_call_error(plain, make, status, message):
    q, k, v = qkv()
    with pytest.raises(ladon.CallError) as caught:
        plain(make(q), k, v)
    assert caught.value.status == status and message in str(caught.value)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.status) == (str(caught.value), status)


def test_nothing_is_written_by_a_refused_call(plain):
    q, k, v = qkv()
    out = numpy.full((1, 2, 5, 16), 9, numpy.float32)
    with pytest.raises(ladon.CallError, match="overlap") as caught:
        plain(q, k, v, out=q)
    assert caught.value.status == 16
    with pytest.raises(ladon.CallError):
        plain(q, k, v[:, :, :-1], out=out)
    with pytest.raises(ladon.CallError, match="out: expected S = 5") as caught:
        plain(q, k, v, out=out[:, :, :3])
    assert (out == 9).all()


def test_threads_are_checked(plain):
    q, k, v = qkv()
    for threads in (-1, 4097, 1 << 40):
        with pytest.raises(ladon.CallError, match="threads") as caught:
            plain(q, k, v, threads=threads)
        assert caught.value.status == 17
    with pytest.raises(ladon.CallError, match="threads: expected a number"):
        plain(q, k, v, threads="two")
    with pytest.raises(ladon.CallError, match="stream: expected the number"):
        plain(q, k, v, stream="s")


@pytest.mark.parametrize("change, message", [
    (lambda a, n: a.pop(), "plain: v is not given"),
    (lambda a, n: a.append(1), "plain: expected 3 arguments, found 4"),
    (lambda a, n: n.update(q=a[0]), "plain: q is given twice"),
    (lambda a, n: n.update(w=1), "plain: there is no parameter 'w'"),
    (lambda a, n: a.__setitem__(1, [1, 2]), r"k: expected an array .*, found list"),
    (lambda a, n: a.__setitem__(0, None), r"q: expected an array .*, found NoneType"),
])
def test_wrong_arguments_are_type_errors(plain, change, message):
    arguments, named = list(qkv()), {}
    change(arguments, named)
    with pytest.raises(TypeError, match=message):
        plain(*arguments, **named)


@pytest.mark.parametrize("place, value, message", [
    (3, "a", "factor: expected a number of type f32, found 'a'"),
    (4, 1.5, "reach: expected a number of type i32, found 1.5"),
    (4, 1 << 31, "reach: expected a number of type i32, found 2147483648"),
    (4, 1 << 80, "reach: expected a number of type i32"),
    (5, "yes", "hide: expected a number of type bool, found 'yes'"),
])
def test_wrong_scalars_are_type_errors(scaled, place, value, message):
    arguments = [*arrays((1, 2, 3, 16), (1, 1, 3, 16), (1, 1, 3, 8)), 1.0, 1, False]
    arguments[place] = value
    with pytest.raises(TypeError, match=message):
        scaled(*arguments)


def test_the_interpreter_runs_beside_a_call():
    kernel = ladon.compile("""
        attention slow(q: f32[B, 2, S, 64], k: f32[B, 2, S, 64], v: f32[B, 2, S, 64])
            -> f32[B, 2, S, 64] { return attend(q, k, v) }""")
    q = numpy.zeros((1, 2, 2048, 64), numpy.float32)
    running, ticks, counts = threading.Event(), [0], []

    def tick():
        while not running.is_set():
            ticks[0] += 1

    other = threading.Thread(target=tick)
    other.start()
    try:
        for _ in range(6):
            before = ticks[0]
            kernel(q, q, q, threads=1)
            counts.append(ticks[0] - before)
    finally:
        running.set()
        other.join()
    # With the lock held, only a switch between two lines above would count.
    assert sorted(counts)[3] > 0


def test_calls_from_many_threads(plain):
    q, k, v = qkv(queries=64, keys=64)
    expected, wrong = plain(q, k, v), []

    def work():
        for _ in range(50):
            if not (plain(q, k, v) == expected).all():
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_kernel_says_what_it_is(scaled):
    assert scaled.name == "scaled" and scaled.symbols == ("B", "S", "T")
    assert [p.name for p in scaled.parameters] == ["q", "k", "v", "factor", "reach", "hide"]
    assert [str(r) for r in scaled.results] == ["out: f32[B, 2, S, 8]", "lse: f32[B, 2, S]"]
    assert "reach: i32" in repr(scaled)
    assert "int32_t scaled(const DLTensor *q" in scaled.header
    assert scaled.spec.strip().startswith("param bias")
    assert list(inspect.signature(scaled).parameters)[-3:] == ["out", "threads", "stream"]


def test_check_bench_and_explain(plain):
    assert "plain: passed" in plain.check(B=1, S=8, T=8)
    measured = plain.bench(B=1, S=16, T=16, runs=3)
    assert measured["runs"] == 3 and measured["visible_pairs"] == 2 * 16 * 16
    picture = plain.explain(B=1, S=64, T=64)
    assert "visible:" in picture and picture._repr_svg_().lstrip().startswith("<svg")
    with pytest.raises(ladon.SpecError, match="the spec has no size U"):
        plain.explain(U=1)
    with pytest.raises(ladon.SpecError, match="no size is given for T"):
        plain.bench(B=1, S=1)


def test_kernels_go_and_come(own_cache):
    q, k, v = qkv()
    for _ in range(3):
        kernel = ladon.compile(PLAIN)
        kernel(q, k, v)
        del kernel


def test_results_of_computed_sizes():
    kernel = ladon.compile("""attention grown(past: f32[B, 2, P, 8], k: f32[B, 2, N, 8]) -> (
        keys: f32[B, 2, P + N, 8], halves: f32[B, 2, 2 * N, 8]) {
      return concat(past, k), concat(k, k) }""")
    for past, new in (0, 3), (4, 0), (5, 2):
        a, b = (numpy.random.default_rng(n).standard_normal((1, 2, n, 8)).astype(numpy.float32) for n in (past, new))
        keys, twice = kernel(a, b)
        assert (keys == numpy.concatenate([a, b], 2)).all()
        assert (twice == numpy.concatenate([b, b], 2)).all()


def test_indices_are_checked_for_who_asks():
    kernel = ladon.compile("""attention table(
        q: f32[B, 1, S, 8], k: f32[B, 1, T, 8], v: f32[B, 1, T, 8], near: f32[R],
    ) -> f32[B, 1, S, 8] {
      return attend(q, k, v, score = s + near[i - j], mask = causal_top_left)
    }""")
    q, k, v = arrays((1, 1, 5, 8), (1, 1, 5, 8), (1, 1, 5, 8))
    near = numpy.arange(4, dtype=numpy.float32)
    out = numpy.full((1, 1, 5, 8), 7, numpy.float32)
    with pytest.raises(ladon.CallError) as error:
        kernel(q, k, v, near, out=out, check_indices=True)
    assert str(error.value) == ("near: expected an index of 0 to 3 on axis 0, found 4 "
                                "at b = 0, h = 0, i = 4, j = 0")
    assert error.value.status == 23
    assert (out == 7).all()
    longer = numpy.append(near, numpy.float32(3))
    assert (kernel(q, k, v, near) == kernel(q, k, v, longer, check_indices=True)).all()
