"""Calls entry points f32[4, N] -> f32[4, N] that take absolute values."""

import ctypes
import sys


class Tensor(ctypes.Structure):
    """DLTensor, with the device and the data type spelt out."""

    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32),
                ("device_id", ctypes.c_int32), ("ndim", ctypes.c_int32),
                ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8),
                ("lanes", ctypes.c_uint16), ("shape", ctypes.c_void_p),
                ("strides", ctypes.c_void_p), ("byte_offset", ctypes.c_uint64)]


def tensor(values, shape):
    return Tensor(ctypes.addressof(values), 1, 0, 2, 2, 32, 1, ctypes.addressof(shape), None, 0)


library = ctypes.CDLL(sys.argv[1])
for name in sys.argv[2:]:
    shape = (ctypes.c_int64 * 2)(4, 5)
    x = (ctypes.c_float * 20)(*[i - 10 for i in range(20)])
    y = (ctypes.c_float * 20)()
    first, second = tensor(x, shape), tensor(y, shape)
    status = getattr(library, name)(ctypes.byref(first), ctypes.byref(second), None)
    if status != 0 or list(y) != [abs(i - 10) for i in range(20)]:
        sys.exit(f"{name}: status {status}, found {list(y)}")
