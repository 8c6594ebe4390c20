"""Attention nodes of ONNX Runtime: MultiHeadAttention and GroupQueryAttention, beside a
reference in f64 that is written from the documentation of the operators, and beside ONNX
Runtime itself where the Python that runs the tests has it."""

import numpy
import onnx
import pytest
from numpy import int32, int64
from onnx import TensorProto, helper

import ladon.onnx
from ladon.onnx import Unsupported, run_node

try:
    import onnxruntime
except ImportError:
    onnxruntime = None

B, S, H, D = 2, 5, 4, 16


def random(*shape, seed=[0]):
    seed[0] += 1
    return numpy.random.default_rng(seed[0]).standard_normal(shape).astype(numpy.float32)


def counts(*numbers):
    return numpy.array(numbers, int32)


#===--- The reference -------------------------------------------------------------===#

def heads(x, count):
    return x.reshape(x.shape[0], x.shape[1], count, -1).transpose(0, 2, 1, 3)


def attend(q, k, v, scale, edit, sink=None):
    """edit(scores) gives scores with -inf where a key is hidden. Gives the output with
    heads side by side, the scores and the weights."""
    k, v = (numpy.repeat(x, q.shape[1] // x.shape[1], axis=1) for x in (k, v))
    scores = edit(q @ k.swapaxes(-1, -2) * scale)
    most = scores.max(-1, keepdims=True)
    weights = numpy.exp(scores - most)
    rest = 0 if sink is None else numpy.exp(sink[None, :, None, None] - most)
    weights /= weights.sum(-1, keepdims=True) + rest
    out = (weights @ v).transpose(0, 2, 1, 3)
    return out.reshape(*out.shape[:2], -1), scores, weights


def wide(inputs):
    return {name: x.astype(float) if x.dtype.kind == "f" else x for name, x in inputs.items()}


def multi_head(inputs, num_heads, scale=0.0, unidirectional=0, mask_filter_value=-10000.0):
    """The outputs, with -inf in qk where a key is hidden."""
    x = wide(inputs)
    q, k, v = x["query"], x.get("key"), x.get("value")
    if q.ndim == 5:
        q, k, v = (q[:, :, :, n].reshape(*q.shape[:2], -1) for n in range(3))
    elif k.ndim == 5:
        k, v = (k[:, :, :, n].reshape(*k.shape[:2], -1) for n in range(2))
    bias = x.get("bias", numpy.zeros(3 * q.shape[2] if k.ndim == 4 else q.shape[2] + k.shape[2] + v.shape[2]))
    hidden = q.shape[2]
    q = heads(q + bias[:hidden], num_heads)
    if k.ndim == 3:
        k = heads(k + bias[hidden:2 * hidden], num_heads)
        v = heads(v + bias[2 * hidden:], num_heads)
    before = 0
    if "past_key" in x:
        before = int(x["past_sequence_length"][0]) if "past_sequence_length" in x else x["past_key"].shape[2]
        k, v = (numpy.concatenate([x[name][:, :, :before], new], 2)
                for name, new in (("past_key", k), ("past_value", v)))
    queries, keys = numpy.arange(q.shape[2])[:, None], numpy.arange(k.shape[2])

    def edit(scores):
        scores = scores + x.get("attention_bias", 0)
        mask = x.get("key_padding_mask")
        if mask is not None:
            if mask.ndim == 1:
                mask = (keys < mask[:len(q), None])
            mask = mask[:, None, None] if mask.ndim == 2 else mask[:, None]
            scores = scores + numpy.where(mask != 0, 0, -numpy.inf if mask_filter_value <= -1e4 else mask_filter_value)
        return numpy.where(unidirectional & (keys > queries + before), -numpy.inf, scores)

    out, scores, _ = attend(q, k, v, scale or D ** -0.5, edit)
    return [out, k, v, scores]


def rotated(x, cos, sin, positions, interleaved):
    cos, sin = (table[positions][:, None] for table in (cos, sin))
    half = cos.shape[-1]
    first, second = ((x[..., 0:2 * half:2], x[..., 1:2 * half:2]) if interleaved
                     else (x[..., :half], x[..., half:2 * half]))
    parts = first * cos - second * sin, second * cos + first * sin
    out = x.copy()
    if interleaved:
        out[..., 0:2 * half:2], out[..., 1:2 * half:2] = parts
    else:
        out[..., :2 * half] = numpy.concatenate(parts, -1)
    return out


def group_query(inputs, num_heads, kv_num_heads, causal=1, do_rotary=0, rotary_interleaved=0,
                local_window_size=-1, softcap=0.0, smooth_softmax=-1, scale=0.0, qk_output=0,
                qk_norm_epsilon=1e-6, q_norm_epsilon=None, k_norm_epsilon=None):
    x = wide(inputs)
    q, k, v = x["query"], x.get("key"), x.get("value")
    if k is None:
        size = q.shape[2] // (num_heads + 2 * kv_num_heads)
        q, k, v = numpy.split(q, [num_heads * size, (num_heads + kv_num_heads) * size], axis=2)
    q, k, v = heads(q, num_heads), heads(k, kv_num_heads), heads(v, kv_num_heads)
    if "q_norm_weight" in x:
        q, k = (t / numpy.sqrt((t * t).mean(-1, keepdims=True) + (e or qk_norm_epsilon)) * x[w]
                for t, w, e in ((q, "q_norm_weight", q_norm_epsilon), (k, "k_norm_weight", k_norm_epsilon)))
    total = x["seqlens_k"] + 1
    most = int(x["total_sequence_length"].reshape(-1)[0])
    new = x.get("query_seqlens", numpy.minimum(total, k.shape[2]))
    past = total - new
    positions = past[:, None] + numpy.arange(q.shape[2])
    if do_rotary:
        at = positions
        if "position_ids" in x:
            first = x["position_ids"]
            at = first[:1, :1] + numpy.arange(q.shape[2]) if most == q.shape[2] else first
        at = numpy.broadcast_to(at, positions.shape)
        q, k = (rotated(t, x["cos_cache"], x["sin_cache"], at, rotary_interleaved) for t in (q, k))
    room = max(most, x["past_key"].shape[2] if "past_key" in x else 0)
    full = [numpy.full((len(q), kv_num_heads, room, t.shape[3]), numpy.nan) for t in (k, v)]
    for cache, old, t in zip(full, ("past_key", "past_value"), (k, v)):
        for b in range(len(q)):
            if old in x:
                cache[b, :, :past[b]] = x[old][b, :, :past[b]]
            cache[b, :, past[b]:total[b]] = t[b, :, :new[b]]
    keys = numpy.arange(most)

    def edit(scores):
        if softcap:
            scores = softcap * numpy.tanh(scores / softcap)
        scores = scores + x.get("attention_bias", 0)
        at = positions[:, None, :, None]
        hidden = keys > at if causal else keys >= total[:, None, None, None]
        if local_window_size > 0:
            hidden = hidden | (at - keys >= local_window_size)
        return numpy.where(hidden, -numpy.inf, scores)

    sink = x.get("head_sink", numpy.zeros(num_heads) if smooth_softmax == 1 else None)
    used = [numpy.nan_to_num(cache[:, :, :most]) for cache in full]
    out, scores, weights = attend(q, *used, scale or D ** -0.5, edit, sink)
    # What is said of padded queries, and of places without a key, is anything.
    for b in range(len(q)):
        for array in (out[b], scores[b].swapaxes(0, 1), weights[b].swapaxes(0, 1)):
            array[new[b]:] = numpy.nan
    return [out, *full, weights if qk_output == 2 else scores]


#===--- Cases -----------------------------------------------------------------------===#

def past(length, count, size=D):
    return {"past_key": random(B, count, length, size), "past_value": random(B, count, length, size)}


Q, K, V = random(B, S, H * D), random(B, S, H * D), random(B, S, H * D)
QKV = {"query": Q, "key": K, "value": V}
#: Name: inputs, attributes, whether ONNX Runtime's CPU has it.
MULTI_HEAD = {
    "plain": (QKV, {}, True),
    "values of another size": ({**QKV, "value": random(B, S, H * 8)}, {}, True),
    "cross": ({**QKV, "key": random(B, 9, H * D), "value": random(B, 9, H * D)}, {"scale": 0.3}, True),
    "keys that are split": ({"query": Q, "key": random(B, H, 9, D), "value": random(B, H, 9, D)}, {}, True),
    "keys that are split, bias": ({"query": Q, "key": random(B, H, 9, D), "value": random(B, H, 9, D),
                                   "bias": random(3 * H * D)}, {}, True),
    "packed": ({"query": random(B, S, H, 3, D)}, {}, False),
    "packed, bias": ({"query": random(B, S, H, 3, D), "bias": random(3 * H * D)}, {}, False),
    "packed keys": ({"query": Q, "key": random(B, 9, H, 2, D)}, {}, False),
    "packed, past": ({"query": random(B, S, H, 3, D), **past(3, H)}, {"unidirectional": 1}, False),
    "bias": ({**QKV, "bias": random(3 * H * D)}, {}, True),
    "bias of other values": ({**QKV, "value": random(B, S, H * 8), "bias": random(2 * H * D + H * 8)}, {}, True),
    "unidirectional": (QKV, {"unidirectional": 1}, True),
    "lengths": ({**QKV, "key_padding_mask": counts(5, 2)}, {}, True),
    "lengths and offsets": ({**QKV, "key_padding_mask": counts(5, 2, 0, 5, 10, 0, 5, 7)}, {}, True),
    "padding": ({**QKV, "key_padding_mask": numpy.array([[1, 1, 0, 1, 0], [0, 1, 1, 1, 1]], int32)}, {}, True),
    "padding per query": ({**QKV, "key_padding_mask": numpy.tril(numpy.ones((B, S, S), int32), 1)}, {}, True),
    "padding that is added": ({**QKV, "key_padding_mask": counts(3, 4)}, {"mask_filter_value": -1.5}, True),
    "attention_bias": ({**QKV, "attention_bias": random(1, H, S, S)}, {}, True),
    "attention_bias of one head": ({**QKV, "attention_bias": random(B, 1, S, S)}, {"unidirectional": 1}, True),
    "past": ({**QKV, **past(3, H)}, {"unidirectional": 1}, True),
    "past, all": ({**QKV, **past(3, H), "bias": random(3 * H * D), "attention_bias": random(1, 1, S, S + 3),
                   "key_padding_mask": numpy.array([[1] * 8, [0, 1] * 4], int32)}, {}, True),
    "buffers": ({**QKV, **past(9, H), "past_sequence_length": counts(3)}, {"unidirectional": 1}, True),
    "buffers, all keys": ({**QKV, **past(9, H), "past_sequence_length": counts(2),
                           "attention_bias": random(1, 1, S, S + 2)}, {}, True),
}

GQ, GK, GV = random(B, S, H * D), random(B, S, 2 * D), random(B, S, 2 * D)
FULL = {"seqlens_k": counts(4, 4), "total_sequence_length": counts(5)}
GROUPED = {"query": GQ, "key": GK, "value": GV, **FULL}
STEP = {"query": GQ[:, :1], "key": GK[:, :1], "value": GV[:, :1], "seqlens_k": counts(7, 4),
        "total_sequence_length": counts(8)}
ONE = {**{name: x[:1] for name, x in GROUPED.items()}, "seqlens_k": counts(8), "total_sequence_length": counts(9),
       **{name: x[:1] for name, x in past(4, 2).items()}}
TABLES = {"cos_cache": random(20, D // 2), "sin_cache": random(20, D // 2)}
GROUP_QUERY = {
    "prompt": (GROUPED, {}, True),
    "prompt that is padded": ({**GROUPED, "seqlens_k": counts(4, 2)}, {"scale": 0.3}, True),
    "packed": ({"query": random(B, S, (H + 4) * D), **FULL}, {}, True),
    "packed, rotary": ({"query": random(B, S, (H + 4) * D), **FULL, **TABLES}, {"do_rotary": 1}, True),
    "softcap, bias": ({**GROUPED, "attention_bias": random(B, 1, S, S)}, {"softcap": 1.5}, True),
    "window": (GROUPED, {"local_window_size": 2}, True),
    "smooth_softmax": (GROUPED, {"smooth_softmax": 1}, True),
    "head_sink": ({**GROUPED, "head_sink": random(H)}, {}, True),
    "head_sink, smooth": ({**GROUPED, "head_sink": random(H)}, {"smooth_softmax": 1}, True),
    "not causal": ({**GROUPED, "seqlens_k": counts(4, 2)}, {"causal": 0}, True),
    "other keys": ({**GROUPED, "key": random(B, 7, 2 * D), "value": random(B, 7, 2 * D),
                    "seqlens_k": counts(6, 4), "total_sequence_length": counts(7)}, {"causal": 0}, False),
    "rotary": ({**GROUPED, **TABLES}, {"do_rotary": 1}, True),
    "rotary, interleaved": ({**GROUPED, **TABLES}, {"do_rotary": 1, "rotary_interleaved": 1}, True),
    "rotary, a part": ({**GROUPED, "cos_cache": random(20, 4), "sin_cache": random(20, 4)},
                       {"do_rotary": 1}, False),
    "rotary, positions of a prompt": ({**GROUPED, **TABLES, "position_ids": numpy.array(
        [[2, 7, 1, 1, 1], [5, 5, 5, 5, 5]], int64)}, {"do_rotary": 1}, True),
    "step": ({**STEP, **past(7, 2)}, {}, True),
    "step in buffers": ({**STEP, **past(12, 2)}, {"local_window_size": 3, "smooth_softmax": 1}, True),
    "step, rotary": ({**STEP, **past(12, 2), **TABLES}, {"do_rotary": 1}, True),
    "step, positions": ({**STEP, **past(7, 2), **TABLES, "position_ids": numpy.array([[9], [2]], int64)},
                        {"do_rotary": 1}, True),
    "step, not causal": ({**STEP, **past(7, 2)}, {"causal": 0}, True),
    "chunk": (ONE, {"softcap": 3.0}, True),
    "chunk, positions": ({**ONE, **TABLES, "position_ids": numpy.array([[9, 2, 3, 1, 4]], int64)},
                         {"do_rotary": 1}, True),
    "chunk that is padded": ({**GROUPED, **past(12, 2), "seqlens_k": counts(5, 3),
                              "total_sequence_length": counts(12), "query_seqlens": counts(2, 4)}, {}, True),
    "norms": ({**GROUPED, **TABLES, "q_norm_weight": random(D), "k_norm_weight": random(D)},
              {"do_rotary": 1, "qk_norm_epsilon": 0.1, "k_norm_epsilon": 0.3}, False),
}
CASES = ([pytest.param("MultiHeadAttention", multi_head, {"num_heads": H, **attributes}, *rest, id="mha: " + name)
          for name, (inputs, attributes, theirs) in MULTI_HEAD.items() for rest in [(inputs, theirs)]]
         + [pytest.param("GroupQueryAttention", group_query,
                         {"num_heads": H, "kv_num_heads": 2, "qk_output": mode, **attributes}, inputs, theirs,
                         id=f"gqa: {name}, {mode}")
            for name, (inputs, attributes, theirs) in GROUP_QUERY.items() for mode in (1, 2)])


def make(operator, inputs, attributes):
    """The node and its inputs in order, None where there is none."""
    names = ladon.onnx._convert.WRITERS["com.microsoft", operator].INPUTS
    given = [inputs.get(name) for name in names]
    while given[-1] is None:
        given.pop()
    node = helper.make_node(operator, [name if x is not None else "" for name, x in zip(names, given)],
                            ["out", "k", "v", "qk"], domain="com.microsoft", **attributes)
    return node, given


def runtime(node, given):
    """The outputs that ONNX Runtime gives."""
    graph = helper.make_graph(
        [node], "g", [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
                      for name, x in zip(node.input, given) if name],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in node.output])
    model = helper.make_model(graph, ir_version=10, opset_imports=[
        helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)])
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {name: x for name, x in zip(node.input, given) if name})


def compare(found, expected):
    """Where the reference has a number; a hidden key's score is its own matter."""
    assert found.shape == expected.shape
    known = ~numpy.isnan(expected) & ~numpy.isinf(expected)
    numpy.testing.assert_allclose(found[known], expected[known], rtol=2e-5, atol=2e-5)
    return known


@pytest.mark.parametrize("operator, reference, attributes, inputs, theirs", CASES)
def test_nodes(operator, reference, attributes, inputs, theirs):
    node, given = make(operator, inputs, attributes)
    before = [None if x is None else x.copy() for x in given]
    found = run_node(node, given)
    expected = reference(inputs, **attributes)
    for index, (array, right) in enumerate(zip(found, expected)):
        if index in (1, 2):  # A buffer may have more places than there are keys.
            array = array[:, :, :right.shape[2]]
        compare(array, right)
        if index == 3:
            assert ((array == -numpy.inf) == numpy.isinf(right))[~numpy.isnan(right)].all()
    for x, old in zip(given, before):
        assert x is None or (x == old).all(), "an input was written to"
    if onnxruntime is not None and theirs:
        for array, right in zip(runtime(node, given), expected):
            compare(array[:, :, :right.shape[2]] if array.shape[2] > right.shape[2] else array, right)


@pytest.mark.parametrize("dtype, error", [("float16", 3e-3), ("bfloat16", 3e-2)])
def test_narrow_types(dtype, error):
    narrow = pytest.importorskip("ml_dtypes").bfloat16 if dtype == "bfloat16" else numpy.float16
    inputs = {name: x.astype(narrow) if x.dtype == numpy.float32 else x
              for name, x in {**STEP, **past(12, 2), **TABLES, "head_sink": random(H)}.items()}
    attributes = {"num_heads": H, "kv_num_heads": 2, "do_rotary": 1}
    node, given = make("GroupQueryAttention", inputs, attributes)
    del node.output[3:]
    found = run_node(node, given)
    expected = group_query({name: x.astype(numpy.float32) if x.dtype == narrow else x
                            for name, x in inputs.items()}, **attributes)
    assert len(found) == 3
    for array, right in zip(found, expected):
        known = ~numpy.isnan(right)
        assert array.dtype == narrow
        numpy.testing.assert_allclose(array.astype(float)[known], right[known], rtol=error, atol=error)


GQA = {"num_heads": H, "kv_num_heads": 2}
REFUSED = [
    ("MultiHeadAttention", QKV, {}, "num_heads: expected a positive number, found None"),
    ("MultiHeadAttention", QKV, {"num_heads": 5}, "64 features are no multiple of 5 heads"),
    ("MultiHeadAttention", QKV, {"num_heads": H, "rotary": 1}, "rotary: no attribute of MultiHeadAttention"),
    ("MultiHeadAttention", {"query": Q}, {"num_heads": H}, "key: the input is absent"),
    ("MultiHeadAttention", {**QKV, "past_key": past(3, H)["past_key"]}, {"num_heads": H},
     "past_key and past_value: expected both or neither"),
    ("MultiHeadAttention", {**QKV, **past(9, H), "past_sequence_length": counts(3),
                            "cache_indirection": numpy.zeros((B, 1, 9), int32)}, {"num_heads": H},
     "cache_indirection: no spec reads"),
    ("MultiHeadAttention", {**QKV, "past_sequence_length": counts(3)}, {"num_heads": H},
     "past_sequence_length: expected past_key"),
    ("MultiHeadAttention", {**QKV, "key_padding_mask": Q}, {"num_heads": H},
     "key_padding_mask: expected 1 to 3 axes of int32"),
    ("MultiHeadAttention", {"query": random(B, S, 3, 3, D)}, {"num_heads": H},
     r"query: expected axes of 4 heads, 3 and features, found \[3, 3, 16\]"),
    ("MultiHeadAttention", {**QKV, "query": random(B, S, H, 3, D)}, {"num_heads": H},
     "key: expected none beside a packed query"),
    ("MultiHeadAttention", {"query": Q, "key": random(B, H, 9, D), "value": random(B, H, 9, D), **past(3, H)},
     {"num_heads": H}, "past_key: expected none beside a key with 4 axes"),
    ("GroupQueryAttention", GROUPED, {"num_heads": H}, "kv_num_heads: expected a positive number, found None"),
    ("GroupQueryAttention", GROUPED, {**GQA, "kv_num_heads": 3}, "num_heads: expected a multiple of 3"),
    ("GroupQueryAttention", GROUPED, {**GQA, "k_quant_type": "PER_TENSOR"}, "k_quant_type: .* found PER_TENSOR"),
    ("GroupQueryAttention", {**GROUPED, "v_scale": random(1)}, GQA, "v_scale: no spec writes to"),
    ("GroupQueryAttention", GROUPED, {**GQA, "sliding_window_cache": 1}, "sliding_window_cache: no spec"),
    ("GroupQueryAttention", GROUPED, {**GQA, "causal": 2}, "causal: expected 0 or 1, found 2"),
    ("GroupQueryAttention", GROUPED, {**GQA, "causal": 0, "local_window_size": 4}, "local_window_size: expected -1"),
    ("GroupQueryAttention", GROUPED, GQA, "qk_output: expected 1 or 2"),
    ("GroupQueryAttention", GROUPED, {**GQA, "scale": -1.0}, "scale: expected a positive number, found -1.0"),
    ("GroupQueryAttention", GROUPED, {**GQA, "do_rotary": 1}, "cos_cache: the input is absent"),
    ("GroupQueryAttention", {**GROUPED, "cos_cache": random(20, 9), "sin_cache": random(20, 9)},
     {**GQA, "do_rotary": 1}, "cos_cache: expected at most 8 columns, found 9"),
    ("GroupQueryAttention", {**GROUPED, "q_norm_weight": random(D)}, GQA, "q_norm_weight and k_norm_weight"),
    ("GroupQueryAttention", {**GROUPED, "query": GQ.astype(int32)}, GQA, "query: no spec has elements of type INT32"),
    ("GroupQueryAttention", {"query": GQ, "key": GK, "value": GV, "seqlens_k": counts(4, 4)}, GQA,
     "total_sequence_length: the input is absent"),
    ("GroupQueryAttention", {**GROUPED, "query_seqlens": counts(4, 4)}, GQA, "query_seqlens: expected past_key"),
    ("GroupQueryAttention", {**GROUPED, "query": GQ[0]}, GQA, "query: expected 3 axes, found 2"),
]


@pytest.mark.parametrize("operator, inputs, attributes, message", REFUSED)
def test_what_has_no_spec_names_it(operator, inputs, attributes, message):
    node, given = make(operator, inputs, attributes)
    with pytest.raises(Unsupported, match=message):
        run_node(node, given)


def test_models(tmp_path):
    """Sizes that only the call knows, as models have them."""
    sizes = {"query": ["batch", "s", 64], "key": ["batch", "s", 32], "value": ["batch", "s", 32],
             "past_key": ["batch", 2, "past", D], "past_value": ["batch", 2, "past", D]}
    node, _ = make("GroupQueryAttention", {**STEP, **past(12, 2), **TABLES}, {**GQA, "do_rotary": 1})
    del node.output[3:]
    node.name = "decoder/attn"
    graph = helper.make_graph(
        [node], "g", [helper.make_tensor_value_info(
            name, TensorProto.INT32 if "seq" in name else TensorProto.FLOAT,
            sizes.get(name, ["batch"] if name == "seqlens_k" else [20, 8] if "cache" in name else []))
            for name in node.input if name],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)])
    onnx.save(helper.make_model(graph, opset_imports=[
        helper.make_opsetid("", 23), helper.make_opsetid("com.microsoft", 1)]), tmp_path / "m.onnx")
    found, = ladon.onnx.read_model(tmp_path / "m.onnx")
    assert found.conversion, found.reason
    assert "| do_rotary, rotary_interleaved | `rope(..., cos = cosines, sin = sines)` |" in found.table()
    kernel = ladon.compile(found.conversion.spec)
    assert [p.name for p in found.conversion.parameters] == [p.name for p in kernel.parameters]
