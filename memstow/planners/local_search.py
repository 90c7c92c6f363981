"""The ``local-search`` planner: simulated annealing over stays, by ruin and recreate, in the core."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ..plan import MemoryPlan
from .base import Problem
from .core_search import CoreSearch, Limits, core_problem, residencies_of
from .residency import build_plan, never_slower

#: Part of the budget that building the first schedule may take.
CONSTRUCTION_SHARE = 0.25


@dataclass(frozen=True)
class LocalSearch:
    """Builds a schedule greedily, then takes stays out and fills the room again, over and over.

    ``iterations``, where given, ends the search instead of the budget and makes it deterministic for a seed. ``hot``
    and ``cold`` are the temperatures at the beginning and at the end, as parts of the program's mean seconds an
    instruction. An interrupt ends the search with the best so far.
    """

    name: str = "local-search"
    description: str = "simulated annealing over stays: some go, others come, what is faster stays"
    iterations: int | None = None
    hot: float = 0.1
    cold: float = 0.0005

    def plan(self, problem: Problem, *, budget_seconds: float, seed: int) -> MemoryPlan:
        """The fastest schedule met within the budget."""
        begin = time.monotonic()
        limits = Limits(begin + budget_seconds, self.iterations)
        core = core_problem(problem)
        search = CoreSearch(core, seed=seed, hot=self.hot, cold=self.cold)
        try:
            search.construct(Limits(begin + CONSTRUCTION_SHARE * budget_seconds, self.iterations))
            for _ in search.anneal(limits):
                pass
        except KeyboardInterrupt:
            pass  # the best so far is the answer
        plan = build_plan(problem, residencies_of(core, search.best), planner=self.name, seed=seed)
        return never_slower(problem, plan)
