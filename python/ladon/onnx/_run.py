"""One node, run on arrays."""

from __future__ import annotations

import math
from typing import Any, Mapping, Optional, Sequence, Union

import numpy
import onnx

from .. import _compile
from ._convert import INPUTS, OUTPUTS, Conversion, Tensor, Unsupported, attributes, convert


def run_node(node: onnx.NodeProto, inputs: Union[Sequence[Any], Mapping[str, Any]]) -> list:
    """The outputs of a node Attention, in the order of its outputs, None for one that
    has no name. `inputs` are arrays in the order of its inputs (None, or nothing at the
    end, for those that are absent), or by name. Y is computed by the compiled spec; the
    cache with the new keys is put together by NumPy, as is qk_matmul_output, a matrix
    that no spec makes. Raises Unsupported."""
    if isinstance(inputs, Mapping):
        inputs = [inputs.get(name) for name in node.input]
    arrays: dict[str, Optional[numpy.ndarray]] = dict.fromkeys(INPUTS)
    arrays.update(zip(INPUTS, inputs))
    if (arrays["past_key"] is None) != (arrays["past_value"] is None):
        raise Unsupported("past_key and past_value: expected both or neither")
    if arrays["past_key"] is not None and arrays["nonpad_kv_seqlen"] is not None:
        raise Unsupported("nonpad_kv_seqlen: expected no past_key beside it")
    types = [None if array is None else Tensor(
        onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape) for array in arrays.values()]
    conversion = convert(node, types)

    keys, values, past = arrays["K"], arrays["V"], 0
    if arrays["past_key"] is not None:
        shared = arrays["past_key"].shape[1]
        keys, values = (numpy.concatenate([before, _heads(array, shared)], axis=2) for before, array
                        in ((arrays["past_key"], keys), (arrays["past_value"], values)))
        past = arrays["past_key"].shape[2]
    given = {"q": arrays["Q"], "k": keys, "v": values, "attn_mask": arrays["attn_mask"],
             "past": past, "len": arrays["nonpad_kv_seqlen"]}
    out = _compile.compile(conversion.spec)(*(given[name] for name in conversion.parameters))

    outputs: dict[str, Any] = {"Y": out}
    names = dict(zip(OUTPUTS, node.output))
    if names.get("present_key") or names.get("present_value") or names.get("qk_matmul_output"):
        shared = attributes(node).get("kv_num_heads") or arrays["K"].shape[1]
        outputs["present_key"], outputs["present_value"] = _heads(keys, shared), _heads(values, shared)
    if names.get("qk_matmul_output"):
        outputs["qk_matmul_output"] = _matrix(node, conversion, arrays, outputs["present_key"], past)
    return [outputs.get(what) if name else None for what, name in names.items()]


def _heads(array: numpy.ndarray, heads: int) -> numpy.ndarray:
    """[B, heads, S, D] of it or of [B, S, heads * D]."""
    if array.ndim == 4:
        return array
    return array.reshape(*array.shape[:2], heads, -1).transpose(0, 2, 1, 3)


def _matrix(node: onnx.NodeProto, conversion: Conversion, arrays: dict, keys: numpy.ndarray,
            past: int) -> numpy.ndarray:
    """The scores (mode 0), with softcap (1), with masks (2), or the weights (3)."""
    options = attributes(node)
    mode, cap = options.get("qk_matmul_output_mode", 0), options.get("softcap", 0.0)
    queries = _heads(arrays["Q"], options.get("q_num_heads") or arrays["Q"].shape[1])
    scale = options.get("scale") or 1 / math.sqrt(queries.shape[-1])
    # Rounded where the standard rounds.
    root = queries.dtype.type(math.sqrt(scale))
    keys = keys.repeat(queries.shape[1] // keys.shape[1], axis=1)
    scores = (queries * root) @ (keys * root).swapaxes(-1, -2)
    if mode >= 1 and cap > 0:
        scores = numpy.tanh(scores / cap) * cap
    if mode >= 2:
        scores = scores + _bias(options, arrays, scores, past)
    if mode == 3:
        most = scores.max(axis=-1, keepdims=True)
        weights = numpy.exp(scores - numpy.where(numpy.isfinite(most), most, 0))
        total = weights.sum(axis=-1, keepdims=True)
        scores = weights / numpy.where(total == 0, 1, total)
    return scores.astype(arrays["Q"].dtype)


def _bias(options: dict, arrays: dict, scores: numpy.ndarray, past: int) -> numpy.ndarray:
    """What masks add to scores: 0 and -inf, and the mask of floats."""
    queries, keys = scores.shape[-2:]
    i, j = numpy.ogrid[:queries, :keys]
    visible = numpy.ones((1, 1, queries, keys), bool)
    bias = numpy.zeros((), scores.dtype)
    mask, lengths = arrays["attn_mask"], arrays["nonpad_kv_seqlen"]
    if mask is not None:
        missing = [(0, 0)] * (mask.ndim - 1) + [(0, keys - mask.shape[-1])]
        visible = visible & (j < mask.shape[-1])
        if mask.dtype == bool:
            visible = visible & numpy.pad(mask, missing)
        else:
            bias = numpy.pad(mask, missing)
    if lengths is not None:
        lengths = lengths.reshape(-1, 1, 1, 1)
        visible = visible & (j < lengths)
        past = lengths - queries
    distance = i + past - j
    if options.get("is_causal", 0):
        visible = visible & (distance >= 0)
    left, right = options.get("left_window_size", -1), options.get("right_window_size", -1)
    if left >= 0:
        visible = visible & (distance <= left)
    if right >= 0:
        visible = visible & (-distance <= right)
    return numpy.where(visible, bias, scores.dtype.type(-numpy.inf))
