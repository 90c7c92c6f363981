"""A plan with all that page and pictures show of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..plan import MemoryPlan
from ..planners.base import Problem
from ..simulator import Simulation, simulate
from ..summary import Summary, summarise

if TYPE_CHECKING:
    from ..bounds import Bound
    from ..explain import SlowTensor


@dataclass(frozen=True)
class ReportedPlan:
    """A valid plan of a problem, its simulated run and its figures.

    ``label`` names the plan among others. ``slow_tensors`` explain what was left in slow memory; ``None`` leaves that
    out of the page.
    """

    label: str
    problem: Problem
    plan: MemoryPlan
    simulation: Simulation
    summary: Summary
    slow_tensors: Sequence[SlowTensor] | None = None

    @property
    def stall_count(self) -> int:
        """How many times an instruction, or the program's end, waits for a copy."""
        steps = self.simulation.instructions
        return sum(step.stall_seconds > 0 for step in steps) + (self.simulation.final_stall_seconds > 0)


def report_plan(
    problem: Problem, plan: MemoryPlan, *, label: str = "", bound: Bound | None = None, explained: bool = True
) -> ReportedPlan:
    """Simulate a valid plan and collect its figures; ``label`` is its planner's name unless given."""
    simulation = simulate(problem.program, problem.accelerator, plan, problem.cost)
    summary = summarise(problem, plan, simulation, bound=bound)
    slow_tensors = None
    if explained:
        # Imported here: it loads numpy, which help and most commands have no use for.
        from ..explain import slow_tensor_reasons

        slow_tensors = slow_tensor_reasons(problem, plan)
    return ReportedPlan(label or plan.planner or "plan", problem, plan, simulation, summary, slow_tensors)
