"""The exact optimum against plans enumerated one by one, and its parts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from memstow import planners
from memstow.bounds import best_bound, exact_optimum
from memstow.bounds.histories import History, histories
from memstow.bounds.lives import lives
from memstow.bounds.offsets import Span, find_offsets
from memstow.errors import InvalidInputError
from memstow.plan import Access, Allocation, Copy, MemoryPlan
from memstow.planners import Effort, Problem
from memstow.program import BufferKind, Storage
from memstow.simulator import simulate
from memstow.timing import Roofline
from memstow.validator import validate

from .small_problems import Step, part, problem
from .strategies import Planned, planned

Choice = tuple[tuple[Allocation, ...], tuple[Copy, ...], frozenset[tuple[int, int]]]


def one_storage(given: Problem, storage: Storage, offsets: Sequence[int]) -> list[Choice]:
    """All valid plans for a storage alone with one allocation at most, and one copy each way at most.

    They come from every combination of times, valid or not; the validator sorts them out.
    """
    count, buffer, size = len(given.program.instructions), storage.representative.id, storage.size_bytes
    times = sorted({t for t, _, n in storage.reads + storage.writes if n})
    spans = [(start, end) for start in range(count) for end in range(start, count)]
    moves = [(start, done) for start in range(count) for done in range(start, count + 1)]
    found: list[Choice] = [((), (), frozenset())]
    for (start, end), offset in product(spans, offsets):
        allocation = Allocation(buffer=buffer, offset=offset, size=size, start=start, end=end)
        for filling, emptying in product([None, *moves], repeat=2):
            copies = (
                *copy_of(buffer, "prefetch", filling, offset, size),
                *copy_of(buffer, "evict", emptying, offset, size),
            )
            for fast in product([False, True], repeat=len(times)):
                chosen = frozenset((t, storage.index) for t, f in zip(times, fast, strict=True) if f)
                choice: Choice = ((allocation,), copies, chosen)
                if chosen and not validate(given.program, given.accelerator, plan_of(given, [choice])):
                    found.append(choice)
    return found


def copy_of(buffer: int, direction: str, times: tuple[int, int] | None, offset: int, size: int) -> Iterator[Copy]:
    if times is not None:
        start, done = times
        yield Copy.model_validate(
            {"buffer": buffer, "direction": direction, "start_time": start, "done_time": done}
            | {"offset": offset, "bytes": size}
        )


def plan_of(given: Problem, choices: Sequence[Choice]) -> MemoryPlan:
    fast = frozenset().union(*(choice[2] for choice in choices))
    place = given.program.storage_of
    accesses = []
    for t, step in enumerate(given.program.instructions):
        for k, entry in enumerate(step.operands):
            memory = "fast" if (t, place[entry.buffer]) in fast else "slow"
            accesses.append(Access.model_validate({"instruction": t, "operand": k, "memory": memory}))
        for k, entry in enumerate(step.results):
            memory = "fast" if (t, place[entry.buffer]) in fast else "slow"
            accesses.append(Access.model_validate({"instruction": t, "result": k, "memory": memory}))
    copies = [copy for choice in choices for copy in choice[1]]
    return MemoryPlan(
        program_fingerprint=given.program.fingerprint,
        accelerator=given.accelerator.name,
        allocations=tuple(a for choice in choices for a in choice[0]),
        copies=tuple(sorted(copies, key=lambda copy: (copy.start_time, copy.done_time))),
        accesses=tuple(accesses),
    )


def enumerated_optimum(given: Problem, offsets: Sequence[int]) -> float:
    """The fastest of all plans that combine the storages' choices."""
    movable = [one_storage(given, storage, offsets) for storage in given.program.storages if not storage.pinned_slow]
    best = math.inf
    for choices in product(*movable):
        plan = plan_of(given, choices)
        seconds = simulate(given.program, given.accelerator, plan).total_seconds
        if seconds < best and not validate(given.program, given.accelerator, plan):
            best = seconds
    return best


Case = tuple[int, dict[str, tuple[BufferKind, int]], list[Step], tuple[str, ...]]

#: Capacity, buffers, steps, pinned buffers. Three instructions and two storages that can move.
CASES: dict[str, Case] = {
    "a weight and what is computed meanwhile": (
        6,
        {"w": ("parameter", 4), "x": ("intermediate", 4)},
        [(1.0, [], ["x"]), (5.0, [], []), (1.0, ["w", "x"], [])],
        (),
    ),
    "an output that is read again": (
        8,
        {"y": ("output", 4), "w": ("parameter", 3)},
        [(0.0, ["w"], ["y"]), (6.0, ["y"], []), (0.0, ["w"], [])],
        (),
    ),
    "a pinned stream beside two weights": (
        4,
        {"v": ("parameter", 4), "w": ("parameter", 2), "p": ("input", 3)},
        [(2.0, ["p"], []), (0.0, ["v", "p"], []), (0.0, ["w", "v"], [])],
        ("p",),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_optimum_is_that_of_all_plans_one_by_one(name: str) -> None:
    capacity, buffers, steps, pinned = CASES[name]
    given_problem = problem(part(capacity), buffers, steps, pinned=pinned)
    optimum = exact_optimum(given_problem)
    assert optimum.seconds == pytest.approx(enumerated_optimum(given_problem, offsets=(0, 4)))


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
@given(planned())
def test_the_optimum_is_valid_and_beaten_by_nothing(case: Planned) -> None:
    given_problem = Problem(case.program, case.accelerator)
    try:
        optimum = exact_optimum(given_problem, time_limit_seconds=1.0)
    except InvalidInputError:
        assume(False)
    assert validate(case.program, case.accelerator, optimum.plan) == ()
    assert optimum.plan.simulated_seconds == optimum.seconds
    greedy = planners.get("greedy").plan(given_problem, Effort(0.1), seed=0)
    for plan in (case.plan, greedy):
        seconds = simulate(case.program, case.accelerator, plan).total_seconds
        assert optimum.seconds <= seconds * (1.0 + 1e-9)
    assert best_bound(given_problem, time_limit_seconds=10.0).seconds <= optimum.seconds


def fetched() -> Problem:
    """w of 4 bytes is read at 1, after 1 s of compute."""
    return problem(part(4), {"w": ("parameter", 4)}, [(1.0, [], []), (0.0, ["w"], [])])


def test_histories_of_a_weight() -> None:
    """In slow memory; or prefetched for its read at 1, from 0 or 1 on."""
    (life,) = lives(fetched().program, fetched().accelerator)
    found = [(h.fast_times, [(s.start, s.end) for s in h.stays]) for h in histories(life, part(4), 2)]
    assert found == [(frozenset(), []), (frozenset({1}), [(0, 1)]), (frozenset({1}), [(1, 1)])]


def test_an_early_due_time_is_tried_where_open_copies_are_limited() -> None:
    (life,) = lives(fetched().program, fetched().accelerator)
    found = [m[:2] for h in histories(life, part(4, prefetches=0), 2) for m in h.moves]
    assert found == [(0, 0), (0, 1), (1, 1)]
    # Never open, so all of it stalls: 1 + 4 + 1 s, not better than 1 + 4 s in slow memory.
    limited = Problem(fetched().program, part(4, prefetches=0))
    assert exact_optimum(limited).seconds == pytest.approx(5.0)
    # Open for the 1 s of compute: 1 + 3 + 1 s. No better either.
    assert exact_optimum(fetched()).seconds == pytest.approx(5.0)


def test_a_history_counts_its_cross_program_prefetch_apart() -> None:
    crossing = part(4, cross_program=1)
    (life,) = lives(fetched().program, crossing)
    free = [h for h in histories(life, crossing, 2) if h.crossing]
    assert [(h.moves, h.stays[0].start) for h in free] == [((), -1)]
    assert History(frozenset(), ()).crossing == 0
    # 1 s, then 4 bytes at 4 bytes/s.
    assert exact_optimum(Problem(fetched().program, crossing)).seconds == pytest.approx(2.0)


def test_offsets_are_aligned() -> None:
    assert find_offsets([Span(0, 0, 3), Span(0, 0, 3)], 7, 4) in [(0, 4), (4, 0)]
    assert find_offsets([Span(0, 0, 3), Span(0, 0, 3)], 6, 4) is None


spans_of = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 3)).map(
    lambda s: Span(min(s[:2]), max(s[:2]), s[2])
)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.lists(spans_of, min_size=1, max_size=4), st.integers(3, 7), st.sampled_from([1, 2]))
def test_offsets_against_every_offset(spans: list[Span], capacity: int, alignment: int) -> None:
    ranges = [range(0, capacity - span.size + 1, alignment) for span in spans]
    possible = any(
        all(
            at[i] + spans[i].size <= at[k] or at[k] + spans[k].size <= at[i]
            for i in range(len(spans))
            for k in range(i)
            if spans[i].start <= spans[k].end and spans[k].start <= spans[i].end
        )
        for at in product(*ranges)
    )
    assert (find_offsets(spans, capacity, alignment) is not None) is possible


def test_a_large_program_is_refused() -> None:
    large = problem(part(8), {}, [(1.0, [], [])] * 13)
    with pytest.raises(InvalidInputError, match="expected at most 12 instructions, found 13; use best_bound"):
        exact_optimum(large)


def test_a_buffer_with_too_many_histories_is_refused() -> None:
    many = problem(part(8), {"w": ("parameter", 4)}, [(1.0, ["w"], [])] * 12)
    with pytest.raises(InvalidInputError, match="at most 20000 histories of a buffer, found more of 'w'"):
        exact_optimum(many)


def test_a_proof_that_takes_too_long_is_given_up() -> None:
    names = ("a", "b", "c")
    steps: list[Step] = [(0.0, [], [name]) for name in names] + [(0.0, [name], []) for name in names] * 2
    slow = problem(part(8), dict.fromkeys(names, ("output", 8)), steps)
    with pytest.raises(InvalidInputError, match="no proof in time after"):
        exact_optimum(slow, time_limit_seconds=0.0)


def test_another_cost_model_is_refused() -> None:
    other = Problem(fetched().program, fetched().accelerator, Roofline(fetched().program, part(4, fast=8.0)))
    with pytest.raises(InvalidInputError, match="expected the analytical cost model"):
        exact_optimum(other)
