"""ONNX Runtime: its own operators, and the standard one."""

import numpy as np
from cases import CAP, bias, mask


class Ort:
    def __init__(self, threads, options):
        import onnx.helper, onnxruntime

        self.ort, self.onnx, self.threads = onnxruntime, onnx.helper, threads

    def session(self, nodes, feeds, out, constants={}, shared={}):
        """feeds: name -> array; out: shape of "out"; shared: output -> the feed whose memory it has, or a shape."""
        from onnx import TensorProto, numpy_helper

        h, kinds = self.onnx, {
            "f": TensorProto.FLOAT,
            "i": TensorProto.INT32,
            "b": TensorProto.BOOL,
        }
        shapes = {"out": out} | {
            o: feeds[f].shape if isinstance(f, str) else f
            for o, f in shared.items()
        }
        graph = h.make_graph(
            nodes,
            "g",
            [
                h.make_tensor_value_info(n, kinds[x.dtype.kind], x.shape)
                for n, x in feeds.items()
            ],
            [
                h.make_tensor_value_info(n, TensorProto.FLOAT, s)
                for n, s in shapes.items()
            ],
            [
                numpy_helper.from_array(np.ascontiguousarray(x), n)
                for n, x in constants.items()
            ],
        )
        model = h.make_model(
            graph,
            opset_imports=[
                h.make_opsetid("", 23),
                h.make_opsetid("com.microsoft", 1),
            ],
            ir_version=10,
        )
        options = self.ort.SessionOptions()
        (
            options.intra_op_num_threads,
            options.inter_op_num_threads,
            options.log_severity_level,
        ) = (self.threads, 1, 3)
        options.add_session_config_entry("session.force_spinning_stop", "1")
        s = self.ort.InferenceSession(
            model.SerializeToString(),
            options,
            providers=["CPUExecutionProvider"],
        )
        value, binding = self.ort.OrtValue, s.io_binding()
        inputs = {
            n: value.ortvalue_from_numpy(np.ascontiguousarray(x))
            for n, x in feeds.items()
        }
        fresh = lambda shape: value.ortvalue_from_shape_and_type(
            shape, np.float32
        )
        outputs = {
            n: (
                inputs[shared[n]]
                if isinstance(shared.get(n), str)
                else fresh(shape)
            )
            for n, shape in shapes.items()
        }
        for n, x in inputs.items():
            binding.bind_ortvalue_input(n, x)
        for n, x in outputs.items():
            binding.bind_ortvalue_output(n, x)
        return (
            lambda: s.run_with_iobinding(binding),
            lambda keep=inputs: outputs["out"].numpy(),
        )

    def variants(self, c, a):
        if c.type != "f32":  # no attention on a CPU in other types
            return {}
        node, packed = self.onnx.make_node, lambda x: x.swapaxes(1, 2).reshape(
            c.B, x.shape[2], -1
        )
        split = lambda made: (
            made[0],
            lambda: made[1]().reshape(c.B, c.S, c.H, c.D).swapaxes(1, 2),
        )
        if c.rule == "module":
            w = {
                "w": np.concatenate([a["wq"], a["wk"], a["wv"]], 1),
                "zero": np.zeros(1536, np.float32),
            } | {n: a[n] for n in ("wo", "bo")}
            nodes = [
                node(
                    "Attention",
                    ["x", "w", "zero"],
                    ["o"],
                    domain="com.microsoft",
                    num_heads=8,
                ),
                node("MatMul", ["o", "wo"], ["p"]),
                node("Add", ["p", "bo"], ["out"]),
            ]
            return {
                "ms.Attention": lambda: self.session(
                    nodes, {"x": a["x"]}, a["x"].shape, w
                )
            }
        plain, triangle, m = (
            mask(c, a) is None,
            c.rule in ("causal", "alibi") and c.S == c.T,
            mask(c, a),
        )

        def mha():
            feeds, names = {"q": packed(a["q"]), "k": a["k"], "v": a["v"]}, [
                "q",
                "k",
                "v",
            ]
            if c.rule == "alibi" or not (plain or triangle):
                feeds, names = feeds | {"bias": bias(c, a)}, names + [
                    "",
                    "",
                    "bias",
                ]
            op = node(
                "MultiHeadAttention",
                names,
                ["out"],
                domain="com.microsoft",
                num_heads=c.H,
                unidirectional=int(triangle),
            )
            return split(self.session([op], feeds, feeds["q"].shape))

        def gqa():
            new = {n: packed(a[n][:, :, c.T - c.S :]) for n in "kv"}
            feeds = {
                "q": packed(a["q"]),
                **new,
                "seq": np.full(c.B, c.T - 1, np.int32),
                "total": np.array([c.T], np.int32),
            }
            past = (
                c.T > c.S
            )  # the cache holds all keys; the call writes the last S of them again, as a server would
            feeds |= {"pk": a["k"], "pv": a["v"]} if past else {}
            shared = (
                {"ok": "pk", "ov": "pv"}
                if past
                else {"ok": a["k"].shape, "ov": a["v"].shape}
            )
            names = [
                "q",
                "k",
                "v",
                "pk" if past else "",
                "pv" if past else "",
                "seq",
                "total",
            ]
            window = (
                {"local_window_size": c.S // 16 + 1}
                if c.rule == "window"
                else {}
            )
            op = node(
                "GroupQueryAttention",
                names,
                ["out", *shared],
                domain="com.microsoft",
                num_heads=c.H,
                kv_num_heads=c.Hk,
                **window,
            )
            return split(
                self.session([op], feeds, feeds["q"].shape, shared=shared)
            )

        def standard():
            feeds, names = {n: a[n] for n in "qkv"}, ["q", "k", "v"]
            if c.rule == "alibi" or not (plain or triangle):
                feeds, names = feeds | {
                    "m": bias(c, a) if c.rule == "alibi" else m
                }, names + ["m"]
            cap = {"softcap": CAP} if c.rule == "softcap" else {}
            op = node(
                "Attention",
                names,
                ["out"],
                is_causal=int(triangle and c.rule == "causal"),
                **cap,
            )
            return self.session([op], feeds, a["q"].shape)

        can = {
            "ms.MHA": c.H == c.Hk and c.rule != "softcap",
            "ms.GQA": c.rule in ("causal", "window"),
            "onnx.Attention": True,
        }
        return {
            n: make
            for n, make in (
                ("ms.MHA", mha),
                ("ms.GQA", gqa),
                ("onnx.Attention", standard),
            )
            if can[n]
        }
