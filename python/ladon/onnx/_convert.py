"""From a node to a spec."""

from __future__ import annotations

from typing import Optional, Sequence

import onnx

from ._attention import Attention
from ._group_query import GroupQueryAttention
from ._multi_head import MultiHeadAttention
from ._spec import Conversion, Tensor, Unsupported, Writer

#: Operators that become specs, by domain and name.
WRITERS: dict[tuple[str, str], type[Writer]] = {
    ("", "Attention"): Attention,
    ("ai.onnx", "Attention"): Attention,
    ("com.microsoft", "MultiHeadAttention"): MultiHeadAttention,
    ("com.microsoft", "GroupQueryAttention"): GroupQueryAttention,
}


def writer(node: onnx.NodeProto) -> type[Writer]:
    """What writes the spec of a node. Raises Unsupported."""
    found = WRITERS.get((node.domain, node.op_type))
    if found is None:
        raise Unsupported(f"no spec is known for {node.domain or 'ai.onnx'}.{node.op_type}")
    return found


def convert(node: onnx.NodeProto, inputs: Sequence[Optional[Tensor]],
            name: str = "attended") -> Conversion:
    """The spec of a node whose inputs have these types; None for one that is absent.
    Heads and features must be known, other extents need not. Raises Unsupported."""
    return writer(node)(node, inputs, name).write()
