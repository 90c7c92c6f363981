"""Scalar operations of a TIR expression, by what they cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tvm import tirx
from tvm.ir import Call, Op
from tvm.ir.expr import TensorLoad

from .expressions import loads

_COMPARED = (tirx.Min, tirx.Max, tirx.EQ, tirx.NE, tirx.LT, tirx.LE, tirx.GT, tirx.GE)
_ELEMENTWISE = (tirx.Add, tirx.Sub, tirx.Mul, tirx.And, tirx.Or, *_COMPARED)
_DIVIDE = (tirx.Div, tirx.Mod, tirx.FloorDiv, tirx.FloorMod)
# Names without TVM's prefix: some operators are ``prim.*``, others ``tirx.*``.
_CHOICE = "if_then_else"
_POWER = "pow"
_CHEAP_CALLS = frozenset({
    "abs", "fabs", "floor", "ceil", "round", "trunc", "nearbyint", "isnan", "isinf", "isfinite", "fma",
    "shift_left", "shift_right", "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not",
})  # fmt: skip
_FREE_CALLS = frozenset({"reinterpret", "likely"})


@dataclass
class Operations:
    """Operations of one evaluation. What depends on no tensor (padding conditions, constants) counts nothing.

    ``multiplied`` and ``compared`` are parts of ``elementwise``.
    """

    elementwise: int = 0
    multiplied: int = 0
    compared: int = 0
    transcendental: int = 0
    divide: int = 0
    convert: int = 0
    is_indirect: bool = False


def count_operations(expression: Any) -> Operations:
    """Operations on data in an expression; those of indices are left out."""
    found = Operations()
    _count(expression, found)
    return found


def _count(node: Any, found: Operations) -> bool:
    """Whether the node depends on data."""
    if isinstance(node, TensorLoad):
        found.is_indirect |= any(loads(index) for index in node.indices)
        return True
    if isinstance(node, Call):
        return _count_call(node, found)
    if isinstance(node, tirx.Select):
        return _count_choice((node.condition, node.true_value, node.false_value), found)
    if isinstance(node, tirx.Cast):
        on_data = _count(node.value, found)
        found.convert += on_data
        return on_data
    if isinstance(node, tirx.Not):
        return _count(node.a, found)
    if isinstance(node, _ELEMENTWISE + _DIVIDE):
        on_data = _count_all((node.a, node.b), found)
        if isinstance(node, _DIVIDE):
            found.divide += on_data
        else:
            found.elementwise += on_data
            found.multiplied += on_data and isinstance(node, tirx.Mul)
            found.compared += on_data and isinstance(node, _COMPARED)
        return on_data
    return False


def _count_all(nodes: Iterable[Any], found: Operations) -> bool:
    """Whether any of the nodes depends on data; all are counted."""
    return max([_count(node, found) for node in nodes], default=False)


def _count_call(call: Call, found: Operations) -> bool:
    name = str(call.op.name).rpartition(".")[2] if isinstance(call.op, Op) else ""
    if name == _CHOICE:
        return _count_choice(tuple(call.args), found)
    on_data = _count_all(call.args, found)
    if not on_data or name in _FREE_CALLS:
        return on_data
    if name in _CHEAP_CALLS or (name == _POWER and _is_small_integer(call.args[1])):
        found.elementwise += 1
    else:
        found.transcendental += 1
    return True


def _count_choice(parts: tuple[Any, Any, Any], found: Operations) -> bool:
    condition, *values = (_count(part, found) for part in parts)
    found.elementwise += condition
    found.compared += condition
    return condition or any(values)


def _is_small_integer(exponent: Any) -> bool:
    """A power that compilers turn into a few multiplications."""
    if not isinstance(exponent, tirx.FloatImm | tirx.IntImm):
        return False
    return float(exponent.value).is_integer() and abs(float(exponent.value)) <= 4
