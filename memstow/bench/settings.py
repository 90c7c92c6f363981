"""What a run is asked to do; results are only comparable where all of it is the same."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ..defaults import DEFAULT_BUDGET_SECONDS, DEFAULT_TIME_LIMIT_SECONDS, ROOFLINE
from ..schema import Document

#: The planners that are compared unless others are named: the rival and those that search.
DEFAULT_PLANNERS = ("xla-msa", "greedy", "random-keys", "local-search", "portfolio")
#: The production heuristic, which every planner is compared with; it is run where it is not asked for, too.
REFERENCE = "xla-msa"

#: A planner overruns if it takes longer than its budget by more than this and by more than this part of the budget.
OVERRUN_SECONDS, OVERRUN_SHARE = 1.0, 0.1
#: A ratio above 1 by more than this is worse; below it are differences of rounding.
WORSE = 1e-6

Seconds = Annotated[float, Field(ge=0)]


class Settings(Document):
    """Options of a run. ``iterations``, where given, end a search instead of ``budget_seconds``.

    ``accelerator`` replaces the one that the files name; ``capacities_bytes`` are run beside the target's own;
    ``cost_model`` is what ``--cost-model`` says; ``known_bounds`` is a results file whose proven bounds count too.
    """

    planners: tuple[str, ...] = DEFAULT_PLANNERS
    budget_seconds: Seconds = DEFAULT_BUDGET_SECONDS
    iterations: Annotated[int, Field(ge=0)] | None = None
    seed: int = 0
    accelerator: str | None = None
    capacities_bytes: tuple[Annotated[int, Field(ge=0)], ...] = ()
    max_cross_program_prefetches: int | None = None
    cost_model: str = ROOFLINE
    bound_seconds: Seconds = DEFAULT_TIME_LIMIT_SECONDS
    known_bounds: str | None = None

    @property
    def run_planners(self) -> tuple[str, ...]:
        """The planners in the order in which they run: the reference first where it was not asked for."""
        return self.planners if REFERENCE in self.planners else (REFERENCE, *self.planners)

    def overruns(self, wall_seconds: float) -> bool:
        """Whether a planner took longer than it may; with iterations there is no such time."""
        allowed = self.budget_seconds + max(OVERRUN_SECONDS, OVERRUN_SHARE * self.budget_seconds)
        return self.iterations is None and wall_seconds > allowed

    def as_options(self) -> list[str]:
        """The command line's options for them, as words."""
        words = ["--planners", ",".join(self.planners), "--budget", f"{self.budget_seconds:g}"]
        named = (
            ("--iterations", self.iterations),
            ("--seed", self.seed or None),
            ("--accelerator", self.accelerator),
            ("--capacity", ",".join(map(str, self.capacities_bytes)) or None),
            ("--max-cross-program-prefetches", self.max_cross_program_prefetches),
            ("--cost-model", None if self.cost_model == ROOFLINE else self.cost_model),
            ("--bound-time", f"{self.bound_seconds:g}"),
            ("--known-bounds", self.known_bounds),
        )
        return [*words, *(word for name, value in named if value is not None for word in (name, str(value)))]
