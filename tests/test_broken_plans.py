"""A wrong plan is caught twice: the validator names the rule, and a checked run gives wrong numbers at once."""

from __future__ import annotations

import numpy as np
import pytest
from relax_modules import Diamond, W, X, diamond_of, run

from memstow.accelerator import load_accelerator
from memstow.errors import InfeasiblePlanError
from memstow.plan import Access, Allocation, Copy, MemoryPlan
from memstow.tvm_ext.extract_program import extract_program
from memstow.tvm_ext.passes.apply_memory_plan import ApplyMemoryPlan
from memstow.validator import validate

UNIT = load_accelerator("unit")

# Buffers of Diamond, in the order in which it names them.
x, w, a, b, c, out = range(6)
FAST, SLOW = "fast", "slow"

# Offsets above, times to the right; w is prefetched for 1, a is evicted during 1 and read from slow memory at 3:
#
#   512  w w . .
#   256  . b b .
#     0  a a c c
#        0 1 2 3
ALLOCATIONS = {
    a: Allocation(buffer=a, offset=0, size=256, start=0, end=1),
    b: Allocation(buffer=b, offset=256, size=256, start=1, end=2),
    c: Allocation(buffer=c, offset=0, size=256, start=2, end=3),
    w: Allocation(buffer=w, offset=512, size=256, start=0, end=1),
}
COPIES = {
    w: Copy(buffer=w, direction="prefetch", start_time=0, done_time=1, offset=512, bytes=256),
    a: Copy(buffer=a, direction="evict", start_time=1, done_time=2, offset=0, bytes=256),
}
OPERANDS = {(0, 0): SLOW, (1, 0): FAST, (1, 1): FAST, (2, 0): FAST, (3, 0): FAST, (3, 1): SLOW}
RESULTS = {(0, 0): FAST, (1, 0): FAST, (2, 0): FAST, (3, 0): SLOW}


def the_plan(allocations=(), copies=(), operands=()) -> MemoryPlan:
    """The right plan with entries replaced; ``None`` drops one."""
    memory = {**OPERANDS, **dict(operands)}
    return MemoryPlan(
        program_fingerprint=extract_program(Diamond, UNIT).fingerprint,
        accelerator=UNIT.name,
        allocations=[v for v in {**ALLOCATIONS, **dict(allocations)}.values() if v],
        copies=[v for v in {**COPIES, **dict(copies)}.values() if v],
        accesses=[
            *(Access(instruction=t, operand=k, memory=m) for (t, k), m in memory.items()),
            *(Access(instruction=t, result=k, memory=m) for (t, k), m in RESULTS.items()),
        ],
    )


def changed(entry, **update):
    return entry.model_copy(update=update)


def run_checked(plan: MemoryPlan, *, checked: bool = True) -> np.ndarray:
    planned = ApplyMemoryPlan(plan, UNIT, checked=checked, verify=False)(Diamond)
    (result,) = run(planned, [X, W])
    return result


@pytest.mark.parametrize("checked", [False, True])
def test_the_right_plan_is_valid_and_gives_the_right_numbers(checked):
    assert validate(extract_program(Diamond, UNIT), UNIT, the_plan()) == ()
    np.testing.assert_allclose(run_checked(the_plan(), checked=checked), diamond_of(X, W), rtol=1e-6)


BROKEN = {
    "an offset shifted onto another allocation": (1, {"allocations": {b: changed(ALLOCATIONS[b], offset=64)}}),
    "an allocation ended early": (2, {"allocations": {b: changed(ALLOCATIONS[b], end=1)}}),
    "an allocation ended under its eviction": (3, {"allocations": {a: changed(ALLOCATIONS[a], end=0)}}),
    "a wait dropped": (2, {"copies": {w: changed(COPIES[w], done_time=4)}}),
    "a wait moved behind the use": (2, {"copies": {w: changed(COPIES[w], done_time=2)}}),
    "a prefetch dropped": (2, {"copies": {w: None}}),
    "an eviction dropped": (3, {"copies": {a: None}}),
    "an eviction that is not awaited before the use": (3, {"copies": {a: changed(COPIES[a], done_time=4)}}),
    "an eviction started after its place was reused": (
        3,
        {"copies": {a: changed(COPIES[a], start_time=2, done_time=3)}},
    ),
    "an eviction started before the tensor exists": (3, {"copies": {a: changed(COPIES[a], start_time=0, done_time=1)}}),
    "a prefetch to where another tensor lives": (4, {"copies": {w: changed(COPIES[w], offset=0)}}),
    "an access in the memory where the tensor is not": (3, {"operands": {(2, 0): SLOW}}),
    "a stale read from fast memory": (2, {"operands": {(3, 1): FAST}}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plan_is_caught_by_the_validator_and_by_the_checked_run(name):
    rule, changes = BROKEN[name]
    plan = the_plan(**changes)
    violations = validate(extract_program(Diamond, UNIT), UNIT, plan)
    assert rule in {violation.rule for violation in violations}, violations
    assert not np.allclose(run_checked(plan), diamond_of(X, W), rtol=1e-3)


def test_a_broken_plan_is_not_applied():
    plan = the_plan(copies={a: None})
    with pytest.raises(InfeasiblePlanError, match="the plan is not applied"):
        ApplyMemoryPlan(plan, UNIT)(Diamond)
