"""From stays to a memory plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from ...plan import Access, Allocation, Copy, MemoryPlan
from ..base import Problem
from ..residency import priced
from .workspace import Stay


def emit_plan(problem: Problem, stays: Iterable[Stay], *, refill: bool, planner: str, seed: int) -> MemoryPlan:
    """The plan of these stays; ``refill`` says whether cross-program buffers are brought in again at the end."""
    program, accelerator = problem.program, problem.accelerator
    chosen = sorted(stays, key=lambda stay: (stay.start, stay.offset, stay.storage))
    plan = MemoryPlan(
        program_fingerprint=program.fingerprint,
        accelerator=accelerator.name,
        planner=planner,
        seed=seed,
        allocations=tuple(allocation for stay in chosen for allocation in _allocations(problem, stay, refill)),
        copies=tuple(_copies(problem, chosen, refill)),
        accesses=tuple(_accesses(problem, chosen)),
    )
    return priced(problem, plan)


def _allocations(problem: Problem, stay: Stay, refill: bool) -> Iterator[Allocation]:
    last = len(problem.program.instructions) - 1
    spans = [(stay.start, stay.end)]
    if refill and stay.refill is not None:
        spans.append((stay.refill, last))
    buffer = problem.program.storages[stay.storage].representative.id
    for start, end in spans:
        yield Allocation(buffer=buffer, offset=stay.offset, size=stay.size, start=start, end=min(end, last))


def _copies(problem: Problem, stays: Sequence[Stay], refill: bool) -> list[Copy]:
    """Copies in queue order: by start, then by the time that waits for them."""
    length = len(problem.program.instructions)
    moves: list[tuple[int, int, int, Literal["prefetch", "evict"], Stay]] = []
    for stay in stays:
        if stay.prefetch:
            moves.append((*stay.prefetch, stay.storage, "prefetch", stay))
        if stay.eviction:
            moves.append((*stay.eviction, stay.storage, "evict", stay))
        if refill and stay.refill is not None:
            moves.append((stay.refill, length, stay.storage, "prefetch", stay))
    moves.sort(key=lambda move: move[:3])
    return [
        Copy(
            buffer=problem.program.storages[storage].representative.id,
            direction=direction,
            start_time=start,
            done_time=done,
            offset=stay.offset,
            bytes=stay.size,
        )
        for start, done, storage, direction, stay in moves
    ]


def _accesses(problem: Problem, stays: Sequence[Stay]) -> Iterator[Access]:
    """One entry for every operand and result; those without bytes go with the storage's others at the instruction."""
    program = problem.program
    served = {(t, stay.storage) for stay in stays for t in stay.served}
    for t, step in enumerate(program.instructions):
        for k, entry in enumerate(step.operands):
            fast = (t, program.storage_of[entry.buffer]) in served
            yield Access(instruction=t, operand=k, memory="fast" if fast else "slow")
        for k, entry in enumerate(step.results):
            fast = (t, program.storage_of[entry.buffer]) in served
            yield Access(instruction=t, result=k, memory="fast" if fast else "slow")
