"""Properties of the validator, the simulator and the documents, over random small problems."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from memstow.accelerator import Accelerator
from memstow.errors import InvalidInputError
from memstow.plan import Access, Allocation, Copy, MemoryPlan
from memstow.program import Operand, Program
from memstow.schema import Document
from memstow.schemas import load_schema
from memstow.simulator import occupancy, simulate
from memstow.timing import lower_bound_seconds, roofline_seconds
from memstow.validator import validate

from .execution import Fault, execute
from .strategies import Planned, accelerators, planned, programs

random_problems = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def broken_rules(case: Planned, **changes: object) -> set[int]:
    plan = case.plan.model_copy(update=changes)
    return {violation.rule for violation in validate(case.program, case.accelerator, plan)}


def touched(program: Program, access: Access) -> tuple[int, Operand]:
    """The storage and the entry of an access."""
    step = program.instructions[access.instruction]
    if access.operand is not None:
        entry = step.operands[access.operand]
    else:
        assert access.result is not None
        entry = step.results[access.result]
    return program.storage_of[entry.buffer], entry


def covering(case: Planned, storage: int, time: int) -> list[Allocation]:
    return [
        a for a in case.plan.allocations if case.program.storage_of[a.buffer] == storage and a.start <= time <= a.end
    ]


def without(entries: tuple[Any, ...], entry: object) -> tuple[Any, ...]:
    position = entries.index(entry)
    return entries[:position] + entries[position + 1 :]


def replaced(entries: tuple[Any, ...], entry: Document, **changes: object) -> tuple[Any, ...]:
    position = entries.index(entry)
    return (*entries[:position], entry.model_copy(update=changes), *entries[position + 1 :])


# ---- the validator: plans valid by construction, and their mutations ----


@given(planned())
@random_problems
def test_a_plan_valid_by_construction_has_no_violation(case: Planned) -> None:
    assert validate(case.program, case.accelerator, case.plan) == ()


@given(planned())
@random_problems
def test_a_plan_valid_by_construction_executes_correctly(case: Planned) -> None:
    execute(case.program, case.plan, eager=True)
    execute(case.program, case.plan, eager=False)


@given(programs(), accelerators())
@random_problems
def test_nothing_in_fast_memory_is_always_valid(program: Program, accelerator: Accelerator) -> None:
    assert validate(program, accelerator, all_slow(program, accelerator)) == ()


Change = tuple[set[int], dict[str, object]]
Mutation = Callable[[Planned], Iterator[Change]]


def shift_onto_another(case: Planned) -> Iterator[Change]:
    storage_of = case.program.storage_of
    for a in case.plan.allocations:
        for b in case.plan.allocations:
            if storage_of[a.buffer] != storage_of[b.buffer] and a.start <= b.end and b.start <= a.end:
                yield {1}, {"allocations": replaced(case.plan.allocations, b, offset=a.offset)}


def needed_prefetches(case: Planned) -> Iterator[Copy]:
    """All but those into a place that the storage has held until then, where the data may still be."""
    storage_of = case.program.storage_of
    for copy in case.plan.copies:
        kept = any(
            a.end + 1 == copy.start_time and (storage_of[a.buffer], a.offset) == (storage_of[copy.buffer], copy.offset)
            for a in case.plan.allocations
        )
        earlier = any(
            a.offset == copy.offset and storage_of[a.buffer] == storage_of[copy.buffer] and a.end < copy.start_time
            for a in case.plan.allocations
        )
        if copy.direction == "prefetch" and not kept and not earlier:
            yield copy


def drop_a_prefetch(case: Planned) -> Iterator[Change]:
    for copy in needed_prefetches(case):
        yield {2}, {"copies": without(case.plan.copies, copy)}


def delay_a_prefetch_past_its_use(case: Planned) -> Iterator[Change]:
    for copy in needed_prefetches(case):
        storage = case.program.storage_of[copy.buffer]
        served = [a.instruction for a in fast_accesses(case, storage) if a.instruction >= copy.done_time]
        yield {2}, {"copies": replaced(case.plan.copies, copy, done_time=min(served) + 1)}


def shorten_an_allocation(case: Planned) -> Iterator[Change]:
    for access in fast_accesses(case):
        time, (storage, _) = access.instruction, touched(case.program, access)
        allocations = case.plan.allocations
        for a in covering(case, storage, time):
            allocations = without(allocations, a) if a.start == time else replaced(allocations, a, end=time - 1)
        yield {2}, {"allocations": allocations}


def drop_an_eviction(case: Planned) -> Iterator[Change]:
    for copy in case.plan.copies:
        if copy.direction == "evict":
            yield {3, 4, 5}, {"copies": without(case.plan.copies, copy)}


def evict_before_the_last_write(case: Planned) -> Iterator[Change]:
    for copy in case.plan.copies:
        storage = case.program.storages[case.program.storage_of[copy.buffer]]
        writes = [t for t, _, size in storage.writes if size and t < copy.start_time]
        if copy.direction == "evict":
            yield {4}, {"copies": replaced(case.plan.copies, copy, start_time=max(writes))}


def read_fast_what_is_not_there(case: Planned) -> Iterator[Change]:
    for access in case.plan.accesses:
        storage, entry = touched(case.program, access)
        if access.memory == "slow" and entry.bytes_accessed and not covering(case, storage, access.instruction):
            yield {2, 5}, {"accesses": replaced(case.plan.accesses, access, memory="fast")}


def read_slow_what_is_in_fast_memory_only(case: Planned) -> Iterator[Change]:
    fast = fast_accesses(case)
    for access in fast:
        storage, time = touched(case.program, access)[0], access.instruction
        writes = [t for t, _, size in case.program.storages[storage].writes if size and t < time]
        written_fast = any(
            a.result is not None and a.instruction == max(writes, default=-1) and touched(case.program, a)[0] == storage
            for a in fast
        )
        written_back = any(
            c.direction == "evict" and case.program.storage_of[c.buffer] == storage and max(writes) < c.start_time
            for c in case.plan.copies
            if c.done_time <= time and writes
        )
        if access.operand is not None and written_fast and not written_back:
            yield {3}, {"accesses": replaced(case.plan.accesses, access, memory="slow")}


def forget_an_access(case: Planned) -> Iterator[Change]:
    for access in case.plan.accesses:
        if touched(case.program, access)[1].bytes_accessed:
            yield {0}, {"accesses": without(case.plan.accesses, access)}


def copy_a_part(case: Planned) -> Iterator[Change]:
    for copy in case.plan.copies:
        yield {4}, {"copies": replaced(case.plan.copies, copy, bytes=copy.bytes - 1)}


def allocate_too_little(case: Planned) -> Iterator[Change]:
    for a in case.plan.allocations:
        yield {1}, {"allocations": replaced(case.plan.allocations, a, size=a.size - 1)}


def copy_to_another_place(case: Planned) -> Iterator[Change]:
    for copy in case.plan.copies:
        storage = case.program.storage_of[copy.buffer]
        elsewhere = 1 + max(a.offset for a in case.plan.allocations if case.program.storage_of[a.buffer] == storage)
        rule = 4 if copy.direction == "prefetch" else 3
        yield {rule}, {"copies": replaced(case.plan.copies, copy, offset=elsewhere)}


def fast_accesses(case: Planned, storage: int | None = None) -> list[Access]:
    """Accesses in fast memory that move bytes; of one storage if given."""
    found = []
    for access in case.plan.accesses:
        of, entry = touched(case.program, access)
        if access.memory == "fast" and entry.bytes_accessed and storage in (None, of):
            found.append(access)
    return found


MUTATIONS: list[Mutation] = [
    shift_onto_another,
    drop_a_prefetch,
    delay_a_prefetch_past_its_use,
    shorten_an_allocation,
    drop_an_eviction,
    evict_before_the_last_write,
    read_fast_what_is_not_there,
    read_slow_what_is_in_fast_memory_only,
    forget_an_access,
    copy_a_part,
    allocate_too_little,
    copy_to_another_place,
]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_a_mutation_is_caught(mutation: Mutation) -> None:
    caught = 0

    @given(planned())
    @random_problems
    def check(case: Planned) -> None:
        nonlocal caught
        for expected, changes in mutation(case):
            assert broken_rules(case, **changes) & expected
            caught += 1

    check()
    assert caught >= 5, "the random problems give this mutation too few chances"


@given(planned())
@random_problems
def test_a_smaller_part_is_too_small(case: Planned) -> None:
    assume(case.plan.allocations)
    smaller = case.accelerator.with_capacity(case.plan.peak_bytes - 1)
    assert {v.rule for v in validate(case.program, smaller, case.plan)} == {1}


@given(planned())
@random_problems
def test_limits_are_counted(case: Planned) -> None:
    """The rules 6 and 7 hold at the number of copies that a plan has, and not below."""
    count = len(case.program.instructions)
    for direction, key in (("prefetch", "max_outstanding_prefetches"), ("evict", "max_outstanding_evictions")):
        copies = [c for c in case.plan.copies if c.direction == direction]
        most = max(sum(c.start_time <= t < c.done_time for c in copies) for t in range(count))
        for limit, expected in ((most, set()), (most - 1, {7})):
            if limit >= 0:
                dma = case.accelerator.dma.model_copy(update={key: limit})
                part = case.accelerator.model_copy(update={"dma": dma})
                assert {v.rule for v in validate(case.program, part, case.plan)} == expected
    crossing = sum(c.start_time == -1 for c in case.plan.copies)
    for limit, expected in ((crossing, set()), (crossing - 1, {6})):
        if limit >= 0:
            part = case.accelerator.model_copy(update={"max_cross_program_prefetches": limit})
            assert {v.rule for v in validate(case.program, part, case.plan)} == expected


def perturbed(plan: MemoryPlan, random: Random) -> MemoryPlan:
    """One entry of the plan dropped, doubled, moved to another place in the list, or changed a little."""
    kinds = [kind for kind in ("allocations", "copies", "accesses") if getattr(plan, kind)]
    kind = random.choice(kinds)
    entries = list(getattr(plan, kind))
    position = random.randrange(len(entries))
    entry = entries[position]
    how = random.choice(["change"] * 6 + ["drop", "double", "move"])
    if how == "change":
        entries[position] = changed(entry, random)
    elif how == "double":
        entries.insert(random.randrange(len(entries)), entry)
    else:
        del entries[position]
        if how == "move":
            entries.insert(random.randrange(len(entries) + 1), entry)
    return plan.model_copy(update={kind: tuple(entries)})


def changed(entry: Document, random: Random) -> Document:
    if isinstance(entry, Access):
        return entry.model_copy(update={"memory": "slow" if entry.memory == "fast" else "fast"})
    keys = [key for key, value in entry if isinstance(value, int) and key not in ("size", "bytes")]
    key = random.choice(keys)
    return entry.model_copy(update={key: getattr(entry, key) + random.choice([-2, -1, 1, 2])})


def tampered(case: Planned, random: Random) -> Iterator[MemoryPlan]:
    """Plans one, two, ... changes away from a valid one; the walk goes on from what is still valid."""
    plan = case.plan
    for _ in range(25):
        if not (plan.accesses or plan.allocations or plan.copies):
            return
        candidate = perturbed(plan, random)
        yield candidate
        if validate(case.program, case.accelerator, candidate) == ():
            plan = candidate


@given(planned(), st.integers(0, 2**32))
@random_problems
def test_what_the_validator_lets_pass_executes_correctly(case: Planned, seed: int) -> None:
    for plan in tampered(case, Random(seed)):
        if validate(case.program, case.accelerator, plan) != ():
            continue
        for eager in (True, False):
            try:
                execute(case.program, plan, eager=eager)
            except Fault as fault:
                pytest.fail(f"{fault}; eager={eager}\n{case.program!r}\n{plan!r}")


numbers = st.integers(-3, 20)
arbitrary_plans = st.builds(
    MemoryPlan,
    program_fingerprint=st.just(""),
    accelerator=st.just("random"),
    allocations=st.lists(
        st.builds(Allocation, buffer=numbers, offset=numbers, size=numbers, start=numbers, end=numbers), max_size=6
    ),
    copies=st.lists(
        st.builds(Copy, buffer=numbers, start_time=numbers, done_time=numbers, offset=numbers, bytes=numbers),
        max_size=6,
    ),
    accesses=st.lists(st.builds(Access, instruction=numbers, operand=numbers, result=st.none()), max_size=6),
)


@given(programs(), accelerators(), arbitrary_plans)
@random_problems
def test_any_plan_that_parses_gets_an_answer(program: Program, accelerator: Accelerator, plan: MemoryPlan) -> None:
    violations = validate(program, accelerator, plan)
    assert 0 in {v.rule for v in violations}
    assert json.loads(json.dumps([v.to_dict() for v in violations]))[0]["rule"] == 0


# ---- the simulator ----


def all_slow(program: Program, accelerator: Accelerator) -> MemoryPlan:
    accesses = [
        access
        for t, step in enumerate(program.instructions)
        for access in (
            *(Access(instruction=t, operand=k, memory="slow") for k in range(len(step.operands))),
            *(Access(instruction=t, result=k, memory="slow") for k in range(len(step.results))),
        )
    ]
    return MemoryPlan(program_fingerprint=program.fingerprint, accelerator=accelerator.name, accesses=tuple(accesses))


def close(left: float, right: float) -> bool:
    return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)


@given(programs(), accelerators())
@random_problems
def test_all_slow_takes_the_sum_of_the_rooflines(program: Program, accelerator: Accelerator) -> None:
    expected = sum(
        roofline_seconds(accelerator, step, sum(e.bytes_accessed for e in (*step.operands, *step.results)), 0)
        for step in program.instructions
    )
    assert close(simulate(program, accelerator, all_slow(program, accelerator)).total_seconds, expected)


@given(planned())
@random_problems
def test_no_valid_plan_beats_the_lower_bound(case: Planned) -> None:
    bound = lower_bound_seconds(case.program, case.accelerator)
    assert simulate(case.program, case.accelerator, case.plan).total_seconds >= bound * (1 - 1e-9)


@given(planned())
@random_problems
def test_the_total_is_the_sum_of_its_parts(case: Planned) -> None:
    run = simulate(case.program, case.accelerator, case.plan)
    parts = (run.stall_seconds, run.compute_seconds, run.overhead_seconds, run.memory_seconds)
    assert min(parts) >= -1e-12
    assert close(run.total_seconds, sum(parts))
    clock = 0.0
    for step in run.instructions:
        assert close(step.start_seconds, clock + step.stall_seconds)
        clock = step.start_seconds + step.elapsed_seconds
    assert close(run.total_seconds, clock + run.final_stall_seconds)


@given(planned())
@random_problems
def test_total_agrees_with_cumulative_work(case: Planned) -> None:
    """The queue as two numbers: DMA seconds issued and served so far. A copy is done once the service reaches the
    work issued up to it; a stall is what is missing."""
    issued = served = total = 0.0
    finish_work: dict[int, float] = {}
    memory = case.plan.operand_memory(), case.plan.result_memory()
    slow_rate = case.accelerator.slow_memory.bandwidth
    for t in range(len(case.program.instructions) + 1):
        for index, copy in enumerate(case.plan.copies):
            if copy.start_time == t:
                seconds = copy.bytes / min(case.accelerator.dma.bytes_per_second, slow_rate)
                issued += seconds + case.accelerator.dma.latency_seconds
                finish_work[index] = issued
        due = [work for index, work in finish_work.items() if case.plan.copies[index].done_time == t]
        stall = max(0.0, max(due, default=0.0) - served)
        served, total = served + stall, total + stall
        if t == len(case.program.instructions):
            break
        step = case.program.instructions[t]
        entries = [(memory[0][t, k], e) for k, e in enumerate(step.operands)]
        entries += [(memory[1][t, k], e) for k, e in enumerate(step.results)]
        slow = sum(e.bytes_accessed for where, e in entries if where == "slow")
        fast = sum(e.bytes_accessed for where, e in entries if where == "fast")
        once = max(step.compute_seconds, slow / slow_rate + fast / case.accelerator.fast_memory.bandwidth)
        elapsed = (once + case.accelerator.launch_overhead_seconds) * step.trip_count
        served = min(issued, served + max(0.0, elapsed - step.trip_count * slow / slow_rate))
        total += elapsed
    assert close(simulate(case.program, case.accelerator, case.plan).total_seconds, total)


@given(planned())
@random_problems
def test_copies_keep_their_promises(case: Planned) -> None:
    """One after another, none before it is issued, each at full rate at best and finished when it is waited for."""
    run = simulate(case.program, case.accelerator, case.plan)
    starts = [*(step.start_seconds for step in run.instructions), run.total_seconds]
    free_from = 0.0
    assert [timing.copy_index for timing in run.copies] == list(range(len(case.plan.copies)))
    for timing in sorted(run.copies, key=lambda c: (case.plan.copies[c.copy_index].start_time, c.copy_index)):
        copy = case.plan.copies[timing.copy_index]
        if copy.start_time == -1:
            assert timing.finish_seconds == 0.0
            continue
        seconds = copy.bytes / case.accelerator.copy_bandwidth + case.accelerator.dma.latency_seconds
        assert timing.begin_seconds >= max(timing.issue_seconds, free_from) - 1e-9
        assert timing.finish_seconds >= timing.begin_seconds + seconds - 1e-9
        assert timing.finish_seconds <= starts[copy.done_time] + 1e-9
        free_from = timing.finish_seconds


@given(planned())
@random_problems
def test_waiting_later_is_never_slower(case: Planned) -> None:
    count = len(case.program.instructions)
    late = case.plan.model_copy(
        update={"copies": tuple(c.model_copy(update={"done_time": count}) for c in case.plan.copies)}
    )
    before = simulate(case.program, case.accelerator, case.plan).total_seconds
    assert simulate(case.program, case.accelerator, late).total_seconds <= before + 1e-9


@given(planned())
@random_problems
def test_without_copies_there_is_no_stall(case: Planned) -> None:
    plan = case.plan.model_copy(update={"copies": ()})
    without_copies = simulate(case.program, case.accelerator, plan)
    assert without_copies.stall_seconds == 0.0
    assert without_copies.total_seconds <= simulate(case.program, case.accelerator, case.plan).total_seconds + 1e-9


@given(planned())
@random_problems
def test_occupancy_is_within_the_peak(case: Planned) -> None:
    levels = occupancy(case.program, case.plan)
    for t, level in enumerate(levels):
        assert level == sum(a.size for a in case.plan.allocations if a.start <= t <= a.end)
    assert max(levels) <= case.plan.peak_bytes <= case.accelerator.capacity or not case.plan.allocations


# ---- documents ----

FREE_FORM = ("cost_features", "flops_per_second", "vector_flops_per_second", "sources")
SCHEMAS = {name: jsonschema.Draft202012Validator(load_schema(name)) for name in ("program", "accelerator", "plan")}


def as_json(document: Document) -> Any:
    return json.loads(document.model_dump_json(by_alias=True, exclude_none=True))


def objects(data: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of fixed keys in a JSON document, with its path."""
    if isinstance(data, dict):
        yield path, data
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        if key not in FREE_FORM:
            yield from objects(value, f"{path}{key}.")


@given(planned())
@random_problems
def test_documents_survive_json_and_fit_their_schemas(case: Planned) -> None:
    for name, document in (("program", case.program), ("accelerator", case.accelerator), ("plan", case.plan)):
        data = as_json(document)
        assert type(document).parse(data, where=name) == document
        SCHEMAS[name].validate(data)


@given(planned(), st.integers(0, 2**32))
@random_problems
def test_an_unknown_key_is_refused_with_its_path_wherever_it_stands(case: Planned, seed: int) -> None:
    for name, document in (("program", case.program), ("accelerator", case.accelerator), ("plan", case.plan)):
        data = as_json(document)
        path, target = Random(seed).choice(list(objects(data)))
        target["surprise"] = 1
        with pytest.raises(InvalidInputError) as caught:
            type(document).parse(data, where="file")
        assert f"unknown key '{path}surprise'" in str(caught.value)
        with pytest.raises(jsonschema.ValidationError, match="surprise"):
            SCHEMAS[name].validate(data)
