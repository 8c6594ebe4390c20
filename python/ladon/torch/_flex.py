"""FlexAttention's interface, over compiled specs."""

from __future__ import annotations

import types
from typing import Any, Callable, Optional

import torch

from .. import _compile
from .._kernel import Kernel
from ._trace import ELEMENTS, Tracer

try:
    from . import _compiled
except ImportError:  # A PyTorch that has another way.
    _compiled = None  # type: ignore[assignment]

Mod = Callable[..., torch.Tensor]


def flex_attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
                   score_mod: Optional[Mod] = None, block_mask: Any = None,
                   scale: Optional[float] = None, enable_gqa: bool = False,
                   return_lse: bool = False, kernel_options: Optional[dict] = None, *,
                   mask_mod: Optional[Mod] = None) -> Any:
    """torch.nn.attention.flex_attention.flex_attention, compiled by Ladon.

    query       [B, Hq, L, E] on the CPU: f16, bf16, f32 or f64
    key, value  [B or 1, Hkv, S, E], [B or 1, Hkv, S, Ev]; with enable_gqa, Hq is a
                multiple of Hkv
    score_mod   score_mod(score, b, h, q_idx, kv_idx), a new score
    block_mask  what create_block_mask makes: its mask_mod is used, its blocks are not
                needed
    mask_mod    mask_mod(b, h, q_idx, kv_idx), in place of a block_mask
    return_lse  also gives the logarithms of the sums, [B, Hq, L]

    Gives [B, Hq, L, Ev]. A query that sees no key gives zeros, and -inf in the lse.
    The mods are traced into a spec, which is compiled once and found again by the
    mods' code and what they refer to; tensors that they use are inputs of it, read at
    each call, what is computed of them alone when the mod is traced. Indices below
    zero count from the end; those beyond it are not an error but read the last entry.
    TraceError names the line of a mod that a spec cannot say. There is no backward:
    tensors that need one are refused while gradients are recorded. kernel_options are
    for other compilers, and ignored.

    torch.export and torch.compile record the operation ladon::attend, the latter without
    a break of the graph, also of mods over what the model computes.
    """
    if mask_mod is not None and block_mask is not None:
        raise ValueError("expected a block_mask or a mask_mod, found both")
    if block_mask is not None:
        mask_mod = _mask_of(block_mask, query, key)
    _check(query, key, value, enable_gqa)
    if key.shape[0] != query.shape[0]:
        key, value = (x.expand(query.shape[0], -1, -1, -1) for x in (key, value))
    # torch.export traces Python itself, as a call does.
    if _compiled is not None and torch.compiler.is_dynamo_compiling() and not torch.compiler.is_exporting():
        wide = torch.float64 if query.dtype == torch.float64 else torch.float32
        out, lse = _compiled.attend(query, key, value, score_mod, mask_mod, scale, wide)
        return (out, lse) if return_lse else out
    spec, captured = _spec(query, key, value, score_mod, mask_mod, scale, return_lse)
    results = torch.ops.ladon.attend(spec, [query, key, value, *captured], return_lse)
    return (results[0], results[1]) if return_lse else results[0]


def _check(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, enable_gqa: bool) -> None:
    for name, tensor in (("query", query), ("key", key), ("value", value)):
        if tensor.dim() != 4:
            raise ValueError(f"{name}: expected 4 axes, found {tensor.dim()}")
        if tensor.dtype != query.dtype or tensor.dtype not in (
                torch.float16, torch.bfloat16, torch.float32, torch.float64):
            raise ValueError(f"{name}: expected floats of one type, found {tensor.dtype} "
                             f"beside {query.dtype}")
        if tensor.device.type not in ("cpu", "meta"):
            raise ValueError(f"{name}: expected a tensor on the CPU, found one on {tensor.device}")
    if torch.is_grad_enabled() and any(x.requires_grad for x in (query, key, value)):
        raise NotImplementedError("ladon.torch has no backward: call it under torch.no_grad()")
    heads, shared = query.shape[1], key.shape[1]
    if value.shape[1] != shared or key.shape[2] != value.shape[2]:
        raise ValueError(f"value: expected the heads and keys of key, {list(key.shape[1:3])}, "
                         f"found {list(value.shape[1:3])}")
    if key.shape[3] != query.shape[3]:
        raise ValueError(f"key: expected {query.shape[3]} features, found {key.shape[3]}")
    if heads != shared and not (enable_gqa and shared and heads % shared == 0):
        raise ValueError(f"expected as many heads of queries as of keys (with enable_gqa, a "
                         f"multiple), found {heads} and {shared}")
    for name, tensor in (("key", key), ("value", value)):
        if tensor.shape[0] not in (query.shape[0], 1):
            raise ValueError(f"{name}: expected a batch of {query.shape[0]} or 1, "
                             f"found {tensor.shape[0]}")


def _mask_of(block_mask: Any, query: torch.Tensor, key: torch.Tensor) -> Mod:
    mod = getattr(block_mask, "mask_mod", None)
    if mod is None:
        raise TypeError(f"block_mask: expected a BlockMask, found {type(block_mask).__name__}")
    if getattr(mod, "__name__", "") == "noop_mask" and block_mask.sparsity() != 0:
        raise NotImplementedError("block_mask: its blocks hide keys without a mask_mod that says "
                                  "so; make it by create_block_mask")
    lengths = getattr(block_mask, "seq_lengths", None)
    if lengths is not None and tuple(lengths) != (query.shape[2], key.shape[2]):
        raise ValueError(f"block_mask: made for {lengths[0]} queries and {lengths[1]} keys, found "
                         f"{query.shape[2]} and {key.shape[2]}")
    return mod


#===--- From mods to a spec -----------------------------------------------------===#

#: By what a spec depends on: (the spec, captured tensors, what keeps the ids in the
#: key from being those of other objects). The oldest goes when there are many.
_specs: dict[tuple, tuple[str, list[torch.Tensor], list]] = {}
_MOST_SPECS = 256


@torch.compiler.disable  # It runs when a model is compiled as when it is not.
def _spec(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, score_mod: Optional[Mod],
          mask_mod: Optional[Mod], scale: Optional[float],
          return_lse: bool) -> tuple[str, list[torch.Tensor]]:
    kept: list = []
    shape = (int(query.shape[1]), int(key.shape[1]), int(query.shape[3]), int(value.shape[3]))
    name = (query.dtype, shape, None if scale is None else float(scale), return_lse,
            _fingerprint(score_mod, kept), _fingerprint(mask_mod, kept))
    found = _specs.get(name)
    if found is None:
        found = (*_write_spec(query.dtype, *shape, score_mod, mask_mod, scale, return_lse), kept)
        while len(_specs) >= _MOST_SPECS:
            _specs.pop(next(iter(_specs)))
        _specs[name] = found
    return found[0], found[1]


def _write_spec(dtype: torch.dtype, heads: int, shared: int, features: int, value_features: int,
                score_mod: Optional[Mod], mask_mod: Optional[Mod], scale: Optional[float],
                return_lse: bool, only: Optional[set[int]] = None) -> tuple[str, list[torch.Tensor]]:
    tracer = Tracer(only)
    element = ELEMENTS[dtype]
    # What scores are computed in.
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    options = [] if scale is None else [f"scale = {float(scale)!r}"]
    if score_mod is not None:
        options.append("score = " + tracer.score(score_mod, wide))
    if mask_mod is not None:
        options.append("mask = " + tracer.mask(mask_mod))
    narrow = [name for name, tensor in tracer.captured
              if tensor.dtype == torch.float64 and wide != torch.float64]
    if narrow:
        tracer.captured = [c._replace(tensor=c.tensor.to(wide)) if c.name in narrow else c
                           for c in tracer.captured]
    parameters = [f"q: {element}[B, {heads}, S, {features}]", f"k: {element}[B, {shared}, T, {features}]",
                  f"v: {element}[B, {shared}, T, {value_features}]", *tracer.parameters()]
    results = [f"out: {element}[B, {heads}, S, {value_features}]"]
    if return_lse:
        results.append(f"lse: {ELEMENTS[wide]}[B, {heads}, S]")
    attend = ",\n    ".join(["q, k, v", *options])
    spec = (f"attention flex(\n    {', '.join(parameters)},\n) -> ({', '.join(results)}) {{\n"
            f"  let a = attend({attend})\n"
            f"  return {'a.out, a.lse' if return_lse else 'a.out'}\n}}\n")
    return spec, [captured.tensor for captured in tracer.captured]


if _compiled is not None:
    _compiled.write_spec = _write_spec


def _fingerprint(thing: Any, kept: list) -> Any:
    """What tells one mod from another: its code, and the values and objects that it
    refers to. Objects that are only known by their place are added to `kept`."""
    if thing is None or isinstance(thing, (bool, int, float, str, bytes, torch.dtype)):
        return (type(thing), thing)
    if isinstance(thing, types.FunctionType):
        code = thing.__code__
        names = {name: thing.__globals__[name] for name in _global_names(code)
                 if name in thing.__globals__}
        cells = [cell.cell_contents for cell in thing.__closure__ or () if _is_set(cell)]
        kept.append(code)
        return (id(code), *(_fingerprint(x, kept) for x in cells),
                *(_fingerprint(x, kept) for x in thing.__defaults__ or ()),
                *((name, _fingerprint(x, kept)) for name, x in names.items()))
    if isinstance(thing, (tuple, list)):
        return (type(thing), *(_fingerprint(x, kept) for x in thing))
    kept.append(thing)
    return id(thing)


def _global_names(code: types.CodeType) -> list[str]:
    inner = [name for constant in code.co_consts if isinstance(constant, types.CodeType)
             for name in _global_names(constant)]
    return [*code.co_names, *inner]


def _is_set(cell: Any) -> bool:
    try:
        cell.cell_contents
    except ValueError:
        return False
    return True


#===--- The operation ------------------------------------------------------------===#

_kernels: dict[str, Kernel] = {}


def _kernel(spec: str) -> Kernel:
    kernel = _kernels.get(spec)
    if kernel is None:
        kernel = _kernels[spec] = _compile.compile(spec)
    return kernel


@torch.library.custom_op("ladon::attend", mutates_args=())
def _attend(spec: str, tensors: list[torch.Tensor], with_lse: bool) -> list[torch.Tensor]:
    results = _kernel(spec)(*tensors)
    return list(results) if with_lse else [results]


@_attend.register_fake
def _attend_fake(spec: str, tensors: list[torch.Tensor], with_lse: bool) -> list[torch.Tensor]:
    query, value = tensors[0], tensors[2]
    shape = (*query.shape[:3], value.shape[3])
    wide = torch.float64 if query.dtype == torch.float64 else torch.float32
    out = query.new_empty(shape)
    return [out, query.new_empty(shape[:3], dtype=wide)] if with_lse else [out]
