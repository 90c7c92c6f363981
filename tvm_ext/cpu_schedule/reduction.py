"""Schedules for a reduction block by itself: dot products, statistics of rows, pooling, depthwise convolution."""

from __future__ import annotations

from typing import Any

from tvm.ir import TensorLoad

from .analysis import Iter, block_iters, is_canonical, largest_divisor, nodes, strides, work
from .spatial import parallelise
from .target import CpuTarget

_MAX_VECTORS = 4
_MAX_UNROLL = 8


def schedule_reduction(sch: Any, block: Any, cpu: CpuTarget) -> None:
    """Schedule one canonical reduction block under the root; any other block is left alone.

    If memory is contiguous along a reduced axis, every vector lane sums its own part of it; else the vector runs along
    the last axis that is kept.
    """
    iters = block_iters(sch, block)
    if iters is None or not is_canonical(sch, block):
        return
    loops = sch.get_loops(block)
    kept = [loop for loop, axis in zip(loops, iters, strict=True) if not axis.is_reduction]
    reduced = [loop for loop, axis in zip(loops, iters, strict=True) if axis.is_reduction]
    lanes = cpu.lanes(str(sch.get(block).writes[0].source.dtype))
    position = _contiguous_axis(iters, _read_strides(sch, block, iters))
    if position is not None and iters[position].is_reduction:
        width = vector_width(iters[position].extent, lanes)
        if width > 1 and iters[position].extent >= 2 * lanes:
            others = [loop for loop in reduced if not loop.same_as(loops[position])]
            sch.reorder(*kept, *others, loops[position])
            _reduce_in_lanes(sch, block, kept, loops[position], width, work(iters), cpu)
            return
    sch.reorder(*kept, *reduced)
    contiguous = None if position is None else iters[position]
    _reduce_across(sch, block, iters, contiguous, kept, reduced, lanes, cpu)


def vector_width(extent: int, lanes: int) -> int:
    """Length of a vector that divides ``extent``: whole registers if it can be, 1 if there is none of use."""
    for width in (_MAX_VECTORS * lanes, 2 * lanes, lanes):
        if extent % width == 0:
            return width
    even = 4 * largest_divisor(extent // 4, lanes) if extent % 4 == 0 else 1
    width = max(even, largest_divisor(extent, 2 * lanes))
    return width if 2 * width >= lanes else 1


def _read_strides(sch: Any, block: Any, iters: list[Iter]) -> list[list[int] | None]:
    statement = sch.get(block)
    written = [region.source for region in statement.writes]
    return [
        strides(load.source, list(load.indices), iters)
        for load in nodes(statement.body, TensorLoad)
        if not any(load.source.same_as(buffer) for buffer in written)
    ]


def _contiguous_axis(iters: list[Iter], patterns: list[list[int] | None]) -> int | None:
    """The last iterator along which some read has stride 1 and all others have stride 1 or 0."""
    if any(pattern is None for pattern in patterns):
        return None
    for position in reversed(range(len(iters))):
        steps = {pattern[position] for pattern in patterns if pattern is not None}
        if iters[position].extent > 1 and 1 in steps and steps <= {0, 1}:
            return position
    return None


def _reduce_in_lanes(
    sch: Any, block: Any, kept: list[Any], reduced: Any, width: int, total: int, cpu: CpuTarget
) -> None:
    """Split off ``width`` partial results, since a float reduction may not be vectorised as it stands."""
    _, lane = sch.split(reduced, [None, width])
    partial = sch.rfactor(lane, -1)
    loops = list(sch.get_loops(partial))
    outer = parallelise(sch, loops[: len(kept)], total, cpu)
    if outer:
        sch.reverse_compute_at(block, outer[-1])
    sch.vectorize(loops[-1])
    sch.decompose_reduction(partial, loops[len(kept)])
    sch.decompose_reduction(block, sch.get_loops(block)[len(outer)])


def _reduce_across(
    sch: Any,
    block: Any,
    iters: list[Iter],
    contiguous: Iter | None,
    kept: list[Any],
    reduced: list[Any],
    lanes: int,
    cpu: CpuTarget,
) -> None:
    """Vectorise over the last kept axis; the accumulators of one vector stay in registers.

    If memory is contiguous along that axis but no vector divides it, its loop is made the innermost for LLVM to
    vectorise, with the accumulators in memory.
    """
    outer = list(kept)
    last = next((axis for axis in reversed(iters) if not axis.is_reduction), None)
    width = vector_width(last.extent, lanes) if last is not None else 1
    if last is not None and width == 1 and contiguous is last:
        sch.reorder(*reduced, kept[-1])
        outer.pop()
    elif width > 1:
        rest, vector = sch.split(kept[-1], [None, width])
        sch.reorder(rest, *reduced, vector)
        sch.vectorize(vector)
        outer[-1] = rest
    if int(sch.get(reduced[-1]).extent) <= _MAX_UNROLL:
        sch.unroll(reduced[-1])
    parallelise(sch, outer, work(iters), cpu)
    sch.decompose_reduction(block, reduced[0])
