"""From decisions to a complete memory plan: residencies in, allocations, copies and accesses out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..plan import Access, Allocation, Copy, MemoryPlan
from ..simulator import simulate
from ..timing import Roofline, cost_model_name, lower_bound_seconds
from .base import Problem


@dataclass(frozen=True)
class Transfer:
    """A background copy, open during ``[start, done)``."""

    start: int
    done: int


@dataclass(frozen=True)
class Residency:
    """One stay of a storage in fast memory.

    It occupies ``[offset, offset + size)`` during ``[start, end]`` and serves every access in ``[served_from,
    served_until]``. Without a prefetch it is produced there at ``served_from``; without an eviction its data is either
    still valid in slow memory or not needed after it.
    """

    storage: int
    offset: int
    start: int
    end: int
    served_from: int
    served_until: int
    prefetch: Transfer | None = None
    eviction: Transfer | None = None


def build_plan(problem: Problem, residencies: Iterable[Residency], *, planner: str, seed: int) -> MemoryPlan:
    """The memory plan of these residencies; everything else stays in slow memory."""
    chosen = sorted(residencies, key=lambda r: (r.start, r.offset, r.storage))
    program, accelerator = problem.program, problem.accelerator
    plan = MemoryPlan(
        program_fingerprint=program.fingerprint,
        accelerator=accelerator.name,
        planner=planner,
        seed=seed,
        allocations=tuple(_allocation(problem, r) for r in chosen),
        copies=tuple(_copies(problem, chosen)),
        accesses=tuple(_accesses(problem, chosen)),
    )
    return priced(problem, plan)


def priced(problem: Problem, plan: MemoryPlan) -> MemoryPlan:
    """The plan with what the problem's cost model says of it, and the simple bound where that is the roofline."""
    program, accelerator = problem.program, problem.accelerator
    is_roofline = type(problem.cost) is Roofline
    found = {
        "cost_model": cost_model_name(problem.cost),
        "simulated_seconds": simulate(program, accelerator, plan, problem.cost).total_seconds,
        "bound_seconds": lower_bound_seconds(program, accelerator) if is_roofline else None,
    }
    return plan.model_copy(update=found)


def never_slower(problem: Problem, plan: MemoryPlan) -> MemoryPlan:
    """``plan``, or the plan without any fast memory where that one is faster; planner and seed stay."""
    nothing = build_plan(problem, (), planner=plan.planner, seed=plan.seed)
    return nothing if simulated_seconds(nothing) < simulated_seconds(plan) else plan


def simulated_seconds(plan: MemoryPlan) -> float:
    """Seconds of a plan made by :func:`build_plan`, which simulates every plan."""
    assert plan.simulated_seconds is not None, "build_plan simulates every plan"
    return plan.simulated_seconds


def _allocation(problem: Problem, residency: Residency) -> Allocation:
    storage = problem.program.storages[residency.storage]
    return Allocation(
        buffer=storage.representative.id,
        offset=residency.offset,
        size=storage.size_bytes,
        start=residency.start,
        end=residency.end,
    )


def _copies(problem: Problem, residencies: Sequence[Residency]) -> list[Copy]:
    """Copies in queue order: by start, then by the time at which they are waited for."""
    moves = [("prefetch", r.prefetch, r) for r in residencies if r.prefetch]
    moves += [("evict", r.eviction, r) for r in residencies if r.eviction]
    moves.sort(key=lambda move: (move[1].start, move[1].done, move[2].storage))
    storages = problem.program.storages
    return [
        Copy(
            buffer=storages[r.storage].representative.id,
            direction="prefetch" if direction == "prefetch" else "evict",
            start_time=transfer.start,
            done_time=transfer.done,
            offset=r.offset,
            bytes=storages[r.storage].size_bytes,
        )
        for direction, transfer, r in moves
    ]


def _accesses(problem: Problem, residencies: Sequence[Residency]) -> list[Access]:
    """One entry for every operand and result; entries without bytes go with the storage's others at the instruction."""
    program = problem.program
    served = {
        (t, r.storage)
        for r in residencies
        for t, _, count in program.storages[r.storage].reads + program.storages[r.storage].writes
        if count and r.served_from <= t <= r.served_until
    }
    accesses = []
    for t, step in enumerate(program.instructions):
        for k, operand in enumerate(step.operands):
            fast = (t, program.storage_of[operand.buffer]) in served
            accesses.append(Access(instruction=t, operand=k, memory="fast" if fast else "slow"))
        for k, result in enumerate(step.results):
            fast = (t, program.storage_of[result.buffer]) in served
            accesses.append(Access(instruction=t, result=k, memory="fast" if fast else "slow"))
    return accesses
