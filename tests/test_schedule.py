from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memstow.accelerator import Accelerator
from memstow.plan import Copy, MemoryPlan
from memstow.planners import Problem
from memstow.planners.base import Limits
from memstow.planners.benefit_density import TASTES, construct
from memstow.planners.copy_queue import CopyQueue
from memstow.planners.residency import Transfer, build_plan
from memstow.planners.schedule import Outcome, Schedule, Stay, halves
from memstow.planners.touches import Tenant, Touch, tenants
from memstow.program import BufferKind, Program
from memstow.simulator import simulate
from memstow.validator import validate

from .small_problems import part, problem
from .strategies import accelerators, programs

random_problems = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def test_the_queue_by_hand() -> None:
    # 2 s idle in each of four instructions. A copy of 3 s from 0 due at 1: 2 s run in i0, 1 s stalls i1.
    queue = CopyQueue([2.0] * 4)
    first = [(Transfer(0, 1), 3.0)]
    assert queue.added_stall(first, {}) == 1.0
    queue.add(first, {})
    assert queue.stall_seconds == 1.0
    assert queue.spare.tolist() == [0.0, 0.0, 2.0, 4.0, 6.0]
    # A second of 4 s from 1 due at 3 runs in i1 and i2. Due at 2 it would stall i2 for 2 s.
    assert queue.added_stall([(Transfer(1, 3), 4.0)], {}) == 0.0
    assert queue.added_stall([(Transfer(1, 2), 4.0)], {}) == 2.0
    # One of 1 s before the first in the queue: it is due later but in front, so i1 waits for both.
    assert queue.added_stall([(Transfer(0, 0), 1.0)], {}) == 1.0
    # With i0 idle for 5 s the first copy hides altogether.
    assert queue.added_stall([], {0: 5.0}) == -1.0


def test_a_due_copy_waits_for_those_before_it_only() -> None:
    # From 0: A of 4 s due at 3. From 1: B of 2 s due at 2, behind A; nothing is idle: i2 waits for 6 s, i3 no more.
    # C of 5 s from 2 due at 4 is behind both and stalls the end only.
    queue = CopyQueue([0.0] * 4)
    queue.add([(Transfer(0, 3), 4.0)], {})
    queue.add([(Transfer(1, 2), 2.0)], {})
    queue.add([(Transfer(2, 4), 5.0)], {})
    assert [queue.added_stall([(Transfer(1, 1), 1.0)], {}), queue.stall_seconds] == [1.0, 11.0]


def test_equal_pending_seconds_are_not_taken_for_an_equal_queue() -> None:
    # A of 4 s from 0 stalls i3, which has 5 s of idle time itself. B of 2 s from 1 comes with 2 s of idle time in i1:
    # at 2 there are 4 s pending as before, but 2 s of A are done. So i3 waits 2 s less, and B runs in i3.
    queue = CopyQueue([0.0, 0.0, 0.0, 5.0])
    queue.add([(Transfer(0, 3), 4.0)], {})
    assert queue.added_stall([(Transfer(1, 4), 2.0)], {1: 2.0}) == -2.0


transfers = st.tuples(st.integers(0, 7), st.integers(0, 8), st.integers(1, 9)).map(
    lambda row: (Transfer(row[0], max(row[0], row[1])), float(row[2]))
)


@random_problems
@given(
    idle=st.lists(st.integers(0, 6), min_size=8, max_size=8),
    copies=st.lists(transfers, min_size=1, max_size=8),
    faster=st.dictionaries(st.integers(0, 7), st.integers(0, 9), max_size=3),
)
def test_the_queue_stalls_as_the_simulator_does(
    idle: list[int], copies: list[tuple[Transfer, float]], faster: dict[int, int]
) -> None:
    # Instructions without accesses are idle for all of their compute time; a copy moves a byte per second.
    queue = CopyQueue([float(seconds) for seconds in idle])
    changes = [{t: float(seconds)} for t, seconds in faster.items()]
    steps: list[tuple[list[tuple[Transfer, float]], dict[int, float]]] = [([copy], {}) for copy in copies]
    for k, change in enumerate(changes):
        steps.insert(2 * k, ([], change))
    for added, change in steps:
        expected = queue.stall_seconds + queue.added_stall(added, change)
        queue.add(added, change)
        assert queue.stall_seconds == pytest.approx(expected, abs=1e-12)
    assert queue.stall_seconds == pytest.approx(simulated_stall({**dict(enumerate(idle)), **faster}, copies), abs=1e-9)


def simulated_stall(idle: dict[int, int], copies: list[tuple[Transfer, float]]) -> float:
    """The simulator's stall with all copies in the order of their starts, then of their dues."""
    task = problem(part(64), {"w": ("parameter", 1)}, [(float(idle[t]), [], []) for t in range(len(idle))])
    order = sorted(copies, key=lambda copy: (copy[0].start, copy[0].done))
    rows = tuple(
        Copy(buffer=0, direction="prefetch", start_time=c.start, done_time=c.done, offset=0, bytes=int(seconds))
        for c, seconds in order
    )
    plan = MemoryPlan(program_fingerprint=task.program.fingerprint, accelerator="small", copies=rows)
    return simulate(task.program, task.accelerator, plan).stall_seconds


@pytest.mark.parametrize("taste", TASTES)
@random_problems
@given(program=programs(), accelerator=accelerators())
def test_the_clock_agrees_with_the_simulator(taste: object, program: Program, accelerator: Accelerator) -> None:
    task = Problem(program, accelerator)
    schedule = construct(task, taste, Limits())  # type: ignore[arg-type]
    plan = build_plan(task, schedule.residencies, planner="test", seed=0)
    assert validate(program, accelerator, plan) == ()
    assert plan.simulated_seconds == pytest.approx(schedule.total_seconds, rel=1e-9, abs=1e-12)


def test_halves_cut_at_the_longest_pause() -> None:
    tenant = Tenant(0, 4, tuple(Touch(t, False) for t in (0, 2, 7, 9)), needs_source=True, is_output=False)
    assert halves(tenant, Stay(0, 0, 3)) == [Stay(0, 0, 1), Stay(0, 2, 3)]
    # Pauses of 2 on both sides of the touch at 2: none longer than the last, after touch 2.
    assert halves(tenant, Stay(0, 2, 3)) == [Stay(0, 2, 2), Stay(0, 3, 3)]
    assert halves(tenant, Stay(0, 1, 1)) == []


def reader(capacity: int, kind: BufferKind = "parameter") -> Problem:
    """w of 4 bytes is read at 1 and 3 and occupies the only room; i0 and i2 compute."""
    return problem(part(capacity), {"w": (kind, 4)}, [(8.0, [], []), (0.0, ["w"], []), (8.0, [], []), (0.0, ["w"], [])])


def test_a_stay_is_tried_once_and_reported() -> None:
    schedule = Schedule(reader(4))
    assert schedule.total_seconds == 24.0
    assert schedule.unplaced() == [Stay(0, 0, 1)]
    assert schedule.needs_copies(Stay(0, 0, 1))
    # Each read takes 1 s instead of 4; the slow memory is idle in that second, before in none.
    assert schedule.gain(Stay(0, 0, 1)) == (6.0, 2.0)
    assert schedule.try_place(Stay(0, 0, 0)) is Outcome.PLACED
    assert schedule.total_seconds == 21.0
    assert schedule.try_place(Stay(0, 0, 1)) is Outcome.FORBIDDEN
    assert schedule.unplaced() == [Stay(0, 1, 1)]
    assert schedule.try_place(Stay(0, 1, 1)) is Outcome.PLACED
    assert schedule.total_seconds == 18.0


def test_a_stay_without_room_is_reported() -> None:
    task = problem(
        part(4),
        {"x": ("intermediate", 4), "y": ("intermediate", 4)},
        [(0.0, [], ["x"]), (0.0, [], ["y"]), (0.0, ["x", "y"], [])],
    )
    schedule = Schedule(task)
    assert schedule.try_place(Stay(0, 0, 1)) is Outcome.PLACED
    assert schedule.try_place(Stay(1, 0, 1)) is Outcome.NO_SPACE


def test_a_stay_whose_copy_costs_more_than_it_saves_is_reported() -> None:
    # Nothing is idle: the prefetch of 4 s stalls in full and saves 3 s.
    task = problem(part(4), {"w": ("parameter", 4)}, [(0.0, ["w"], [])])
    assert Schedule(task).try_place(Stay(0, 0, 0)) is Outcome.NO_GAIN


def test_the_block_of_an_eviction_is_free_at_its_done_time() -> None:
    # x is written at 0 and is an output; i1 computes for 8 s, in which its eviction hides, and must be done at 2.
    task = problem(
        part(4), {"x": ("output", 4), "y": ("intermediate", 4)}, [(0.0, [], ["x"]), (8.0, [], []), (0.0, [], ["y"])]
    )
    schedule = Schedule(task)
    assert schedule.try_place(Stay(0, 0, 0)) is Outcome.PLACED
    (residency,) = schedule.residencies
    assert (residency.start, residency.end, residency.eviction) == (0, 1, Transfer(1, 2))
    assert schedule.try_place(Stay(1, 0, 0)) is Outcome.PLACED


def test_tenants_leave_out_what_cannot_be_placed() -> None:
    task = problem(
        part(8),
        {"pinned": ("parameter", 4), "large": ("parameter", 9), "idle": ("parameter", 4), "w": ("parameter", 4)},
        [(0.0, ["pinned", "large", "w"], [])],
        pinned=["pinned"],
    )
    assert tenants(task) == {3: Tenant(3, 4, (Touch(0, False),), needs_source=True, is_output=False)}
