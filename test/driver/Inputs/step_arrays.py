"""step_arrays.py DIRECTORY: the arrays of caches.test, as files of NumPy."""

import struct
import sys


def save(name, dtype, shape, values):
    header = f"{{'descr': '<{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (117 - len(header)) + "\n"
    letter = {"f4": "f", "f2": "e", "i4": "i"}[dtype]
    with open(f"{sys.argv[1]}/{name}.npy", "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(struct.pack(f"<{len(values)}{letter}", *values))


save("k", "f4", (2, 1, 1, 2), [1, 2, 3, 4])
save("cache", "f2", (2, 1, 3, 2), [0] * 12)
save("len", "i4", (2,), [0, 2])
save("far", "i4", (2,), [0, 3])

# The elements of the cache after the call.
with open(f"{sys.argv[1]}/expected", "wb") as file:
    file.write(struct.pack("<12e", 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3, 4))
