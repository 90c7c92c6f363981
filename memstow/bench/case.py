"""What a planner is measured on: a program on a target with a certain amount of fast memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..figures import format_bytes
from ..formats import RecordedPrice
from ..planners import Problem
from ..timing import ModelPrices, Pricing, Roofline


@dataclass(frozen=True)
class Case:
    """One problem. ``recorded`` is the price of the solution in its file, if that is for this very target."""

    name: str
    problem: Problem
    recorded: RecordedPrice | None = None

    @property
    def group(self) -> str:
        """Target and fast memory, in words."""
        accelerator = self.problem.accelerator
        return f"{accelerator.name}, {format_bytes(accelerator.capacity, digits=4)}"

    @property
    def label(self) -> str:
        """The case in words; no two cases of one run share it unless their targets share a name."""
        return f"{self.name} ({self.group})"

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over everything that a plan and its time depend on."""
        accelerator = self.problem.accelerator.model_dump_json(exclude={"description", "sources"})
        cost = self.problem.cost
        model = cost.fingerprint if isinstance(cost, ModelPrices) else ""
        return hashlib.sha256(f"{self.problem.program.fingerprint}{accelerator}{model}".encode()).hexdigest()

    @property
    def recorded_seconds(self) -> float | None:
        """Price of the recorded solution that is comparable: its cross-program prefetches are free if ours are."""
        if self.recorded is None:
            return None
        free = self.problem.accelerator.max_cross_program_prefetches > 0
        return self.recorded.free_seconds if free else self.recorded.charged_seconds


def cases_of(
    name: str,
    problem: Problem,
    capacities_bytes: Sequence[int],
    recorded: RecordedPrice | None = None,
    *,
    pricing: Pricing = Roofline,
) -> Iterable[Case]:
    """A problem as it is and with other amounts of fast memory, each amount once and priced anew by ``pricing``.

    Raises:
        InvalidInputError: a capacity is negative.
    """
    own = problem.accelerator.capacity
    for capacity in dict.fromkeys((own, *capacities_bytes)):
        if capacity == own:
            yield Case(name, problem, recorded)
        else:
            accelerator = problem.accelerator.with_capacity(capacity)
            yield Case(name, Problem(problem.program, accelerator, pricing(problem.program, accelerator)))
