from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from memstow.plan import Access, Allocation, Copy, MemoryPlan
from memstow.planners import Problem
from memstow.simulator import simulate
from memstow.stalls import describe_ahead, describe_waited, find_stalls

from . import worked_example as example
from .small_problems import part, problem
from .strategies import Planned, planned


def queued() -> tuple[Problem, MemoryPlan]:
    """Instruction 1 needs b, which is queued behind a that nobody needs before instruction 2.

    a (6 bytes) and b (4 bytes) are issued at 0. Instruction 0 reads x (1 byte, slow) and computes 3 s, so it takes
    3 s and leaves slow memory idle for 2: a gets 2 of its 6 seconds. Instruction 1 waits for the other 4 s of a and
    for the 4 s of b: a stall of 8 s from 3 s on.
    """
    found = problem(
        part(32),
        {"x": ("input", 1), "a": ("parameter", 6), "b": ("parameter", 4), "y": ("output", 1), "z": ("output", 1)},
        [(3.0, ["x"], []), (1.0, ["b"], ["y"]), (1.0, ["a"], ["z"])],
    )
    plan = MemoryPlan(
        program_fingerprint=found.program.fingerprint,
        accelerator="small",
        allocations=(
            Allocation(buffer=1, offset=0, size=6, start=0, end=2),
            Allocation(buffer=2, offset=8, size=4, start=0, end=1),
        ),
        copies=(
            Copy(buffer=1, direction="prefetch", start_time=0, done_time=2, offset=0, bytes=6),
            Copy(buffer=2, direction="prefetch", start_time=0, done_time=1, offset=8, bytes=4),
        ),
        accesses=(
            Access(instruction=1, operand=0, memory="fast"),
            Access(instruction=2, operand=0, memory="fast"),
        ),
    )
    return found, plan


def test_a_stall_names_the_copy_waited_for_and_what_the_queue_did_first() -> None:
    found, plan = queued()
    (stall,) = find_stalls(plan, simulate(found.program, found.accelerator, plan))
    assert (stall.time, stall.begin_seconds, stall.seconds) == (1, 3.0, 8.0)
    assert (stall.waited, stall.ahead) == ((1,), (0,))
    assert stall.queue == ((0, 4.0), (1, 4.0))
    assert describe_waited(stall, found.program, plan) == "prefetch of b"
    assert describe_ahead(stall, found.program, plan) == "prefetch of a"


def test_the_stalls_of_the_worked_example() -> None:
    # Derived in worked_example: 7 s for w before instruction 1, 1 s for h at the end.
    plan = example.plan()
    stalls = find_stalls(plan, simulate(example.program(), example.accelerator(), plan))
    assert [(stall.time, stall.begin_seconds, stall.seconds) for stall in stalls] == [(1, 5.0, 7.0), (2, 19.0, 1.0)]
    assert [stall.waited for stall in stalls] == [(0,), (1,)]
    assert all(stall.ahead == () for stall in stalls)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(planned())
def test_the_queue_is_busy_for_all_of_every_stall(case: Planned) -> None:
    simulation = simulate(case.program, case.accelerator, case.plan)
    stalls = find_stalls(case.plan, simulation)
    assert sum(stall.seconds for stall in stalls) == pytest.approx(simulation.stall_seconds)
    for stall in stalls:
        assert stall.waited
        assert sum(seconds for _, seconds in stall.queue) == pytest.approx(stall.seconds, rel=1e-4)
        # The stall ends with a copy that was waited for.
        assert stall.queue[-1][0] in stall.waited
