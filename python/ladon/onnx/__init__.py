"""Attention out of ONNX models.

    for found in ladon.onnx.read_model("model.onnx"):
        print(found.node.name, found.spec, found.table())

    outputs = ladon.onnx.run_node(node, [q, k, v])
"""

from ._convert import convert
from ._model import Found, read_model
from ._run import run_node
from ._spec import Conversion, Unsupported

__all__ = ["Conversion", "Found", "Unsupported", "convert", "read_model", "run_node"]
