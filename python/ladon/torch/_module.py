"""nn.MultiheadAttention as one spec: projections, heads and attention together."""

from __future__ import annotations

from typing import Any, Optional

import torch
from torch import Tensor

from ._flex import _kernel
from ._trace import ELEMENTS


class MultiheadAttention(torch.nn.MultiheadAttention):
    """torch.nn.MultiheadAttention for inference on the CPU, compiled by Ladon.

    It has the same parameters and arguments, loads the same state_dict and gives the
    same results. Differences: no gradients, no dropout while training; and a query whose
    keys are all masked gives the bias of out_proj and weights of 0, where PyTorch gives
    NaN.
    """

    def forward(self, query: Tensor, key: Tensor, value: Tensor,
                key_padding_mask: Optional[Tensor] = None, need_weights: bool = True,
                attn_mask: Optional[Tensor] = None, average_attn_weights: bool = True,
                is_causal: bool = False) -> tuple[Tensor, Optional[Tensor]]:
        """As of the base class. Gives the output and, with need_weights, the weights:
        [B, S, T], their mean over the heads, or [B, num_heads, S, T]. Without, which is
        faster, they are never in memory. add_bias_kv and add_zero_attn make T larger by
        one each.

        query [B, S, embed_dim] (batch_first) or [S, B, embed_dim] or [S, embed_dim];
        masks are bool (True hides) or floats that are added to scores. is_causal is
        a hint that the attn_mask is causal, as in PyTorch, and not needed.
        """
        if self.training and self.dropout > 0:
            raise NotImplementedError("dropout: expected a module in eval mode")
        if torch.is_grad_enabled() and any(
                x.requires_grad for x in (query, key, value, *self.parameters())):
            raise NotImplementedError("ladon.torch has no backward: call it under torch.no_grad()")
        if is_causal and attn_mask is None:
            raise ValueError("is_causal needs an attn_mask, of which it says that it is causal")
        batched = query.dim() == 3
        if not batched:
            query, key, value = (x.unsqueeze(0) for x in (query, key, value))
            key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
        elif not self.batch_first:
            query, key, value = (x.transpose(0, 1) for x in (query, key, value))
        inputs = {"x": query, "kx": key, "vx": value, **self._weights(), **self._more_keys(query)}
        heads = None if not need_weights else 0 if average_attn_weights else self.num_heads
        spec = self._spec(inputs, key_padding_mask, attn_mask, heads)
        out, *rest = torch.ops.ladon.multihead(spec, list(inputs.values()), heads,
                                              self._count_more_keys())
        weights = rest[0] if rest else None
        if not batched:
            return out.squeeze(0), None if weights is None else weights.squeeze(0)
        return (out if self.batch_first else out.transpose(0, 1)), weights

    def _weights(self) -> dict[str, Tensor]:
        if self._qkv_same_embed_dim:
            weights = dict(zip(("wq", "wk", "wv"), self.in_proj_weight.chunk(3)))
        else:
            weights = {"wq": self.q_proj_weight, "wk": self.k_proj_weight, "wv": self.v_proj_weight}
        weights["wo"] = self.out_proj.weight
        if self.in_proj_bias is not None:
            weights |= dict(zip(("bq", "bk", "bv"), self.in_proj_bias.chunk(3)))
            weights["bo"] = self.out_proj.bias
        return weights

    def _count_more_keys(self) -> int:
        return (self.bias_k is not None) + bool(self.add_zero_attn)

    def _more_keys(self, query: Tensor) -> dict[str, Tensor]:
        """Projected keys and values behind those of the call, [B, count, embed_dim]."""
        if not self._count_more_keys():
            return {}
        def rows(bias: Optional[Tensor]) -> Tensor:
            rows = [] if bias is None else [bias[0]]
            if self.add_zero_attn:
                rows.append(query.new_zeros((1, self.embed_dim)))
            return torch.cat(rows).expand(query.shape[0], -1, -1)

        return {"more_k": rows(self.bias_k), "more_v": rows(self.bias_v)}

    def _spec(self, inputs: dict[str, Tensor], padding: Optional[Tensor],
              mask: Optional[Tensor], weight_heads: Optional[int]) -> str:
        """The spec; what it needs of the masks is added to `inputs`. `weight_heads` as
        of the operation."""
        hidden, added = [], []
        heads, more = self.num_heads, self._count_more_keys()
        for name, tensor, index in (
                ("padding", padding, "b, j"),
                ("mask", mask, f"b * {heads} + h, i, j" if mask is not None and mask.dim() == 3
                 else "i, j")):
            if tensor is None:
                continue
            inputs[name] = tensor
            if tensor.dtype == torch.bool:
                hidden.append(f"(j >= T or not {name}[{index}])" if more else f"not {name}[{index}]")
            elif tensor.is_floating_point():
                added.append(f"(if j < T then {name}[{index}] else 0.0)" if more else f"{name}[{index}]")
            else:
                raise ValueError(f"{'attn_mask' if name == 'mask' else 'key_padding_mask'}: expected "
                                 f"bools or floats, found {tensor.dtype}")
        sizes = {"x": "B, S, {}", "kx": "B, T, {}", "vx": "B, T, {}", "padding": "B, T",
                 **dict.fromkeys(("more_k", "more_v"), f"B, {more}, {{}}"),
                 "mask": "M, S, T" if mask is not None and mask.dim() == 3 else "S, T"}
        parameters = ", ".join(
            f"{name}: {_element(tensor)}["
            + sizes.get(name, ", ".join(map(str, tensor.shape))).format(tensor.shape[-1]) + "]"
            for name, tensor in inputs.items())

        def project(x: str, name: str) -> str:
            return f"{x} @ transpose(w{name})" + (f" + b{name}" if f"b{name}" in inputs else "")

        parts = [project("x", "q"), project("kx", "k"), project("vx", "v")]
        if more:
            parts[1:] = [f"concat({part}, more_{name})" for part, name in zip(parts[1:], "kv")]
        arguments = [f"split({part}, heads = {heads})" for part in parts]
        if added:
            arguments.append(f"score = s + {' + '.join(added)}")
        if hidden:
            arguments.append(f"mask = {' and '.join(hidden)}")
        element = _element(inputs["x"])
        results, values = [f"out: {element}[B, S, {self.embed_dim}]"], [project("concat(o)", "o")]
        if weight_heads is not None:
            results.append(f"weights: {element}[B, {f'{heads}, ' if weight_heads else ''}S, T{f' + {more}' if more else ''}]")
            values.append("o.weights" if weight_heads else "o.mean_weights")
        return (f"attention multihead({parameters}) -> ({', '.join(results)}) {{\n"
                f"  let o = attend({', '.join(arguments)})\n  return {', '.join(values)}\n}}\n")


def _element(tensor: Tensor) -> str:
    if tensor.dtype not in ELEMENTS:
        raise ValueError(f"expected floats or bools, found {tensor.dtype}")
    return ELEMENTS[tensor.dtype]


# The output, and weights where weight_heads says of how many heads: 0 for their mean.
# There are more_keys keys besides those of the call.
@torch.library.custom_op("ladon::multihead", mutates_args=())
def _multihead(spec: str, tensors: list[Tensor], weight_heads: Optional[int], more_keys: int) -> list[Tensor]:
    results = _kernel(spec)(*tensors)
    return [results] if weight_heads is None else list(results)


@_multihead.register_fake
def _multihead_fake(spec: str, tensors: list[Tensor], weight_heads: Optional[int],
                    more_keys: int) -> list[Tensor]:
    queries, keys = tensors[0], tensors[1]
    out = queries.new_empty((*queries.shape[:2], tensors[6].shape[0]))
    if weight_heads is None:
        return [out]
    heads = (weight_heads,) if weight_heads else ()
    return [out, queries.new_empty((queries.shape[0], *heads, queries.shape[1],
                                    keys.shape[1] + more_keys))]
