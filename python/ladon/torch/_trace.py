"""From a function on scores or positions to an expression of a spec.

A mod of FlexAttention is a Python function of tensors without axes. It is traced
with fake ones (make_fx) into a graph of ATen operations, each of which becomes a
piece of text. Tensors that the function uses besides become parameters of the
spec; what is computed of them alone is computed once, while tracing.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any, Callable, NamedTuple, Optional

import torch
from torch.fx import Node
from torch.fx import traceback as fx_traceback
from torch.fx.experimental.proxy_tensor import make_fx
from torch.overrides import TorchFunctionMode


class TraceError(NotImplementedError):
    """A mod does something that a spec cannot say; the message names the line."""


class Value(NamedTuple):
    """An expression, and what is known of its value."""

    text: str
    dtype: torch.dtype
    is_natural: bool = False  #: never negative


class Rows(NamedTuple):
    """A captured tensor that has been read at its first axes only."""

    name: str
    shape: tuple[int, ...]  #: of what is left
    dtype: torch.dtype
    indices: tuple[str, ...]


class Captured(NamedTuple):
    """A tensor that a mod uses, and its name in the spec."""

    name: str
    tensor: torch.Tensor


ELEMENTS = {torch.float16: "f16", torch.bfloat16: "bf16", torch.float32: "f32",
            torch.float64: "f64", torch.int32: "i32", torch.int64: "i64", torch.bool: "bool"}

#: Types that specs do not have, and what is used in their place.
STORED_AS = {torch.int8: torch.int32, torch.uint8: torch.int32, torch.int16: torch.int32}


class Tracer:
    """Traces the mods of one attention; both may use the same tensors."""

    def __init__(self, only: Optional[set[int]] = None) -> None:
        """Where tensors stand for others, `only` has the places of those (data_ptr):
        nothing can be computed of them, and others are constants."""
        self.captured: list[Captured] = []
        self.only = only

    def stands(self, tensor: Any) -> bool:
        return self.only is not None and isinstance(tensor, torch.Tensor) and tensor.data_ptr() in self.only

    def score(self, mod: Callable, element: torch.dtype) -> str:
        """`score = ...` of a score_mod(score, b, h, q_idx, kv_idx)."""
        return self._trace(mod, [torch.empty((), dtype=element)], ["s"], element)

    def mask(self, mod: Callable) -> str:
        """`mask = ...` of a mask_mod(b, h, q_idx, kv_idx)."""
        return self._trace(mod, [], [], torch.bool)

    def parameters(self) -> list[str]:
        """Declarations of the captured tensors."""
        return [f"{name}: {ELEMENTS[tensor.dtype]}"
                f"[{', '.join(_size(name, axis) for axis in range(tensor.dim()))}]"
                for name, tensor in self.captured]

    def _trace(self, mod: Callable, first: list, names: list[str], result: torch.dtype) -> str:
        arguments = first + [torch.empty((), dtype=torch.int32) for _ in range(4)]
        try:
            with fx_traceback.preserve_node_meta(), _Lines():
                graph = make_fx(mod, tracing_mode="fake", _allow_non_fake_inputs=True)(*arguments)
        except TypeError:
            raise
        except Exception as error:
            # Data-dependent branches, mostly. The message is for compilers.
            raise TraceError(
                f"{_place_of_error(error)}: cannot be traced; a mod may branch on Python values "
                f"only (torch.where chooses between tensors): {_first_line(error)}") from error
        return _Function(self, graph, mod, [*names, "b", "h", "i", "j"]).text(result)

    def capture(self, tensor: torch.Tensor) -> str:
        """The name of a tensor in the spec."""
        tensor = tensor.reshape(1) if tensor.dim() == 0 else tensor
        for name, known in self.captured:
            if known.data_ptr() == tensor.data_ptr() and known.shape == tensor.shape \
                    and known.stride() == tensor.stride() and known.dtype == tensor.dtype:
                return name
        name = f"c{len(self.captured)}"
        self.captured.append(Captured(name, tensor))
        return name


def _size(name: str, axis: int) -> str:
    return f"N{name[1:]}_{axis}"


class _Lines(TorchFunctionMode):
    """Notes with each operation which line of a mod it stands in."""

    def __torch_function__(self, func: Any, types: Any, args: tuple = (),
                           kwargs: Optional[dict] = None) -> Any:
        frame = sys._getframe(1)
        while frame.f_back is not None and _is_library(frame.f_code.co_filename):
            frame = frame.f_back
        fx_traceback.set_stack_trace([f"{frame.f_code.co_filename}:{frame.f_lineno}"])
        return func(*args, **(kwargs or {}))


_LIBRARIES = (os.path.dirname(torch.__file__), os.path.dirname(__file__))


def _is_library(file: str) -> bool:
    return file.startswith(_LIBRARIES)


def _place_of_error(error: BaseException) -> str:
    """The innermost line that is no library's."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not _is_library(f.filename)]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "the mod"


def _place_of_mod(mod: Callable) -> str:
    code = getattr(mod, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else "the mod"


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


class _Function:
    """One mod's graph on its way to text."""

    def __init__(self, tracer: Tracer, graph: torch.fx.GraphModule, mod: Callable,
                 names: list[str]) -> None:
        self.tracer, self.graph = tracer, graph
        self.place = _place_of_mod(mod)
        self.names = iter(names)
        self.values: dict[Node, Any] = {}  #: Value, Rows, a tensor or a number
        self.lets: list[str] = []
        self.node: Optional[Node] = None

    def text(self, result: torch.dtype) -> str:
        final = None
        for node in self.graph.graph.nodes:
            self.node = node
            if node.op == "placeholder":
                name = next(self.names)
                self.values[node] = Value(name, node.meta["val"].dtype, name != "s")
            elif node.op == "get_attr":
                self.values[node] = getattr(self.graph, node.target)
            elif node.op == "output":
                final = node.args[0]
            else:
                self.values[node] = self.name(node, self.operation(node))
        if not isinstance(final, Node) or not hasattr(final.meta.get("val"), "dtype"):
            raise TraceError(f"{self.place}: the mod returns {type(final).__name__}, expected a tensor")
        value = self.value(final)
        if result == torch.bool:
            text = self.truth(value)
        else:
            text = self.cast(value, result)
        return f"{{ {' '.join(self.lets)} return {text} }}" if self.lets else text

    def name(self, node: Node, value: Any) -> Any:
        """Gives a name to what is used more than once."""
        if not isinstance(value, Value) or len(node.users) < 2 or value.text.isidentifier():
            return value
        name = f"x{len(self.lets)}"
        self.lets.append(f"let {name} = {value.text}")
        return value._replace(text=name)

    def fail(self, what: str) -> TraceError:
        place = self.node.stack_trace if self.node is not None else None
        return TraceError(f"{(place or self.place).strip()}: {what}")

    #===--- Operations ----------------------------------------------------===#

    def operation(self, node: Node) -> Any:
        inputs = [self.values[n] for n in node.all_input_nodes]
        if all(not isinstance(value, (Value, Rows)) for value in inputs):
            # Of captured tensors and numbers alone.
            if any(self.tracer.stands(value) for value in inputs):
                raise self.fail("under torch.compile a mod computes nothing of captured tensors alone: "
                                "do it before the call of flex_attention")
            get = lambda n: self.values[n]  # noqa: E731
            return node.target(*torch.fx.node.map_arg(node.args, get),
                               **torch.fx.node.map_arg(node.kwargs, get))
        packet = node.target.overloadpacket.__name__
        make = getattr(self, "op_" + packet, None)
        if make is not None:
            return make(node, *node.args, **node.kwargs)
        if packet in FUNCTIONS:
            return Value(f"{FUNCTIONS[packet]}({self.number(node.args[0]).text})", self.dtype(node),
                         packet in NATURAL)
        if packet in OPERATORS:
            a, b = self.number(node.args[0]), self.number(node.args[1])
            if node.kwargs.get("alpha", 1) != 1:
                raise self.fail(f"'{packet}' with alpha is not supported")
            natural = packet in ("add", "mul", "floor_divide", "remainder") \
                and a.is_natural and b.is_natural
            return Value(f"({a.text} {OPERATORS[packet]} {b.text})", self.dtype(node), natural)
        if packet in LOGICAL:
            kind, first = self.dtype(node), self.value(node.args[0])
            if first.dtype != torch.bool or self.value(node.args[1]).dtype != torch.bool:
                if packet.startswith("logical"):
                    pass
                elif kind == torch.bool:
                    raise self.fail(f"'{packet}' of a bool and a number is not supported")
                else:
                    symbol = {"and": "&", "or": "|", "xor": "^"}[LOGICAL[packet]]
                    return Value(f"({self.number(node.args[0]).text} {symbol} "
                                 f"{self.number(node.args[1]).text})", kind)
            a, b = (self.truth(self.value(x)) for x in node.args[:2])
            if LOGICAL[packet] == "xor":
                return Value(f"(int({a}) != int({b}))", torch.bool)
            return Value(f"({a} {LOGICAL[packet]} {b})", torch.bool)
        if packet in IDENTITIES:
            return self.values[node.args[0]]
        raise self.fail(f"the operation '{packet}' is not supported in a mod")

    def dtype(self, node: Node) -> torch.dtype:
        return node.meta["val"].dtype

    def value(self, argument: Any) -> Value:
        """Of an operand: an expression, a number, a captured tensor with one element."""
        if isinstance(argument, Node):
            argument = self.values[argument]
        if isinstance(argument, Value):
            return argument
        if isinstance(argument, Rows):
            if argument.shape:
                raise self.fail(f"a tensor of shape {list(argument.shape)} stands where a number is "
                                "expected: a mod has a value for one query and one key")
            return Value(f"{argument.name}[{', '.join(argument.indices)}]", argument.dtype)
        if isinstance(argument, torch.Tensor):
            if self.tracer.only is not None and not self.tracer.stands(argument) and argument.dim() == 0:
                return self.value(argument.item())
            rows = self.rows(argument)
            return self.value(rows._replace(shape=(), indices=("0",)) if argument.dim() == 0 else rows)
        if isinstance(argument, bool):
            return Value("(0 == 0)" if argument else "(0 == 1)", torch.bool)
        if isinstance(argument, int):
            return Value(str(argument) if argument >= 0 else f"({argument})", torch.int32,
                         argument >= 0)
        if isinstance(argument, float):
            if argument != argument:
                raise self.fail("a constant that is NaN is not supported")
            text = "inf" if abs(argument) == float("inf") else repr(abs(argument))
            return Value(text if argument >= 0 else f"(-{text})", torch.float32, argument >= 0)
        raise self.fail(f"a {type(argument).__name__} stands where a number is expected")

    def rows(self, tensor: torch.Tensor) -> Rows:
        """A captured tensor, not yet read."""
        if isinstance(tensor, torch._subclasses.FakeTensor):
            raise self.fail("a tensor that the mod makes cannot be indexed")
        if self.tracer.only is not None and not self.tracer.stands(tensor):
            raise self.fail("under torch.compile a tensor that the mod makes cannot be indexed")
        if tensor.dtype in STORED_AS:
            tensor = tensor.to(STORED_AS[tensor.dtype])
        if tensor.dtype not in ELEMENTS:
            raise self.fail(f"a captured tensor of type {tensor.dtype} is not supported")
        return Rows(self.tracer.capture(tensor), tuple(tensor.shape), tensor.dtype, ())

    def number(self, argument: Any) -> Value:
        value = self.value(argument)
        if value.dtype == torch.bool:
            return Value(f"int({value.text})", torch.int32, True)
        return value

    def truth(self, value: Value) -> str:
        return value.text if value.dtype == torch.bool else f"({value.text} != 0)"

    def cast(self, value: Value, dtype: torch.dtype) -> str:
        """A value as one of another type."""
        if dtype == torch.bool:
            return self.truth(value)
        if dtype.is_floating_point:
            return value.text if value.dtype.is_floating_point else f"float({value.text})"
        if dtype == torch.int64 and value.dtype != torch.int64:
            return f"i64({value.text})"
        if dtype.is_floating_point == value.dtype.is_floating_point and value.dtype != torch.bool:
            return value.text
        return f"int({value.text})"

    def op_where(self, node: Node, condition: Any, a: Any, b: Any) -> Value:
        kind, first, second = self.dtype(node), self.value(a), self.value(b)
        return Value(f"(if {self.truth(self.value(condition))} then {self.cast(first, kind)} "
                     f"else {self.cast(second, kind)})", kind, first.is_natural and second.is_natural)

    def op_eq(self, node: Node, a: Any, b: Any) -> Value:
        return Value(f"({self.number(a).text} == {self.number(b).text})", torch.bool)

    def op_ne(self, node: Node, a: Any, b: Any) -> Value:
        return Value(f"({self.number(a).text} != {self.number(b).text})", torch.bool)

    def op_logical_not(self, node: Node, a: Any) -> Value:
        return Value(f"(not {self.truth(self.value(a))})", torch.bool)

    def op_bitwise_not(self, node: Node, a: Any) -> Value:
        value = self.value(a)
        return self.op_logical_not(node, a) if value.dtype == torch.bool \
            else Value(f"(~{value.text})", value.dtype)

    def op_neg(self, node: Node, a: Any) -> Value:
        return Value(f"(-{self.number(a).text})", self.dtype(node))

    def op_rsub(self, node: Node, a: Any, b: Any, alpha: int = 1) -> Value:
        if alpha != 1:
            raise self.fail("'rsub' with alpha is not supported")
        return Value(f"({self.number(b).text} - {self.number(a).text})", self.dtype(node))

    def op_div(self, node: Node, a: Any, b: Any, rounding_mode: Optional[str] = None) -> Value:
        x, y = self.number(a), self.number(b)
        if rounding_mode == "trunc":
            raise self.fail("division that rounds towards zero is not supported")
        return Value(f"({x.text} {'//' if rounding_mode == 'floor' else '/'} {y.text})",
                     self.dtype(node), x.is_natural and y.is_natural)

    def op_pow(self, node: Node, a: Any, b: Any) -> Value:
        kind = self.dtype(node)
        if not kind.is_floating_point:
            if b != 2:
                raise self.fail("of powers of integers only squares are supported")
            x = self.number(a).text
            return Value(f"({x} * {x})", kind, True)
        return Value(f"pow({self.cast(self.number(a), kind)}, {self.cast(self.number(b), kind)})", kind)

    def extremum(self, node: Node, function: str, a: Any, b: Any) -> Value:
        kind, x, y = self.dtype(node), self.number(a), self.number(b)
        either = x.is_natural or y.is_natural
        return Value(f"{function}({self.cast(x, kind)}, {self.cast(y, kind)})", kind,
                     either if function == "max" else x.is_natural and y.is_natural)

    def op_minimum(self, node: Node, a: Any, b: Any) -> Value:
        return self.extremum(node, "min", a, b)

    def op_maximum(self, node: Node, a: Any, b: Any) -> Value:
        return self.extremum(node, "max", a, b)

    def op_clamp(self, node: Node, x: Any, min: Any = None, max: Any = None) -> Value:
        value = self.number(x)
        for function, limit in (("max", min), ("min", max)):
            if limit is not None:
                kind, bound = self.dtype(node), self.number(limit)
                natural = (value.is_natural or bound.is_natural) if function == "max" \
                    else value.is_natural and bound.is_natural
                value = Value(f"{function}({self.cast(value, kind)}, {self.cast(bound, kind)})",
                              kind, natural)
        return value

    op_clamp_min = op_clamp

    def op_clamp_max(self, node: Node, x: Any, max: Any) -> Value:
        return self.op_clamp(node, x, None, max)

    def op_isinf(self, node: Node, a: Any) -> Value:
        return Value(f"(abs({self.value(a).text}) == inf)", torch.bool)

    def op_reciprocal(self, node: Node, a: Any) -> Value:
        return Value(f"(1 / {self.number(a).text})", self.dtype(node))

    def op_gelu(self, node: Node, a: Any, approximate: str = "none") -> Value:
        if approximate != "none":
            raise self.fail("of 'gelu' only the exact form is supported")
        return Value(f"gelu({self.number(a).text})", self.dtype(node))

    def op__to_copy(self, node: Node, a: Any, dtype: Optional[torch.dtype] = None, **_: Any) -> Value:
        value = self.value(a)
        if dtype in (torch.float16, torch.bfloat16) and value.dtype != dtype:
            raise self.fail(f"rounding to {dtype} is not supported")
        return Value(self.cast(value, dtype or value.dtype), dtype or value.dtype, value.is_natural)

    def op__local_scalar_dense(self, node: Node, a: Any) -> Value:
        return self.value(a)

    def constant(self, node: Node, value: Any) -> Value:
        if node.meta["val"].dim() != 0:
            raise self.fail("a tensor with axes cannot be made in a mod")
        return self.value(torch.tensor(value, dtype=self.dtype(node)).item())

    def op_new_ones(self, node: Node, a: Any, size: Any, **_: Any) -> Value:
        return self.constant(node, 1)

    def op_new_zeros(self, node: Node, a: Any, size: Any, **_: Any) -> Value:
        return self.constant(node, 0)

    def op_new_full(self, node: Node, a: Any, size: Any, value: Any, **_: Any) -> Value:
        return self.constant(node, value)

    def op_ones_like(self, node: Node, a: Any, **_: Any) -> Value:
        return self.constant(node, 1)

    def op_zeros_like(self, node: Node, a: Any, **_: Any) -> Value:
        return self.constant(node, 0)

    def op_full_like(self, node: Node, a: Any, value: Any, **_: Any) -> Value:
        return self.constant(node, value)

    #===--- Captured tensors ----------------------------------------------===#

    def op_select(self, node: Node, source: Any, axis: int, index: Any) -> Any:
        rows = self.values[source]
        if isinstance(rows, torch.Tensor):
            rows = self.rows(rows)
        if not isinstance(rows, Rows) or axis != 0:
            raise self.fail("a captured tensor must be indexed from its first axis on")
        return self.read(rows, index)

    def op_index(self, node: Node, source: Any, indices: list) -> Any:
        rows = self.values[source]
        if isinstance(rows, torch.Tensor):
            rows = self.rows(rows)
        if not isinstance(rows, Rows) or any(index is None for index in indices):
            raise self.fail("a captured tensor must be indexed from its first axis on")
        for index in indices:
            rows = self.read(rows, index)
        return rows

    def read(self, rows: Rows, index: Any) -> Rows:
        """One axis more. An index below zero counts from the end, as in PyTorch."""
        size = _size(rows.name, len(rows.indices))
        if isinstance(index, int):
            text = str(index) if index >= 0 else f"{size} - {-index}"
        else:
            value = self.value(index)
            if value.dtype.is_floating_point or value.dtype == torch.bool:
                raise self.fail("an index must be an integer")
            text = value.text if value.is_natural \
                else f"(if {value.text} < 0 then {value.text} + {size} else {value.text})"
        return rows._replace(shape=rows.shape[1:], indices=(*rows.indices, text))


#: ATen's names, and those of the language.
FUNCTIONS = {name: name for name in (
    "abs", "exp", "exp2", "expm1", "log", "log2", "log1p", "sqrt", "rsqrt", "tanh", "sigmoid",
    "silu", "softplus", "relu", "erf", "sin", "cos", "tan", "floor", "ceil", "round", "isnan")}
FUNCTIONS |= {"sign": "sign", "sgn": "sign"}
#: Those whose values are never negative.
NATURAL = {"abs", "exp", "exp2", "sqrt", "rsqrt", "relu", "sigmoid"}

OPERATORS = {"add": "+", "sub": "-", "mul": "*", "floor_divide": "//", "remainder": "%",
             "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
             "bitwise_left_shift": "<<", "bitwise_right_shift": ">>",
             "__lshift__": "<<", "__rshift__": ">>"}

LOGICAL = {"logical_and": "and", "logical_or": "or", "logical_xor": "xor", "bitwise_and": "and",
           "bitwise_or": "or", "bitwise_xor": "xor", "__and__": "and", "__or__": "or",
           "__xor__": "xor"}

#: Operations that change nothing about a number.
IDENTITIES = {"alias", "clone", "detach", "lift_fresh", "lift_fresh_copy", "view", "reshape",
              "expand", "squeeze", "contiguous"}
