"""Writes the arrays of a folder of .npy files as all.npz and all.safetensors.

    archives.py FOLDER OUTPUT [NAME=NAME_IN_ARCHIVE...]
"""

import ast
import json
import pathlib
import struct
import sys
import zipfile

folder, output = map(pathlib.Path, sys.argv[1:3])
names = dict(pair.split("=") for pair in sys.argv[3:])
files = {names.get(file.stem, file.stem): file.read_bytes() for file in sorted(folder.glob("*.npy"))}

with zipfile.ZipFile(output / "all.npz", "w", zipfile.ZIP_DEFLATED) as archive:
    for name, content in files.items():
        archive.writestr(name + ".npy", content)

header, data = {"__metadata__": {"format": "np"}}, b""
for name, content in files.items():
    begin = 10 + struct.unpack("<H", content[8:10])[0]
    described = ast.literal_eval(content[10:begin].decode())
    elements = content[begin:]
    header[name] = {"dtype": {"<f4": "F32", "|b1": "BOOL"}[described["descr"]],
                    "shape": list(described["shape"]),
                    "data_offsets": [len(data), len(data) + len(elements)]}
    data += elements
text = json.dumps(header).encode()
(output / "all.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
