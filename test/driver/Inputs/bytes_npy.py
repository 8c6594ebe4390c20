"""Copies a NumPy array of bools as one of bytes, where true is any of 1 to 255.

    bytes_npy.py FROM TO
"""

import sys

with open(sys.argv[1], "rb") as file:
    data = file.read()
assert data[6] == 1 and b"'|b1'" in data
begin = 10 + int.from_bytes(data[8:10], "little")
elements = bytes(byte * (1 + at % 255) % 256 for at, byte in enumerate(data[begin:]))
with open(sys.argv[2], "wb") as file:
    file.write(data[:begin].replace(b"'|b1'", b"'|u1'") + elements)
