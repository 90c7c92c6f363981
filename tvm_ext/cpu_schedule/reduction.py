"""Schedules for a reduction block by itself: sums and maxima over axes, pooling, statistics of normalisations."""

from __future__ import annotations

from typing import Any

from tvm.ir import TensorLoad

from .analysis import Iter, block_iters, is_canonical, largest_divisor, nodes, strides, work
from .spatial import parallelise
from .target import CpuTarget

_MAX_VECTORS = 4


def schedule_reduction(sch: Any, block: Any, cpu: CpuTarget) -> None:
    """Schedule one canonical reduction block under the root; leave it alone if its iterators are not constant."""
    iters = block_iters(sch, block)
    if iters is None or not is_canonical(sch, block):
        return
    loops = sch.get_loops(block)
    spatial = [loop for loop, axis in zip(loops, iters, strict=True) if not axis.is_reduction]
    reduced = [loop for loop, axis in zip(loops, iters, strict=True) if axis.is_reduction]
    lanes = cpu.lanes(str(sch.get(block).writes[0].source.dtype))
    patterns = _read_strides(sch, block, iters)
    position = _contiguous_axis(iters, patterns)
    sch.reorder(*spatial, *reduced)
    if position is not None and iters[position].is_reduction:
        width = _divisor_width(iters[position].extent, lanes)
        if width > 1:
            _reduce_in_lanes(sch, block, spatial, loops[position], width, work(iters), cpu)
            return
    _reduce_across(sch, block, iters, spatial, reduced, lanes, cpu)


def _read_strides(sch: Any, block: Any, iters: list[Iter]) -> list[list[int] | None]:
    statement = sch.get(block)
    written = [region.source for region in statement.writes]
    loads = nodes(statement.body, TensorLoad)
    return [
        strides(load.source, list(load.indices), iters)
        for load in loads
        if not any(load.source.same_as(buffer) for buffer in written)
    ]


def _contiguous_axis(iters: list[Iter], patterns: list[list[int] | None]) -> int | None:
    """The iterator along which some read, and no read with a larger stride than 1, is contiguous."""
    for position in reversed(range(len(iters))):
        steps = [pattern[position] for pattern in patterns if pattern is not None]
        if iters[position].extent > 1 and len(steps) == len(patterns) and 1 in steps and max(steps) <= 1:
            return position
    return None


def _divisor_width(extent: int, lanes: int) -> int:
    """Accumulators to keep, side by side: a multiple of the lanes that divides ``extent``, or the best there is."""
    for width in (_MAX_VECTORS * lanes, 2 * lanes, lanes, lanes // 2):
        if width > 1 and extent % width == 0:
            return width
    return 1


def _reduce_in_lanes(
    sch: Any, block: Any, spatial: list[Any], reduced: Any, width: int, total: int, cpu: CpuTarget
) -> None:
    """Give every lane its own partial result, since a float reduction may not be vectorised as it stands."""
    _, lane = sch.split(reduced, [None, width])
    partial = sch.rfactor(lane, len(spatial))
    loops = sch.get_loops(partial)
    lane_loop = loops[len(spatial)] if False else _lane_loop(sch, partial, width, loops)
    outer = [loop for loop in loops[: len(spatial)]]
    rest = [loop for loop in loops[len(spatial) :] if not sch.get(loop).loop_var.same_as(sch.get(lane_loop).loop_var)]
    sch.reorder(*rest, lane_loop)
    if outer:
        outer = parallelise(sch, outer, total, cpu)
        sch.reverse_compute_at(block, outer[-1])
    sch.vectorize(lane_loop)
    if rest:
        init = sch.decompose_reduction(partial, rest[0])
        del init
    own = sch.get_loops(block)[len(outer) :]
    sch.decompose_reduction(block, own[0])


def _lane_loop(sch: Any, partial: Any, width: int, loops: list[Any]) -> Any:
    return loops[-1]


def _reduce_across(
    sch: Any, block: Any, iters: list[Iter], spatial: list[Any], reduced: list[Any], lanes: int, cpu: CpuTarget
) -> None:
    """Vectorise over the last spatial axis; the accumulators of one vector stay in registers."""
    axes = [axis for axis in iters if not axis.is_reduction]
    outer = list(spatial)
    vector = None
    if axes:
        width = next((w for w in (2 * lanes, lanes, lanes // 2) if w > 1 and axes[-1].extent % w == 0), 1)
        if width > 1:
            rest, vector = sch.split(spatial[-1], [None, width])
            sch.reorder(rest, *reduced, vector)
            outer = [*spatial[:-1], rest]
    if vector is not None:
        sch.vectorize(vector)
    parallelise(sch, outer, work(iters), cpu)
    sch.decompose_reduction(block, reduced[0])
