from __future__ import annotations

import time

import pytest

from memstow import bounds, planning
from memstow.bounds import Bound
from memstow.errors import InfeasiblePlanError
from memstow.plan import MemoryPlan
from memstow.planners import Effort, Problem, get
from memstow.planning import plan_with_bound

from . import worked_example as example

# The worked example: its plan takes 20 s, which is the bound; all slow takes 24 s.


class Patient:
    """Searches until it is told that its plan is good enough; gives up after a while."""

    name = description = "patient"

    def __init__(self, plan: MemoryPlan, seconds: float) -> None:
        self._plan, self._seconds = plan, seconds
        self.ended_early = False

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        effort.on_improvement(self._seconds)
        give_up = time.monotonic() + (30.0 if self._seconds == 20.0 else 0.3)
        while time.monotonic() < give_up:
            if effort.is_enough(self._seconds):
                self.ended_early = True
                break
            time.sleep(0.001)
        return self._plan


def test_a_plan_at_the_bound_ends_the_search() -> None:
    planner, told = Patient(example.plan(), 20.0), list[float]()
    proven = plan_with_bound(
        planner, example.problem(), Effort(1e9, on_improvement=told.append), seed=0, bound_seconds=30.0
    )
    assert planner.ended_early
    assert told == [20.0]
    assert proven.plan.simulated_seconds == 20.0
    assert proven.plan.bound_seconds == proven.bound.seconds == pytest.approx(20.0)
    assert proven.plan.allocations == example.plan().allocations


def test_a_worse_plan_does_not() -> None:
    slow = get("all-slow").plan(example.problem(), Effort(), seed=0)
    planner = Patient(slow, 24.0)
    proven = plan_with_bound(planner, example.problem(), Effort(), seed=0, bound_seconds=10.0)
    assert not planner.ended_early
    assert proven.plan.simulated_seconds == 24.0
    assert proven.bound.gap(24.0) == pytest.approx(0.2)


def test_the_proof_ends_once_the_plan_is_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[bool]()

    def prove(problem: Problem, *, time_limit_seconds: float, is_enough: object) -> Bound:
        assert callable(is_enough)
        deadline = time.monotonic() + 30.0
        while time.monotonic() < deadline and not (asked and asked[-1]):
            asked.append(is_enough(20.0 - 1e-6))
        return Bound(20.0 - 1e-6, "simple", {"simple": 20.0 - 1e-6})

    monkeypatch.setattr(planning, "best_bound", prove)
    plan_with_bound(get("greedy"), example.problem(), Effort(), seed=0, bound_seconds=1e9)
    assert asked[-1]


def test_without_time_the_bound_is_the_simple_one() -> None:
    proven = plan_with_bound(get("greedy"), example.problem(), Effort(), seed=0, bound_seconds=0.0)
    assert proven.bound.method == "simple"


def test_an_invalid_plan_is_refused() -> None:
    class Invalid:
        name = description = "invalid"

        def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
            plan = example.plan()
            return plan.model_copy(update={"copies": plan.copies[1:], "planner": "invalid"})

    with pytest.raises(InfeasiblePlanError, match="planner 'invalid' made an invalid plan with 1 violations"):
        plan_with_bound(Invalid(), example.problem(), Effort(), seed=0, bound_seconds=0.0)


def test_a_failed_proof_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> Bound:
        raise MemoryError("no memory for the bound")

    monkeypatch.setattr(planning, "best_bound", fail)
    with pytest.raises(MemoryError, match="no memory for the bound"):
        plan_with_bound(get("greedy"), example.problem(), Effort(), seed=0, bound_seconds=1.0)


def test_a_bound_stops_when_it_is_told_that_it_is_enough() -> None:
    seen = list[float]()

    def enough(seconds: float) -> bool:
        seen.append(seconds)
        return True

    bound = bounds.best_bound(example.problem(), is_enough=enough)
    assert bound.method == "simple"
    assert seen == [bound.seconds]
    assert bound.notes["fluid"] == "left out: not needed"
