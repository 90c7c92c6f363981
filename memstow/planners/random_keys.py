"""The ``random-keys`` planner: evolution of the order in which stays are placed, in the core."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from ..plan import MemoryPlan
from .base import Effort, Problem
from .core_search import CoreRandomKeys, prepare, residencies_of
from .incumbent import Incumbent
from .residency import build_plan, never_slower


@dataclass(frozen=True)
class RandomKeys:
    """A biased random-key genetic algorithm over orders of placement; the first orders are greedy ones.

    An iteration is one order tried; at least one is.
    """

    name: str = "random-keys"
    description: str = "random-key evolution of the order in which stays are placed"
    population: int = 60

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        """The fastest schedule met."""
        core, limits = prepare(problem, effort)
        incumbent = Incumbent(effort)
        keys = CoreRandomKeys(core, seed=seed, population=self.population)
        with contextlib.suppress(KeyboardInterrupt):  # the best so far is the answer
            any(incumbent.offer(keys.best_seconds) for _ in keys.evolve(limits))
        plan = build_plan(problem, residencies_of(core, keys.best), planner=self.name, seed=seed)
        return never_slower(problem, plan)
