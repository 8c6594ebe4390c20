"""What the operators share: types of tensors, and a spec that is written part by part."""

from __future__ import annotations

import math
from typing import Any, Callable, Mapping, NamedTuple, Optional, Sequence

import onnx

ELEMENTS = {onnx.TensorProto.FLOAT16: "f16", onnx.TensorProto.BFLOAT16: "bf16",
            onnx.TensorProto.FLOAT: "f32", onnx.TensorProto.DOUBLE: "f64",
            onnx.TensorProto.BOOL: "bool", onnx.TensorProto.INT32: "i32",
            onnx.TensorProto.INT64: "i64"}
FLOATS = ("f16", "bf16", "f32", "f64")

#: An extent: a number, or None where only the call knows it.
Shape = Sequence[Optional[int]]

#: Arrays of the inputs of a node by their names in the operator, None where absent.
Arrays = Mapping[str, Any]


class Unsupported(NotImplementedError):
    """A node that no spec stands for; the message says why."""


class Tensor(NamedTuple):
    """What is known of an input before the model runs."""

    element: int  #: of onnx.TensorProto
    shape: Shape


class Parameter(NamedTuple):
    """A parameter of a spec."""

    name: str
    #: What it is, made of the arrays of the node's inputs.
    of: Callable[[Arrays], Any]


class Result(NamedTuple):
    """An output of a node."""

    output: str
    #: The cache whose contents it is after a call; '' for a result of the spec.
    parameter: str = ""
    #: What becomes of the array that the spec gives.
    of: Callable[[Any, Arrays], Any] = lambda array, inputs: array


class Conversion(NamedTuple):
    """A node as a spec."""

    spec: str
    #: What each input and attribute of the node became, for people.
    mapping: list[tuple[str, str]]
    #: The parameters of the spec, in order.
    parameters: list[Parameter]
    #: The outputs of the node that have a name; results of the spec in order.
    results: list[Result]


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


class Writer:
    """A node that becomes one attend. An operator is a subclass, whose write() adds the
    parts and ends with finish()."""

    #: Names of the operator's inputs and outputs, in order, and of its attributes.
    INPUTS: tuple[str, ...]
    OUTPUTS: tuple[str, ...]
    ATTRIBUTES: tuple[str, ...]

    def __init__(self, node: onnx.NodeProto, inputs: Sequence[Optional[Tensor]], name: str) -> None:
        self.attributes = attributes(node)
        for attribute in self.attributes:
            if attribute not in self.ATTRIBUTES:
                raise Unsupported(f"{attribute}: no attribute of {node.op_type} that is known here")
        if len(inputs) > len(self.INPUTS):
            raise Unsupported(f"expected at most {len(self.INPUTS)} inputs, found {len(inputs)}")
        self.inputs = dict.fromkeys(self.INPUTS) | dict(zip(self.INPUTS, inputs))
        self.name = name
        self.outputs = [what for what, name in zip(self.OUTPUTS, node.output) if name]
        self.mapping: list[tuple[str, str]] = []
        self.conditions: list[str] = []
        self.terms: list[str] = []  #: added to the score
        self._parameters: list[Parameter] = []
        self._declarations: list[str] = []
        self._results: list[Result] = []
        self._types: list[str] = []
        self._values: list[str] = []

    def say(self, what: str, became: str) -> None:
        self.mapping.append((what, became))

    def declare(self, name: str, element: str, dims: str, of: Callable[[Arrays], Any],
                cache: bool = False) -> None:
        """A parameter; without dims a single value."""
        self._parameters.append(Parameter(name, of))
        self._declarations.append(f"{'inout ' * cache}{name}: {element}" + (f"[{dims}]" if dims else ""))

    def take(self, what: str, element: str, dims: str, name: str = "") -> None:
        """A parameter that is an input as it is."""
        self.declare(name or what, element, dims, lambda arrays: arrays[what])

    def give(self, output: str, type: str, value: str, of: Any = None) -> None:
        """A result of the spec, where the node has the output."""
        if output in self.outputs:
            self._results.append(Result(output, of=of) if of else Result(output))
            self._types.append(f"{output.lower()}: {type}")
            self._values.append(value)

    def give_cache(self, output: str, parameter: str) -> None:
        if output in self.outputs:
            self._results.append(Result(output, parameter))

    def finish(self, lets: Sequence[tuple[str, str]]) -> Conversion:
        text = "".join(f"let {name} = {value}\n" for name, value in lets)
        return Conversion(f"attention {self.name}({', '.join(self._declarations)}) -> "
                          f"({', '.join(self._types)}) {{\n{text}return {', '.join(self._values)}\n}}\n",
                          self.mapping, self._parameters, self._results)

    def arguments(self, score: Optional[str], *options: str) -> str:
        """Of the attend: queries, keys, values, options, the score, the terms that are
        added to it, and the mask."""
        score = " + ".join([score or "s", *self.terms])
        parts = ["queries", "keys", "values", *options]
        parts += [f"score = {score}"] if score != "s" else []
        parts += ["mask = " + " and ".join(self.conditions)] if self.conditions else []
        return ", ".join(parts)

    def hide(self, what: str, condition: str) -> None:
        """A condition on the keys that are visible, as an input or attribute says."""
        self.conditions.append(condition)
        self.say(what, f"`mask = ... {condition}`")

    def floats(self, what: str, *ranks: int) -> Tensor:
        """The input, which has to be there."""
        tensor = self.inputs[what]
        if tensor is None:
            raise Unsupported(f"{what}: the input is absent")
        if ELEMENTS.get(tensor.element) not in FLOATS:
            raise Unsupported(f"{what}: no spec has elements of type "
                              + onnx.TensorProto.DataType.Name(tensor.element))
        if len(tensor.shape) not in ranks:
            raise Unsupported(f"{what}: expected {' or '.join(map(str, ranks))} axes, "
                              f"found {len(tensor.shape)}")
        return tensor

    def count(self, attribute: str) -> int:
        """An attribute that is a number of heads."""
        count = self.attributes.get(attribute)
        if count is None or count <= 0:
            raise Unsupported(f"{attribute}: expected a positive number, found {count}")
        return count

    def both_or_neither(self, one: str, other: str) -> None:
        if (self.inputs[one] is None) != (self.inputs[other] is None):
            raise Unsupported(f"{one} and {other}: expected both or neither")

    def read(self, what: str, indices: Sequence[str], keys: str) -> str:
        """An element of an input whose axes may be 1 (all read that entry) but for the
        last one, of keys; the input is declared."""
        tensor = self.inputs[what]
        dims, places = [], []
        for axis, (size, index) in enumerate(zip(tensor.shape, indices)):
            # One entry for all; the last axis may be shorter than the keys, though.
            single = size == 1 and index != "j"
            if size is None and index != "j":
                raise Unsupported(f"{what}: the size of axis {axis} is not known, and may be 1")
            dims.append("1" if single else keys if index == "j" else f"M{axis}")
            places.append("0" if single else index)
        self.take(what, ELEMENTS[tensor.element], ", ".join(dims))
        return f"{what}[{', '.join(places)}]"

    def scale(self, features: int, default: Sequence[float] = ()) -> str:
        """The option; some operators have numbers that mean the default."""
        scale = self.attributes.get("scale")
        if scale is None or scale in default:
            return f"scale = {1 / math.sqrt(features)!r}"
        if not scale > 0:
            raise Unsupported(f"scale: expected a positive number, found {scale}")
        self.say("scale", f"`scale = {float(scale)!r}`")
        return f"scale = {float(scale)!r}"

    def softcap(self) -> Optional[str]:
        cap = float(self.attributes.get("softcap", 0) or 0)
        if not cap > 0:
            return None
        score = f"{cap!r} * tanh(s / {cap!r})"
        self.say("softcap", f"`score = {score}`")
        return score


def width(tensor: Tensor, heads: int) -> int:
    """Features of one of the heads that lie side by side on the last axis."""
    last = tensor.shape[-1]
    if not isinstance(last, int):
        raise Unsupported("the number of features is not known")
    if last % heads:
        raise Unsupported(f"{last} features are no multiple of {heads} heads")
    return last // heads
