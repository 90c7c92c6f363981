"""How each allocation's data came into fast memory and how it went out, in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from ..plan import Allocation, Copy, MemoryPlan
from ..program import Program, Storage


def describe_lifetimes(program: Program, plan: MemoryPlan) -> list[tuple[str, str]]:
    """Per allocation of the plan: how it came in, how it went out."""
    copies: dict[int, list[Copy]] = defaultdict(list)
    for copy in plan.copies:
        copies[program.storage_of[copy.buffer]].append(copy)
    stays: dict[int, list[Allocation]] = defaultdict(list)
    for allocation in plan.allocations:
        stays[program.storage_of[allocation.buffer]].append(allocation)
    return [_describe(program, allocation, stays, copies) for allocation in plan.allocations]


def _describe(
    program: Program,
    allocation: Allocation,
    stays: Mapping[int, Sequence[Allocation]],
    copies: Mapping[int, Sequence[Copy]],
) -> tuple[str, str]:
    index = program.storage_of[allocation.buffer]
    storage = program.storages[index]
    here = [copy for copy in copies.get(index, ()) if copy.offset == allocation.offset]
    joined = [other for other in stays[index] if other.offset == allocation.offset]
    return _came_in(program, allocation, storage, here, joined), _went_out(program, allocation, storage, here, joined)


def _came_in(
    program: Program, allocation: Allocation, storage: Storage, here: Sequence[Copy], joined: Sequence[Allocation]
) -> str:
    for copy in here:
        if copy.direction == "prefetch" and allocation.start <= copy.start_time <= allocation.end:
            if copy.start_time < 0:
                return "prefetched before the program began"
            return f"prefetched: issued at instruction {copy.start_time}, done before {copy.done_time}"
    if any(other.end + 1 == allocation.start for other in joined):
        return "stayed at this place from the allocation before"
    for t, _, _ in storage.writes:
        if allocation.start <= t <= allocation.end:
            return f"produced here by {program.instructions[t].name} (instruction {t})"
    return "reserved only: nothing is written to it"


def _went_out(
    program: Program, allocation: Allocation, storage: Storage, here: Sequence[Copy], joined: Sequence[Allocation]
) -> str:
    if any(other.start == allocation.end + 1 for other in joined):
        return "stays at this place in the next allocation"
    for copy in here:
        if copy.direction == "evict" and allocation.start <= copy.start_time <= allocation.end:
            return f"evicted to slow memory: issued at instruction {copy.start_time}, done before {copy.done_time}"
    later = [t for t, _, n in storage.reads if t > allocation.end and n]
    if not later:
        return "dropped after its last use"
    return f"dropped: slow memory holds a valid copy for its next use (instruction {later[0]})"
