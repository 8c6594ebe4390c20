"""Tensors as bytes: shapes, random elements, .npy files. No NumPy is needed."""

import ast, math, random, struct

FORMATS = {
    "f32": ("f", 4, "<f4"),
    "f16": ("e", 2, "<f2"),
    "bf16": ("H", 2, "<V2"),
    "i32": ("i", 4, "<i4"),
}


def shape_of(param, sizes):
    return [sizes[d] if isinstance(d, str) else d for d in param["dims"]]


def encode(values, dtype):
    """Little-endian elements; bf16 is rounded toward zero, which is a bf16, too."""
    if dtype == "bf16":
        values = [
            struct.unpack("<I", struct.pack("<f", x))[0] >> 16 for x in values
        ]
    return struct.pack(f"<{len(values)}{FORMATS[dtype][0]}", *values)


def decode(data, dtype):
    letter, size, _ = FORMATS[dtype]
    values = struct.unpack(f"<{len(data) // size}{letter}", data)
    if dtype != "bf16":
        return values
    return struct.unpack(
        f"<{len(values)}f", struct.pack(f"<{len(values)}I", *(x << 16 for x in values))
    )


def make(param, sizes, makers, seed):
    """The elements of an input, as bytes."""
    shape = shape_of(param, sizes)
    maker = makers.get(param["name"])
    if maker:
        return encode(maker(shape, sizes), param["dtype"])
    generator = random.Random(f"{seed} {param['name']}")
    count = math.prod(shape)
    return encode(
        [generator.uniform(-1, 1) for _ in range(count)], param["dtype"]
    )


def write_npy(path, data, shape, dtype):
    text = "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }" % (
        FORMATS[dtype][2],
        "".join(f"{n}, " for n in shape),
    )
    text = text.ljust(117) + "\n"
    path.write_bytes(
        b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data
    )


def read_npy(path):
    """The elements of a file as write_npy and ladon write them."""
    data = path.read_bytes()
    length = struct.unpack("<H", data[8:10])[0]
    header = ast.literal_eval(data[10 : 10 + length].decode())
    assert not header["fortran_order"]
    return data[10 + length :]
