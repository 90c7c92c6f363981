"""The ``all-slow`` planner: what the program costs without any fast memory."""

from __future__ import annotations

from dataclasses import dataclass

from ..plan import MemoryPlan
from .base import Effort, Problem
from .residency import build_plan


@dataclass(frozen=True)
class AllSlow:
    """Leaves every tensor in slow memory: the plan that every other must beat."""

    name: str = "all-slow"
    description: str = "nothing in fast memory; the yardstick"

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        """The one plan there is; the effort is not used."""
        return build_plan(problem, (), planner=self.name, seed=seed)
