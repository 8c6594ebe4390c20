"""Converts every number of 16 bits, and floats around every one of them, with
compiled code and with `ladon run --reference`, and compares the bits with
Python's own: storage_types.py LADON FOLDER."""

import math
import pathlib
import struct
import subprocess
import sys

ladon, folder = sys.argv[1], pathlib.Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)


def half_value(bits):
    return struct.unpack("<e", struct.pack("<H", bits))[0]


def bfloat_value(bits):
    return struct.unpack("<f", struct.pack("<I", bits << 16))[0]


def to_half(bits):
    """The bits of a half, of a float given by its bits: to nearest even."""
    value = struct.unpack("<f", struct.pack("<I", bits))[0]
    sign = bits >> 16 & 0x8000
    if math.isnan(value):
        return None
    try:
        return struct.unpack("<H", struct.pack("<e", value))[0]
    except OverflowError:
        return sign | 0x7C00


def to_bfloat(bits):
    value = struct.unpack("<f", struct.pack("<I", bits))[0]
    if math.isnan(value):
        return None
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


def write(name, descr, count, data):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({count},), }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    head = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
    (folder / name).write_bytes(head + data)


def read(name, descr):
    data = (folder / name).read_bytes()
    length = struct.unpack_from("<H", data, 8)[0]
    assert f"'descr': '{descr}'".encode() in data[:10 + length], data[:10 + length]
    return data[10 + length:]


SPEC = """attention convert(u: f16[N], w: bf16[N], x: f32[M])
    -> (h32: f32[N], b32: f32[N], h16: f16[N], b16: bf16[N], fh16: f16[M], fb16: bf16[M]) {
  return u * 1, w * 1, u, w, x * 1, x * 1
}
"""
(folder / "convert.attn").write_text(SPEC)

patterns = range(1 << 16)
floats = set()
for bits in patterns:
    # Each number of 16 bits, the middle to its neighbour, and one float beside.
    value = half_value(bits)
    if not math.isnan(value) and not math.isinf(value):
        exact = struct.unpack("<I", struct.pack("<f", value))[0]
        step = 1 << 12 if abs(value) >= 2.0 ** -14 else 1 << 11
        floats.update((exact + d) & 0xFFFFFFFF for d in (0, 1, step - 1, step, step + 1))
    floats.update((bits << 16) + d for d in (0, 1, 0x7FFF, 0x8000, 0x8001))
floats = sorted(floats)
write("u.npy", "<f2", 1 << 16, struct.pack("<65536H", *patterns))
write("w.npy", "<V2", 1 << 16, struct.pack("<65536H", *patterns))
write("x.npy", "<f4", len(floats), struct.pack(f"<{len(floats)}I", *floats))

problems = 0


def compare(what, name, descr, letter, wanted, is_nan):
    global problems
    data = read(name, descr)
    found = struct.unpack(f"<{len(wanted)}{letter}", data)
    for want, got in zip(wanted, found):
        right = is_nan(got) if want is None else want == got
        if not right:
            problems += 1
            if problems < 20:
                print(f"{what}: {name}: expected {want}, found {got:#x}")


def single(value):
    return None if math.isnan(value) else struct.unpack("<I", struct.pack("<f", value))[0]


def nan32(bits):
    return bits & 0x7F800000 == 0x7F800000 and bits & 0x7FFFFF != 0


def nan_half(bits):
    return bits & 0x7C00 == 0x7C00 and bits & 0x3FF != 0


def nan_bfloat(bits):
    return bits & 0x7F80 == 0x7F80 and bits & 0x7F != 0


results = ["h32", "b32", "h16", "b16", "fh16", "fb16"]
for what, options in (("native", []), ("v2", ["--cpu", "x86-64-v2"]),
                      ("reference", ["--reference"])):
    command = [ladon, "run", str(folder / "convert.attn"), *options]
    for name in "uwx":
        command += ["--input", f"{name}={folder / name}.npy"]
    for name in results:
        command += ["--output", f"{name}={folder / name}.npy"]
    subprocess.run(command, check=True)
    compare(what, "h32.npy", "<f4", "I", [single(half_value(x)) for x in patterns], nan32)
    compare(what, "b32.npy", "<f4", "I", [single(bfloat_value(x)) for x in patterns], nan32)
    compare(what, "h16.npy", "<f2", "H",
            [None if nan_half(x) else x for x in patterns], nan_half)
    compare(what, "b16.npy", "<V2", "H",
            [None if nan_bfloat(x) else x for x in patterns], nan_bfloat)
    compare(what, "fh16.npy", "<f2", "H", [to_half(x) for x in floats], nan_half)
    compare(what, "fb16.npy", "<V2", "H", [to_bfloat(x) for x in floats], nan_bfloat)
print(f"{problems} problems" if problems else f"{len(floats)} floats rounded as they should")
