from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.metadata import EntryPoint

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from memstow import planners, plugins
from memstow.accelerator import Accelerator
from memstow.errors import InvalidInputError, UnknownNameError
from memstow.planners import Effort, Planner, Problem
from memstow.planners.base import Limits
from memstow.planners.benefit_density import TASTES, construct
from memstow.planners.clock import BATCH_STORAGES
from memstow.planners.furthest_next_use import walk
from memstow.planners.schedule import Stay
from memstow.planners.touches import tenants
from memstow.program import Program
from memstow.simulator import simulate
from memstow.summary import uniform_seconds
from memstow.timing import Roofline
from memstow.validator import validate

from .small_problems import part, problem
from .strategies import accelerators, programs

NAMES = ["all-slow", "first-touch", "furthest-next-use", "greedy"]
random_problems = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def seconds(name: str, task: Problem) -> float:
    """Simulated seconds of a planner's plan, which must be valid."""
    plan = planners.get(name).plan(task, Effort(10.0), seed=0)
    assert validate(task.program, task.accelerator, plan) == ()
    return simulate(task.program, task.accelerator, plan).total_seconds


def chain(capacity: int) -> Problem:
    """i0 reads w and writes x; i1 reads x and writes y."""
    return problem(
        part(capacity),
        {"w": ("parameter", 8), "x": ("intermediate", 4), "y": ("output", 4)},
        [(0.0, ["w"], ["x"]), (0.0, ["x"], ["y"])],
    )


def test_all_slow_by_hand() -> None:
    # i0 moves 8 + 4 bytes, i1 4 + 4, at 1 byte/s.
    assert seconds("all-slow", chain(64)) == 20.0


def test_first_touch_by_hand() -> None:
    # x in fast memory: i0 8 + 4/4, i1 4/4 + 4. The parameter and the output stay in slow memory.
    task = chain(4)
    assert seconds("first-touch", task) == 14.0
    plan = planners.get("first-touch").plan(task, Effort(1.0), seed=0)
    assert [(a.buffer, a.offset, a.start, a.end) for a in plan.allocations] == [(1, 0, 0, 1)]
    assert plan.copies == ()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("capacity", [0, 1, 3])
def test_a_tensor_larger_than_fast_memory_stays_slow(name: str, capacity: int) -> None:
    assert seconds(name, chain(capacity)) == 20.0


def contested() -> Problem:
    """b is produced first and read last, a is read three times in between; there is room for one of them."""
    return problem(
        part(4),
        {"b": ("intermediate", 4), "a": ("intermediate", 4)},
        [(0.0, [], ["b"]), (0.0, [], ["a"]), (0.0, ["a"], []), (0.0, ["a"], []), (0.0, ["a"], []), (0.0, ["b"], [])],
    )


def test_first_touch_gives_the_room_to_who_comes_first() -> None:
    # Six accesses of 4 s; b's two take 1 s each instead.
    assert seconds("first-touch", contested()) == 18.0


@pytest.mark.parametrize("name", ["furthest-next-use", "greedy"])
def test_the_room_goes_to_who_is_used_sooner_and_more(name: str) -> None:
    # a's four accesses take 1 s each, b's two 4 s. For b at i0 a write-back is missing room (a is there from i1 on); at
    # i5 it would save 3 s for a copy of 4 s that cannot start before a has gone.
    assert seconds(name, contested()) == 12.0


def away_and_back(capacity: int = 4, **limits: int) -> Problem:
    """a is used at 1 and 5, b at 3, there is room for one; i1, i3 and i4 compute for 8 s beside which copies hide."""
    return problem(
        part(capacity, **limits),
        {"a": ("intermediate", 4), "b": ("intermediate", 4), "o": ("output", 4)},
        [
            (0.0, [], ["a"]),
            (8.0, ["a"], []),
            (0.0, [], ["b"]),
            (8.0, ["b"], []),
            (8.0, [], []),
            (0.0, ["a"], ["o"]),
        ],
    )


@pytest.mark.parametrize("name", ["furthest-next-use", "greedy"])
def test_a_tensor_leaves_and_comes_back_behind_compute(name: str) -> None:
    # i0 writes a fast: 1. i1: 8, the eviction of 4 s hides in it. i2 writes b where a was: 1. i3: 8. i4: 8, a prefetch
    # hides in it. i5: 1 + 4, for o would have to be copied back after the last instruction. Sum 31, and no plan is
    # faster: it is the time with everything but o in fast memory.
    task = away_and_back()
    assert seconds(name, task) == 31.0
    plan = planners.get(name).plan(task, Effort(10.0), seed=0)
    assert [(c.direction, c.start_time, c.done_time) for c in plan.copies] == [("evict", 1, 2), ("prefetch", 4, 5)]


@pytest.mark.parametrize("name", ["furthest-next-use", "greedy"])
def test_without_outstanding_copies_nothing_hides(name: str) -> None:
    # No copy may be open during an instruction, so each costs its 4 s and saves 3 s: a tensor is fast where no copy is
    # needed. a in [0, 5] saves 3 s at i0 and 3 s at i5 (i1 computes for 8 s either way), b in [2, 3] saves 3 s at i2
    # only, so a stays and of the 40 s all in slow memory (4 + 8 + 4 + 8 + 8 + 8) 34 are left, or b stays with 37.
    # Belady's rule sends a away at 2 for b, so a's first stay needs its write-back: it is b that is served.
    expected = {"greedy": 34.0, "furthest-next-use": 37.0}
    assert seconds(name, away_and_back(prefetches=0, evictions=0)) == expected[name]


def weight(compute: float, **limits: int) -> Problem:
    """i0 computes, i1 reads a weight of 8 bytes."""
    return problem(part(8, **limits), {"w": ("parameter", 8)}, [(compute, [], []), (0.0, ["w"], [])])


@pytest.mark.parametrize("name", ["furthest-next-use", "greedy"])
@pytest.mark.parametrize(
    ("compute", "expected"),
    [
        # The prefetch of 8 s hides in i0's 10 s, i1 takes 8/4 s.
        (10.0, 12.0),
        # 3 s hide, the stall is 5 s: 3 + 5 + 2 against 3 + 8 in slow memory.
        (3.0, 10.0),
        # 1 s hides: 1 + 7 + 2 = 10 against 1 + 8 in slow memory, which wins.
        (1.0, 9.0),
    ],
)
def test_a_prefetch_is_taken_when_it_pays(name: str, compute: float, expected: float) -> None:
    assert seconds(name, weight(compute)) == expected


@pytest.mark.parametrize("name", NAMES)
def test_no_prefetch_where_none_may_be_open(name: str) -> None:
    assert seconds(name, weight(10.0, prefetches=0)) == 18.0


@pytest.mark.parametrize("name", NAMES)
def test_pinned_tensors_are_left_alone(name: str) -> None:
    task = problem(part(64), {"x": ("intermediate", 4)}, [(0.0, [], ["x"]), (0.0, ["x"], [])], pinned=["x"])
    assert planners.get(name).plan(task, Effort(1.0), seed=0).allocations == ()


@pytest.mark.parametrize("name", ["furthest-next-use", "greedy"])
def test_an_in_place_update_is_one_storage(name: str) -> None:
    # The state of 4 bytes is read and written at i1 and i2 and must end in slow memory. i0 computes for 8 s beside its
    # prefetch, i3 beside its eviction: 8 + (1 + 1) + (1 + 1) + 8.
    task = problem(
        part(4),
        {"old": ("parameter", 4), "mid": ("intermediate", 4), "new": ("output", 4)},
        [(8.0, [], []), (0.0, ["old"], ["mid"]), (0.0, ["mid"], ["new"]), (8.0, [], [])],
        together=["old", "mid", "new"],
    )
    assert seconds(name, task) == 20.0


def test_the_walk_sends_away_who_is_needed_last() -> None:
    # Room for two. r comes at 2 and is needed again at 4, p at 3, q at 5: q goes. At 5 it is back.
    task = problem(
        part(8),
        dict.fromkeys("pqr", ("parameter", 4)),
        [(0.0, [name], []) for name in "pqrprq"],
    )
    stays = walk(tenants(task), 8)
    assert stays == [Stay(0, 0, 1), Stay(1, 0, 0), Stay(2, 0, 1), Stay(1, 1, 1)]


def test_the_walk_keeps_out_who_is_needed_later_than_everyone_inside() -> None:
    # Room for one: q comes at 1 and is needed again at 3, p at 2, so p stays.
    task = problem(part(4), dict.fromkeys("pq", ("parameter", 4)), [(0.0, [name], []) for name in "pqpq"])
    assert walk(tenants(task), 4) == [Stay(0, 0, 1), Stay(1, 1, 1)]


@pytest.mark.parametrize("name", NAMES)
@random_problems
@given(program=programs(), accelerator=accelerators())
def test_plans_are_valid_never_slower_and_repeatable(name: str, program: Program, accelerator: Accelerator) -> None:
    task = Problem(program, accelerator)
    plan = planners.get(name).plan(task, Effort(60.0), seed=7)
    assert validate(program, accelerator, plan) == ()
    simulated = simulate(program, accelerator, plan).total_seconds
    assert plan.simulated_seconds == pytest.approx(simulated, rel=1e-12)
    assert simulated <= uniform_seconds(task, fast=False) * (1.0 + 1e-12)
    assert plan.bound_seconds is not None
    assert simulated >= plan.bound_seconds * (1.0 - 1e-9)
    assert (plan.planner, plan.seed) == (name, 7)
    assert plan == planners.get(name).plan(task, Effort(60.0), seed=7)


@pytest.mark.parametrize("name", NAMES)
def test_a_budget_of_nothing_still_gives_a_valid_plan(name: str) -> None:
    task = away_and_back()
    plan = planners.get(name).plan(task, Effort(0.0), seed=0)
    assert validate(task.program, task.accelerator, plan) == ()
    assert plan.simulated_seconds is not None
    assert plan.simulated_seconds <= 40.0


@pytest.mark.parametrize("name", NAMES)
def test_a_fast_memory_that_is_slower_is_not_used(name: str) -> None:
    task = problem(part(64, fast=0.5), {"x": ("intermediate", 4)}, [(0.0, [], ["x"]), (0.0, ["x"], [])])
    assert seconds(name, task) == 8.0


@random_problems
@given(program=programs(), accelerator=accelerators(), capacity=st.integers(0, 64))
@example(program=Program(name="empty", instructions=(), buffers=()), accelerator=part(4), capacity=4)
def test_first_touch_keeps_to_the_capacity(program: Program, accelerator: Accelerator, capacity: int) -> None:
    task = Problem(program, accelerator.with_capacity(capacity))
    assert planners.get("first-touch").plan(task, Effort(1.0), seed=0).peak_bytes <= capacity


def test_the_built_in_planners_are_listed() -> None:
    assert set(NAMES) <= set(planners.names())


@pytest.mark.parametrize("name", NAMES)
def test_a_planner_knows_its_name_and_says_what_it_does(name: str) -> None:
    planner = planners.get(name)
    assert planner.name == name
    assert planner.description
    assert "\n" not in planner.description


def test_an_unknown_planner_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown planner 'gredy': did you mean 'greedy'\? known: .*all-slow"):
        planners.get("gredy")


class Foreign:
    """A planner of another package."""

    name = "foreign"
    description = "for tests"

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> object:
        return planners.get("all-slow").plan(problem, effort, seed=seed)


class NoPlanner:
    """Has no plan() method."""


def broken() -> Planner:
    raise RuntimeError("no licence")


def install(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    points = [EntryPoint(name, value, "memstow.planners")]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points)


def test_a_planner_of_another_package_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "foreign", f"{__name__}:Foreign")
    assert "foreign" in planners.names()
    assert planners.get("foreign").name == "foreign"


def test_a_built_in_name_cannot_be_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "greedy", f"{__name__}:Foreign")
    assert planners.get("greedy").name == "greedy"
    assert planners.names().count("greedy") == 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("no_such_module_at_all:X", "cannot be loaded .*ModuleNotFoundError.*check the package that provides it"),
        (f"{__name__}:Missing", "cannot be loaded .*AttributeError.*Missing"),
        (f"{__name__}:broken", "cannot be loaded .RuntimeError: no licence"),
        (f"{__name__}:NoPlanner", r"expected an object with a plan\(\) method, found NoPlanner"),
    ],
)
def test_an_entry_point_that_fails_is_named(monkeypatch: pytest.MonkeyPatch, value: str, message: str) -> None:
    install(monkeypatch, "foreign", value)
    with pytest.raises(InvalidInputError, match=rf"planner 'foreign' \(entry point '.*'\): {message}"):
        planners.get("foreign")


class Counting(Roofline):
    """The roofline, which counts how often it is asked for a batch and for one price."""

    def __init__(self, given: Problem) -> None:
        super().__init__(given.program, given.accelerator)
        self.batches, self.singles = 0, 0

    def seconds(self, instruction: int, operands_fast: Sequence[bool], results_fast: Sequence[bool]) -> float:
        self.singles += 1
        return super().seconds(instruction, operands_fast, results_fast)

    def seconds_of(self, queries: Sequence[tuple[int, Sequence[bool], Sequence[bool]]]) -> list[float]:
        self.batches += 1
        return [super(Counting, self).seconds(*query) for query in queries]


@settings(max_examples=20, deadline=None)
@given(program=programs(), accelerator=accelerators())
def test_a_cost_model_with_batches_is_asked_once(program: Program, accelerator: Accelerator) -> None:
    given_problem = Problem(program, accelerator)
    cost = Counting(given_problem)
    found = construct(Problem(program, accelerator, cost), TASTES[0], Limits())
    assert cost.batches == 1
    few = max((len(step.operands) + len(step.results) for step in program.instructions), default=0) <= BATCH_STORAGES
    assert cost.singles == 0 or not few
    assert found.residencies == construct(given_problem, TASTES[0], Limits()).residencies


def test_the_default_cost_model_is_the_roofline() -> None:
    # i0 of the chain moves 12 bytes in slow memory, or 12/4 s worth in fast memory.
    task = chain(4)
    assert task.cost.seconds(0, [False], [False]) == 12.0
    assert math.isclose(task.cost.seconds(0, [True], [True]), 3.0)
