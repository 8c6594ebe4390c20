"""flex_attention under torch.compile, without a break of the graph.

Dynamo traces what is around a call, and mods into a graph of their own, whose captured
tensors it finds: closures over inputs of the model, too. For that the call is an
operator of higher order. It becomes the operation ladon::attend when the graph around it
is lowered, where its mods are read by the same Tracer as without a compiler.

PyTorch keeps BaseHOP, the only such operator that Dynamo takes without knowing its name,
to itself; where a version has none, the graph breaks (see _flex.py).
"""

from __future__ import annotations

import copy
from typing import Any, Callable, Optional

import torch
from torch._higher_order_ops.base_hop import BaseHOP
from torch.utils._python_dispatch import _disable_current_modes

from ._trace import STORED_AS

#: Writes a spec: (dtype, heads, key heads, features, value features, score_mod, mask_mod,
#: scale, with lse, places of what stands for captured tensors) to its text and the
#: captured tensors.
WriteSpec = Callable[..., tuple[str, list[torch.Tensor]]]


class _Flex(BaseHOP):
    """_Flex()(body, query, key, value, score, b, h, i, j, *captured, options...), where
    body gives stand-ins for the results (Dynamo looks at their shapes only), the new
    score, and whether the key is visible."""

    def __init__(self) -> None:
        super().__init__("ladon_flex")

    def _call_Autograd(self, body: Any, *operands: Any, **options: Any) -> tuple:
        return _lower(body, operands, **options)

    def _call_CompositeExplicitAutograd(self, body: Any, *operands: Any, **options: Any) -> tuple:
        return _lower(body, operands, **options)

    # What is called inside is recorded by the modes that are left.
    def _call_Functionalize(self, ctx: Any, body: Any, *operands: Any, **options: Any) -> Any:
        with ctx.redispatch_to_next():
            results = _lower(body, ctx.unwrap_tensors(operands), **options)
        return ctx.wrap_tensors(results)

    def _call_ProxyTorchDispatchMode(self, mode: Any, body: Any, *operands: Any, **options: Any) -> tuple:
        with mode:
            return _lower(body, operands, **options)

    def _fake_impl(self, body: Any, *operands: Any, **options: Any) -> tuple:
        return _lower(body, operands, **options)


_flex = _Flex()
#: Set by _flex.py, which has what this stands on.
write_spec: Optional[WriteSpec] = None


def attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, score_mod: Any, mask_mod: Any,
           scale: Optional[float], wide: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """What Dynamo traces: the output and the lse."""
    def body(query, key, value, score, b, h, i, j):  # type: ignore[no-untyped-def]
        # Dynamo drops operands that are not used, and has the rest in the order of use.
        used = [x.new_empty(()) for x in (query, key, value, score, b, h, i, j)]
        out = query.new_empty((*query.shape[:3], value.shape[3]))
        lse = query.new_empty(query.shape[:3], dtype=wide)
        new = score.new_zeros(()) if score_mod is None else score_mod(score, b, h, i, j)
        visible = b.new_zeros(()) if mask_mod is None else mask_mod(b, h, i, j)
        return out, lse, new, visible, *used

    # Of one element rather than none: Dynamo would ask for the number of a tensor without
    # axes that is an index. The Tracer has those, whatever shapes come out here.
    score = query.new_zeros((1,), dtype=wide)
    b, h, i, j = (query.new_zeros((1,), dtype=torch.int32) for _ in range(4))
    results = _flex(body, query, key, value, score, b, h, i, j, scale=scale,
                    scored=score_mod is not None, masked=mask_mod is not None)
    return results[0], results[1]


def _lower(body: Any, operands: tuple, scale: Optional[float], scored: bool, masked: bool) -> tuple:
    """The same as the operation, and stand-ins for what else body gives."""
    # There are numbers among them where sizes change from call to call.
    tensors = [x for x in operands if isinstance(x, torch.Tensor)]
    query, key, value, score, b = tensors[:5]
    captured = [_storable(x, score.dtype) for x in tensors[8:]]
    spec, used = _spec(body, operands, query, key, value, captured, scale, scored, masked)
    inputs = [captured[index].reshape(1) if captured[index].dim() == 0 else captured[index] for index in used]
    out, lse = torch.ops.ladon.attend(spec, [query, key, value, *inputs], True)
    return (out, lse, score.new_zeros(()), b.new_zeros(()), *(x.new_zeros(()) for x in tensors[:8]))


def _storable(tensor: torch.Tensor, wide: torch.dtype) -> torch.Tensor:
    return tensor.to(wide if tensor.dtype == torch.float64 else STORED_AS.get(tensor.dtype, tensor.dtype))


def _spec(body: Any, operands: tuple, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
          captured: list[torch.Tensor], scale: Optional[float], scored: bool,
          masked: bool) -> tuple[str, list[int]]:
    """The text, and which of the captured tensors it takes. Kept with the graph, since
    some back ends run it as it is."""
    shape = (int(query.shape[1]), int(key.shape[1]), int(query.shape[3]), int(value.shape[3]))
    known = body.__dict__.setdefault("_ladon_specs", {})
    name = (query.dtype, shape, scale, scored, masked)
    kinds = [(x.shape, x.dtype) for x in captured]
    is_tensor = [isinstance(x, torch.Tensor) for x in operands]
    numbers = [x for x in operands if not isinstance(x, torch.Tensor)]

    def write(numbers: list[int], size: int = 2) -> tuple[str, list[int]]:
        """With these in the place of numbers, and this of sizes that are not known."""
        stands = [torch.zeros((), dtype=dtype).expand([n if isinstance(n, int) else size for n in sizes])
                  for sizes, dtype in kinds]
        places = {x.data_ptr(): index for index, x in enumerate(stands)}

        def mod(part: torch.fx.GraphModule, *point: Any) -> Any:
            # The part does not look at queries, keys and values.
            tensors, others = iter([None, None, None, *point, *stands]), iter(numbers)
            return part(*(next(tensors if tensor else others) for tensor in is_tensor))

        score, visible = _part(body, 2), _part(body, 3)
        assert write_spec is not None
        text, used = write_spec(query.dtype, *shape, (lambda *point: mod(score, *point)) if scored else None,
                                (lambda *at: mod(visible, None, *at)) if masked else None, scale, True,
                                set(places))
        return text, [places[x.data_ptr()] for x in used]

    with _disable_current_modes(), torch._guards.tracing(None):
        if name not in known:
            known[name] = write([2] * len(numbers))
            if numbers and write([3] * len(numbers), 3) != known[name]:
                known[name] = None  # There is one for each choice of numbers.
        if known[name] is not None:
            return known[name]
    # Of a number that changes from call to call this asks what it is: another one is
    # compiled anew.
    numbers = [int(x) for x in numbers]
    with _disable_current_modes(), torch._guards.tracing(None):
        name = (name, *numbers)
        if name not in known:
            known[name] = write(numbers)
        return known[name]


def _part(body: torch.fx.GraphModule, index: int) -> torch.fx.GraphModule:
    """What computes one of the results."""
    part = torch.fx.GraphModule(body, copy.deepcopy(body.graph))
    output = next(iter(reversed(part.graph.nodes)))
    output.args = (output.args[0][index],)
    part.graph.eliminate_dead_code()
    part.recompile()
    return part
