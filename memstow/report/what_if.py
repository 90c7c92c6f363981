"""What another amount of fast memory would give: the problem planned anew at several capacities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..planners.base import Effort, Planner, Problem
from ..planning import plan_with_bound
from ..timing import Pricing, Roofline
from .reported import ReportedPlan, report_plan

if TYPE_CHECKING:
    from ..bounds import Bound


def default_capacities(problem: Problem, count: int) -> tuple[int, ...]:
    """``count`` capacities in bytes, ascending: the accelerator's own, its double, and halves of it downwards.

    Fewer where halving reaches the alignment.
    """
    accelerator = problem.accelerator
    exponents = (0, 1, *range(-1, 1 - count, -1))[:count]
    sizes = {int(accelerator.capacity * 2.0**exponent) for exponent in exponents}
    return tuple(sorted(size for size in sizes if size >= accelerator.alignment))


def what_if_plans(
    problem: Problem,
    planner: Planner,
    capacities_bytes: Sequence[int],
    effort: Effort,
    *,
    seed: int,
    bound_seconds: float,
    bound: Bound | None = None,
    pricing: Pricing = Roofline,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[ReportedPlan]:
    """The plan of each capacity, as soon as it is made, the largest first; all by one planner, so that they compare.

    A plan for less fast memory is one for more, so by the roofline a bound for more holds for less as well.

    Args:
        problem: planned with other amounts of fast memory, all else equal.
        planner: makes every plan.
        capacities_bytes: of fast memory, one plan each.
        effort: for each plan.
        seed: of the planner.
        bound_seconds: time to prove a bound in, for each plan.
        bound: one that is known for the problem as it is.
        pricing: prices the program for each amount.
        is_cancelled: asked whether to do without a better bound.

    Raises:
        InvalidInputError: a capacity is negative.
        InfeasiblePlanError: the planner returned an invalid plan.
    """
    known: list[tuple[int, Bound]] = [(problem.accelerator.capacity, bound)] if bound else []
    for capacity in sorted(capacities_bytes, reverse=True):
        accelerator = problem.accelerator.with_capacity(capacity)
        changed = Problem(problem.program, accelerator, pricing(problem.program, accelerator))
        proven = plan_with_bound(
            planner, changed, effort, seed=seed, bound_seconds=bound_seconds, is_cancelled=is_cancelled
        )
        known.append((capacity, proven.bound))
        holding = [other for size, other in known if size == capacity or (pricing is Roofline and size > capacity)]
        best = max(holding, key=lambda other: other.seconds)
        yield report_plan(changed, proven.plan, bound=best, explained=False)
