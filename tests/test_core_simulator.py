from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from memstow.accelerator import Accelerator, load_accelerator
from memstow.core import CoreProblem, CoreStay, ScheduleState, simulate, simulate_stays
from memstow.errors import InvalidInputError
from memstow.plan import Access, Copy, MemoryPlan
from memstow.planners import Effort, Problem, benefit_density
from memstow.program import Buffer, Instruction, Operand, Program
from memstow.simulator import Simulation
from memstow.simulator import simulate as reference
from memstow.timing import InstructionCost, Roofline
from memstow.validator import validate

from .benchmark_modules import load
from .random_plans import plan_of, random_accelerator, random_program, random_stays
from .small_problems import part, problem
from .strategies import Planned, planned


class Skewed:
    """A cost model unlike the roofline: every entry's place has a price of its own."""

    def __init__(self, program: Program, accelerator: Accelerator) -> None:
        self._roofline = Roofline(program, accelerator)

    def seconds(self, instruction: int, operands_fast: Sequence[bool], results_fast: Sequence[bool]) -> float:
        flags = [*operands_fast, *results_fast]
        extra = sum((k + 1.3) * is_fast for k, is_fast in enumerate(flags))
        return 0.9 * self._roofline.seconds(instruction, operands_fast, results_fast) + 0.01 * extra


@dataclass(frozen=True)
class Case:
    program: Program
    accelerator: Accelerator
    cost: InstructionCost | None
    core: CoreProblem


def cases(seed: int, count: int, lengths: tuple[int, int]) -> Iterator[tuple[Random, Case]]:
    """Random problems, every fifth priced by :class:`Skewed`."""
    for k in range(count):
        random = Random(f"{seed}/{k}")
        program, accelerator = random_program(random, random.randint(*lengths)), random_accelerator(random)
        cost = Skewed(program, accelerator) if k % 5 == 4 else None
        yield random, Case(program, accelerator, cost, CoreProblem(program, accelerator, cost))


def expect_equal(case: Case, plan: MemoryPlan) -> Simulation:
    expected = reference(case.program, case.accelerator, plan, case.cost)
    found = simulate(case.core, plan)
    total = expected.total_seconds
    assert abs(found.total_seconds - total) <= 1e-9 * total
    stalls = [*(step.stall_seconds for step in expected.instructions), expected.final_stall_seconds]
    elapsed = [step.elapsed_seconds for step in expected.instructions]
    assert np.abs(found.stalls - stalls).max() <= 1e-9 * total
    assert np.abs(found.elapsed - elapsed).max() <= 1e-12 * total
    return expected


def test_ten_thousand_programs_and_plans() -> None:
    stalled = copied = wide = 0
    for random, case in cases(1, 2500, (1, 14)):
        wide += bool(case.core.slots.max(initial=-1) >= 8)
        for _ in range(4):
            plan = plan_of(case.program, case.accelerator, random_stays(random, case.program), random)
            stalled += expect_equal(case, plan).stall_seconds > 0
            copied += bool(plan.copies)
    # The programs are such that most of it is put to the test.
    assert stalled > 7000
    assert copied > 8000
    assert wide > 40


def test_long_programs() -> None:
    for random, case in cases(2, 6, (300, 600)):
        plan = plan_of(case.program, case.accelerator, random_stays(random, case.program), random)
        assert expect_equal(case, plan).stall_seconds > 0


def test_the_random_plans_are_valid() -> None:
    for random, case in cases(3, 100, (1, 20)):
        plan = plan_of(case.program, case.accelerator, random_stays(random, case.program), random)
        assert validate(case.program, case.accelerator, plan) == ()


@given(planned())
@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
def test_small_memories_and_limits(case: Planned) -> None:
    core = CoreProblem(case.program, case.accelerator)
    expect_equal(Case(case.program, case.accelerator, None, core), case.plan)


def test_a_planners_plan() -> None:
    for _, case in cases(4, 10, (10, 60)):
        task = Problem(case.program, case.accelerator, case.cost or Roofline(case.program, case.accelerator))
        plan = benefit_density.BenefitDensity().plan(task, Effort(1.0), seed=0)
        assert plan.simulated_seconds == pytest.approx(simulate(case.core, plan).total_seconds, rel=1e-9)


def test_what_a_plan_need_not_say() -> None:
    # w of 4 bytes is read in 4 s; without an entry, and with entries of what the program lacks, it is slow.
    task = problem(part(8), {"w": ("parameter", 4)}, [(1.0, ["w"], [])])
    core = CoreProblem(task.program, task.accelerator)
    plan = MemoryPlan(program_fingerprint="", accelerator="small")
    assert simulate(core, plan).total_seconds == 4.0
    strangers = [{"instruction": 0, "operand": 1}, {"instruction": 1, "operand": 0}, {"instruction": -1, "operand": 0}]
    strangers += [{"instruction": 0, "result": 0}, {"instruction": 0, "operand": -1}]
    accesses = tuple(Access.model_validate({**row, "memory": "fast"}) for row in strangers)
    assert simulate(core, plan.model_copy(update={"accesses": accesses})).total_seconds == 4.0
    # Copy times outside of the program are moved to its ends: i0 moves 4 bytes and leaves no time, 1 s is waited for.
    copies = (Copy(buffer=0, direction="prefetch", start_time=0, done_time=9, offset=0, bytes=1),)
    assert simulate(core, plan.model_copy(update={"copies": copies})).total_seconds == 5.0


def test_a_program_that_touches_nothing() -> None:
    task = problem(part(8), {}, [(1.0, [], []), (2.0, [], [])])
    core = CoreProblem(task.program, task.accelerator)
    assert simulate(core, MemoryPlan(program_fingerprint="", accelerator="small")).total_seconds == 3.0
    assert ScheduleState(core).total_seconds == 3.0


def wide_case() -> Case:
    """One instruction reads ten parameters of 1 to 10 bytes."""
    sizes = range(1, 11)
    program = Program(
        name="wide",
        instructions=(
            Instruction(
                name="i0",
                compute_seconds=0.0,
                operands=tuple(Operand(buffer=size, bytes_accessed=size) for size in sizes),
            ),
        ),
        buffers=tuple(
            Buffer(id=size, name=f"w{size}", size_bytes=size, kind="parameter", definition_time=-1, use_times=(0,))
            for size in sizes
        ),
    )
    accelerator = part(64, cross_program=10)
    cost = Skewed(program, accelerator)
    return Case(program, accelerator, cost, CoreProblem(program, accelerator, cost))


def test_many_storages_at_one_instruction_are_priced_by_the_model() -> None:
    case = wide_case()
    assert case.core.num_prices == 256
    assert case.core.slots.tolist() == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    for fast in ([], [0], [9], [0, 1, 5], list(range(10))):
        expect_equal(case, plan_of(case.program, case.accelerator, [CoreStay(s, 0, 0, -1, 0) for s in fast]))


def test_the_estimate_for_many_storages_is_near() -> None:
    # The eight largest are priced exactly; the model takes a little more for each of the two small ones.
    case = wide_case()
    for fast, tolerance in (([2, 5, 9], 1e-9), ([0, 5], 0.02)):
        stays = [CoreStay(s, 0, 0, -1, 0) for s in fast]
        exact = simulate(case.core, plan_of(case.program, case.accelerator, stays)).total_seconds
        assert simulate_stays(case.core, [stays])[0] == pytest.approx(exact, rel=tolerance)


class Batched(Skewed):
    calls = 0

    def seconds_of(self, queries: Sequence[tuple[int, Sequence[bool], Sequence[bool]]]) -> Sequence[float]:
        self.calls += 1
        return [self.seconds(*query) for query in queries]


class Forgetful(Batched):
    def seconds_of(self, queries: Sequence[tuple[int, Sequence[bool], Sequence[bool]]]) -> Sequence[float]:
        return super().seconds_of(queries)[1:]


class Negative(Skewed):
    def seconds(self, instruction: int, operands_fast: Sequence[bool], results_fast: Sequence[bool]) -> float:
        return -1.0


def test_a_batched_model_is_asked_once() -> None:
    for random, case in cases(5, 20, (5, 20)):
        batched = Batched(case.program, case.accelerator)
        core = CoreProblem(case.program, case.accelerator, batched)
        assert batched.calls == 1
        single = CoreProblem(case.program, case.accelerator, Skewed(case.program, case.accelerator))
        stays = random_stays(random, case.program)
        assert simulate_stays(core, [stays])[0] == simulate_stays(single, [stays])[0]


def test_a_model_that_answers_wrongly() -> None:
    random = Random(0)
    program, accelerator = random_program(random, 8), random_accelerator(random)
    with pytest.raises(InvalidInputError, match=r"Forgetful: expected \d+ prices in one dimension"):
        CoreProblem(program, accelerator, Forgetful(program, accelerator))
    with pytest.raises(ValueError, match="instruction 0, slots 0 fast: expected seconds of at least 0, found -1"):
        CoreProblem(program, accelerator, Negative(program, accelerator))


# ---- schedules that change ----


def expect_as_reference(case: Case, state: ScheduleState) -> None:
    run = reference(case.program, case.accelerator, plan_of(case.program, case.accelerator, state.stays), case.cost)
    assert abs(state.total_seconds - run.total_seconds) <= 1e-9 * run.total_seconds
    for t, step in enumerate(run.instructions):
        assert abs(state.at(t).stall - step.stall_seconds) <= 1e-9 * run.total_seconds
    assert abs(state.at(len(run.instructions)).stall - run.final_stall_seconds) <= 1e-9 * run.total_seconds


@pytest.mark.parametrize(("count", "lengths", "steps"), [(60, (1, 20), 25), (2, (300, 400), 15)])
def test_walks(count: int, lengths: tuple[int, int], steps: int) -> None:
    for random, case in cases(6, count, lengths):
        if case.cost is not None and case.core.slots.max(initial=-1) >= 8:
            continue  # the core has estimates there
        waiting = random_stays(random, case.program)
        state = ScheduleState(case.core)
        placed: dict[int, CoreStay] = {}
        for _ in range(steps):
            for _ in range(max(1, len(waiting) // 8)):
                if waiting:
                    stay = waiting.pop()
                    placed[state.apply(stay)] = stay
            if placed and random.random() < 0.4:
                gone = random.choice(list(placed))
                state.remove(gone)
                waiting.insert(0, placed.pop(gone))
            assert sorted(state.stays, key=repr) == sorted(placed.values(), key=repr)
            expect_as_reference(case, state)


def test_undo_leads_back_through_every_state() -> None:
    for random, case in cases(7, 40, (5, 40)):
        state = ScheduleState(case.core)
        seen = []
        for stay in random_stays(random, case.program):
            seen.append((state.total_seconds, state.stays))
            state.apply(stay)
        for expected in reversed(seen):
            state.undo()
            assert (state.total_seconds, state.stays) == expected
        assert state.undoable == 0


def test_trying_changes_nothing() -> None:
    for random, case in cases(8, 40, (5, 40)):
        stays = random_stays(random, case.program)
        half = len(stays) // 2
        state = ScheduleState(case.core)
        for stay in stays[:half]:
            state.apply(stay)
        before = state.total_seconds
        found = state.try_each(stays[half:])
        assert (state.total_seconds, state.undoable) == (before, half)
        expected = simulate_stays(case.core, [[*stays[:half], stay] for stay in stays[half:]])
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_clone_goes_its_own_way() -> None:
    task = problem(part(8), {"w": ("parameter", 4)}, [(8.0, [], []), (0.0, ["w"], [])])
    state = ScheduleState(CoreProblem(task.program, task.accelerator))
    clone = state.clone()
    # w is read in 1 s instead of 4, its copy runs in i0.
    clone.apply(CoreStay(0, 0, 0, 0, 1))
    assert (state.total_seconds, clone.total_seconds) == (12.0, 9.0)
    assert clone.at(0).unused == 4.0
    clone.commit()
    with pytest.raises(ValueError, match="nothing to undo"):
        clone.undo()


@pytest.mark.parametrize(
    ("stay", "message"),
    [
        (CoreStay(1, 0, 0), "expected a storage below 1, found 1"),
        (CoreStay(0, 0, 1), r"expected touches below 1, found \[0, 1\]"),
        (CoreStay(0, 0, 0, 0, 3), "expected its prefetch to have -1 <= start <= done <= 2"),
        (CoreStay(0, 0, 0, eviction_start=2, eviction_done=2), "expected its eviction to have"),
    ],
)
def test_a_stay_that_the_problem_does_not_have(stay: CoreStay, message: str) -> None:
    task = problem(part(8), {"w": ("parameter", 4)}, [(8.0, [], []), (0.0, ["w"], [])])
    core = CoreProblem(task.program, task.accelerator)
    with pytest.raises(ValueError, match=message):
        ScheduleState(core).apply(stay)
    with pytest.raises(ValueError, match=message):
        simulate_stays(core, [[stay]])


def test_a_pinned_storage_is_never_fast() -> None:
    task = problem(part(8), {"w": ("parameter", 4)}, [(0.0, ["w"], [])], pinned=["w"])
    core = CoreProblem(task.program, task.accelerator)
    assert core.slots.tolist() == [-1]
    with pytest.raises(ValueError, match="expected touches below 0"):
        ScheduleState(core).apply(CoreStay(0, 0, 0))


def test_times_and_ids_out_of_range() -> None:
    task = problem(part(8), {"w": ("parameter", 4)}, [(0.0, ["w"], [])])
    state = ScheduleState(CoreProblem(task.program, task.accelerator))
    for time in (-1, 2):
        with pytest.raises(ValueError, match=rf"expected a time in \[0, 1\], found {time}"):
            state.at(time)
    with pytest.raises(ValueError, match="expected the id of a placed stay, found 0"):
        state.remove(0)
    stay_id = state.apply(CoreStay(0, 0, 0, 0, 0))
    with pytest.raises(ValueError, match=f"touch 0 is served by stay {stay_id} already"):
        state.apply(CoreStay(0, 0, 0, 0, 0))


def test_the_benchmark_measures() -> None:
    benchmark = load("simulator")
    rows = [benchmark.measure(24, queue, load_accelerator("tpu_v5e"), 0.0) for queue in benchmark.LOADS]
    free, saturated = rows
    assert 0 <= free.stall_share < saturated.stall_share
    assert all(row.copies and row.plans_from_scratch > 0 and row.changes > 0 for row in rows)
    assert len(benchmark.table(rows).splitlines()) == 1 + len(rows)
