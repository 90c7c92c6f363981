"""The documents that a run writes. Times in seconds; a ratio is the planner's time over the other's, so less is better.

What cannot be said (no valid plan, nothing to compare with, a denominator of 0) is left out.
"""

from __future__ import annotations

from pathlib import Path

from ..defaults import ROOFLINE
from ..schema import Document
from ..summary import Fallbacks
from .machine import Machine
from .settings import Settings


class Ratios(Document):
    """A plan's time over other times.

    ``reference``: the plan of ``xla-msa``; ``all_slow``: no fast memory; ``recorded``: the solution in the file, its
    cross-program prefetches charged or free as they are for our plans; the last two whatever ours are.
    """

    reference: float | None = None
    recorded: float | None = None
    all_slow: float | None = None
    recorded_charged: float | None = None
    recorded_free: float | None = None


class PlannerResult(Document):
    """One planner on one case.

    Attributes:
        is_extra: it was run for the sake of comparison alone.
        seconds: time of the plan by our simulator; absent without a valid plan.
        claimed_seconds: what the planner says that it takes.
        wall_seconds: from the planner's call to its return, which may be early where its plan is proven optimal.
        overran: ``wall_seconds`` is above the budget by more than it may be.
        improvements: better plans that the planner told of.
        best_after_seconds: wall seconds until it told of a plan as fast as its last one; ``wall_seconds`` if never.
        close_after_seconds: the same for one at most 1 % slower.
        gap: distance from the best proven bound, ``seconds / bound - 1``.
        is_below_bound: faster than the bound allows, so that bound, validator or simulator is wrong.
        peak_bytes: fast memory that the plan needs.
        violations: broken rules of plan validity, the first of them; ``violation_count`` counts all.
        error: what the planner raised.
    """

    planner: str
    is_extra: bool = False
    seconds: float | None = None
    claimed_seconds: float | None = None
    wall_seconds: float
    overran: bool = False
    improvements: int = 0
    best_after_seconds: float | None = None
    close_after_seconds: float | None = None
    gap: float | None = None
    is_below_bound: bool = False
    ratios: Ratios = Ratios()
    peak_bytes: int | None = None
    violations: tuple[str, ...] = ()
    violation_count: int = 0
    error: str = ""

    @property
    def failure(self) -> str:
        """Why this result makes the run a failure, in words; empty if it does not."""
        if self.error:
            return self.error
        if self.violation_count:
            return f"invalid plan, {self.violation_count} violations, the first: {self.violations[0]}"
        return "faster than the proven bound: one of them is wrong" if self.is_below_bound else ""


class CaseResult(Document):
    """All planners on one case. ``name`` is that of the program's file, ``group`` the target in words.

    ``recorded_seconds`` is the one of the two prices of the recorded solution that is comparable with our plans. All
    others are by ``cost_model``, with the roofline in place of it for what ``fallbacks`` counts.
    """

    name: str
    group: str
    fingerprint: str
    accelerator: str
    capacity_bytes: int
    max_cross_program_prefetches: int
    instructions: int
    cost_model: str = ROOFLINE
    fallbacks: Fallbacks | None = None
    all_slow_seconds: float
    bound_seconds: float
    bound_method: str
    bound_wall_seconds: float
    bound_error: str = ""
    recorded_seconds: float | None = None
    recorded_charged_seconds: float | None = None
    recorded_free_seconds: float | None = None
    planners: tuple[PlannerResult, ...]

    @property
    def label(self) -> str:
        """The case in words."""
        return f"{self.name} ({self.group})"

    @property
    def best_seconds(self) -> float | None:
        """The fastest valid plan."""
        return min((r.seconds for r in self.planners if r.seconds is not None), default=None)

    def by_planner(self, name: str) -> PlannerResult:
        """The result of a planner that was run."""
        return next(result for result in self.planners if result.planner == name)

    @property
    def failures(self) -> list[str]:
        """What makes the run a failure, each with the case and the planner."""
        found = [f"{self.label}, {r.planner}: {r.failure}" for r in self.planners if r.failure]
        return [*found, f"{self.label}, bound: {self.bound_error}"] if self.bound_error else found


class Spread(Document):
    """A figure over several cases: its middle (of ratios the geometric mean, of gaps the median) and its worst case."""

    middle: float
    worst: float
    worst_case: str
    cases: int


class PlannerTotals(Document):
    """One planner over a group of cases; ``profile`` is the share of all cases within a factor of the fastest plan.

    ``worse_than_reference``, ``worse_than_recorded`` and ``optimal`` count cases: slower than the plan of ``xla-msa``;
    slower than the recorded solution; at most ``OPTIMALITY_GAP`` above the bound.
    """

    planner: str
    is_extra: bool = False
    to_reference: Spread | None = None
    to_recorded: Spread | None = None
    to_all_slow: Spread | None = None
    gap: Spread | None = None
    worse_than_reference: int
    worse_than_recorded: int = 0
    optimal: int
    overruns: int
    failures: int
    mean_best_after_seconds: float | None = None
    profile: dict[str, float]


class GroupTotals(Document):
    """All planners over a group of cases, and what no planner can beat: the bound over the other times."""

    group: str
    cases: int
    bound_to_reference: Spread | None = None
    bound_to_recorded: Spread | None = None
    bound_to_all_slow: Spread | None = None
    planners: tuple[PlannerTotals, ...]


class BenchResults(Document):
    """A whole run; ``totals`` has all cases first and then, where there are several, each group.

    ``code`` tells apart what the version does not (:func:`memstow.bench.code.code_digest`).
    """

    memstow_version: str
    code: str
    date: str
    machine: Machine
    source: str
    settings: Settings
    cases: tuple[CaseResult, ...] = ()
    totals: tuple[GroupTotals, ...] = ()

    @property
    def failures(self) -> list[str]:
        """What makes the run a failure."""
        return [failure for case in self.cases for failure in case.failures]

    @property
    def fallbacks(self) -> list[str]:
        """The cases in which the cost model left instructions to the roofline."""
        return [f"{case.label}: {case.fallbacks}" for case in self.cases if case.fallbacks is not None]

    @property
    def overruns(self) -> list[str]:
        """The planners that took longer than they may."""
        late = ((case, r) for case in self.cases for r in case.planners if r.overran)
        return [f"{case.label}, {r.planner}: {r.wall_seconds:.1f} s" for case, r in late]

    @property
    def command(self) -> str:
        """The command line that asks for it."""
        name = Path(self.source).name or "suite"
        return " ".join(["memstow bench", self.source, *self.settings.as_options(), "--json", f"{name}.bench.json"])
