"""What a bound is computed for, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ..accelerator import Accelerator
from ..program import Program
from ..timing import InstructionCost, Roofline


class ProblemView(Protocol):
    """The parts of :class:`memstow.planners.Problem` that a bound needs; bounds lie below the planners."""

    @property
    def program(self) -> Program:
        """The program."""
        ...

    @property
    def accelerator(self) -> Accelerator:
        """The target."""
        ...

    @property
    def cost(self) -> InstructionCost:
        """What prices an instruction."""
        ...


@dataclass(frozen=True)
class Bound:
    """A proven lower bound on the seconds of every valid plan of one problem.

    ``seconds`` is the largest of ``all`` (bounds by name, each valid alone) and ``method`` the name it has there.
    ``notes`` say, by name, why a bound is missing or weaker than it could be.
    """

    seconds: float
    method: str
    all: Mapping[str, float]
    notes: Mapping[str, str] = field(default_factory=dict)

    def gap(self, plan_seconds: float) -> float | None:
        """``plan_seconds / seconds - 1``, the proven distance from the optimum; ``None`` where the bound is 0."""
        return plan_seconds / self.seconds - 1.0 if self.seconds > 0.0 else None


def is_roofline(problem: ProblemView) -> bool:
    """Whether the cost is the analytical model of this very program and accelerator.

    The type alone does not tell: a :class:`~memstow.timing.Roofline` may have been made for another accelerator.
    """
    if not isinstance(problem.cost, Roofline):
        return False
    own = Roofline(problem.program, problem.accelerator)
    for t, step in enumerate(problem.program.instructions):
        for fast in (False, True):
            placement = t, [fast] * len(step.operands), [fast] * len(step.results)
            if problem.cost.seconds(*placement) != own.seconds(*placement):
                return False
    return True
