"""The ``greedy`` planner: the stay that saves most time per byte and time of fast memory goes first."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from ..plan import MemoryPlan
from .base import Effort, Limits, Problem
from .cross_program import with_cross_program_prefetches
from .incumbent import Incumbent
from .residency import build_plan, never_slower
from .schedule import Outcome, Schedule, Stay, halves


@dataclass(frozen=True)
class Taste:
    """How stays are ranked: ``(saved + idle_weight * idle added) / (bytes**size_power * instructions**length_power)``.

    Seconds saved by a stay that needs copies count ``copy_weight`` times, for its copies use up idle bandwidth.
    """

    idle_weight: float = 0.1
    copy_weight: float = 0.5
    size_power: float = 1.0
    length_power: float = 1.0


TASTES = (
    Taste(),
    Taste(copy_weight=0.1, size_power=0.3, length_power=0.0),
    Taste(size_power=0.5, length_power=0.5),
    Taste(copy_weight=0.1),
    Taste(size_power=0.0, length_power=0.0),
    Taste(length_power=0.0),
)
#: Passes over what is left out; a later pass finds more idle bandwidth, and most programs settle in two.
MAX_SWEEPS = 4
#: A score that fell by more than this part since it was queued is queued again.
STALE = 1e-3


@dataclass(frozen=True)
class BenefitDensity:
    """Places stays in falling order of benefit density, each only if the priced schedule gets faster by it.

    A stay that does not fit or does not pay is cut at its longest pause and its halves are queued. Several rankings
    (:data:`TASTES`) are tried while the budget lasts and the fastest schedule is kept. Nothing is random: the seed is
    only recorded. A plan that simulates slower than ``all-slow`` is replaced by it.
    """

    name: str = "greedy"
    description: str = "largest saving per byte and time of fast memory first, copies hidden behind idle bandwidth"

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        """The best schedule found within the budget; when it runs out, what is placed so far counts."""
        limits, incumbent = effort.limits(), Incumbent(effort)
        best = construct(problem, TASTES[0], limits)
        for taste in TASTES[1:]:
            if incumbent.offer(best.total_seconds) or limits.over:
                break
            schedule = construct(problem, taste, limits)
            if schedule.total_seconds < best.total_seconds:
                best = schedule
        plan = build_plan(
            problem, with_cross_program_prefetches(problem, best.residencies), planner=self.name, seed=seed
        )
        return never_slower(problem, plan)


def construct(problem: Problem, taste: Taste, limits: Limits) -> Schedule:
    """One schedule: sweeps over everything that is not placed until a sweep gains nothing."""
    schedule = Schedule(problem)
    for _ in range(MAX_SWEEPS):
        before = schedule.total_seconds
        _sweep(schedule, taste, limits)
        if schedule.total_seconds >= before or limits.over:
            break
    return schedule


def score(schedule: Schedule, stay: Stay, taste: Taste) -> float:
    """Rank of a stay under the present prices; not positive if it saves nothing."""
    saved, idle = schedule.gain(stay)
    if schedule.needs_copies(stay):
        saved *= taste.copy_weight
    tenant = schedule.tenants[stay.storage]
    length = tenant.touches[stay.last].time - tenant.touches[stay.first].time + 1
    return (saved + taste.idle_weight * idle) / float(tenant.size**taste.size_power * length**taste.length_power)


def _sweep(schedule: Schedule, taste: Taste, limits: Limits) -> None:
    queue: list[tuple[float, Stay]] = []

    def push(stay: Stay) -> None:
        rank = score(schedule, stay, taste)
        if rank > 0.0:
            heapq.heappush(queue, (-rank, stay))

    for stay in schedule.unplaced():
        push(stay)
    while queue and not limits.over:
        queued, stay = heapq.heappop(queue)
        if score(schedule, stay, taste) < -queued * (1.0 - STALE):
            push(stay)
        elif schedule.try_place(stay) is not Outcome.PLACED:
            for half in halves(schedule.tenants[stay.storage], stay):
                push(half)
