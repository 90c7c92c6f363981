"""Planners that do what a run must cope with, and a clock that they turn."""

from __future__ import annotations

from collections.abc import Sequence

from memstow.plan import MemoryPlan
from memstow.planners import Effort, Problem
from memstow.planners.all_slow import AllSlow

from . import worked_example as example


class FakeClock:
    """Wall seconds that pass only where somebody says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Scripted:
    """Tells of plans at given wall seconds, then returns a plan; all slow (24 s in the worked example) unless given."""

    description = "scripted"

    def __init__(
        self,
        clock: FakeClock | None = None,
        told: Sequence[tuple[float, float]] = (),
        wall_seconds: float = 0.0,
        plan: MemoryPlan | None = None,
        name: str = "scripted",
    ) -> None:
        self.name = name
        self.clock = clock or FakeClock()
        self.told = told
        self.wall_seconds = wall_seconds
        self.answer = plan
        self.calls: list[tuple[str, Effort, int]] = []

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        self.calls.append((problem.program.name, effort, seed))
        began = self.clock.now
        for at, seconds in self.told:
            self.clock.now = began + at
            effort.on_improvement(seconds)
        self.clock.now = began + self.wall_seconds
        return self.answer or nothing(problem)


class Raising:
    """Fails with a message of two lines."""

    name = description = "raising"

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        raise RuntimeError("no idea\nwhat to do")


def nothing(problem: Problem) -> MemoryPlan:
    """Everything in slow memory, said to take 1 s."""
    plan = AllSlow().plan(problem, Effort(0.0), seed=0)
    return plan.model_copy(update={"simulated_seconds": 1.0})


def overlapping() -> MemoryPlan:
    """The worked example's plan with both blocks at one offset."""
    rows = tuple(a.model_copy(update={"offset": 0}) for a in example.plan().allocations)
    return example.plan().model_copy(update={"allocations": rows})
