"""One node, run on arrays."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence, Union

import numpy
import onnx

from .. import _compile
from ._convert import convert, writer
from ._spec import Tensor


def run_node(node: onnx.NodeProto, inputs: Union[Sequence[Any], Mapping[str, Any]]) -> list:
    """The outputs of a node, in the order of its outputs, None for one that has no name.
    `inputs` are arrays in the order of its inputs (None, or nothing at the end, for
    those that are absent), or by name; they are not written to. Raises Unsupported."""
    if isinstance(inputs, Mapping):
        inputs = [inputs.get(name) for name in node.input]
    operator = writer(node)
    types = [None if array is None else _type(array) for array in inputs]
    conversion = convert(node, types)
    arrays: dict[str, Optional[numpy.ndarray]] = dict.fromkeys(operator.INPUTS)
    arrays.update(zip(operator.INPUTS, inputs))
    given = {parameter.name: parameter.of(arrays) for parameter in conversion.parameters}
    values = _compile.compile(conversion.spec)(*given.values())
    if not isinstance(values, tuple):
        values = (values,)
    rest, outputs = iter(values), {}
    for result in conversion.results:
        array = given[result.parameter] if result.parameter else next(rest)
        outputs[result.output] = result.of(array, arrays)
    return [outputs.get(what) for what, _ in zip(operator.OUTPUTS, node.output)]


def _type(array: numpy.ndarray) -> Tensor:
    return Tensor(onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
