"""The attention nodes of a model, and the command `ladon import`."""

from __future__ import annotations

import argparse
import os
import re
import sys
from typing import Iterator, NamedTuple, Optional

import onnx

from ._convert import WRITERS, convert
from ._spec import Conversion, Tensor, Unsupported

#: Operators that are attention, by domain.
OPERATORS = {*WRITERS, ("com.microsoft", "Attention")}


class Found(NamedTuple):
    """A node that is attention."""

    name: str  #: of the spec
    node: onnx.NodeProto
    conversion: Optional[Conversion]
    reason: str  #: why there is no conversion

    def table(self) -> str:
        """What of the node became what, as a table in Markdown."""
        assert self.conversion is not None
        rows = [f"| {what} | {became} |" for what, became in self.conversion.mapping]
        return "\n".join(["| node | spec |", "|---|---|", *rows])


def read_model(path: str | os.PathLike[str]) -> list[Found]:
    """All attention nodes of a model, those of its subgraphs included, in order.
    ValueError when the file is no model."""
    try:
        model = onnx.load(os.fspath(path), load_external_data=False)
        if not model.graph.node and not model.ir_version:
            raise ValueError("it is empty")
    except OSError:
        raise
    except Exception as error:
        raise ValueError(f"{os.fspath(path)}: not an ONNX model: {error}") from None
    try:
        model = onnx.shape_inference.infer_shapes(model)
    except Exception:
        pass  # What is not inferred is said at each node.
    found: list[Found] = []
    for graph, node in _nodes(model.graph):
        if (node.domain, node.op_type) in OPERATORS:
            name = _identifier(node.name or str(len(found)),
                               {other.name for other in found})
            try:
                conversion = convert(node, [_type(graph, x) for x in node.input], name)
                found.append(Found(name, node, conversion, ""))
            except Unsupported as error:
                found.append(Found(name, node, None, str(error)))
    return found


def _nodes(graph: onnx.GraphProto) -> Iterator[tuple[onnx.GraphProto, onnx.NodeProto]]:
    for node in graph.node:
        yield graph, node
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                yield from _nodes(inner)


def _type(graph: onnx.GraphProto, name: str) -> Optional[Tensor]:
    if not name:
        return None
    for info in [*graph.input, *graph.value_info, *graph.output]:
        if info.name == name and info.type.tensor_type.HasField("shape"):
            kind = info.type.tensor_type
            return Tensor(kind.elem_type, tuple(
                d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim))
    for tensor in graph.initializer:
        if tensor.name == name:
            return Tensor(tensor.data_type, tuple(tensor.dims))
    raise Unsupported(f"the type of '{name}' is not known")


def _identifier(name: str, taken: set[str]) -> str:
    name = re.sub(r"\W", "_", name, flags=re.ASCII).strip("_") or "attention"
    # A word of the language, or of C, is no name with something before it.
    name = name if len(name) > 3 and name[0].isalpha() and not name.isalpha() else "node_" + name
    number, result = 1, name
    while result in taken:
        number += 1
        result = f"{name}_{number}"
    return result


def import_command(arguments: list[str]) -> int:
    """`ladon import`: exit codes are those of the compiler."""
    from .._errors import SpecError
    from .._program import run

    parser = argparse.ArgumentParser(
        prog="ladon import", description="Write a spec for each attention node of an ONNX model")
    parser.add_argument("file", help="A model (.onnx)")
    parser.add_argument("-o", "--output", default=".", help="Directory for the specs, made if missing")
    options = parser.parse_args(arguments)
    try:
        found = read_model(options.file)
        os.makedirs(options.output, exist_ok=True)
        for one in found:
            title = f"{one.node.op_type} '{one.node.name}'"
            if one.conversion is None:
                print(f"{title}: no spec: {one.reason}\n")
                continue
            path = os.path.join(options.output, one.name + ".attn")
            text = run(["fmt", "-"], one.conversion.spec, path)
            with open(path + ".new", "w", encoding="utf-8") as file:
                file.write(f"# {title} of {os.path.basename(options.file)}.\n{text}")
            os.replace(path + ".new", path)
            print(f"{title}: {path}\n\n{one.table()}\n")
    except (OSError, ValueError, SpecError) as error:
        print(f"ladon: error: {error}", file=sys.stderr)
        return 1
    done = sum(one.conversion is not None for one in found)
    print(f"{done} of {len(found)} attention nodes have a spec")
    return 0
