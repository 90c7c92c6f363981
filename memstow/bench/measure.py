"""One planner on one case: a plan, its price by our simulator, its violations, and how it came to be."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from ..defaults import OPTIMALITY_GAP
from ..plan import MemoryPlan
from ..planners import Effort, Planner
from ..simulator import simulate
from ..validator import validate
from .case import Case
from .results import PlannerResult, Ratios
from .settings import Settings

Clock = Callable[[], float]

#: Reported and simulated seconds of one plan differ by rounding only.
ROUNDING = 1e-9
#: A plan is close to another if it is slower by this part at most.
CLOSE = 0.01
KEPT_VIOLATIONS = 5


class Listener(Protocol):
    """Who hears how a run gets on. ``improved`` may be called from any thread."""

    def begin(self, case: Case) -> None:
        """A case begins."""
        ...

    def step(self, what: str) -> None:
        """The bound or a planner begins."""
        ...

    def improved(self, seconds: float) -> None:
        """The running planner has found a better plan."""
        ...

    def end(self) -> None:
        """The step has ended. May raise, to end the run."""
        ...


@dataclass
class Improvements:
    """What a planner tells of, as wall seconds since the beginning and seconds of the plan."""

    clock: Clock
    listener: Listener
    began: float = 0.0
    points: list[tuple[float, float]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """Begin to count."""
        self.began = self.clock()

    @property
    def elapsed(self) -> float:
        """Wall seconds since the beginning."""
        return self.clock() - self.began

    def add(self, seconds: float) -> None:
        """Take in the seconds of a plan; only better ones count."""
        with self._lock:
            if not self.points or seconds < self.points[-1][1]:
                self.points.append((self.elapsed, seconds))
        self.listener.improved(seconds)

    def first_within(self, seconds: float) -> float | None:
        """Wall seconds until a plan of at most ``seconds`` was told of."""
        return next((at for at, found in self.points if found <= seconds * (1.0 + ROUNDING)), None)


def measure(
    case: Case,
    planner: Planner,
    name: str,
    settings: Settings,
    listener: Listener,
    *,
    bound: float = 0.0,
    clock: Clock = time.perf_counter,
) -> PlannerResult:
    """Run a planner, whatever it raises; ratios and gap are left to :func:`compared`.

    It may end once its plan is within ``OPTIMALITY_GAP`` of the ``bound`` in seconds.
    """
    found = Improvements(clock, listener)
    enough = bound * (1.0 + OPTIMALITY_GAP)
    effort = Effort(
        settings.budget_seconds,
        settings.iterations,
        on_improvement=found.add,
        is_enough=lambda seconds: seconds <= enough,
    )
    is_extra = name not in settings.planners
    found.start()
    try:
        plan = planner.plan(case.problem, effort, seed=settings.seed)
        wall = found.elapsed
        judged = _judge(case, plan)
    except Exception as error:  # a planner may be foreign code; the run goes on
        wall = found.elapsed
        judged = {"error": describe(error)}
    seconds = judged.get("seconds")
    times = {}
    if isinstance(seconds, float):
        best, close = found.first_within(seconds), found.first_within(seconds * (1.0 + CLOSE))
        times = {
            "best_after_seconds": wall if best is None else best,
            "close_after_seconds": wall if close is None else close,
        }
    return PlannerResult.parse(
        {
            "planner": name,
            "is_extra": is_extra,
            "wall_seconds": wall,
            "overran": settings.overruns(wall),
            "improvements": len(found.points),
            **times,
            **judged,
        },
        where=f"{case.label}, planner {name!r}",
    )


def describe(error: Exception) -> str:
    """An error in one line."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:400]}"


def _judge(case: Case, plan: MemoryPlan) -> dict[str, object]:
    problem = case.problem
    violations = validate(problem.program, problem.accelerator, plan)
    judged: dict[str, object] = {"claimed_seconds": plan.simulated_seconds, "peak_bytes": plan.peak_bytes}
    if violations:
        shown = tuple(str(violation) for violation in violations[:KEPT_VIOLATIONS])
        return {**judged, "violations": shown, "violation_count": len(violations)}
    return {**judged, "seconds": simulate(problem.program, problem.accelerator, plan, problem.cost).total_seconds}


def compared(
    result: PlannerResult, case: Case, *, bound: float, all_slow: float, reference: float | None
) -> PlannerResult:
    """The result with its ratios and its gap."""
    seconds = result.seconds
    if seconds is None:
        return result
    recorded = case.recorded
    ratios = Ratios(
        reference=_over(seconds, reference),
        recorded=_over(seconds, case.recorded_seconds),
        all_slow=_over(seconds, all_slow),
        recorded_charged=_over(seconds, recorded.charged_seconds if recorded else None),
        recorded_free=_over(seconds, recorded.free_seconds if recorded else None),
    )
    gap = _over(seconds, bound)
    below = seconds < bound * (1.0 - ROUNDING)
    return result.model_copy(
        update={"ratios": ratios, "gap": None if gap is None else gap - 1.0, "is_below_bound": below}
    )


def _over(seconds: float, other: float | None) -> float | None:
    return seconds / other if other else None
