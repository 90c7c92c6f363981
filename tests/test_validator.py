"""The validator: each rule by a broken plan and its nearest valid neighbour, and what else it promises."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from memstow.plan import Access, Copy, MemoryPlan
from memstow.program import Program
from memstow.validator import validate

from .plan_cases import (
    CASES,
    PROGRAM,
    UNIT,
    W_BOTH,
    X_FAST,
    Y_FAST,
    Case,
    P,
    Setting,
    V,
    W,
    X,
    Y,
    Z,
    accesses,
    allocate,
    buffer,
    evict,
    part,
    prefetch,
    step,
)


@pytest.mark.parametrize("entry", CASES, ids=lambda entry: entry.name.replace(" ", "-"))
def test_a_broken_plan_is_reported(entry: Case) -> None:
    violations = entry.broken.check()
    assert {violation.rule for violation in violations} == entry.rules
    texts = [violation.message for violation in violations]
    assert any(re.search(entry.message, text) for text in texts), texts


@pytest.mark.parametrize("entry", CASES, ids=lambda entry: entry.name.replace(" ", "-"))
def test_its_nearest_neighbour_is_valid(entry: Case) -> None:
    assert entry.sound.check() == ()


def test_every_rule_has_a_case() -> None:
    assert set().union(*(entry.rules for entry in CASES)) == set(range(8))


def plan_with(**changes: object) -> MemoryPlan:
    plan = MemoryPlan(program_fingerprint=PROGRAM.fingerprint, accelerator="unit", accesses=accesses(()))
    return plan.model_copy(update=changes)


@pytest.mark.parametrize(("found", "words"), [("0" * 64, "found 000000000000..."), ("", "found none")])
def test_a_plan_of_another_program_is_refused(found: str, words: str) -> None:
    (violation,) = validate(PROGRAM, UNIT, plan_with(program_fingerprint=found))
    assert violation.rule == 0
    assert f"expected fingerprint {PROGRAM.fingerprint[:12]}..., {words}; plan this program anew" in violation.message


@pytest.mark.parametrize(
    ("access", "words"),
    [
        (Access(instruction=6, operand=0, memory="slow"), "the program has no operand 0 of instruction 6"),
        (Access(instruction=-1, operand=0, memory="slow"), "the program has no operand 0 of instruction -1"),
        (Access(instruction=1, operand=2, memory="slow"), "the program has no operand 2 of instruction 1"),
        (Access(instruction=1, operand=-1, memory="slow"), "the program has no operand -1 of instruction 1"),
        (Access(instruction=1, result=1, memory="slow"), "the program has no result 1 of instruction 1"),
        (Access(instruction=1, result=0, memory="slow"), "expected one access entry for result 0 of instruction 1"),
    ],
)
def test_an_access_too_many_is_refused(access: Access, words: str) -> None:
    (violation,) = validate(PROGRAM, UNIT, plan_with(accesses=(*accesses(()), access)))
    assert violation.rule == 0
    assert words in violation.message


def test_entries_without_bytes_need_no_access_entry() -> None:
    code = Program(
        name="bitcast",
        instructions=(step("bitcast", reads=[W], writes=[X], zero=[W, X]),),
        buffers=(
            buffer(W, "w", "parameter", -1, (0,), group=1),
            buffer(X, "x", "intermediate", 0, (), group=1),
        ),
    )
    plan = MemoryPlan(program_fingerprint=code.fingerprint, accelerator="unit")
    assert validate(code, UNIT, plan) == ()


def test_any_member_of_an_alias_group_names_the_storage() -> None:
    def setting(number: int, other: int) -> Setting:
        return Setting((allocate(number, 0, 1, 4),), (evict(other, 0, 3, 4),), Y_FAST)

    assert [setting(a, b).check() for a in (Y, V) for b in (Y, V)] == [()] * 4


def test_two_members_of_one_alias_group_in_one_place_overlap() -> None:
    violations = Setting((allocate(Y, 0, 1, 3), allocate(V, 0, 2, 3)), fast=Y_FAST).check()
    assert [v.rule for v in violations] == [1]
    # One after the other they are one block.
    assert Setting((allocate(Y, 0, 1, 1), allocate(V, 0, 2, 3)), fast=Y_FAST).check() == ()


def test_a_pinned_member_pins_its_alias_group() -> None:
    buffers = tuple(b.model_copy(update={"pinned_slow": b.id == V or b.pinned_slow}) for b in PROGRAM.buffers)
    code = Program(name="pinned", instructions=PROGRAM.instructions, buffers=buffers)
    plan = plan_with(program_fingerprint=code.fingerprint, allocations=(allocate(Y, 0, 1, 3),))
    assert [(v.rule, v.buffer) for v in validate(code, UNIT, plan)] == [(5, Y)]


def test_one_cause_is_reported_once() -> None:
    # A late prefetch is named at the first access it is late for; 3 comes after its arrival.
    violations = Setting((allocate(W, 0, 0, 3),), (prefetch(W, 0, 0, 2),), W_BOTH).check()
    assert len(violations) == 1
    assert (violations[0].rule, violations[0].instruction, violations[0].buffer) == (2, 1, W)


def test_independent_causes_are_all_reported() -> None:
    violations = Setting(
        (allocate(X, 4, 0, 4), allocate(W, 8, 0, 3), allocate(P, 32, 3, 4)), (prefetch(W, 8, 0, 2),), (*X_FAST, *W_BOTH)
    ).check()
    assert sorted(v.rule for v in violations) == [1, 2, 2, 5]


def test_a_violation_as_text_and_as_json() -> None:
    (violation,) = Setting((allocate(Z, 0, 4, 5),), fast=("z written",)).check()
    assert str(violation) == f"rule 5: {violation.message}"
    assert json.loads(json.dumps(violation.to_dict())) == {
        "rule": 5,
        "message": violation.message,
        "instruction": None,
        "buffer": Z,
    }


def test_an_empty_program_has_a_valid_empty_plan() -> None:
    code = Program(name="nothing", instructions=(), buffers=())
    assert validate(code, UNIT, MemoryPlan(program_fingerprint=code.fingerprint, accelerator="unit")) == ()


def test_a_copy_in_no_time_right_at_the_access() -> None:
    """``start == done == t``: brought before instruction t, freed for the next one at t + 1; never open."""
    setting = Setting(
        (allocate(W, 0, 1, 1), allocate(X, 0, 2, 5)),
        (prefetch(W, 0, 1, 1), prefetch(X, 0, 5, 5)),
        ("w read at 1", "x read at 5"),
        accelerator=part(capacity=8, prefetches=0, evictions=0),
    )
    assert setting.check() == ()


def test_reads_of_clean_data_may_use_either_memory() -> None:
    placed = Setting((allocate(W, 0, 0, 3),), (prefetch(W, 0, 0, 1),))
    for fast in ((), ("w read at 1",), ("w read at 3",), W_BOTH):
        assert replace(placed, fast=fast).check() == ()


def test_an_update_in_slow_memory_makes_a_prefetched_copy_stale() -> None:
    placed = Setting((allocate(Y, 0, 2, 3),), (prefetch(Y, 0, 2, 2),), ("v read at 3",))
    assert [(v.rule, v.instruction) for v in placed.check()] == [(2, 3)]
    assert replace(placed, copies=(prefetch(Y, 0, 3, 3),)).check() == ()


#: Three writes into one storage without an operand: each may change a part, so it needs the version before it.
WRITES = Program(
    name="writes",
    instructions=tuple(step(f"write.{t}", writes=[X]) for t in range(3)),
    buffers=(buffer(X, "x", "output", 0, ()),),
)


def rules_of_writes(memories: str, copies: tuple[Copy, ...]) -> list[int]:
    plan = MemoryPlan.model_validate(
        {
            "program_fingerprint": WRITES.fingerprint,
            "accelerator": "unit",
            "allocations": (allocate(X, 0, 0, 2),),
            "copies": copies,
            "accesses": [
                {"instruction": t, "result": 0, "memory": {"f": "fast", "s": "slow"}[m]} for t, m in enumerate(memories)
            ],
        }
    )
    return [violation.rule for violation in validate(WRITES, UNIT, plan)]


def test_a_later_write_needs_the_version_before_it_in_the_same_place() -> None:
    assert rules_of_writes("fss", ()) == [3]
    assert rules_of_writes("fss", (evict(X, 0, 1, 1),)) == []
    assert rules_of_writes("sfs", (evict(X, 0, 2, 2),)) == [2]
    assert rules_of_writes("sfs", (prefetch(X, 0, 1, 1), evict(X, 0, 2, 2))) == []


def test_a_copy_open_during_two_writes_is_reported_once() -> None:
    assert rules_of_writes("sss", (prefetch(X, 0, 1, 3),)) == [4]
    assert rules_of_writes("sss", (prefetch(X, 0, 1, 1),)) == []
