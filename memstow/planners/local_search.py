"""The ``local-search`` planner: simulated annealing over stays, by ruin and recreate, in the core."""

from __future__ import annotations

from dataclasses import dataclass

from ..plan import MemoryPlan
from .base import Effort, Problem
from .core_search import CoreSearch, prepare, residencies_of
from .incumbent import Incumbent
from .residency import build_plan, never_slower

#: Part of the budget that building the first schedule may take.
CONSTRUCTION_SHARE = 0.25


@dataclass(frozen=True)
class LocalSearch:
    """Builds a schedule greedily, then takes stays out and fills the room again, over and over.

    An iteration is one change. ``hot`` and ``cold`` are the temperatures at the beginning and at the end, as parts of
    the program's mean seconds an instruction.
    """

    name: str = "local-search"
    description: str = "simulated annealing over stays: some go, others come, what is faster stays"
    hot: float = 0.1
    cold: float = 0.0005

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        """The fastest schedule met."""
        core, limits = prepare(problem, effort)
        incumbent = Incumbent(effort)
        search = CoreSearch(core, seed=seed, hot=self.hot, cold=self.cold)
        try:
            search.construct(effort.limits(CONSTRUCTION_SHARE))
            if not incumbent.offer(search.best_seconds):
                any(incumbent.offer(search.best_seconds) for _ in search.anneal(limits))
        except KeyboardInterrupt:
            pass  # the best so far is the answer
        plan = build_plan(problem, residencies_of(core, search.best), planner=self.name, seed=seed)
        return never_slower(problem, plan)
