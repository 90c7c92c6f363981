"""The ``portfolio`` planner: constructive planners and the agent first, then searches from the best on all cores."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

from ..core import CoreProblem
from ..hardware import core_count
from ..plan import MemoryPlan
from .base import Effort, Limits, Planner, Problem, configured
from .core_search import CoreSearch, Rows, prepare, residencies_of, rows_of
from .incumbent import Incumbent
from .residency import build_plan, never_slower, simulated_seconds
from .threads import run_in_threads

#: Module and class of the members that give starting plans, and the part of the budget after which none begins and a
#: running one is cut short. The production heuristic may take its time, for no plan may be worse than its.
MEMBERS = (
    ("xla_msa", "XlaMsa", 0.5),
    ("first_touch", "FirstTouch", 0.2),
    ("furthest_next_use", "FurthestNextUse", 0.2),
    ("benefit_density", "BenefitDensity", 0.2),
)
#: Part of the budget that the learned agent may search for a start.
AGENT_SHARE = 0.2
#: Shares of less than this many times the seconds that it takes to make a plan leave the agent out: it reads the
#: program, plays a game and makes a plan in any case.
LEAST_AGENT = 30.0
#: Part of the budget that the first schedule in the core may take.
CONSTRUCTION_SHARE = 0.2
#: Iterations of annealing that count as one neighbourhood.
ITERATIONS_A_NEIGHBOURHOOD = 2000
#: Budgets of less than this many times the seconds that it takes to make a plan leave neighbourhoods out: they begin
#: with a look at the whole program, which takes about as long.
LEAST_BUDGET = 30.0


@dataclass(frozen=True)
class Portfolio:
    """Runs the other planners and then searches on from the best plan, in a thread per core; returns the best.

    Searches go in rounds, each from the best schedule of the one before: annealing in all threads at first, then in all
    but one, which solves neighbourhoods (:mod:`memstow.planners.lns`). The result is as fast as the fastest plan that
    any member found in its share of the budget, or faster. ``agent`` is the registered planner that is asked for a
    start after the others, None for no such. Iterations are those of each of ``threads`` searches (left out: the cores
    that this process may use); with them the plan depends on the seed and the number of threads alone.
    """

    name: str = "portfolio"
    description: str = "the other planners and the agent, then local search and lns from the best plan on all cores"
    threads: int | None = None
    agent: str | None = "agent"
    rounds: int = 4
    hot: float = 0.1
    cold: float = 0.0005

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        """The fastest plan that a member or the search found."""
        end = time.monotonic() + effort.budget_seconds
        core, limits = prepare(problem, effort)
        run = _Run(self, core, effort, seed, problem, ending=end - limits.deadline)
        try:
            run.construct()
            for number in range(self.rounds):
                if run.is_enough:
                    break
                run.search(number, limits.round(number, self.rounds))
        except KeyboardInterrupt:
            pass  # the best so far is the answer
        return run.answer()


class _Run:
    """One call of the portfolio: the best plan and the best schedule so far.

    ``ending`` is how many seconds it takes to make a plan of a schedule.
    """

    def __init__(
        self, portfolio: Portfolio, core: CoreProblem, effort: Effort, seed: int, problem: Problem, *, ending: float
    ) -> None:
        self._portfolio, self._core, self._seed, self._problem = portfolio, core, seed, problem
        threads = portfolio.threads or core_count()
        self._searches = [
            CoreSearch(core, seed=seed * threads + k, hot=portfolio.hot, cold=portfolio.cold) for k in range(threads)
        ]
        self._plans: list[MemoryPlan] = []
        self._effort = effort
        self._begin, self._ending = time.monotonic(), ending
        self._incumbent = Incumbent(effort)
        self.is_enough = False

    def construct(self) -> None:
        """Greedy schedules in the core, then the members' plans."""
        first = self._searches[0]
        first.construct(self._effort.limits(CONSTRUCTION_SHARE))
        self.is_enough = self._incumbent.offer(first.best_seconds)
        self._ask_members()
        if self._portfolio.agent is not None and not self.is_enough:
            self._ask_agent(self._portfolio.agent)

    def _ask_members(self) -> None:
        for member, share in _members():
            # A member prepares and makes a plan as well, which no deadline of its own cuts short.
            left = self._begin + share * self._effort.budget_seconds - time.monotonic() - 2.0 * self._ending
            if self.is_enough or (self._effort.iterations is None and left <= 0.0):
                break
            effort = Effort(left, self._effort.iterations)
            self._take(member.plan(self._problem, effort, seed=self._seed))

    def _ask_agent(self, name: str) -> None:
        """The agent's plan; it is registered from outside, so that nothing here depends on it."""
        from . import get

        agent = get(name)
        if self._portfolio.threads is not None:
            agent = configured(agent, threads=self._portfolio.threads)
        seconds = AGENT_SHARE * self._effort.budget_seconds
        left = self._begin + self._effort.budget_seconds - time.monotonic() - 2.0 * self._ending
        is_timed = self._effort.iterations is None
        if is_timed and (left < seconds or seconds < LEAST_AGENT * self._ending):
            return
        interrupts: list[None] = []
        effort = Effort(
            seconds,
            self._effort.iterations,
            is_enough=self._effort.is_enough,
            on_interrupt=lambda: interrupts.append(None),
        )
        self._take(agent.plan(self._problem, effort, seed=self._seed))
        if interrupts:
            raise KeyboardInterrupt

    def _take(self, plan: MemoryPlan) -> None:
        """A member's plan as a start for the searches."""
        first = self._searches[0]
        self._plans.append(plan)
        first.adopt(rows_of(self._core, plan))
        self.is_enough = self._incumbent.offer(min(first.best_seconds, simulated_seconds(plan)))

    def search(self, number: int, limits: Limits) -> None:
        """One round of searches from the best schedule, in every thread."""
        start = self._best_rows()
        solving = self._solving(number)
        stop = threading.Event()

        def work(thread: int) -> None:
            search = self._searches[thread]
            search.adopt(start)
            for _ in self._improve(search, number, limits, stop) if thread == solving else search.anneal(limits):
                if self._incumbent.offer(search.best_seconds):
                    self.is_enough = True
                    stop.set()
                if stop.is_set():
                    return

        run_in_threads(len(self._searches), work, stop)

    def _solving(self, number: int) -> int:
        """The thread that solves neighbourhoods in a round, -1 for none: another one in every round but the first."""
        threads = len(self._searches)
        if self._effort.iterations is None and self._effort.budget_seconds < LEAST_BUDGET * self._ending:
            return -1
        return number % threads if number % max(2, threads) or (number and threads > 1) else -1

    def _improve(self, search: CoreSearch, number: int, limits: Limits, stop: threading.Event) -> Iterator[int]:
        # Imported here: the solver takes longer to load than the quick planners to plan.
        from .lns import improve

        if limits.iterations is not None:
            limits = Limits(iterations=-(-limits.iterations // ITERATIONS_A_NEIGHBOURHOOD))
        return improve(search, limits, seed=self._seed + number, is_over=stop.is_set)

    def answer(self) -> MemoryPlan:
        """The fastest of all plans and schedules so far."""
        problem, name = self._problem, self._portfolio.name
        best = build_plan(problem, residencies_of(self._core, self._best_rows()), planner=name, seed=self._seed)
        for plan in self._plans:
            if simulated_seconds(plan) < simulated_seconds(best):
                best = plan.model_copy(update={"planner": name, "seed": self._seed})
        return never_slower(problem, best)

    def _best_rows(self) -> Rows:
        return min(self._searches, key=lambda search: search.best_seconds).best


def _members() -> Iterator[tuple[Planner, float]]:
    for module, name, share in MEMBERS:
        planner: Planner = getattr(import_module(f".{module}", __package__), name)()
        yield planner, share
