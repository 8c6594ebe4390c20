"""OpenVINO: its attention, or what it makes of its parts."""

import collections

import numpy as np
from cases import CAP, bias, mask


class Openvino:
    def __init__(self, threads, options):
        import openvino
        from openvino import opset13

        self.ov, self.op, self.core = openvino, opset13, openvino.Core()
        self.config = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
        }  # it would take bf16 where the CPU has it

    def variants(self, c, a):
        if c.type != "f32":  # no attention on a CPU in other types
            return {}
        op, ov = self.op, self.ov

        def compiled(build, feeds):
            names = {
                n: op.parameter(x.shape, x.dtype) for n, x in feeds.items()
            }
            model = self.core.compile_model(
                ov.Model([build(**names)], list(names.values())),
                "CPU",
                self.config,
            )
            layers = collections.Counter(
                n.get_rt_info()["layerType"].astype(str)
                for n in model.get_runtime_model().get_ops()
            )
            self.note = ", ".join(
                f"{n} {layer}"
                for layer, n in layers.items()
                if layer not in ("Input", "Output", "Const")
            )
            request = model.create_infer_request()
            for i, x in enumerate(feeds.values()):
                request.set_input_tensor(
                    i, ov.Tensor(np.ascontiguousarray(x), shared_memory=True)
                )
            return request.infer, lambda: request.get_output_tensor(0).data

        if c.rule == "module":

            def build(x):
                split = lambda w: op.transpose(
                    op.reshape(
                        op.matmul(x, a[w], False, False), [0, 0, 8, 64], True
                    ),
                    [0, 2, 1, 3],
                )
                o = op.scaled_dot_product_attention(
                    split("wq"), split("wk"), split("wv")
                )
                o = op.reshape(op.transpose(o, [0, 2, 1, 3]), [0, 0, 512], True)
                return op.add(op.matmul(o, a["wo"], False, False), a["bo"])

            return {"sdpa": lambda: compiled(build, {"x": a["x"]})}
        feeds = {n: a[n] for n in "qkv"}
        if c.rule == "softcap":

            def build(q, k, v):
                s = op.multiply(
                    op.matmul(q, k, False, True), np.float32(c.D**-0.5 / CAP)
                )
                return op.matmul(
                    op.softmax(op.multiply(op.tanh(s), np.float32(CAP)), 3),
                    v,
                    False,
                    False,
                )

            return {"composed": lambda: compiled(build, feeds)}
        triangle = c.rule == "causal" and c.S == c.T
        if not triangle and mask(c, a) is not None:
            feeds["m"] = bias(c, a)
        group = c.H // c.Hk
        if (
            group > 1 and c.S == 1
        ):  # one query: the heads of a group stand as positions
            feeds["q"] = a["q"].reshape(c.B, c.Hk, group, c.D)

        def spread(x):
            if group == 1 or c.S == 1:
                return x
            wide = op.broadcast(
                op.unsqueeze(x, 2), np.array([c.B, c.Hk, group, c.T, c.D])
            )
            return op.reshape(wide, [c.B, c.H, c.T, c.D], False)

        def attend():
            build = lambda q, k, v, m=None: op.scaled_dot_product_attention(
                q, spread(k), spread(v), m, causal=triangle
            )
            run, out = compiled(build, feeds)
            return run, lambda: out().reshape(a["q"].shape)

        return {"sdpa.fold" if group > 1 and c.S == 1 else "sdpa": attend}
