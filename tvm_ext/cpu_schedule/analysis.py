"""Read-only facts about the blocks of a PrimFunc: iteration domains, access strides, cost of a body."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from tvm import s_tir, sym, tirx
from tvm.ir import Call, Op, Range, TensorLoad
from tvm_ffi import structural_walk

_CHEAP_CALLS = {
    "tirx.if_then_else",
    "tirx.likely",
    "tirx.fabs",
    "tirx.reinterpret",
    "tirx.shift_left",
    "tirx.shift_right",
    "tirx.bitwise_and",
    "tirx.bitwise_or",
    "tirx.bitwise_xor",
    "tirx.bitwise_not",
}


@dataclass(frozen=True)
class Iter:
    """One block iterator: its variable, its constant extent, and whether it is a reduction."""

    var: Any
    extent: int
    is_reduction: bool


def root_blocks(sch: Any) -> list[Any]:
    """Blocks directly under the root block of ``main``, in program order."""
    return list(sch.get_child_blocks(sch.get_sblock("root")))


def block_iters(sch: Any, block: Any) -> list[Iter] | None:
    """Iterators of ``block``, or None if one is dynamic, does not start at 0, or neither keeps nor reduces."""
    iters = []
    for axis in sch.get(block).iter_vars:
        known_kind = axis.iter_type in (tirx.IterVar.DataPar, tirx.IterVar.CommReduce)
        if (
            not known_kind
            or not isinstance(axis.dom.extent, tirx.IntImm)
            or not sym.Analyzer().can_prove_equal(axis.dom.min, 0)
        ):
            return None
        iters.append(Iter(axis.var, int(axis.dom.extent), axis.iter_type == tirx.IterVar.CommReduce))
    return iters


def is_canonical(sch: Any, block: Any) -> bool:
    """Whether every loop around ``block`` is bound one to one, in order, to its iterators, with constant extents."""
    iters = block_iters(sch, block)
    loops = sch.get_loops(block)
    if iters is None or len(iters) != len(loops):
        return False
    realize = _get_realize(sch, block)
    if not (isinstance(realize.predicate, tirx.IntImm) and int(realize.predicate) == 1):
        return False
    for loop_rv, value, axis in zip(loops, realize.iter_values, iters, strict=True):
        loop = sch.get(loop_rv)
        if (
            not isinstance(loop.extent, tirx.IntImm)
            or int(loop.extent) != axis.extent
            or not loop.loop_var.same_as(value)
        ):
            return False
    return True


def is_spatial(iters: list[Iter]) -> bool:
    """Whether no iterator is a reduction."""
    return not any(axis.is_reduction for axis in iters)


def work(iters: list[Iter]) -> int:
    """Number of iterations of a block."""
    return prod((axis.extent for axis in iters), start=1)


def accesses(sch: Any, block: Any) -> list[tuple[Any, list[Any]]]:
    """(buffer, indices) of every load and store in the body of ``block``."""
    body = sch.get(block).body
    found = [(node.source, list(node.indices)) for node in nodes(body, TensorLoad)]
    return found + [(node.buffer, list(node.indices)) for node in nodes(body, tirx.BufferStore)]


def nodes(tree: Any, kind: Any) -> list[Any]:
    """All nodes of type ``kind`` in ``tree``, children before parents."""
    found: list[Any] = []
    structural_walk(tree, (kind, found.append), order="post")
    return found


def has_opaque_call(sch: Any, block: Any) -> bool:
    """Whether the body calls anything but cheap intrinsics: exp, erf, tanh, extern functions."""
    calls = nodes(sch.get(block).body, Call)
    return any(not isinstance(call.op, Op) or call.op.name not in _CHEAP_CALLS for call in calls)


def has_condition(sch: Any, block: Any) -> bool:
    """Whether the body contains an ``if_then_else``, as padding does."""
    calls = nodes(sch.get(block).body, Call)
    return any(isinstance(call.op, Op) and call.op.name == "tirx.if_then_else" for call in calls)


def strides(buffer: Any, indices: list[Any], iters: list[Iter]) -> list[int] | None:
    """Flat stride of an access along every iterator, or None if the flat index is not affine with constant strides."""
    analyzer = sym.Analyzer()
    for axis in iters:
        analyzer.bind(axis.var, Range(0, axis.extent))
    # A cast hides an index from the analysis: sum in the type that the indices have.
    dtype = str(iters[0].var.ty.dtype) if iters else "int64"
    flat: Any = tirx.const(0, dtype)
    for index, dim in zip(indices, buffer.shape, strict=True):
        if not isinstance(dim, tirx.IntImm):
            return None
        flat = flat * tirx.const(int(dim), dtype) + index.astype(dtype)
    coefficients = sym.detect_linear_equation(analyzer.simplify(flat), [axis.var for axis in iters])
    if not coefficients or not all(isinstance(c, tirx.IntImm) for c in coefficients[:-1]):
        return None
    return [int(c) for c in coefficients[:-1]]


def extents(sch: Any, loops: list[Any]) -> list[int | None]:
    """Extents of ``loops`` without the unit ones; None stands for an extent that is not constant."""
    found = [sch.get(loop).extent for loop in loops]
    constant = [int(extent) if isinstance(extent, tirx.IntImm) else None for extent in found]
    return [extent for extent in constant if extent != 1]


def largest_divisor(extent: int, limit: int) -> int:
    """Largest divisor of ``extent`` that is at most ``limit``."""
    return next(d for d in range(min(extent, limit), 0, -1) if extent % d == 0)


def _get_realize(sch: Any, block: Any) -> Any:
    return s_tir.dlight.analysis.common_analysis.get_sblockrealize(sch, block)
