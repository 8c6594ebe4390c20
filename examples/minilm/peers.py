"""The attention blocks of all layers by other libraries, as functions of (x, lengths)."""

import numpy as np


def onnxruntime_blocks(layers, heads, threads):
    """Its fused operators: packed projections and attention in one, then a product, and
    the residual with its norm."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants, x = [], [], "x"
    for number, (wq, bq, wk, bk, wv, bv, wo, bo, gain, shift) in enumerate(layers):
        name = lambda what: f"{what}{number}"
        given = {"w": np.concatenate([wq.T, wk.T, wv.T], 1), "b": np.concatenate([bq, bk, bv]),
                 "wo": np.ascontiguousarray(wo.T), "bo": bo, "gain": gain, "shift": shift}
        constants += [numpy_helper.from_array(np.ascontiguousarray(array), name(what)) for what, array in given.items()]
        nodes += [
            helper.make_node("Attention", [x, name("w"), name("b"), "lengths"], [name("a")],
                             domain="com.microsoft", num_heads=heads),
            helper.make_node("MatMul", [name("a"), name("wo")], [name("p")]),
            helper.make_node("SkipLayerNormalization", [name("p"), x, name("gain"), name("shift"), name("bo")],
                             [name("y")], domain="com.microsoft", epsilon=1e-12)]
        x = name("y")
    width = len(layers[0][1])
    graph = helper.make_graph(
        nodes, "blocks",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["B", "S", width]),
         helper.make_tensor_value_info("lengths", TensorProto.INT32, ["B"])],
        [helper.make_tensor_value_info(x, TensorProto.FLOAT, ["B", "S", width])], constants)
    model = helper.make_model(graph, ir_version=10, opset_imports=[
        helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda x, lengths: session.run(None, {"x": x, "lengths": lengths})[0]


def torch_blocks(layers, heads, threads):
    """Linear layers, scaled_dot_product_attention with a mask, and layer_norm."""
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(threads)
    layers = [[torch.from_numpy(array) for array in layer] for layer in layers]

    def apart(x):
        return x.unflatten(2, (heads, -1)).transpose(1, 2)

    @torch.inference_mode()
    def run(x, lengths):
        x, lengths = torch.from_numpy(x), torch.from_numpy(lengths)
        mask = (torch.arange(x.shape[1]) < lengths[:, None])[:, None, None, :]
        for wq, bq, wk, bk, wv, bv, wo, bo, gain, shift in layers:
            q, k, v = (apart(F.linear(x, w, b)) for w, b in ((wq, bq), (wk, bk), (wv, bv)))
            o = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
            o = o.transpose(1, 2).flatten(2)
            x = F.layer_norm(x + F.linear(o, wo, bo), gain.shape, gain, shift, 1e-12)
        return x.numpy()

    return run


PEERS = {"onnxruntime": onnxruntime_blocks, "torch": torch_blocks}
