"""ggml: flash_attn_ext, from a wheel that carries its libraries."""

import ctypes
import glob
import pathlib

import numpy as np
from cases import CAP, mask


class Ggml:
    def __init__(self, threads, options):
        import _pywhispercpp  # loads the libraries that its wheel carries

        folder = (
            pathlib.Path(_pywhispercpp.__file__).parent / "pywhispercpp.libs"
        )
        base, cpu = (
            ctypes.CDLL(glob.glob(str(folder / f"libggml-{n}-*"))[0])
            for n in ("base", "cpu")
        )
        self.base, self.compute = base, base.ggml_backend_graph_compute
        for name in (
            "ggml_init",
            "ggml_new_tensor_4d",
            "ggml_flash_attn_ext",
            "ggml_new_graph",
            "ggml_get_data",
        ):
            getattr(base, name).restype = ctypes.c_void_p
        cpu.ggml_backend_cpu_init.restype = ctypes.c_void_p
        self.backend = ctypes.c_void_p(cpu.ggml_backend_cpu_init())
        cpu.ggml_backend_cpu_set_n_threads(self.backend, threads)
        self.note = (
            "AVX-512" if cpu.ggml_cpu_has_avx512() else "without AVX-512"
        )

    def variants(self, c, a):
        if c.type != "f32":  # no attention on a CPU in other types
            return {}
        return (
            {}
            if c.rule in ("module", "alibi")
            else {"flash_attn_ext": lambda: self.make(c, a)}
        )

    def make(self, c, a):
        class Init(ctypes.Structure):
            _fields_ = [
                ("size", ctypes.c_size_t),
                ("buffer", ctypes.c_void_p),
                ("no_alloc", ctypes.c_bool),
            ]

        base, P = self.base, ctypes.c_void_p
        m = mask(c, a)
        feeds = [a["q"], a["k"], a["v"]] + (
            []
            if m is None
            else [np.where(m, 0, -np.inf).astype(np.float16)[None, None]]
        )
        context = P(
            base.ggml_init(
                Init(
                    sum(x.nbytes for x in feeds) + a["q"].nbytes + (1 << 20),
                    None,
                    False,
                )
            )
        )
        tensors = []
        for x in feeds:
            shape = [ctypes.c_int64(n) for n in x.shape[::-1]]
            tensors.append(
                P(
                    base.ggml_new_tensor_4d(
                        context, int(x.dtype == np.float16), *shape
                    )
                )
            )
            ctypes.memmove(
                base.ggml_get_data(tensors[-1]),
                np.ascontiguousarray(x).ctypes.data,
                x.nbytes,
            )
        tensors += [None] * (4 - len(tensors))
        scale, alibi, cap = map(
            ctypes.c_float, (c.D**-0.5, 0, CAP if c.rule == "softcap" else 0)
        )
        out = P(base.ggml_flash_attn_ext(context, *tensors, scale, alibi, cap))
        graph = P(base.ggml_new_graph(context))
        base.ggml_build_forward_expand(graph, out)

        def run():
            if self.compute(self.backend, graph):
                raise RuntimeError("ggml_backend_graph_compute failed")

        view = np.ctypeslib.as_array(
            ctypes.cast(
                base.ggml_get_data(out), ctypes.POINTER(ctypes.c_float)
            ),
            (c.B, c.S, c.H, c.D),
        )
        return run, lambda: view.swapaxes(1, 2)
