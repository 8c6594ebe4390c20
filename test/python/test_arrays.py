"""Where tensors come from: buffers, capsules of DLPack, types of ml_dtypes."""

import array
import ctypes
import gc
import sys

import ladon
import ml_dtypes
import numpy
import pytest
from conftest import attend, qkv


class Old:
    """An array of a library that knows the first DLPack only."""

    def __init__(self, array):
        self.array, self.given = array, 0

    def __dlpack__(self, stream=None):
        self.given += 1
        return self.array.__dlpack__()

    def __dlpack_device__(self):
        return (1, 0)


class New(Old):
    """One with versions, and a flag for what is read-only."""

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        self.given += 1
        assert max_version >= (1, 0)
        return self.array.__dlpack__(max_version=max_version)


class Broken:
    def __init__(self, result):
        self.result = result

    def __dlpack__(self, **options):
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.mark.parametrize("kind", [Old, New])
def test_objects_with_dlpack(plain, kind):
    q, k, v = qkv()
    wrapped = kind(q)
    out = plain(wrapped, k, kind(v))
    assert type(out) is numpy.ndarray and (out == plain(q, k, v)).all()
    assert wrapped.given == 1


@pytest.mark.parametrize("version", [None, (1, 0)])
def test_capsules_are_consumed_once(plain, version):
    q, k, v = qkv()
    capsule = q.__dlpack__(max_version=version) if version else q.__dlpack__()
    assert (plain(capsule, k, v) == plain(q, k, v)).all()
    with pytest.raises(ladon.CallError, match="q: the capsule was consumed before") as caught:
        plain(capsule, k, v)
    assert caught.value.status is None


def test_memory_is_let_go_after_calls(plain):
    q, k, v = qkv()
    before = sys.getrefcount(q)
    for argument in (q, Old(q), New(q), q.__dlpack__(), memoryview(q)):
        plain(argument, k, v)
        with pytest.raises(ladon.CallError):
            plain(q, k, v[0])
    del argument
    gc.collect()
    assert sys.getrefcount(q) == before


def test_capsules_of_something_else(plain):
    q, k, v = qkv()
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    name = ctypes.create_string_buffer(b"arrow_array")
    with pytest.raises(ladon.CallError, match="expected a capsule of DLPack, found 'arrow_array'"):
        plain(new(ctypes.addressof(name), name, None), k, v)


class _Versioned(ctypes.Structure):
    _fields_ = [("major", ctypes.c_uint32), ("minor", ctypes.c_uint32),
                ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p),
                ("flags", ctypes.c_uint64)]


def test_a_later_dlpack_is_refused(plain):
    q, k, v = qkv()
    capsule = q.__dlpack__(max_version=(1, 0))
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    tensor = _Versioned.from_address(pointer(capsule, b"dltensor_versioned"))
    tensor.major = 2
    with pytest.raises(ladon.CallError, match="q: expected a tensor of DLPack 1, found one of 2"):
        plain(capsule, k, v)


@pytest.mark.parametrize("error", [BufferError("not on this device\nframe 0"), ValueError("no such memory")])
def test_errors_of_other_libraries_are_causes(plain, error):
    q, k, v = qkv()
    with pytest.raises(ladon.CallError, match=f"k: its memory cannot be used: {str(error).splitlines()[0]}$") as caught:
        plain(q, Broken(error), v)
    assert caught.value.__cause__ is error


def test_what_is_no_capsule(plain):
    q, k, v = qkv()
    with pytest.raises(TypeError, match="v: expected __dlpack__ to give a capsule, found int"):
        plain(q, k, Broken(3))


def test_results_are_not_written_into_read_only_memory(plain):
    q, k, v = qkv()
    out = numpy.zeros((1, 2, 5, 16), numpy.float32)
    out.flags.writeable = False
    for frozen in (out, New(out)):
        with pytest.raises(ladon.CallError, match="out: the array is read-only"):
            plain(q, k, v, out=frozen)


def test_other_buffers(plain):
    q, k, v = qkv(queries=1, keys=1)
    flat = array.array("f", q.ravel().tolist())
    shaped = memoryview(flat).cast("B").cast("f", q.shape)
    assert (plain(shaped, k, v) == plain(q, k, v)).all()
    with pytest.raises(ladon.CallError, match="q: expected 4 axes, found 1"):
        plain(flat, k, v)


@pytest.mark.parametrize("change, message", [
    (lambda q: q.astype(">f4"), "no element type of a tensor has the format '>f'"),
    (lambda q: q.astype("c8"), "no element type of a tensor has the format 'Zf'"),
    (lambda q: numpy.zeros(q.shape, "f4, u1")["f0"], r"the stride of axis 3, 5 bytes, is no"),
    (lambda q: q.astype(object), "the format 'O'"),
])
def test_arrays_that_are_no_tensors(plain, change, message):
    q, k, v = qkv()
    with pytest.raises(ladon.CallError, match="q: .*" + message):
        plain(change(q), k, v)


SMALL = """
attention small(q: {0}[B, 2, S, 16], k: {0}[B, 2, T, 16], v: {0}[B, 2, T, 16],
                seen: bool[B, T], kind: i64[T]) -> {0}[B, 2, S, 16] {{
  return attend(q, k, v, mask = seen[b, j] and kind[j] < 3)
}}
"""


@pytest.mark.parametrize("name, kind, error", [
    ("f16", numpy.float16, 2e-3), ("bf16", ml_dtypes.bfloat16, 2e-2), ("f64", numpy.float64, 1e-12)])
def test_element_types(name, kind, error):
    kernel = ladon.compile(SMALL.format(name))
    q, k, v = (x.astype(kind) for x in qkv())
    seen = numpy.ones((1, 7), bool)
    seen[0, 2] = False
    which = numpy.arange(7) % 4
    expected, _ = attend(q, k, v, mask=seen[:, None, None] & (which < 3))
    q.flags.writeable = False
    for mask in (seen, seen.astype(numpy.uint8)):
        out = kernel(q, k, v, mask, which)
        assert out.dtype == kind
        numpy.testing.assert_allclose(out.astype(float), expected, atol=error, rtol=error)
    into = numpy.empty((1, 2, 5, 16), kind)
    assert kernel(q, k, v, seen, which, out=into) is into and (into == out).all()
    with pytest.raises(ladon.CallError, match="kind: expected elements of type i64, found i32"):
        kernel(q, k, v, seen, which.astype(numpy.int32))


def test_bfloat16_results_need_ml_dtypes(monkeypatch):
    import ladon._arrays
    kernel = ladon._arrays.family(numpy.ndarray)[0]
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(ladon.CallError, match="needs the package ml_dtypes"):
        kernel(None, (1,), "bf16")
