"""One point: a program planned for a variant."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .. import planners
from ..errors import MemstowError
from ..planners import Effort, Problem
from ..planning import plan_with_bound
from ..program import Program
from ..retarget import retarget
from ..simulator import simulate
from ..summary import summarise
from .grid import Variant
from .results import ExploreSettings, Point


@dataclass(frozen=True)
class Task:
    """A point to come."""

    model: str
    fingerprint: str
    variant: Variant

    @property
    def key(self) -> object:
        """That of its point."""
        return Point(model=self.model, fingerprint=self.fingerprint, values=self.variant.values).key


def measure_here(tasks: Iterable[Task], programs: Mapping[str, Program], settings: ExploreSettings) -> Iterator[Point]:
    """The points in this process, one after another; ``programs`` by the models' names."""
    for task in tasks:
        yield measure(task, programs[task.model], settings)


def measure(task: Task, program: Program, settings: ExploreSettings) -> Point:
    """Plan; what the planner raises of memstow's own errors is the point's ``error``."""
    part = task.variant.accelerator
    problem = Problem(retarget(program, part), part)
    point = Point(model=task.model, fingerprint=task.fingerprint, values=task.variant.values)
    began = time.perf_counter()
    try:
        proven = plan_with_bound(
            planners.get(settings.planner),
            problem,
            Effort(settings.budget_seconds, settings.iterations),
            seed=settings.seed,
            bound_seconds=settings.bound_seconds,
        )
    except MemstowError as error:
        return point.model_copy(update={"error": str(error), "wall_seconds": time.perf_counter() - began})
    wall = time.perf_counter() - began
    simulation = simulate(problem.program, part, proven.plan)
    found = summarise(problem, proven.plan, simulation, bound=proven.bound)
    return point.model_copy(
        update={
            "planned_seconds": found.planned_seconds,
            "lower_bound_seconds": found.lower_bound_seconds,
            "lower_bound_method": found.lower_bound_method,
            "gap_ratio": found.gap_ratio,
            "all_slow_seconds": found.all_slow_seconds,
            "all_fast_seconds": found.all_fast_seconds,
            "stall_seconds": simulation.stall_seconds,
            "slow_traffic_bytes": found.slow_traffic_bytes,
            "prefetch_bytes": found.prefetch_bytes,
            "evict_bytes": found.evict_bytes,
            "arena_bytes": found.fast_memory_arena_bytes,
            "wall_seconds": wall,
        }
    )
