"""The operator Attention of ONNX (opset 23 to 25)."""

from __future__ import annotations

from typing import Optional

from ._spec import ELEMENTS, FLOATS, Conversion, Tensor, Unsupported, Writer, width

#: Inputs whose parameter has another name.
NAMES = {"Q": "q", "K": "k", "V": "v"}


class Attention(Writer):
    INPUTS = ("Q", "K", "V", "attn_mask", "past_key", "past_value", "nonpad_kv_seqlen")
    OUTPUTS = ("Y", "present_key", "present_value", "qk_matmul_output")
    # softmax_precision asks for less than what is done.
    ATTRIBUTES = ("is_causal", "kv_num_heads", "left_window_size", "q_num_heads",
                  "qk_matmul_output_mode", "right_window_size", "scale", "softcap",
                  "softmax_precision")

    def write(self) -> Conversion:
        q, k, v = (self.floats(what, 3, 4) for what in ("Q", "K", "V"))
        packed = len(q.shape) == 3
        self.both_or_neither("past_key", "past_value")
        cached = self.inputs["past_key"] is not None
        if cached and self.inputs["nonpad_kv_seqlen"] is not None:
            raise Unsupported("nonpad_kv_seqlen: expected no past_key beside it")
        heads, shared = self.heads(q, k, packed)
        features, value_features = (width(t, n) if packed else self.features(t)
                                    for t, n in ((q, heads), (v, shared)))

        keys = "P + N" if cached else "T"
        operands = []
        for what, tensor, count, size in (("Q", q, heads, features), ("K", k, shared, features),
                                          ("V", v, shared, value_features)):
            name, element = NAMES[what], ELEMENTS[tensor.element]
            length = "S" if what == "Q" else "N" if cached else "T"
            if packed:
                self.take(what, element, f"B, {length}, {count * size}", name)
                operands.append(f"split({name}, heads = {count})")
                self.say(what, f"`{name}`, {count} heads of {size} features")
            else:
                self.take(what, element, f"B, {count}, {length}, {size}", name)
                operands.append(name)
                self.say(what, f"`{name}`")
        if cached:
            for index, what, size in ((1, "past_key", features), (2, "past_value", value_features)):
                past = self.floats(what, 4)
                self.take(what, ELEMENTS[past.element], f"B, {shared}, P, {size}")
                operands[index] = f"concat({what}, {operands[index]})"
            self.say("past_key, past_value", "the beginning of the keys and values")
        self.mask()
        self.positions(cached)
        scale, cap = self.scale(features), self.softcap()

        element = ELEMENTS[q.element]
        self.give("Y", f"{element}[B, S, {heads * value_features}]" if packed
                  else f"{element}[B, {heads}, S, {value_features}]", "concat(a)" if packed else "a")
        self.give("present_key", f"{ELEMENTS[k.element]}[B, {shared}, {keys}, {features}]", "keys")
        self.give("present_value", f"{ELEMENTS[v.element]}[B, {shared}, {keys}, {value_features}]", "values")
        self.give("qk_matmul_output", f"{element}[B, {heads}, S, {keys}]", self.matrix(scale, cap))
        return self.finish([*zip(("queries", "keys", "values"), operands),
                            ("a", f"attend({self.arguments(cap, scale)})")])

    def matrix(self, scale: str, cap: Optional[str]) -> str:
        """What qk_matmul_output is: the scores, with softcap, with masks, or the weights."""
        mode = self.attributes.get("qk_matmul_output_mode", 0)
        if mode not in range(4):
            raise Unsupported(f"qk_matmul_output_mode: expected 0 to 3, found {mode}")
        if mode < 2:
            score = f", score = {cap}" if mode == 1 and cap else ""
            result = f"attend(queries, keys, values, {scale}{score}).scores"
        else:
            result = "a.scores" if mode == 2 else "a.weights"
        if "qk_matmul_output" in self.outputs:
            self.say("qk_matmul_output", f"`{result}`")
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

    def features(self, tensor: Tensor) -> int:
        if not isinstance(tensor.shape[-1], int):
            raise Unsupported("the number of features is not known")
        return tensor.shape[-1]

    def mask(self) -> None:
        tensor: Optional[Tensor] = self.inputs["attn_mask"]
        if tensor is None:
            return
        rank, element = len(tensor.shape), ELEMENTS.get(tensor.element)
        if not 1 <= rank <= 4 or element not in (*FLOATS, "bool"):
            raise Unsupported("attn_mask: expected 1 to 4 axes of bools or floats")
        read = self.read("attn_mask", ("b", "h", "i", "j")[4 - rank:], "M")
        # What lies beyond a short mask is hidden; a mask of one key is no other case.
        self.conditions.append("j < M")
        if element == "bool":
            self.hide("attn_mask", read)
        else:
            self.terms.append(read)
            self.say("attn_mask", f"`score = s + {read}`")

    def positions(self, cached: bool) -> None:
        """Conditions on positions; a query's own is i + its number of keys before."""
        left = self.attributes.get("left_window_size", -1)
        right = self.attributes.get("right_window_size", -1)
        before = " + P" if cached else ""
        if self.inputs["nonpad_kv_seqlen"] is not None:
            before = " + int(len[b]) - S"
            self.take("nonpad_kv_seqlen", "i64", "B", "len")
            self.conditions.append("j < len[b]")
            self.say("nonpad_kv_seqlen", "`len`, `mask = ... j < len[b]`")
        if self.attributes.get("is_causal", 0):
            self.hide("is_causal", f"j <= i{before}")
        if left >= 0:
            self.hide("left_window_size", f"i{before} - j <= {left}")
        if right >= 0:
            self.hide("right_window_size", f"j - (i{before}) <= {right}")
