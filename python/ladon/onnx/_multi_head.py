"""The operator com.microsoft.MultiHeadAttention of ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy

from ._spec import ELEMENTS, Arrays, Conversion, Tensor, Unsupported, Writer, width

#: What the score of a padded key gets when the attribute is not there; from this number
#: on it is hidden, larger numbers are added as they are.
FILTER = -10000.0


class MultiHeadAttention(Writer):
    INPUTS = ("query", "key", "value", "bias", "key_padding_mask", "attention_bias", "past_key",
              "past_value", "past_sequence_length", "cache_indirection")
    OUTPUTS = ("output", "present_key", "present_value", "qk")
    ATTRIBUTES = ("mask_filter_value", "num_heads", "scale", "unidirectional")

    def write(self) -> Conversion:
        self.heads = self.count("num_heads")
        self.element = ELEMENTS[self.floats("query", 3, 5).element]
        if self.inputs["cache_indirection"] is not None:
            raise Unsupported("cache_indirection: no spec reads the keys of other entries of the batch")
        self.both_or_neither("past_key", "past_value")
        cached = self.inputs["past_key"] is not None
        # Whether the past lies in buffers that have room for the present.
        shared = self.inputs["past_sequence_length"] is not None
        if shared and not cached:
            raise Unsupported("past_sequence_length: expected past_key and past_value beside it")
        queries, keys, values = self.operands(cached)
        new = self.length  # of the keys that are new
        if shared:
            self.declare("past", "i32", "", lambda arrays: _number(arrays["past_sequence_length"]))
            self.say("past_sequence_length", "`past`")
            keys = self.cache("past_key", keys, self.features)
            values = self.cache("past_value", values, self.value_features)
            self.conditions.append(f"j < past + {new}")
            count, before, mask_count = "C", " + past", "M"
        elif cached:
            keys = self.past("past_key", keys, self.features)
            values = self.past("past_value", values, self.value_features)
            count, before, mask_count = f"P + {new}", " + P", f"P + {new}"
        else:
            count, before, mask_count = new, "", new
        if self.attributes.get("unidirectional", 0):
            self.hide("unidirectional", f"j <= i{before}")
        if self.inputs["key_padding_mask"] is not None:
            self.padding(self.inputs["key_padding_mask"], mask_count)
        if self.inputs["attention_bias"] is not None:
            self.floats("attention_bias", 4)
            self.terms.append(self.read("attention_bias", ("b", "h", "i", "j"), mask_count))
            self.say("attention_bias", f"`score = s + {self.terms[-1]}`")

        heads, element = self.heads, self.element
        self.give("output", f"{element}[B, S, {heads * self.value_features}]", "concat(a)")
        if shared:
            self.give_cache("present_key", "past_key")
            self.give_cache("present_value", "past_value")
        else:
            self.give("present_key", f"{element}[B, {heads}, {count}, {self.features}]", "keys")
            self.give("present_value", f"{element}[B, {heads}, {count}, {self.value_features}]", "values")
        self.give("qk", f"{element}[B, {heads}, S, {count}]", "a.scores", _filled if shared else None)
        if "qk" in self.outputs:
            self.say("qk", "`a.scores`, -inf where a key is hidden")
        attend = self.arguments(None, self.scale(self.features, default=(0,)))
        return self.finish([("queries", queries), ("keys", keys), ("values", values),
                            ("a", f"attend({attend})")])

    #===--- Queries, keys, values ------------------------------------------------===#

    def operands(self, cached: bool) -> list[str]:
        """What queries, new keys and new values are. Sets their sizes."""
        query, key, value = (self.inputs[what] for what in ("query", "key", "value"))
        self.length = "N" if cached else "T"
        if len(query.shape) == 5:
            if key is not None or value is not None:
                raise Unsupported("key: expected none beside a packed query")
            self.length = "S"
            self.features = self.value_features = self.packed("query", 3)
            return [self.part(name, "query", index) for index, name in enumerate("qkv")]
        self.features = self.value_features = width(query, self.heads)
        key = self.floats("key", 3, 4, 5)
        if len(key.shape) == 5:
            if value is not None:
                raise Unsupported("value: expected none beside a packed key")
            self.packed("key", 2)
            return [self.flat("q", "query", "S", 0), self.part("k", "key", 0), self.part("v", "key", 1)]
        value = self.floats("value", len(key.shape))
        if len(key.shape) == 3:
            self.value_features = width(value, self.heads)
            return [self.flat("q", "query", "S", 0), self.flat("k", "key", self.length, 1),
                    self.flat("v", "value", self.length, 2)]
        if cached:
            raise Unsupported("past_key: expected none beside a key with 4 axes, which is all keys")
        if value.shape[3] is None:
            raise Unsupported("the number of features is not known")
        self.value_features = value.shape[3]
        # Keys that were projected before have their bias.
        q = self.flat("q", "query", "S", 0)
        for name, what, size in (("k", "key", self.features), ("v", "value", self.value_features)):
            self.take(what, ELEMENTS[self.inputs[what].element],
                      f"B, {self.heads}, {self.length}, {size}", name)
            self.say(what, f"`{name}`")
        return [q, "k", "v"]

    def packed(self, what: str, parts: int) -> int:
        """Features of a head of [batch, sequence, heads, parts, features]."""
        shape = self.inputs[what].shape
        if shape[2] != self.heads or shape[3] != parts or shape[4] is None:
            raise Unsupported(f"{what}: expected axes of {self.heads} heads, {parts} and features, "
                              f"found {list(shape[2:])}")
        return shape[4]

    def flat(self, name: str, what: str, length: str, index: int) -> str:
        """A tensor whose heads lie side by side."""
        size = self.heads * (self.value_features if name == "v" else self.features)
        self.take(what, ELEMENTS[self.inputs[what].element], f"B, {length}, {size}", name)
        self.say(what, f"`{name}`, {self.heads} heads of {size // self.heads} features")
        return f"split({name}{self.bias(name, index, f'{size}', (size,))}, heads = {self.heads})"

    def part(self, name: str, what: str, index: int) -> str:
        """One of the tensors that are packed into an input, where it lies."""
        length = "S" if name == "q" else self.length
        self.declare(name, ELEMENTS[self.inputs[what].element],
                     f"B, {self.heads}, {length}, {self.features}",
                     lambda arrays: arrays[what][:, :, :, index].transpose(0, 2, 1, 3))
        self.say(what, f"`{name}` is `{what}[:, :, :, {index}].transpose(0, 2, 1, 3)`")
        shape = (self.heads, 1, self.features)
        return name + self.bias(name, "qkv".index(name), ", ".join(map(str, shape)), shape)

    def bias(self, name: str, index: int, dims: str, shape: tuple[int, ...]) -> str:
        """What is added to queries, keys or values: a part of the input `bias`."""
        if self.inputs["bias"] is None:
            return ""
        bias, hidden = self.floats("bias", 1), self.heads * self.features
        start = index * hidden
        end = start + (self.heads * self.value_features if index == 2 else hidden)
        self.declare(f"{name}_bias", ELEMENTS[bias.element], dims,
                     lambda arrays: arrays["bias"][start:end].reshape(shape))
        self.say("bias", f"`{name}_bias` is `bias[{start}:{end}]`")
        return f" + {name}_bias"

    def past(self, what: str, new: str, size: int) -> str:
        past = self.floats(what, 4)
        self.take(what, ELEMENTS[past.element], f"B, {self.heads}, P, {size}")
        self.say(what, f"`concat({what}, ...)`")
        return f"concat({what}, {new})"

    def cache(self, what: str, new: str, size: int) -> str:
        past = self.floats(what, 4)
        self.declare(what, ELEMENTS[past.element], f"B, {self.heads}, C, {size}",
                     lambda arrays: numpy.array(arrays[what]), cache=True)
        self.say(what, f"`append({what}, ..., at = past)`; the present is what it holds then")
        return f"append({what}, {new}, at = past)"

    #===--- Padding --------------------------------------------------------------===#

    def padding(self, mask: Tensor, keys: str) -> None:
        what, rank = "key_padding_mask", len(mask.shape)
        if ELEMENTS.get(mask.element) != "i32" or rank not in (1, 2, 3):
            raise Unsupported(f"{what}: expected 1 to 3 axes of int32")
        if rank == 1:
            # Of what has 3 * batch + 2 entries the lengths come first.
            self.declare("key_lengths", "i32", "B",
                         lambda arrays: arrays[what][:len(arrays["query"])])
            visible = "j < key_lengths[b]"
        else:
            visible = self.read(what, ("b", "i", "j") if rank == 3 else ("b", "j"), keys) + " != 0"
        value = float(self.attributes.get("mask_filter_value", FILTER))
        if value <= FILTER:
            self.hide(what, visible)
        else:
            self.terms.append(f"(if {visible} then 0.0 else {value!r})")
            self.say(what, f"`score = s + {self.terms[-1]}`")


def _number(array: Any) -> int:
    """Of a tensor with one element."""
    return int(numpy.asarray(array).reshape(-1)[0])


def _filled(matrix: Any, arrays: Arrays) -> Any:
    """The columns of places in the buffers that are filled."""
    key = arrays["query"] if arrays["key"] is None else arrays["key"]
    return matrix[..., :_number(arrays["past_sequence_length"]) + key.shape[1]]
