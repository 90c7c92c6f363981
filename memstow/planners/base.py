"""What a planner is given and what it must offer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from ..accelerator import Accelerator
from ..plan import MemoryPlan
from ..program import Program
from ..timing import InstructionCost, Roofline


@dataclass(frozen=True)
class Problem:
    """A program to be planned for an accelerator.

    ``cost`` prices one instruction for a placement; left out, it is the analytical :class:`~memstow.timing.Roofline`.
    """

    program: Program
    accelerator: Accelerator
    cost: InstructionCost = field(default=None)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.cost is None:
            object.__setattr__(self, "cost", Roofline(self.program, self.accelerator))


class Planner(Protocol):
    """Anything that turns a problem and a time budget into a memory plan.

    ``description`` is one line for listings.
    """

    @property
    def name(self) -> str:
        """The registered name."""
        ...

    @property
    def description(self) -> str:
        """One line for listings."""
        ...

    def plan(self, problem: Problem, *, budget_seconds: float, seed: int) -> MemoryPlan:
        """Return a valid plan; stop searching after ``budget_seconds``.

        Same seed, same plan, unless the budget cuts in.
        """
        ...
