"""The operator com.microsoft.GroupQueryAttention of ONNX Runtime."""

from __future__ import annotations

from typing import Any, Callable

import numpy

from ._spec import ELEMENTS, Arrays, Conversion, Unsupported, Writer, width


class GroupQueryAttention(Writer):
    INPUTS = ("query", "key", "value", "past_key", "past_value", "seqlens_k", "total_sequence_length",
              "cos_cache", "sin_cache", "position_ids", "attention_bias", "head_sink", "k_scale",
              "v_scale", "q_norm_weight", "k_norm_weight", "query_seqlens")
    OUTPUTS = ("output", "present_key", "present_value", "output_qk")
    ATTRIBUTES = ("causal", "do_rotary", "k_norm_epsilon", "k_quant_type", "kv_cache_bit_width",
                  "kv_num_heads", "local_window_size", "num_heads", "q_norm_epsilon",
                  "qk_norm_epsilon", "qk_output", "rotary_interleaved", "scale",
                  "sliding_window_cache", "smooth_softmax", "softcap", "v_quant_type")

    def write(self) -> Conversion:
        self.heads, self.shared = self.count("num_heads"), self.count("kv_num_heads")
        if self.heads % self.shared:
            raise Unsupported(f"num_heads: expected a multiple of {self.shared} heads of keys, "
                              f"found {self.heads}")
        self.refuse()
        self.causal = self.attributes.get("causal", 1)
        self.rotary = self.attributes.get("do_rotary", 0)
        self.cached = self.inputs["past_key"] is not None
        #: How many keys are new. Only where neither positions of keys nor of queries
        #: matter may they be others than the queries.
        self.length = "S" if self.causal or self.rotary or self.inputs["key"] is None else "N"
        queries, keys, values = self.operands()
        queries, keys = self.norms(queries, keys)
        if self.rotary:
            queries, keys = self.rotate(queries, keys)
        if self.cached:
            self.positions()
            keys = self.cache("past_key", keys, self.features)
            values = self.cache("past_value", values, self.value_features)
        count = "C" if self.cached else self.length
        self.mask()
        cap = self.softcap()
        if self.inputs["attention_bias"] is not None:
            self.floats("attention_bias", 4)
            self.terms.append(self.read("attention_bias", ("b", "h", "i", "j"), "M"))
            self.say("attention_bias", f"`score = s + {self.terms[-1]}`")
        attend = self.arguments(cap, self.scale(self.features, default=(0,)), *self.denominator())

        heads, shared, element = self.heads, self.shared, ELEMENTS[self.inputs["query"].element]
        self.give("output", f"{element}[B, S, {heads * self.value_features}]", "concat(a)")
        if self.cached:
            self.give_cache("present_key", "past_key")
            self.give_cache("present_value", "past_value")
        else:
            self.give("present_key", f"{element}[B, {shared}, {count}, {self.features}]", "keys")
            self.give("present_value", f"{element}[B, {shared}, {count}, {self.value_features}]", "values")
        self.matrix(f"{element}[B, {heads}, S, {count}]")
        return self.finish([("queries", queries), ("keys", keys), ("values", values),
                            ("a", f"attend({attend})")])

    def refuse(self) -> None:
        """What no spec says, and what does not fit together."""
        self.both_or_neither("past_key", "past_value")
        self.both_or_neither("q_norm_weight", "k_norm_weight")
        for attribute in ("k_quant_type", "v_quant_type"):
            kind = self.attributes.get(attribute, b"NONE").decode()
            if kind != "NONE":
                raise Unsupported(f"{attribute}: no spec writes to a quantized cache, found {kind}")
        for what in ("k_scale", "v_scale"):
            if self.inputs[what] is not None:
                raise Unsupported(f"{what}: no spec writes to a quantized cache")
        if self.attributes.get("sliding_window_cache", 0):
            raise Unsupported("sliding_window_cache: no spec moves the contents of a cache")
        for attribute, choices in (("causal", (0, 1)), ("qk_output", (0, 1, 2))):
            value = self.attributes.get(attribute, choices[-1] if attribute == "causal" else 0)
            if value not in choices:
                raise Unsupported(f"{attribute}: expected {' or '.join(map(str, choices))}, found {value}")
        window = self.attributes.get("local_window_size", -1)
        if window != -1 and (window <= 0 or not self.attributes.get("causal", 1)):
            raise Unsupported("local_window_size: expected -1, or a positive number with causal = 1, "
                              f"found {window}")
        for what in ("seqlens_k", "total_sequence_length"):
            if self.inputs[what] is None:
                raise Unsupported(f"{what}: the input is absent")
        if self.inputs["query_seqlens"] is not None and self.inputs["past_key"] is None:
            raise Unsupported("query_seqlens: expected past_key and past_value beside it")

    #===--- Queries, keys, values ------------------------------------------------===#

    def operands(self) -> list[str]:
        """What queries, new keys and new values are. Sets their sizes."""
        query = self.floats("query", 3)
        element = ELEMENTS[query.element]
        if self.inputs["key"] is None:
            if self.inputs["value"] is not None:
                raise Unsupported("value: expected none beside a packed query")
            all_heads = self.heads + 2 * self.shared
            self.features = self.value_features = width(query, all_heads)
            start, operands = 0, []
            for name, heads in (("q", self.heads), ("k", self.shared), ("v", self.shared)):
                end = start + heads * self.features
                self.declare(name, element, f"B, S, {end - start}", _columns(start, end))
                self.say("query", f"`{name}` is `query[:, :, {start}:{end}]`, {heads} heads of "
                                  f"{self.features} features")
                operands.append(f"split({name}, heads = {heads})")
                start = end
            return operands
        self.features = width(query, self.heads)
        self.value_features = width(self.floats("value", 3), self.shared)
        self.floats("key", 3)
        operands = []
        for name, what, heads, size, length in (
                ("q", "query", self.heads, self.features, "S"),
                ("k", "key", self.shared, self.features, self.length),
                ("v", "value", self.shared, self.value_features, self.length)):
            self.take(what, ELEMENTS[self.inputs[what].element], f"B, {length}, {heads * size}", name)
            self.say(what, f"`{name}`, {heads} heads of {size} features")
            operands.append(f"split({name}, heads = {heads})")
        return operands

    def norms(self, queries: str, keys: str) -> tuple[str, str]:
        if self.inputs["q_norm_weight"] is None:
            return queries, keys
        results = []
        for operand, what in ((queries, "q"), (keys, "k")):
            weight = f"{what}_norm_weight"
            self.take(weight, ELEMENTS[self.floats(weight, 1).element], str(self.features))
            epsilon = self.attributes.get(f"{what}_norm_epsilon",
                                          self.attributes.get("qk_norm_epsilon", 1e-6))
            if not epsilon > 0:
                raise Unsupported(f"{what}_norm_epsilon: expected a positive number, found {epsilon}")
            results.append(f"rms_norm({operand}, {weight}, {float(epsilon)!r})")
            self.say(weight, f"`rms_norm(..., {weight}, {float(epsilon)!r})`")
        return results[0], results[1]

    def rotate(self, queries: str, keys: str) -> tuple[str, str]:
        for what, name in (("cos_cache", "cosines"), ("sin_cache", "sines")):
            table = self.floats(what, 2)
            if table.shape[1] is None or 2 * table.shape[1] > self.features:
                raise Unsupported(f"{what}: expected at most {self.features // 2} columns, "
                                  f"found {table.shape[1]}")
            self.declare(name, ELEMENTS[table.element], f"B, S, {table.shape[1]}", _rows(what))
            self.say(what, f"`{name}`, its rows at the positions of the queries: those of position_ids, "
                           "or from the number of keys before on")
        options = "cos = cosines, sin = sines"
        if 2 * table.shape[1] != self.features:
            options += f", dims = {2 * table.shape[1]}"
        if self.attributes.get("rotary_interleaved", 0):
            options += ", interleaved = true"
        self.say("do_rotary, rotary_interleaved", f"`rope(..., {options})`")
        return f"rope({queries}, {options})", f"rope({keys}, {options})"

    def positions(self) -> None:
        """How many keys each entry of the batch has before the call."""
        self.declare("past", "i32", "B", _past)
        new = ("query_seqlens" if self.inputs["query_seqlens"] is not None
               else f"min({self.length}, seqlens_k + 1)")
        self.say("seqlens_k", f"`past` is `seqlens_k + 1 - {new}`")

    def cache(self, what: str, new: str, size: int) -> str:
        past = self.floats(what, 4)
        self.declare(what, ELEMENTS[past.element], f"B, {self.shared}, C, {size}", _room(what), cache=True)
        self.say(what, f"`append({what}, ..., at = past[b])`; the present is what it holds then")
        return f"append({what}, {new}, at = past[b])"

    #===--- Scores ---------------------------------------------------------------===#

    def mask(self) -> None:
        position = "i + past[b]" if self.cached else "i"
        if self.causal:
            self.hide("causal", f"j <= {position}")
        else:
            self.declare("total", "i32", "B", lambda arrays: _int32(arrays["seqlens_k"] + 1))
            self.say("seqlens_k", "`total` is `seqlens_k + 1`, `mask = j < total[b]`")
            self.conditions.append("j < total[b]")
        window = self.attributes.get("local_window_size", -1)
        if window > 0:
            self.hide("local_window_size", f"{position} - j < {window}")

    def denominator(self) -> list[str]:
        """What joins the sum of weights; a sink is a smooth factor of its own."""
        if self.inputs["head_sink"] is not None:
            self.take("head_sink", ELEMENTS[self.floats("head_sink", 1).element], str(self.heads))
            option = "sinks = head_sink"
            self.say("head_sink", f"`{option}`")
        elif self.attributes.get("smooth_softmax", -1) == 1:
            option = "normalize = softmax_plus_one"
            self.say("smooth_softmax", f"`{option}`")
        else:
            return []
        return [option]

    def matrix(self, type: str) -> None:
        mode = self.attributes.get("qk_output", 0)
        if "output_qk" not in self.outputs:
            return
        if mode == 0:
            raise Unsupported("qk_output: expected 1 or 2 for the output output_qk, found 0")
        value = "a.scores" if mode == 1 else "a.weights"
        self.say("output_qk", f"`{value}`" + ", -inf where a key is hidden" * (mode == 1))
        self.give("output_qk", type, value, _filled if self.cached else None)


#===--- Parameters that are made of the inputs -----------------------------------===#


def _int32(array: Any) -> Any:
    return numpy.asarray(array, numpy.int32)


def _columns(start: int, end: int) -> Callable[[Arrays], Any]:
    return lambda arrays: arrays["query"][:, :, start:end]


def _past(arrays: Arrays) -> Any:
    """How many keys each entry had before."""
    total = _int32(arrays["seqlens_k"]) + 1
    if arrays["query_seqlens"] is not None:
        return total - _int32(arrays["query_seqlens"])
    key = arrays["query"] if arrays["key"] is None else arrays["key"]
    return total - numpy.minimum(total, key.shape[1])


def _total(arrays: Arrays) -> int:
    """How many keys there are at most."""
    return int(numpy.asarray(arrays["total_sequence_length"]).reshape(-1)[0])


def _room(what: str) -> Callable[[Arrays], Any]:
    """The past, with room for what is new."""
    def make(arrays: Arrays) -> Any:
        past = arrays[what]
        size = max(past.shape[2], _total(arrays))
        cache = numpy.zeros((*past.shape[:2], size, past.shape[3]), past.dtype)
        cache[:, :, :past.shape[2]] = past
        return cache
    return make


def _filled(matrix: Any, arrays: Arrays) -> Any:
    """The columns of places in the cache that are filled."""
    return matrix[..., :_total(arrays)]


def _rows(what: str) -> Callable[[Arrays], Any]:
    """Of a table of cosines or sines, those of the positions."""
    def make(arrays: Arrays) -> Any:
        table, length, given = arrays[what], arrays["query"].shape[1], arrays["position_ids"]
        steps = numpy.arange(length)
        if given is None:
            before = 0 if arrays["past_key"] is None else _past(arrays)[:, None]
            positions = before + steps
        elif arrays["query_seqlens"] is None and length == _total(arrays):
            positions = given.reshape(-1)[0] + steps  # Of a prompt, by its first position.
        else:
            positions = given
        positions = numpy.broadcast_to(positions, (len(arrays["query"]), length))
        return table[numpy.clip(positions, 0, len(table) - 1)]
    return make
