"""The ``random-keys`` planner: evolution of the order in which stays are placed, in the core."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ..plan import MemoryPlan
from .base import Problem
from .core_search import CoreRandomKeys, Limits, core_problem, residencies_of
from .residency import build_plan, never_slower


@dataclass(frozen=True)
class RandomKeys:
    """A biased random-key genetic algorithm over orders of placement; the first orders are greedy ones.

    ``iterations``, where given, is the number of orders tried; it ends the search instead of the budget and makes it
    deterministic for a seed. An interrupt ends the search with the best so far. At least one order is tried.
    """

    name: str = "random-keys"
    description: str = "random-key evolution of the order in which stays are placed"
    iterations: int | None = None
    population: int = 60

    def plan(self, problem: Problem, *, budget_seconds: float, seed: int) -> MemoryPlan:
        """The fastest schedule met within the budget."""
        limits = Limits(time.monotonic() + budget_seconds, self.iterations)
        core = core_problem(problem)
        keys = CoreRandomKeys(core, seed=seed, population=self.population)
        try:
            for _ in keys.evolve(limits):
                pass
        except KeyboardInterrupt:
            pass  # the best so far is the answer
        plan = build_plan(problem, residencies_of(core, keys.best), planner=self.name, seed=seed)
        return never_slower(problem, plan)
