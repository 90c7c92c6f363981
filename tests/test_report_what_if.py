from __future__ import annotations

import pytest

from memstow import planners
from memstow.planners import Effort, Problem
from memstow.report.what_if import default_capacities, what_if_plans

from . import worked_example as example
from .report_plans import MIB, layered_plans
from .small_problems import part


@pytest.mark.parametrize(
    ("capacity", "count", "expected"),
    [
        (64, 1, (64,)),
        (64, 2, (64, 128)),
        (64, 5, (8, 16, 32, 64, 128)),
        (4, 5, (1, 2, 4, 8)),
        (7, 4, (1, 3, 7, 14)),
    ],
)
def test_capacities_are_halves_and_the_double(capacity: int, count: int, expected: tuple[int, ...]) -> None:
    assert default_capacities(Problem(example.program(), part(capacity)), count) == expected


def test_no_capacity_is_below_the_alignment() -> None:
    problem = Problem(example.program(), part(64, alignment=32))
    assert default_capacities(problem, 5) == (32, 64, 128)


def test_every_capacity_gets_a_plan_that_fits() -> None:
    _, points = layered_plans(10)
    assert [point.problem.accelerator.capacity for point in points] == [16 * MIB, 8 * MIB, 4 * MIB, 2 * MIB, MIB]
    assert all(point.plan.peak_bytes <= point.problem.accelerator.capacity for point in points)
    times = [point.summary.planned_seconds for point in points]
    assert times[-1] > times[0]


def test_a_bound_for_more_memory_holds_for_less() -> None:
    # 20 s are proven for the example: with half of its memory no plan can be faster, and none is reported to be.
    problem = example.problem()
    from memstow.bounds import Bound

    known = Bound(20.0, "by hand", {"by hand": 20.0}, {})
    found = list(
        what_if_plans(
            problem,
            planners.get("greedy"),
            [8, 16, 32],
            Effort(),
            seed=0,
            bound_seconds=0.0,
            bound=known,
        )
    )
    by_capacity = {point.problem.accelerator.capacity: point.summary for point in found}
    assert by_capacity[8].lower_bound_seconds >= 20.0
    assert by_capacity[16].lower_bound_seconds >= 20.0
    assert by_capacity[8].planned_seconds >= by_capacity[8].lower_bound_seconds
    assert "by hand" in {by_capacity[8].lower_bound_method, by_capacity[16].lower_bound_method}
    assert by_capacity[32].lower_bound_method != "by hand"
