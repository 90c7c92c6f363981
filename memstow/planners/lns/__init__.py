"""The ``lns`` planner: large-neighbourhood search (Shaw, CP 1998) with an exact solver of integer programs inside.

Most of the best schedule is fixed, a neighbourhood of it is solved as a mixed-integer program by HiGHS
(:mod:`memstow.bounds.neighbourhood` has the model), and the core makes a schedule of the solution.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...plan import MemoryPlan
from ..base import Effort, Problem
from ..core_search import CoreSearch, prepare, residencies_of
from ..incumbent import Incumbent
from ..residency import build_plan, never_slower
from .search import improve

__all__ = ["LargeNeighbourhoodSearch", "improve"]

#: Part of the budget that building the first schedule may take.
CONSTRUCTION_SHARE = 0.25


@dataclass(frozen=True)
class LargeNeighbourhoodSearch:
    """Solves stretches of the best schedule exactly, over and over. An iteration is one neighbourhood.

    ``hot`` and ``cold`` are the temperatures of the core's annealing, of which the cool end polishes what the solver
    proposes.
    """

    name: str = "lns"
    description: str = "large-neighbourhood search: stretches of the best schedule solved as integer programs"
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
                any(incumbent.offer(search.best_seconds) for _ in improve(search, limits, seed=seed))
        except KeyboardInterrupt:
            pass  # the best so far is the answer
        plan = build_plan(problem, residencies_of(core, search.best), planner=self.name, seed=seed)
        return never_slower(problem, plan)
