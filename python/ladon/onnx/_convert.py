"""From a node Attention (opset 23 to 25) to a spec."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Optional, Sequence

import onnx

#: Names of the inputs, in order.
INPUTS = ("Q", "K", "V", "attn_mask", "past_key", "past_value", "nonpad_kv_seqlen")
#: Those whose parameter has another name.
NAMES = {"Q": "q", "K": "k", "V": "v", "nonpad_kv_seqlen": "len"}
#: Names of the outputs, in order.
OUTPUTS = ("Y", "present_key", "present_value", "qk_matmul_output")

ELEMENTS = {onnx.TensorProto.FLOAT16: "f16", onnx.TensorProto.BFLOAT16: "bf16",
            onnx.TensorProto.FLOAT: "f32", onnx.TensorProto.DOUBLE: "f64",
            onnx.TensorProto.BOOL: "bool", onnx.TensorProto.INT64: "i64"}

#: An extent: a number, or None where only the call knows it.
Shape = Sequence[Optional[int]]


class Unsupported(NotImplementedError):
    """A node that no spec stands for; the message says why."""


class Tensor(NamedTuple):
    """What is known of an input before the model runs."""

    element: int  #: of onnx.TensorProto
    shape: Shape


class Conversion(NamedTuple):
    """A node as a spec."""

    spec: str
    #: What each input and attribute of the node became, for people.
    mapping: list[tuple[str, str]]
    #: Which inputs the parameters of the spec are, in order.
    parameters: list[str]
    #: Which outputs its results are, in order.
    results: list[str]


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def convert(node: onnx.NodeProto, inputs: Sequence[Optional[Tensor]],
            name: str = "attended") -> Conversion:
    """The spec of a node whose inputs have these types; None for one that is absent.
    Heads and features must be known, other extents need not. Raises Unsupported."""
    if node.op_type != "Attention" or node.domain not in ("", "ai.onnx"):
        raise Unsupported(f"no spec is known for {node.domain or 'ai.onnx'}.{node.op_type}")
    return _Writer(node, [*inputs, *[None] * (len(INPUTS) - len(inputs))], name).write()


class _Writer:
    def __init__(self, node: onnx.NodeProto, inputs: list, name: str) -> None:
        self.attributes = attributes(node)
        self.inputs = dict(zip(INPUTS, inputs))
        self.name = name
        self.mapping: list[tuple[str, str]] = []
        self.declarations: list[str] = []
        self.parameters: list[str] = []
        self.outputs = [what for what, name in zip(OUTPUTS, node.output) if name]
        self.conditions: list[str] = []
        self.terms: list[str] = []

    def declare(self, what: str, element: str, dims: str) -> None:
        self.parameters.append(what)
        self.declarations.append(f"{NAMES.get(what, what)}: {element}[{dims}]")

    def write(self) -> Conversion:
        q, k, v = (self.inputs[x] for x in ("Q", "K", "V"))
        for what, tensor in (("Q", q), ("K", k), ("V", v)):
            if tensor is None:
                raise Unsupported(f"{what}: the input is absent")
            if tensor.element not in ELEMENTS or ELEMENTS[tensor.element] in ("bool", "i64"):
                raise Unsupported(f"{what}: no spec has elements of type "
                                  + onnx.TensorProto.DataType.Name(tensor.element))
            if len(tensor.shape) not in (3, 4):
                raise Unsupported(f"{what}: expected 3 or 4 axes, found {len(tensor.shape)}")
        packed = len(q.shape) == 3
        cached = self.inputs["past_key"] is not None
        heads, shared = self.heads(q, k, packed)
        self.element = ELEMENTS[q.element]
        features, value_features = (self.features(t, n) for t, n in ((q, heads), (v, shared)))

        self.keys = "P + N" if cached else "T"
        operands = []
        for what, tensor, count, width in (("Q", q, heads, features), ("K", k, shared, features),
                                           ("V", v, shared, value_features)):
            name = NAMES[what]
            length = "S" if what == "Q" else "N" if cached else "T"
            if packed:
                self.declare(what, ELEMENTS[tensor.element], f"B, {length}, {count * width}")
                operands.append(f"split({name}, heads = {count})")
                self.mapping.append((what, f"`{name}`, {count} heads of {width} features"))
            else:
                self.declare(what, ELEMENTS[tensor.element], f"B, {count}, {length}, {width}")
                operands.append(name)
                self.mapping.append((what, f"`{name}`"))
        if cached:
            for index, what, width in ((1, "past_key", features), (2, "past_value", value_features)):
                past = self.inputs[what]
                if past is None or past.element not in ELEMENTS:
                    raise Unsupported(f"{what}: expected a cache of floats")
                self.declare(what, ELEMENTS[past.element], f"B, {shared}, P, {width}")
                operands[index] = f"concat({what}, {operands[index]})"
            self.mapping.append(("past_key, past_value", "the beginning of the keys and values"))
        self.mask()
        self.positions(cached)
        arguments = f"queries, keys, values, scale = {self.scale(features)!r}"
        cap = self.softcap()
        score = " + ".join([cap or "s", *self.terms])
        attend = arguments + (f", score = {score}" if score != "s" else "")
        if self.conditions:
            attend += ", mask = " + " and ".join(self.conditions)

        types = {"Y": f"B, S, {heads * value_features}" if packed else f"B, {heads}, S, {value_features}",
                 "present_key": f"B, {shared}, {self.keys}, {features}",
                 "present_value": f"B, {shared}, {self.keys}, {value_features}",
                 "qk_matmul_output": f"B, {heads}, S, {self.keys}"}
        values = {"Y": "concat(a)" if packed else "a", "present_key": "keys", "present_value": "values",
                  "qk_matmul_output": self.matrix(arguments, cap)}
        elements = {"present_key": ELEMENTS[k.element], "present_value": ELEMENTS[v.element]}
        results = [f"{what.lower()}: {elements.get(what, self.element)}[{types[what]}]" for what in self.outputs]
        lets = [f"let {name} = {operand}\n"
                for name, operand in zip(("queries", "keys", "values"), operands)]
        spec = (f"attention {self.name}({', '.join(self.declarations)}) -> ({', '.join(results)}) {{\n"
                f"{''.join(lets)}let a = attend({attend})\n"
                f"return {', '.join(values[what] for what in self.outputs)}\n}}\n")
        return Conversion(spec, self.mapping, self.parameters, self.outputs)

    def matrix(self, arguments: str, cap: Optional[str]) -> str:
        """What qk_matmul_output is: the scores, with softcap, with masks, or the weights."""
        mode = self.attributes.get("qk_matmul_output_mode", 0)
        if mode not in range(4):
            raise Unsupported(f"qk_matmul_output_mode: expected 0 to 3, found {mode}")
        if mode < 2:
            score = f", score = {cap}" if mode == 1 and cap else ""
            result = f"attend({arguments}{score}).scores"
        else:
            result = "a.scores" if mode == 2 else "a.weights"
        if "qk_matmul_output" in self.outputs:
            self.mapping.append(("qk_matmul_output", f"`{result}`"))
        return result

    def heads(self, q: Tensor, k: Tensor, packed: bool) -> tuple[int, int]:
        if not packed:
            counts = q.shape[1], k.shape[1]
        else:
            counts = self.attributes.get("q_num_heads"), self.attributes.get("kv_num_heads")
        if not all(isinstance(count, int) and count > 0 for count in counts):
            raise Unsupported("the numbers of heads are not known")
        if counts[0] % counts[1]:
            raise Unsupported(f"{counts[0]} heads of queries are no multiple of {counts[1]} heads of keys")
        return counts

    def features(self, tensor: Tensor, heads: int) -> int:
        last = tensor.shape[-1]
        if not isinstance(last, int):
            raise Unsupported("the number of features is not known")
        if len(tensor.shape) == 4:
            return last
        if last % heads:
            raise Unsupported(f"{last} features are no multiple of {heads} heads")
        return last // heads

    def mask(self) -> None:
        tensor: Optional[Tensor] = self.inputs["attn_mask"]
        if tensor is None:
            return
        rank = len(tensor.shape)
        if not 1 <= rank <= 4 or tensor.element not in ELEMENTS:
            raise Unsupported("attn_mask: expected 1 to 4 axes of bools or floats")
        dims, indices = [], []
        for axis, (size, index) in enumerate(zip(tensor.shape, ("b", "h", "i", "j")[4 - rank:])):
            # One entry for all; the last axis may be shorter than the keys, though.
            single = size == 1 and index != "j"
            if size is None and index != "j":
                raise Unsupported(f"attn_mask: the size of axis {axis} is not known, and may be 1")
            dims.append("1" if single else "M" if index == "j" else f"M{axis}")
            indices.append("0" if single else index)
        # What lies beyond a short mask is hidden; a mask of one key is no other case.
        self.declare("attn_mask", ELEMENTS[tensor.element], ", ".join(dims))
        read = f"attn_mask[{', '.join(indices)}]"
        self.conditions.append("j < M")
        if ELEMENTS[tensor.element] == "bool":
            self.conditions.append(read)
            self.mapping.append(("attn_mask", f"`mask = ... {read}`"))
        else:
            self.terms.append(read)
            self.mapping.append(("attn_mask", f"`score = s + {read}`"))

    def positions(self, cached: bool) -> None:
        """Conditions on positions; a query's own is i + its number of keys before."""
        left = self.attributes.get("left_window_size", -1)
        right = self.attributes.get("right_window_size", -1)
        causal = self.attributes.get("is_causal", 0)
        before = " + P" if cached else ""
        if self.inputs["nonpad_kv_seqlen"] is not None:
            before = " + int(len[b]) - S"
            self.declare("nonpad_kv_seqlen", "i64", "B")
            self.conditions.append("j < len[b]")
            self.mapping.append(("nonpad_kv_seqlen", "`len`, `mask = ... j < len[b]`"))
        for name, holds, condition in (("is_causal", causal, f"j <= i{before}"),
                                       ("left_window_size", left >= 0, f"i{before} - j <= {left}"),
                                       ("right_window_size", right >= 0, f"j - (i{before}) <= {right}")):
            if holds:
                self.conditions.append(condition)
                self.mapping.append((name, f"`mask = ... {condition}`"))

    def scale(self, features: int) -> float:
        scale = self.attributes.get("scale")
        if scale is None:
            return 1 / math.sqrt(features)
        if not scale > 0:
            raise Unsupported(f"scale: expected a positive number, found {scale}")
        self.mapping.append(("scale", f"`scale = {float(scale)!r}`"))
        return float(scale)

    def softcap(self) -> Optional[str]:
        cap = float(self.attributes.get("softcap", 0) or 0)
        if not cap > 0:
            return None
        score = f"{cap!r} * tanh(s / {cap!r})"
        self.mapping.append(("softcap", f"`score = {score}`"))
        return score
