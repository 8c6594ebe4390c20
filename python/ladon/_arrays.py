"""How results are made: in the family of arrays that the arguments belong to.

A family is a pair: make(like, shape, element) gives an array to be written, and
finish(array), unless None, what the caller gets of it. Families are chosen by
type, once; ladon._native keeps them.
"""

from __future__ import annotations

from typing import Any, Callable, Optional

from ._errors import CallError

Make = Callable[[Any, tuple, str], Any]
Finish = Optional[Callable[[Any], Any]]


def family(kind: type | None) -> tuple[Make, Finish]:
    """The family of arrays of a type; NumPy's for one that is not known."""
    for base in getattr(kind, "__mro__", ()):
        root = base.__module__.split(".")[0]
        if root == "torch" and base.__name__ == "Tensor":
            return _torch(), None
        if root in ("jax", "jaxlib"):
            return _numpy(), _jax()
    return _numpy(), None


def _numpy() -> Make:
    import numpy

    types = {"f16": numpy.float16, "f32": numpy.float32, "f64": numpy.float64,
             "i32": numpy.int32, "i64": numpy.int64, "bool": numpy.bool_}
    empty = numpy.empty

    def make(like: Any, shape: tuple, element: str) -> Any:
        if element not in types:
            try:
                import ml_dtypes
            except ImportError:
                raise CallError(f"a result of type {element} in NumPy needs the package "
                                "ml_dtypes, or an array given as out=") from None
            types["bf16"] = ml_dtypes.bfloat16
        return empty(shape, types[element])

    return make


def _torch() -> Make:
    import torch

    types = {"f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32,
             "f64": torch.float64, "i32": torch.int32, "i64": torch.int64, "bool": torch.bool}

    def make(like: Any, shape: tuple, element: str) -> Any:
        return like.new_empty(shape, dtype=types[element])

    return make


def _jax() -> Finish:
    import jax.numpy

    return jax.numpy.asarray
