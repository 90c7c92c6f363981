from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memstow import planners
from memstow.explain import REASONS, SlowTensor, slow_tensor_reasons
from memstow.plan import Access, Allocation, MemoryPlan
from memstow.planners import Effort, Problem
from memstow.program import Storage
from memstow.simulator import simulate
from memstow.validator import validate

from .small_problems import part, problem
from .strategies import Planned, planned

random_plans = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def explained(task: Problem, planner: str = "all-slow") -> dict[str, SlowTensor]:
    plan = planners.get(planner).plan(task, Effort(10.0), seed=0)
    assert validate(task.program, task.accelerator, plan) == ()
    return {tensor.name: tensor for tensor in slow_tensor_reasons(task, plan)}


def once(capacity: int, size: int = 4, compute: float = 0.0, **limits: int) -> Problem:
    """i0 computes, i1 reads w."""
    return problem(part(capacity, **limits), {"w": ("parameter", size)}, [(compute, [], []), (0.0, ["w"], [])])


def test_all_figures_of_a_tensor() -> None:
    # w is read at 0 (4 s) and, beside 10 s of compute, at 1: only i0 would be faster, by 4 - 4/4 s.
    task = problem(part(64), {"w": ("parameter", 4)}, [(0.0, ["w"], []), (10.0, ["w"], [])])
    (tensor,) = explained(task).values()
    assert (tensor.buffer, tensor.name, tensor.kind, tensor.size_bytes) == (0, "w", "parameter", 4)
    assert (tensor.accesses, tensor.slow_accesses, tensor.cost_seconds) == (2, 2, 3.0)


def test_no_fast_memory() -> None:
    tensor = explained(once(0))["w"]
    assert (tensor.reason, tensor.cost_seconds) == ("no-fast-memory", 3.0)
    assert tensor.sentence == "The fast memory has a capacity of 0 bytes."


def test_pinned() -> None:
    task = problem(part(64), {"w": ("parameter", 4)}, [(0.0, ["w"], [])], pinned=["w"])
    assert explained(task)["w"].reason == "pinned"
    assert explained(task)["w"].sentence == "The program pins it to slow memory."


def test_too_large() -> None:
    tensor = explained(once(4096, size=5 * 1024))["w"]
    assert tensor.reason == "too-large"
    assert tensor.sentence == "Its 5 KiB exceed the 4 KiB of fast memory."


def test_no_benefit() -> None:
    # i0 computes for 10 s and i1 for 4 s beside 4 s of slow memory.
    task = problem(part(64), {"w": ("parameter", 4)}, [(10.0, ["w"], []), (4.0, ["w"], [])])
    tensor = explained(task)["w"]
    assert (tensor.reason, tensor.cost_seconds) == ("no-benefit", 0.0)
    assert tensor.sentence == (
        "The 2 instructions that access it in slow memory would take no less time with it in fast memory: "
        "bound by compute."
    )


def test_no_benefit_where_fast_memory_is_not_faster() -> None:
    task = problem(part(64, fast=1.0), {"w": ("parameter", 4)}, [(0.0, ["w"], [])])
    assert explained(task)["w"].sentence == "Instruction 0 would take no less time with it in fast memory."


def test_no_time_to_evict() -> None:
    tensor = explained(problem(part(64), {"o": ("output", 4)}, [(0.0, [], ["o"])]))["o"]
    assert (tensor.reason, tensor.cost_seconds) == ("no-time-to-evict", 3.0)


def beside(capacity: int) -> Problem:
    """x of 4 bytes is produced beside 10 s of compute and read at 1; w of 4 bytes is read at 1 or, here, at 2."""
    return problem(
        part(capacity),
        {"x": ("intermediate", 4), "w": ("parameter", 4)},
        [(10.0, [], ["x"]), (0.0, ["x"], []), (0.0, ["w"], [])],
    )


def test_no_room() -> None:
    # first-touch puts x at [0, 4) during [0, 1]; 2 of 6 bytes are left at 1, where w is read.
    task = problem(
        part(6), {"x": ("intermediate", 4), "w": ("parameter", 4)}, [(0.0, [], ["x"]), (0.0, ["x", "w"], [])]
    )
    tensor = explained(task, "first-touch")["w"]
    assert (tensor.reason, tensor.cost_seconds) == ("no-room", 3.0)
    assert tensor.sentence == (
        "No free block of 4 B at its slow access: at instruction 1 the largest is 2 B, beside x (4 B)."
    )


def test_no_room_in_one_piece() -> None:
    # x at [2, 6) during [0, 1] of 8 bytes leaves two blocks of 2 bytes; alignment 2 keeps them as they are.
    task = problem(
        part(8, alignment=2),
        {"x": ("intermediate", 4), "w": ("parameter", 4)},
        [(0.0, [], ["x"]), (0.0, ["x", "w"], [])],
    )
    plan = planners.get("first-touch").plan(task, Effort(1.0), seed=0)
    plan = plan.model_copy(update={"allocations": (Allocation(buffer=0, offset=2, size=4, start=0, end=1),)})
    assert validate(task.program, task.accelerator, plan) == ()
    (tensor,) = slow_tensor_reasons(task, plan)
    assert "at instruction 1 the largest is 2 B of 4 B free, beside x (4 B)." in tensor.sentence


def test_used_once_and_read_where_nothing_is_idle() -> None:
    # The prefetch of 4 s saves 4 - 1 s; i0 of 0 s hides nothing.
    tensor = explained(once(64))["w"]
    assert tensor.reason == "used-once"
    assert tensor.sentence == (
        "It is read once (instruction 1), where fast memory would save 3 s; "
        "copying its 4 B takes 4 s, of which at most 0 s can be hidden."
    )


def test_used_once_and_written_with_too_little_idle_time_after_it() -> None:
    # The eviction of o starts at 1: 1 s of 4 s hides in i1, and 3 s is all that it saves.
    tensor = explained(problem(part(64), {"o": ("output", 4)}, [(0.0, [], ["o"]), (1.0, [], [])]))["o"]
    assert tensor.sentence == (
        "It is written once (instruction 0), where fast memory would save 3 s; "
        "copying its 4 B takes 4 s, of which at most 1 s can be hidden."
    )


def test_a_copy_hides_only_while_there_is_room_for_it() -> None:
    # first-touch keeps x in [0, 1]. With 4 bytes w's block is free from 2 on, where it is read, though i0 is idle for
    # 10 s; with 8 bytes its prefetch hides in i0 and the planner might have taken it.
    tensor = explained(beside(4), "first-touch")["w"]
    assert (tensor.reason, "at most 0 s can be hidden" in tensor.sentence) == ("used-once", True)
    assert explained(beside(8), "first-touch")["w"].reason == "planner-choice"


def test_a_copy_hides_only_while_it_may_be_open() -> None:
    assert explained(once(64, compute=10.0, prefetches=0))["w"].reason == "used-once"
    assert explained(once(64, compute=10.0, prefetches=1))["w"].reason == "planner-choice"


def test_copy_not_hidden() -> None:
    # The first read would take 1 s instead of 4, the second is bound by compute; the prefetch takes 4 s.
    task = problem(part(64), {"w": ("parameter", 4)}, [(0.0, ["w"], []), (10.0, ["w"], [])])
    tensor = explained(task)["w"]
    assert tensor.reason == "copy-not-hidden"
    assert tensor.sentence == (
        "Fast memory at instruction 0 would save 3 s, but its prefetch takes 4 s, of which at most 0 s can be hidden."
    )


def test_planner_choice_without_a_copy() -> None:
    # x would take 1 s instead of 4 at i0 and at i1.
    task = problem(part(64), {"x": ("intermediate", 4)}, [(0.0, [], ["x"]), (0.0, ["x"], [])])
    tensor = explained(task)["x"]
    assert (tensor.reason, tensor.cost_seconds) == ("planner-choice", 6.0)
    assert tensor.sentence == (
        "4 B are free during instructions 0 to 1 and no copy is needed; the planner passed over 6 s."
    )


def test_planner_choice_with_a_copy() -> None:
    # 3 of the 4 s of the prefetch hide in i0, so that a saving of 3 s costs a stall of 1 s.
    tensor = explained(once(64, compute=3.0))["w"]
    assert tensor.reason == "planner-choice"
    assert tensor.sentence == (
        "4 B are free at instruction 1 and up to 3 s of 4 s of copying could be hidden; "
        "the planner passed over a saving of up to 2 s."
    )


def test_a_prefetch_before_the_program_costs_nothing() -> None:
    assert explained(once(64, cross_program=1))["w"].sentence.endswith("passed over a saving of up to 3 s.")


def test_a_tensor_in_fast_memory_throughout_is_not_listed() -> None:
    task = problem(part(64), {"x": ("intermediate", 4)}, [(0.0, [], ["x"]), (0.0, ["x"], [])])
    assert explained(task, "first-touch") == {}


@random_plans
@given(case=planned())
def test_figures_and_claims_hold_for_any_valid_plan(case: Planned) -> None:
    task = Problem(case.program, case.accelerator)
    found = slow_tensor_reasons(task, case.plan)
    assert [t.cost_seconds for t in found] == sorted((t.cost_seconds for t in found), reverse=True)
    assert {t.buffer for t in found} == {s.representative.id for s in case.program.storages if slow_times(case, s)}
    now = simulate(case.program, case.accelerator, case.plan)
    for tensor in found:
        storage = case.program.storages[case.program.storage_of[tensor.buffer]]
        moved = simulate(case.program, case.accelerator, with_fast(case, storage, 0, 10**6))
        gains = [
            before.elapsed_seconds - after.elapsed_seconds
            for before, after in zip(now.instructions, moved.instructions, strict=True)
        ]
        assert tensor.cost_seconds == pytest.approx(sum(gains), abs=1e-9)
        assert tensor.sentence
        assert tensor.reason in REASONS
        if tensor.reason == "no-benefit":
            assert max(gains) <= 1e-9
        if tensor.reason == "no-room":
            useful = [t for t in slow_times(case, storage) if gains[t] > 1e-9]
            assert not any(has_room(case, storage, t, t + needed_after(storage, t)) for t in useful)


@random_plans
@given(case=planned(), empty=st.booleans())
def test_a_saving_without_a_copy_can_be_had(case: Planned, empty: bool) -> None:
    # A tensor without an allocation is put into the free block: the plan is valid and that much faster, or more where
    # the queue gets idle time.
    task = Problem(case.program, case.accelerator)
    if empty:
        plan = planners.get("all-slow").plan(task, Effort(1.0), seed=0)
        case = Planned(case.program, case.accelerator, plan)
    before = simulate(case.program, case.accelerator, case.plan).total_seconds
    for tensor in slow_tensor_reasons(task, case.plan):
        index = case.program.storage_of[tensor.buffer]
        if "no copy is needed" not in tensor.sentence or blocks(case, index, own=True):
            continue
        times = [int(text) for text in re.findall(r"instructions? (\d+)(?: to (\d+))?", tensor.sentence)[0] if text]
        figure, unit = re.findall(r"over ([\d.]+) (s|ms)\.", tensor.sentence)[0]
        saved = float(figure) * {"s": 1.0, "ms": 1e-3}[unit]
        storage = case.program.storages[index]
        plan = with_fast(case, storage, times[0], times[-1])
        offset = next(o for o in offsets(case, storage) if fits_at(case, storage, o, times[0], times[-1]))
        stay = Allocation(buffer=tensor.buffer, offset=offset, size=storage.size_bytes, start=times[0], end=times[-1])
        plan = plan.model_copy(update={"allocations": (*plan.allocations, stay)})
        assert validate(case.program, case.accelerator, plan) == ()
        after = simulate(case.program, case.accelerator, plan).total_seconds
        assert before - after >= saved * (1.0 - 1e-3)


def slow_times(case: Planned, storage: Storage) -> set[int]:
    """Times at which some access with bytes of the storage is in slow memory."""
    operands, results = case.plan.operand_memory(), case.plan.result_memory()
    reads = {t for t, k, count in storage.reads if count and operands.get((t, k), "slow") == "slow"}
    return reads | {t for t, k, count in storage.writes if count and results.get((t, k), "slow") == "slow"}


def with_fast(case: Planned, storage: Storage, start: int, end: int) -> MemoryPlan:
    """The plan with every access of the storage during ``[start, end]`` marked fast, copies and blocks as they are."""

    def entry(kind: str, t: int, k: int) -> Access:
        return Access(instruction=t, memory="fast", **{kind: k})

    changed = {("operand", t, k) for t, k, _ in storage.reads if start <= t <= end}
    changed |= {("result", t, k) for t, k, _ in storage.writes if start <= t <= end}
    kept = tuple(
        a
        for a in case.plan.accesses
        if ("operand", a.instruction, a.operand) not in changed and ("result", a.instruction, a.result) not in changed
    )
    return case.plan.model_copy(update={"accesses": (*kept, *(entry(*row) for row in sorted(changed)))})


def needed_after(storage: Storage, time: int) -> bool:
    """Whether a write at ``time`` is wanted later, so that its block must last one instruction more."""
    later = any(count and t > time for t, _, count in (*storage.reads, *storage.writes))
    return any(count and t == time for t, _, count in storage.writes) and (later or storage.is_output)


def blocks(case: Planned, index: int, *, own: bool) -> list[Allocation]:
    return [a for a in case.plan.allocations if (case.program.storage_of[a.buffer] == index) == own]


def offsets(case: Planned, storage: Storage) -> range:
    return range(0, case.accelerator.capacity - storage.size_bytes + 1, case.accelerator.alignment)


def fits_at(case: Planned, storage: Storage, offset: int, start: int, end: int) -> bool:
    return not any(
        a.start <= end and a.end >= start and a.offset < offset + storage.size_bytes and offset < a.offset + a.size
        for a in blocks(case, storage.index, own=False)
    )


def has_room(case: Planned, storage: Storage, start: int, end: int) -> bool:
    """By trying every aligned offset; a block that would have to last beyond the program has none."""
    last = len(case.program.instructions) - 1
    return end <= last and any(fits_at(case, storage, offset, start, end) for offset in offsets(case, storage))
