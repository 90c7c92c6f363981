"""Stalls of a simulated run and their causes: which copies an instruction waited for, and what kept the queue busy.

The queue is first in, first out, so an instruction may wait for copies that it has no need of::

    compute   |--- 0 ---|......... stall .........|--- 1 ---|
    queue       [== prefetch a ==][= prefetch b =]     b has done_time 1: it is waited for, behind a
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from .plan import MemoryPlan
from .program import Program
from .simulator import CopyTiming, Simulation

#: Parts of a stall below this share of it are rounding.
_ROUNDING = 1e-6
_SHOWN_COPIES = 3


@dataclass(frozen=True)
class Stall:
    """Time in which the instruction of time ``time`` (N: the program's end) waits for copies.

    ``begin_seconds`` is on the clock of the run. ``waited`` are the copies that had to be done by then and were not,
    as indices into the plan's copies; ``queue`` is how many seconds of the stall the queue spent on which copy, in
    the order of the queue: the copies waited for, and those that stood before them.
    """

    time: int
    begin_seconds: float
    seconds: float
    waited: tuple[int, ...]
    queue: tuple[tuple[int, float], ...]

    @property
    def ahead(self) -> tuple[int, ...]:
        """Copies not waited for that the queue had to finish first."""
        return tuple(index for index, _ in self.queue if index not in self.waited)


def find_stalls(plan: MemoryPlan, simulation: Simulation) -> tuple[Stall, ...]:
    """Every stall of the run in order; ``simulation`` must be of this plan."""
    count = len(simulation.instructions)
    spans = [
        (t, step.start_seconds - step.stall_seconds, step.stall_seconds)
        for t, step in enumerate(simulation.instructions)
    ]
    spans.append((count, simulation.total_seconds - simulation.final_stall_seconds, simulation.final_stall_seconds))
    queued = [copy for copy in simulation.copies if plan.copies[copy.copy_index].start_time >= 0]
    queued.sort(key=lambda copy: (copy.finish_seconds, copy.begin_seconds))
    finishes = [copy.finish_seconds for copy in queued]
    return tuple(_stall(plan, count, span, queued, finishes) for span in spans if span[2] > 0)


def describe_waited(stall: Stall, program: Program, plan: MemoryPlan) -> str:
    """The copies waited for, in words."""
    return _listed(program, plan, stall.waited)


def describe_ahead(stall: Stall, program: Program, plan: MemoryPlan) -> str:
    """The copies that the queue had to finish first, in words; empty if there were none."""
    return _listed(program, plan, stall.ahead)


def _stall(
    plan: MemoryPlan,
    count: int,
    span: tuple[int, float, float],
    queued: Sequence[CopyTiming],
    finishes: Sequence[float],
) -> Stall:
    time, begin, seconds = span
    end, least = begin + seconds, _ROUNDING * seconds
    waited: list[int] = []
    queue: list[tuple[int, float]] = []
    for copy in queued[bisect_right(finishes, begin + least) :]:
        if copy.begin_seconds >= end - least:
            break
        index = copy.copy_index
        queue.append((index, min(copy.finish_seconds, end) - max(copy.begin_seconds, begin)))
        if min(max(plan.copies[index].done_time, plan.copies[index].start_time), count) == time:
            waited.append(index)
    return Stall(time, begin, seconds, tuple(waited), tuple(queue))


def _listed(program: Program, plan: MemoryPlan, indices: Sequence[int]) -> str:
    copies = [plan.copies[index] for index in indices[:_SHOWN_COPIES]]
    shown = ", ".join(f"{copy.direction} of {program.buffer_by_id[copy.buffer].name}" for copy in copies)
    return shown if len(indices) <= _SHOWN_COPIES else f"{shown} and {len(indices) - _SHOWN_COPIES} more"
