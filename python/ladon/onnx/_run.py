"""One node, run on arrays."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence, Union

import numpy
import onnx

from .. import _compile
from ._convert import INPUTS, OUTPUTS, Tensor, Unsupported, convert


def run_node(node: onnx.NodeProto, inputs: Union[Sequence[Any], Mapping[str, Any]]) -> list:
    """The outputs of a node Attention, in the order of its outputs, None for one that
    has no name. `inputs` are arrays in the order of its inputs (None, or nothing at the
    end, for those that are absent), or by name. Raises Unsupported."""
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
    results = _compile.compile(conversion.spec)(*(arrays[name] for name in conversion.parameters))
    if len(conversion.results) == 1:
        results = [results]
    outputs = dict(zip(conversion.results, results))
    return [outputs.get(what) for what, _ in zip(OUTPUTS, node.output)]
