"""Bounds on unit hardware, where optima are derived by hand, and over random problems.

``small_problems.part``: slow memory and copies at 1 byte/s, fast memory at 4 bytes/s.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memstow import planners
from memstow.bounds import best, best_bound, exact_optimum
from memstow.bounds.fluid import fluid_program
from memstow.bounds.linear import BoxedProgram, LinearProgram, integer_bound, solve_duals
from memstow.bounds.lives import lives
from memstow.bounds.slots import Node, cover, tree_nodes
from memstow.errors import InvalidInputError
from memstow.planners import Effort, Problem
from memstow.simulator import simulate
from memstow.timing import Roofline, lower_bound_seconds

from . import worked_example
from .small_problems import part, problem
from .strategies import Planned, planned

#: What the margins of the bounds may take away.
SLACK = 1e-3

random_problems = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def waiting(capacity: int = 8, cross_program: int = 0) -> Problem:
    """4 s of compute, then a read of the 8 bytes of w.

    In slow memory the read takes 8 s: 12 s. Prefetched, w has 4 s of the first instruction and stalls for 4 s more,
    then the read takes 2 s: 10 s, the optimum. In the fluid relaxation half of w comes in those 4 s and the read takes
    4 + 1 s: 9 s; each further byte would cost 1 s and save 0.75 s. Carried over from the previous run: 4 + 2 = 6 s.
    """
    return problem(
        part(capacity, cross_program=cross_program), {"w": ("parameter", 8)}, [(4.0, [], []), (0.0, ["w"], [])]
    )


def crowded() -> Problem:
    """a, b and c of 8 bytes are all alive at 2 and 3; fast memory has room for one.

        t    0        1        2        3        4        5
             write a  write b  write c  read a   read b   read c

    All slow: 48 s. In fast memory from write to read, one of them saves 2 * (8 - 2) = 12 s. To bring another in
    takes 8 s of copying, more than the 6 s that its read saves, and there is no idle time before that would pay for
    it: 36 s is the optimum. The simple bound has all in fast memory: 12 s.
    """
    names = ("a", "b", "c")
    steps: list[tuple[float, Sequence[str], Sequence[str]]] = [(0.0, [], [name]) for name in names]
    steps += [(0.0, [name], []) for name in names]
    return problem(part(8), dict.fromkeys(names, ("intermediate", 8)), steps)


def test_a_prefetch_that_pays_only_as_a_whole() -> None:
    bound = best_bound(waiting())
    # Simple: 8 bytes of compulsory traffic, more than the 4 + 2 s of all in fast memory.
    assert bound.all["simple"] == pytest.approx(8.0)
    assert bound.all["fluid"] == pytest.approx(9.0, rel=SLACK)
    assert bound.all["integer"] == pytest.approx(10.0, rel=SLACK)
    assert bound.seconds <= exact_optimum(waiting()).seconds == pytest.approx(10.0)
    assert bound.method == "integer"
    assert bound.gap(11.0) == pytest.approx(0.1, rel=0.02)


def test_what_does_not_fit_is_read_in_slow_memory() -> None:
    bound = best_bound(waiting(capacity=7))
    assert bound.all["fluid"] == pytest.approx(12.0, rel=SLACK)


def test_a_cross_program_prefetch_is_free() -> None:
    crossing = waiting(cross_program=1)
    assert best_bound(crossing).seconds == pytest.approx(6.0, rel=SLACK)
    assert exact_optimum(crossing).seconds == pytest.approx(6.0)


def test_capacity_is_shared_over_time() -> None:
    bound = best_bound(crowded())
    assert bound.all["simple"] == pytest.approx(12.0)
    assert exact_optimum(crowded()).seconds == pytest.approx(36.0)
    assert bound.seconds == pytest.approx(36.0, rel=SLACK)


def test_blocks_take_whole_units_of_alignment() -> None:
    """x and y of 5 bytes take 8 each: fast memory of 12 bytes has two units of 8, of which the last may end early.

    With 8 bytes there is one unit: one of the two is in fast memory, 2 * (5 - 1.25) = 7.5 s less than the 20 s of all
    slow. Copies cannot help: 5 s each, for 3.75 s saved. With 12 bytes both fit, at 0 and 8 ... but y would end at 13.
    """
    steps: list[tuple[float, Sequence[str], Sequence[str]]] = [
        (0.0, [], ["x"]),
        (0.0, [], ["y"]),
        (0.0, ["x"], []),
        (0.0, ["y"], []),
    ]
    buffers = {"x": ("intermediate", 5), "y": ("intermediate", 5)}
    one = problem(part(8, alignment=8), buffers, steps)  # type: ignore[arg-type]
    assert best_bound(one).seconds == pytest.approx(12.5, rel=SLACK)
    two = problem(part(13, alignment=8), buffers, steps)  # type: ignore[arg-type]
    assert best_bound(two).seconds == pytest.approx(5.0, rel=SLACK) == exact_optimum(two).seconds
    short = problem(part(12, alignment=8), buffers, steps)  # type: ignore[arg-type]
    assert best_bound(short).seconds <= exact_optimum(short).seconds == pytest.approx(12.5)


def test_an_output_written_in_fast_memory_has_to_leave() -> None:
    """8 bytes are written, an output. In slow memory: 8 s. In fast memory: 2 s, then an eviction of 8 s: 10 s."""
    writing = problem(part(8), {"y": ("output", 8)}, [(0.0, [], ["y"])])
    assert best_bound(writing).seconds == pytest.approx(8.0, rel=SLACK) == exact_optimum(writing).seconds
    # With 8 s of compute behind it the eviction is hidden: 2 + 8 s.
    hidden = problem(part(8), {"y": ("output", 8)}, [(0.0, [], ["y"]), (8.0, [], [])])
    assert best_bound(hidden).seconds == pytest.approx(10.0, rel=SLACK) == exact_optimum(hidden).seconds


def test_the_worked_example_is_optimal() -> None:
    example = Problem(worked_example.program(), worked_example.accelerator())
    assert best_bound(example).seconds == pytest.approx(20.0, rel=SLACK)
    assert exact_optimum(example).seconds == pytest.approx(20.0)


@random_problems
@given(planned())
def test_no_plan_beats_a_bound(case: Planned) -> None:
    given_problem = Problem(case.program, case.accelerator)
    bound = best_bound(given_problem, time_limit_seconds=10.0)
    plans = [planners.get(name).plan(given_problem, Effort(0.1), seed=0) for name in PLANNERS]
    for plan in (case.plan, *plans):
        seconds = simulate(case.program, case.accelerator, plan).total_seconds
        assert all(value <= seconds for value in bound.all.values()), plan.planner
    assert bound.seconds == max(bound.all.values())
    assert bound.seconds >= lower_bound_seconds(case.program, case.accelerator) * (1.0 - SLACK)


#: The planners that need no search.
PLANNERS = ("all-slow", "first-touch", "furthest-next-use", "greedy")


@random_problems
@given(planned(), st.sampled_from([0, 8, 24]))
def test_more_capacity_never_raises_a_bound(case: Planned, more: int) -> None:
    larger = case.accelerator.with_capacity(case.accelerator.capacity + more)
    before = dict(best_bound(Problem(case.program, case.accelerator)).all)
    after = best_bound(Problem(case.program, larger)).all
    # Where nothing may be in fast memory, fluid is the optimum and integer is left out.
    before["integer"] = before.get("integer", before["fluid"])
    for name, value in after.items():
        assert value <= before[name] * (1.0 + SLACK) + 1e-9, name


def small_program() -> BoxedProgram:
    program, accelerator = crowded().program, crowded().accelerator
    linear, _ = fluid_program(program, accelerator, lives(program, accelerator))
    return linear


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 1.0, 100.0]))
def test_any_multipliers_prove_a_bound(seed: int, size: float) -> None:
    linear = small_program()
    # 36 of 48 s, in units of which all slow has 1000.
    optimum = 750.0
    best, ended = solve_duals(linear, time_limit_seconds=10.0)
    assert ended == "optimal"
    noise = np.random.default_rng(seed).normal(size=len(best)) * size
    assert linear.dual_bound(best) <= optimum * (1.0 + 1e-12)
    assert linear.dual_bound(best + noise) <= optimum
    assert linear.dual_bound(noise) <= optimum


def test_useless_multipliers_prove_nothing_false() -> None:
    linear = small_program()
    rows = len(linear.low)
    assert linear.dual_bound(np.full(rows, np.nan)) == -np.inf
    assert linear.dual_bound(np.zeros(rows + 1)) == -np.inf
    # No multipliers: what costs nothing to know, here no compute.
    assert linear.dual_bound(np.zeros(rows)) <= 0.0


def test_entries_of_one_place_add_up() -> None:
    """minimise x with 3 x >= 3, given as two entries: x = 1."""
    lp = LinearProgram()
    x = lp.variable(10.0, cost=1.0, whole=True)
    row = lp.at_most(-3.0)
    lp.add(row, x, -1.0)
    lp.add(row, x, -2.0)
    frozen = lp.freeze()
    multipliers, _ = solve_duals(frozen, time_limit_seconds=10.0)
    assert frozen.dual_bound(multipliers) == pytest.approx(1.0)
    assert integer_bound(frozen, time_limit_seconds=10.0)[0] == pytest.approx(1.0)


def test_without_time_the_simple_bound_is_left() -> None:
    bound = best_bound(crowded(), time_limit_seconds=0.0)
    assert set(bound.all) == {"simple"}
    assert bound.seconds == pytest.approx(12.0)
    assert "no time" in bound.notes["fluid"]


@pytest.mark.parametrize("limit", [-1.0, float("nan"), float("inf")])
def test_a_time_limit_is_a_finite_time(limit: float) -> None:
    with pytest.raises(InvalidInputError, match="time limit: expected a number of seconds"):
        best_bound(crowded(), time_limit_seconds=limit)


def test_a_solver_stopped_at_once_still_gives_a_bound() -> None:
    linear = small_program()
    multipliers, _ = solve_duals(linear, time_limit_seconds=0.0)
    assert linear.dual_bound(multipliers) <= 750.0


def test_windows_add_up_and_begin_with_anything_in_fast_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """``waiting`` in two windows: 4 s of compute; then w may be there already and is read in 2 s.

    ``crowded`` in windows of one: every access is in fast memory by itself, 6 * 2 s.
    """
    monkeypatch.setattr(best, "LONGEST", 1)
    monkeypatch.setattr(best, "WINDOW", 1)
    bound = best_bound(waiting())
    assert set(bound.all) == {"simple", "windows"}
    assert bound.all["windows"] == pytest.approx(6.0, rel=SLACK)
    assert best_bound(crowded()).all["windows"] == pytest.approx(12.0, rel=SLACK)


@random_problems
@given(planned(), st.integers(1, 3))
def test_no_plan_beats_the_windows(case: Planned, size: int) -> None:
    given_problem = Problem(case.program, case.accelerator)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(best, "LONGEST", 0)
        patch.setattr(best, "WINDOW", size)
        bound = best_bound(given_problem)
    assert bound.all["windows"] <= simulate(case.program, case.accelerator, case.plan).total_seconds
    assert bound.all["windows"] <= best_bound(given_problem).all["fluid"] * (1.0 + SLACK) + 1e-9


class OddCost:
    """Fast memory slows an instruction down unless exactly one entry is in it."""

    def seconds(self, instruction: int, operands_fast: Sequence[bool], results_fast: Sequence[bool]) -> float:
        return 3.0 if sum(operands_fast) + sum(results_fast) == 1 else 5.0


def test_another_cost_counts_each_instruction_at_its_best() -> None:
    """Six instructions with one entry each: 3 s at best, where both extremes of ``waiting`` cost 5 s."""
    bound = best_bound(Problem(crowded().program, crowded().accelerator, OddCost()))
    assert set(bound.all) == {"served"}
    assert bound.seconds == pytest.approx(18.0)
    assert "analytical" in bound.notes["fluid"]
    # No entry: 5 s whatever the placement; one entry: 3 s.
    assert best_bound(Problem(waiting().program, waiting().accelerator, OddCost())).seconds == pytest.approx(8.0)


def test_the_cost_of_another_accelerator_is_another_cost() -> None:
    other = Roofline(crowded().program, part(8, fast=8.0))
    assert set(best_bound(Problem(crowded().program, crowded().accelerator, other)).all) == {"served"}


def test_a_bound_of_zero_has_no_gap() -> None:
    idle = problem(part(8), {}, [(0.0, [], [])])
    bound = best_bound(idle)
    assert bound.seconds == 0.0
    assert bound.gap(1.0) is None


@given(st.integers(0, 70), st.integers(0, 70), st.booleans())
def test_a_cover_cuts_a_range_into_tree_nodes(start: int, length: int, fine_at_start: bool) -> None:
    nodes = cover(start, start + length, fine_at_start=fine_at_start)
    slots = [slot for node in nodes for slot in range(node.start, node.stop)]
    assert slots == list(range(start, start + length))
    assert set(nodes) <= {node for node, _ in tree_nodes(150)}
    if nodes:
        assert (nodes[0] if fine_at_start else nodes[-1]).stop - (nodes[0] if fine_at_start else nodes[-1]).start == 1


def test_the_tree_of_three_slots() -> None:
    assert list(tree_nodes(3)) == [
        (Node(0, 1), ()),
        (Node(1, 2), ()),
        (Node(2, 3), ()),
        (Node(0, 2), (Node(0, 1), Node(1, 2))),
        (Node(2, 4), (Node(2, 3),)),
        (Node(0, 4), (Node(0, 2), Node(2, 4))),
    ]


def test_slow_fast_memory_is_no_obstacle_to_a_bound() -> None:
    """Fast memory at half the rate of slow memory: nothing beats 8 s in slow memory."""
    reading = problem(part(8, fast=0.5), {"w": ("parameter", 8)}, [(0.0, ["w"], [])])
    assert best_bound(reading).seconds == pytest.approx(8.0, rel=SLACK)
    with pytest.raises(InvalidInputError, match="no slower than its slow memory"):
        exact_optimum(reading)
