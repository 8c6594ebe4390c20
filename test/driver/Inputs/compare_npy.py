"""Compares two NumPy files of f32 without NumPy: compare_npy.py A B TOLERANCE."""

import ast
import struct
import sys


def read(path):
    data = open(path, "rb").read()
    assert data[:8] == b"\x93NUMPY\x01\x00", path
    end = 10 + struct.unpack("<H", data[8:10])[0]
    header = ast.literal_eval(data[10:end].decode())
    assert header["descr"] == "<f4" and not header["fortran_order"], header
    count = 1
    for extent in header["shape"]:
        count *= extent
    return header["shape"], struct.unpack(f"<{count}f", data[end:])


shape_a, a = read(sys.argv[1])
shape_b, b = read(sys.argv[2])
assert shape_a == shape_b, (shape_a, shape_b)
worst = max((abs(x - y) for x, y in zip(a, b)), default=0)
assert worst <= float(sys.argv[3]), worst
