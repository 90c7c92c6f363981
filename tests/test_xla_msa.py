"""The ``xla-msa`` planner as a whole: small problems by hand, validity and determinism on random ones."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memstow import planners
from memstow.accelerator import Accelerator
from memstow.plan import MemoryPlan
from memstow.planners import Effort, Problem
from memstow.planners.xla_msa import Options, XlaMsa
from memstow.program import BufferKind, Program
from memstow.validator import validate

from .small_problems import Step, part, problem
from .strategies import accelerators, programs

#: Intervals measured in each copy's own time, so that numbers can be derived by hand.
OWN_SIZE = Options(interval_bytes=None)
random_problems = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def plan_of(task: Problem, options: Options = OWN_SIZE, *, budget: float = 60.0) -> MemoryPlan:
    """The planner's plan, which must be valid."""
    plan = XlaMsa(options=options).plan(task, Effort(budget), seed=0)
    assert validate(task.program, task.accelerator, plan) == ()
    return plan


def copies(plan: MemoryPlan) -> list[tuple[int, str, int, int]]:
    return [(copy.buffer, copy.direction, copy.start_time, copy.done_time) for copy in plan.copies]


def fast_reads(plan: MemoryPlan) -> list[tuple[int, int]]:
    """(instruction, operand) of what is read in fast memory."""
    return [access for access, memory in plan.operand_memory().items() if memory == "fast"]


def late_use(seconds: Sequence[float], size: int, capacity: int = 64) -> Problem:
    """Instructions that compute, then one that reads a parameter of ``size`` bytes."""
    steps: list[Step] = [(s, [], []) for s in seconds]
    return problem(part(capacity), {"w": ("parameter", size), "y": ("output", 1)}, [*steps, (0.0, ["w"], ["y"])])


def test_registered() -> None:
    planner = planners.get("xla-msa")
    assert isinstance(planner, XlaMsa)
    assert planner.options == Options()


def test_data_stays_where_it_is_produced() -> None:
    # x in fast memory: i0 8 + 4/4, i1 4/4 + 4 at 1 byte/s. The parameter is needed at once, the output only at the end.
    task = problem(
        part(4),
        {"w": ("parameter", 8), "x": ("intermediate", 4), "y": ("output", 4)},
        [(0.0, ["w"], ["x"]), (0.0, ["x"], ["y"])],
    )
    plan = plan_of(task)
    assert plan.simulated_seconds == 14.0
    assert [(a.buffer, a.start, a.end) for a in plan.allocations] == [(1, 0, 1)]
    assert plan.copies == ()


def test_prefetch_starts_at_the_preferred_overlap() -> None:
    # 4 bytes copy in 4 s, 8 s preferred: instructions 1 and 2 give 9 s (off by 1), 2 alone 6 s (off by 2). The use
    # takes 4/4 + 1 s, so 6 + 3 + 6 + 2 s in all.
    plan = plan_of(late_use([6.0, 3.0, 6.0], 4))
    assert copies(plan) == [(0, "prefetch", 1, 3)]
    assert plan.simulated_seconds == 17.0


def test_no_prefetch_without_time_for_it() -> None:
    # 8 bytes save 8 - 8/4 = 6 s of the copy's 8 s, the rest must overlap: 1 s is too little.
    assert plan_of(late_use([1.0], 8)).copies == ()


def test_no_prefetch_without_copy_budget() -> None:
    # 2 s overlap would do for the interval (8 - 6 s), but a copy of 8 s does not fit into instructions of 2 s.
    assert plan_of(late_use([2.0], 8)).copies == ()
    assert copies(plan_of(late_use([8.0], 8))) == [(0, "prefetch", 0, 1)]


def test_eviction_and_return() -> None:
    # The 4 byte memory fills in 4 s, so 32 s are the longest pause; 60 s lie between i1 and i8. The copy out begins
    # after i0 and wants 4 s: i1 (2 s) and i2 (10 s). The copy back wants 4 s: i7 (10 s) is nearest.
    task = problem(
        part(4),
        {"x": ("intermediate", 2), "y": ("output", 1)},
        [(0.0, [], ["x"]), (0.0, ["x"], [])] + [(10.0, [], [])] * 6 + [(0.0, ["x"], ["y"])],
    )
    plan = plan_of(task)
    assert copies(plan) == [(0, "evict", 1, 3), (0, "prefetch", 7, 8)]
    assert [(a.start, a.end) for a in plan.allocations] == [(0, 3), (7, 8)]


def test_failed_eviction_leaves_the_storage_in_slow_memory() -> None:
    # The same, with no eviction allowed: the stay that had been found is undone.
    task = problem(
        part(4, evictions=0),
        {"x": ("intermediate", 2), "y": ("output", 1)},
        [(0.0, [], ["x"]), (0.0, ["x"], [])] + [(10.0, [], [])] * 6 + [(0.0, ["x"], ["y"])],
    )
    assert plan_of(task).allocations == ()


def test_outstanding_prefetches_are_limited() -> None:
    assert plan_of(late_use([8.0], 8)).copies
    task = late_use([8.0], 8)
    assert plan_of(Problem(task.program, part(64, prefetches=0))).copies == ()


def test_sliced_prefetches_start_where_their_slices_can() -> None:
    # 16 s are preferred for 8 bytes: start 3 with i4 alone, where slices could only start together. The next one,
    # start 2, spreads them over i3 and i4. memstow copies the buffer whole from the first slice on.
    task = late_use([8.0, 8.0, 8.0, 8.0, 16.0], 8)
    sliced = Options(interval_bytes=None, slice_min_bytes=8)
    assert copies(plan_of(task, sliced)) == [(0, "prefetch", 3, 5)]
    assert copies(plan_of(task, OWN_SIZE)) == [(0, "prefetch", 4, 5)]


def test_inefficient_prefetch_is_undone() -> None:
    # Of 16 bytes copied i1 reads 7: less than half. With 8 the allocation stays.
    def reads(count: int) -> Problem:
        task = late_use([64.0], 16)
        use = task.program.instructions[1]
        operand = use.operands[0].model_copy(update={"bytes_accessed": count})
        steps = (task.program.instructions[0], use.model_copy(update={"operands": (operand,)}))
        return Problem(task.program.model_copy(update={"instructions": steps}), task.accelerator)

    assert plan_of(reads(7)).copies == ()
    assert copies(plan_of(reads(8))) == [(0, "prefetch", 0, 1)]
    assert copies(plan_of(reads(7), Options(interval_bytes=None, inefficient_use_to_copy_ratio=0.0)))


def test_repack_makes_room() -> None:
    # Turns by boundedness (0.75 s per byte accessed, over the square root of the size): a 7.5 / 1.4, b 6 / 1.4, c 7.5 /
    # 2.2. a lives 0-4 at offset 0, so b, which lives 2-7, goes to 2; c needs 5 bytes during 5-7, but only 0-2 and 4-8
    # are free. Repacked, the longer-lived b is at 0 and a at 2, and c fits above b.
    task = problem(
        part(8),
        {"a": ("intermediate", 2), "b": ("intermediate", 2), "c": ("intermediate", 5), "y": ("output", 1)},
        [
            (0.0, [], ["a"]),
            (0.0, ["a"], []),
            (0.0, ["a"], ["b"]),
            (0.0, ["a", "b"], []),
            (0.0, ["a"], []),
            (0.0, ["b"], ["c"]),
            (1.0, [], []),
            (0.0, ["b", "c"], ["y"]),
        ],
    )
    packed = plan_of(task)
    assert {a.buffer: a.offset for a in packed.allocations} == {0: 2, 1: 0, 2: 2}
    never = plan_of(task, Options(interval_bytes=None, max_repacks=0))
    assert {a.buffer: a.offset for a in never.allocations} == {0: 0, 1: 2}


def test_in_place_updates_share_memory() -> None:
    # i1 replaces x by y in place. Both are in fast memory at one offset, or both in slow memory.
    task = problem(
        part(4),
        {"x": ("intermediate", 4), "y": ("intermediate", 4), "z": ("output", 1)},
        [(0.0, [], ["x"]), (0.0, ["x"], ["y"]), (0.0, ["y"], ["z"])],
        together=("x", "y"),
    )
    plan = plan_of(task)
    assert [(a.start, a.end) for a in plan.allocations] == [(0, 2)]
    assert fast_reads(plan) == [(1, 0), (2, 0)]


def test_outputs_of_the_last_instruction_stay_slow() -> None:
    # y updates x in place in the last instruction and is an output: no time is left to write it back.
    task = problem(
        part(4),
        {"x": ("intermediate", 4), "y": ("output", 4)},
        [(0.0, [], ["x"]), (0.0, ["x"], []), (0.0, ["x"], ["y"])],
        together=("x", "y"),
    )
    assert plan_of(task).result_memory()[2, 0] == "slow"


def test_pinned_storages_stay_slow() -> None:
    task = problem(
        part(64),
        {"x": ("intermediate", 4), "y": ("output", 4)},
        [(0.0, [], ["x"]), (0.0, ["x"], ["y"])],
        pinned=("x",),
    )
    assert plan_of(task).allocations == ()


def crossing(capacity: int, *, cross_program: int = 1) -> Problem:
    """v is read by i0 only, w by i3; 180 s in all."""
    return problem(
        part(capacity, cross_program=cross_program),
        {"w": ("parameter", 8), "v": ("parameter", 12), "y": ("output", 1)},
        [(0.0, ["v"], []), (40.0, [], []), (40.0, [], []), (9.0, ["w"], ["y"]), (30.0, [], []), (30.0, [], [])],
    )


def test_cross_program_prefetch_takes_the_largest_parameter() -> None:
    plan = plan_of(crossing(64))
    assert copies(plan) == [(1, "prefetch", -1, 0), (0, "prefetch", 2, 3)]
    assert [(a.start, a.end) for a in plan.allocations if a.buffer == 1] == [(-1, 5)]
    assert all(copy.start_time >= 0 for copy in plan_of(crossing(64, cross_program=0)).copies)


def test_cross_program_buffer_is_freed_under_pressure_and_refilled() -> None:
    # 8 + 12 + 1 bytes exceed 16: v leaves after i0. 24 s are preferred for its 12 s; i5 alone has 30 s.
    assert (1, "prefetch", 4, 6) in copies(plan_of(crossing(16)))
    kept = plan_of(crossing(16), Options(interval_bytes=None, refill_cross_program=False))
    assert copies(kept) == [(1, "prefetch", -1, 0), (0, "prefetch", 2, 3)]
    assert [(a.start, a.end) for a in kept.allocations if a.buffer == 1] == [(-1, 0)]


def test_without_a_budget_everything_stays_slow() -> None:
    assert plan_of(late_use([8.0], 8), budget=0.0).allocations == ()


@random_problems
@given(programs(), accelerators())
def test_random_plans_are_valid_and_reproducible(program: Program, accelerator: Accelerator) -> None:
    task = Problem(program, accelerator)
    first = plan_of(task)
    assert first == plan_of(task)


@random_problems
@given(programs(max_instructions=16), accelerators(), st.data())
def test_random_options_are_valid(program: Program, accelerator: Accelerator, data: st.DataObject) -> None:
    options = Options(
        min_overlap_ratio=data.draw(st.sampled_from([0.0, 0.5, 1.0])),
        interval_bytes=data.draw(st.sampled_from([None, 2, 1_900_000])),
        max_overlap_ratio=data.draw(st.sampled_from([0.1, 1.0, 8.0])),
        max_repacks=data.draw(st.sampled_from([0, 1, 100])),
        max_retries=data.draw(st.sampled_from([1, 2, 3])),
        max_slices=data.draw(st.sampled_from([1, 4])),
        slice_min_bytes=4,
        inefficient_use_to_copy_ratio=data.draw(st.sampled_from([0.0, 0.5, 2.0])),
        refill_cross_program=data.draw(st.booleans()),
    )
    plan_of(Problem(program, accelerator), options)


@pytest.mark.parametrize("capacity", [4, 12, 40])
def test_longer_programs_are_valid(capacity: int) -> None:
    """A schedule long enough for evictions, returns and repacks: each block is used next to its birth and far later."""
    count = 40
    buffers: dict[str, tuple[BufferKind, int]] = {f"b{k}": ("intermediate", 2 + k % 5) for k in range(count)}
    steps = [
        (float(3 * (k % 4)), [f"b{j}" for j in {k - 1, k // 2, (k * 7) % max(k, 1)} if 0 <= j < k], [f"b{k}"])
        for k in range(count)
    ]
    task = problem(part(capacity, prefetches=3, evictions=2), buffers, steps)
    plan = plan_of(task)
    assert plan.allocations
    assert any(copy.direction == "evict" for copy in plan.copies) or capacity == 40
