"""Ladon: the library of a spec, called through ctypes."""

import ctypes
import json
import pathlib
import subprocess
import tempfile

import numpy as np
from cases import CAP, bf16_bits, from_bf16


class Ladon:
    class Options(ctypes.Structure):
        _fields_ = [
            ("size", ctypes.c_uint64),
            ("threads", ctypes.c_int32),
            ("reserved", ctypes.c_uint32),
            ("hooks", ctypes.c_void_p * 5),
        ]

    def __init__(self, threads, options):
        self.options, self.threads = options, threads

    def spec(self, c):
        if c.rule == "module":
            return (
                "encoder",
                (
                    pathlib.Path(__file__).resolve().parents[2]
                    / "examples/encoder.attn"
                ).read_text(),
            )
        T = "S" if c.rule == "documents" else "T"
        body = {
            "full": "",
            "causal": ", mask = causal",
            "window": f", mask = causal and window({c.S // 16}, 0)",
            "documents": ", mask = doc[b, i] == doc[b, j]",
            "visible": ", mask = visible[i, j]",
            "alibi": f", score = s + exp2(-8 * (h + 1) / {c.H}) * (j - i - offset), mask = causal",
            "softcap": f", score = {CAP} * tanh(s / {CAP})",
        }[c.rule]
        more = {
            "documents": ", doc: i32[B, S]",
            "visible": ", visible: bool[S, T]",
        }.get(c.rule, "")
        query = f"{c.type}[B, {c.H}, S, {c.D}]"
        key = f"{c.type}[B, {c.Hk}, {T}, {c.D}]"
        return c.name, (
            f"attention {c.name}(q: {query}, k: {key}, v: {key}{more})"
            f" -> {query} {{\n  return attend(q, k, v{body})\n}}\n"
        )

    def variants(self, c, a):
        return {"ctypes": lambda: self.make(c, a)}

    def make(self, c, a):
        name, text = self.spec(c)
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.options.folder))
        (folder / "spec.attn").write_text(text)
        cpu = ["--cpu", self.options.cpu]
        build = [
            self.options.ladon,
            "build",
            folder / "spec.attn",
            "-o",
            folder,
            *cpu,
        ]
        subprocess.run(build, check=True, capture_output=True, text=True)
        sizes = [
            f"{n}={getattr(c, n)}"
            for n in ("B", "S", "T")
            if n != "T" or c.rule not in ("module", "documents")
        ]
        self.command = [
            self.options.ladon,
            "bench",
            folder / "spec.attn",
            "--size",
            ",".join(sizes),
            "--threads",
            self.threads,
            "--json",
            *cpu,
        ]
        for n in {"doc", "visible", "len"} & a.keys():
            np.save(folder / f"{n}.npy", a[n])
            self.command += ["--input", f"{n}={folder / n}.npy"]
        library = ctypes.CDLL(str(folder / f"lib{name}.so"))
        entry, error = library[name], library[name + "_last_error"]
        error.restype = ctypes.c_char_p
        if c.type == "bf16":
            a = {n: bf16_bits(x) for n, x in a.items()}
        out = np.empty_like(a["x" if c.rule == "module" else "q"])
        capsules = [
            x.__dlpack__() for x in (*a.values(), out)
        ]  # a DLManagedTensor starts with its DLTensor
        signature = ctypes.PYFUNCTYPE(
            ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p
        )
        pointer = signature(("PyCapsule_GetPointer", ctypes.pythonapi))
        if c.type == "bf16":  # NumPy knows it as uint16; DLTensor.dtype.code
            for x in capsules:
                ctypes.c_uint8.from_address(pointer(x, b"dltensor") + 20).value = 4
        options = self.Options(ctypes.sizeof(self.Options), self.threads)
        arguments = [
            *(ctypes.c_void_p(pointer(x, b"dltensor")) for x in capsules),
            ctypes.byref(options),
        ]

        def run(keep=capsules):
            if entry(*arguments):
                raise RuntimeError(error().decode())

        return run, lambda: from_bf16(out) if c.type == "bf16" else out

    def bench(self):
        out = subprocess.run(
            [str(x) for x in self.command],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        return json.loads(out[out.index("{") :])
