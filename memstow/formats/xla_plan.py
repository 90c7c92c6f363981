"""XLA's recorded solution as a memory plan in memstow's convention."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ..accelerator import Accelerator
from ..errors import InvalidInputError
from ..plan import Access, Allocation, Copy, MemoryName, MemoryPlan
from ..program import Program
from .xla_suite import XlaCopy, XlaProblem, XlaSolution


def to_recorded_plan(problem: XlaProblem, program: Program, accelerator: Accelerator, *, where: str) -> MemoryPlan:
    """Convert ``xla_solution``. What has no counterpart is brought as near as possible:

    - XLA issues a copy *after* instruction ``start_time``: it starts at ``start_time + 1`` here. A start before its
      allocation, or the end of an eviction after it, is moved to the allocation's.
    - The slices of a copy become one whole copy that starts with the first slice.
    - Allocations of one alias group that meet at one offset, as in-place updates do, become one.
    - A prefetch that XLA put in the place of a copy instruction reads that instruction's result; the instruction stays.

    Raises:
        InvalidInputError: the solution names a buffer that is not listed; ``where`` opens the message.
    """
    solution = problem.xla_solution or XlaSolution(
        allocations=(), prefetches=(), operand_placement=(), output_placement=()
    )
    _check_buffers(solution, program, where)
    rows = _merged_allocations(solution, program)
    copies = [copy for source in sorted(solution.prefetches, key=_issue) for copy in _copy(source, program, rows)]
    return MemoryPlan(
        program_fingerprint=program.fingerprint,
        accelerator=accelerator.name,
        planner="xla",
        allocations=tuple(sorted((a for row in rows.values() for a in row), key=lambda a: (a.start, a.offset))),
        copies=tuple(copies),
        accesses=tuple(_accesses(solution, program)),
    )


def _check_buffers(solution: XlaSolution, program: Program, where: str) -> None:
    for key, entries in (("allocations", solution.allocations), ("prefetches", solution.prefetches)):
        unknown = [entry.buffer for entry in entries if entry.buffer not in program.buffer_by_id]
        if unknown:
            raise InvalidInputError(
                f"{where}: xla_solution.{key}: expected buffers that are listed in 'buffers', found buffer {unknown[0]}"
            )


def _issue(copy: XlaCopy) -> tuple[bool, int]:
    """Order of the queue: cross-program copies, then by the first slice's place in the order of issue."""
    return not copy.cross_program, min((order for _, _, _, order in copy.parts), default=copy.start_time)


def _merged_allocations(solution: XlaSolution, program: Program) -> dict[int, list[Allocation]]:
    """Allocations by storage, in order of time."""
    last = len(program.instructions) - 1
    rows: dict[int, list[Allocation]] = defaultdict(list)
    for source in sorted(solution.allocations, key=lambda a: (a.start, a.end)):
        row = rows[program.storage_of[source.buffer]]
        end = min(source.end, last)
        place = (source.offset, source.size)
        met = next((a for a in row if (a.offset, a.size) == place and a.end + 1 >= source.start), None)
        if met is not None:
            row[row.index(met)] = met.model_copy(update={"end": max(met.end, end)})
            continue
        row.append(
            Allocation(buffer=source.buffer, offset=source.offset, size=source.size, start=source.start, end=end)
        )
    crossing = {program.storage_of[c.buffer] for c in solution.prefetches if c.cross_program}
    for storage in crossing & rows.keys():
        rows[storage][0] = rows[storage][0].model_copy(update={"start": -1})
    return rows


def _copy(source: XlaCopy, program: Program, rows: dict[int, list[Allocation]]) -> Iterator[Copy]:
    """The copy, at the allocation that is live when it is done (prefetch) or starts (eviction); none without one."""
    start, done = source.start_time + 1, min(source.done_time, len(program.instructions))
    anchor = min(done, len(program.instructions) - 1) if source.kind == "prefetch" else start
    row = rows.get(program.storage_of[source.buffer], [])
    allocation = next((a for a in reversed(row) if a.start <= anchor <= a.end), None)
    if allocation is None:
        return
    if source.kind == "eviction":
        done = max(start, min(done, allocation.end + 1))
    yield Copy(
        buffer=source.buffer,
        direction="prefetch" if source.kind == "prefetch" else "evict",
        start_time=-1 if source.cross_program else min(done, max(start, allocation.start)),
        done_time=done,
        offset=allocation.offset,
        bytes=source.bytes,
    )


def _accesses(solution: XlaSolution, program: Program) -> Iterator[Access]:
    for t, step in enumerate(program.instructions):
        for k, entry in enumerate(step.operands):
            if entry.bytes_accessed:
                yield Access(instruction=t, operand=k, memory=_memory(solution.operand_placement, t, k))
        for k, entry in enumerate(step.results):
            if entry.bytes_accessed:
                yield Access(instruction=t, result=k, memory=_memory(solution.output_placement, t, k))


def _memory(placement: tuple[tuple[int, ...] | None, ...], time: int, index: int) -> MemoryName:
    row = (placement[time] if time < len(placement) else None) or ()
    return "fast" if index < len(row) and row[index] else "slow"
