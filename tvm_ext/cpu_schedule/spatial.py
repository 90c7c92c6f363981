"""Schedules for blocks without a reduction: elementwise, broadcast, transpose, pad, gather, concat."""

from __future__ import annotations

from math import prod
from typing import Any

from tvm.s_tir import ScheduleError

from .analysis import (
    Iter,
    accesses,
    block_iters,
    extents,
    has_condition,
    has_opaque_call,
    is_canonical,
    is_spatial,
    largest_divisor,
    root_blocks,
    strides,
)
from .target import CpuTarget

PARALLEL_THRESHOLD = 16384
_TRANSPOSE_TILE = 16
_MIN_INNER_WORK = 256
_TASKS_PER_CORE = 4


def inline_spatial(sch: Any, keep: frozenset[str] = frozenset()) -> None:
    """Inline every spatial intermediate block that does not repeat expensive work, except those named in ``keep``.

    A block with libm calls or padding conditions is inlined only into one spatial consumer: into a reduction or into
    several consumers it would be evaluated more than once per element, or would keep the consumer from vectorising.
    """
    for block in root_blocks(sch):
        if sch.get(block).name_hint in keep:
            continue
        iters = block_iters(sch, block)
        consumers = sch.get_consumers(block)
        if iters is None or not is_spatial(iters) or not consumers:
            continue
        expensive = has_opaque_call(sch, block) or has_condition(sch, block)
        if expensive and (len(consumers) > 1 or not _reads_once(sch, consumers[0])):
            continue
        try_step(sch.compute_inline, block)


def try_step(step: Any, *args: Any) -> bool:
    """Apply a schedule primitive that may not be applicable; primitives check before they change anything."""
    try:
        step(*args)
    except ScheduleError:
        return False
    return True


def _reads_once(sch: Any, block: Any) -> bool:
    iters = block_iters(sch, block)
    return iters is not None and is_spatial(iters)


def parallelise(sch: Any, loops: list[Any], total_work: int, cpu: CpuTarget) -> list[Any]:
    """Make the outer ``loops`` parallel, fused until there are enough tasks; return the loops as they are now."""
    if total_work < PARALLEL_THRESHOLD or cpu.cores < 2 or not loops:
        return loops
    count, tasks = 0, 1
    while count < len(loops) and tasks < _TASKS_PER_CORE * cpu.cores:
        tasks *= int(sch.get(loops[count]).extent)
        count += 1
    outer = sch.fuse(*loops[:count]) if count > 1 else loops[0]
    sch.parallel(outer)
    return [outer, *loops[count:]]


def parallelise_only(sch: Any, block: Any, cpu: CpuTarget) -> None:
    """Make the outermost loop of a block with dynamic extents parallel, if its other loops are work enough.

    Raises:
        ScheduleError: the iterations depend on each other; ``sch`` is as before.
    """
    loops = sch.get_loops(block)
    constant = prod(extent for extent in extents(sch, loops[1:]) if extent is not None)
    if loops and cpu.cores > 1 and constant >= _MIN_INNER_WORK:
        sch.parallel(loops[0])


def schedule_spatial(sch: Any, block: Any, cpu: CpuTarget) -> None:
    """Schedule one canonical spatial block under the root: parallel outer loops, vectorised inner loop."""
    iters = block_iters(sch, block)
    if iters is None or not iters or not is_canonical(sch, block):
        return
    total = prod(axis.extent for axis in iters)
    patterns = [strides(buffer, indices, iters) for buffer, indices in accesses(sch, block)]
    loops = list(sch.get_loops(block))
    transposed = _transposed_axis(iters, patterns)
    if transposed is not None:
        _schedule_transpose(sch, loops, transposed, total, cpu)
        return
    loops, inner = _fuse_contiguous(sch, loops, iters, patterns)
    lanes = cpu.lanes(str(sch.get(block).writes[0].source.dtype))
    width = _vector_width(inner, lanes)
    outer = loops[:-1]
    if width > 1:
        rest, vector = sch.split(loops[-1], [None, width])
        sch.vectorize(vector)
        outer = [*outer, rest]
    elif inner >= total and total >= PARALLEL_THRESHOLD:
        outer = [loops[-1]]
    parallelise(sch, _chunk_last(sch, outer, cpu), total, cpu)


def _chunk_last(sch: Any, loops: list[Any], cpu: CpuTarget) -> list[Any]:
    """Split a long single loop so that one parallel task covers many iterations."""
    if len(loops) != 1:
        return loops
    extent = int(sch.get(loops[0]).extent)
    tasks = largest_divisor(extent, 16 * cpu.cores)
    if tasks < cpu.cores or tasks == extent:
        return loops
    return list(sch.split(loops[0], [tasks, None]))


def _vector_width(extent: int, lanes: int) -> int:
    width = lanes
    while width > 1 and extent % width:
        width //= 2
    return width if 2 * width >= lanes or width == extent else 1


def _fuse_contiguous(
    sch: Any, loops: list[Any], iters: list[Iter], patterns: list[list[int] | None]
) -> tuple[list[Any], int]:
    """Fuse trailing loops over which every access stays contiguous; return the loops and the last one's extent."""
    inner = iters[-1].extent
    if any(pattern is None for pattern in patterns):
        return loops, inner
    first = len(iters) - 1
    while first > 0 and all(
        (pattern is not None and pattern[first - 1] == pattern[first] * iters[first].extent)
        or iters[first - 1].extent == 1
        for pattern in patterns
    ):
        first -= 1
    if first < len(iters) - 1:
        fused = sch.fuse(*loops[first:])
        loops, inner = [*loops[:first], fused], prod(axis.extent for axis in iters[first:])
    return loops, inner


def _transposed_axis(iters: list[Iter], patterns: list[list[int] | None]) -> int | None:
    """Iterator along which some load is contiguous while the innermost iterator strides through it."""
    for pattern in patterns:
        if pattern is None or abs(pattern[-1]) <= 1 or iters[-1].extent < 4:
            continue
        for axis, stride in enumerate(pattern[:-1]):
            if stride == 1 and iters[axis].extent >= 4:
                return axis
    return None


def _schedule_transpose(sch: Any, loops: list[Any], axis: int, total: int, cpu: CpuTarget) -> None:
    """Tile the two transposed loops so that every cache line that is read is used up while it is in the cache."""
    extents = [int(sch.get(loop).extent) for loop in loops]
    rows = largest_divisor(extents[axis], _TRANSPOSE_TILE)
    columns = largest_divisor(extents[-1], _TRANSPOSE_TILE)
    row_outer, row_inner = sch.split(loops[axis], [None, rows])
    column_outer, column_inner = sch.split(loops[-1], [None, columns])
    others = [loop for i, loop in enumerate(loops[:-1]) if i != axis]
    sch.reorder(*others, row_outer, column_outer, row_inner, column_inner)
    if columns in (4, 8, 16):
        sch.vectorize(column_inner)
    parallelise(sch, [*others, row_outer, column_outer], total, cpu)
