"""Rule 0: the plan belongs to the program and names only what exists there, each access once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from ..plan import Access, MemoryName, MemoryPlan
from ..program import Operand, Program
from .violation import Violation, name_buffer, name_instruction

Role = Literal["operand", "result"]
#: Memory by (instruction time, role, index of the operand or result).
AccessMap = dict[tuple[int, Role, int], MemoryName]


def check_references(program: Program, plan: MemoryPlan) -> Iterator[Violation]:
    """Fingerprint, buffer ids, and one access entry for every operand and result that touches memory."""
    if plan.program_fingerprint != program.fingerprint:
        found = f"{plan.program_fingerprint[:12]}..." if plan.program_fingerprint else "none"
        yield Violation(
            0,
            f"the plan was made for another program: expected fingerprint {program.fingerprint[:12]}..., "
            f"found {found}; plan this program anew",
        )
    for what, buffers in (
        ("allocation", [a.buffer for a in plan.allocations]),
        ("copy", [c.buffer for c in plan.copies]),
    ):
        for index, buffer in enumerate(buffers):
            if buffer not in program.buffer_by_id:
                yield Violation(
                    0, f"{what} {index}: expected a buffer of the program, found id {buffer}", buffer=buffer
                )
    yield from _check_accesses(program, plan)


def access_map(program: Program, plan: MemoryPlan) -> AccessMap:
    """The first entry of every access that exists in the program."""
    found: AccessMap = {}
    for access in plan.accesses:
        if _entry(program, access) is not None:
            found.setdefault(_key(access), access.memory)
    return found


def _check_accesses(program: Program, plan: MemoryPlan) -> Iterator[Violation]:
    seen: set[tuple[int, Role, int]] = set()
    for index, access in enumerate(plan.accesses):
        time, role, k = key = _key(access)
        entry = _entry(program, access)
        if entry is None:
            yield Violation(0, f"access {index}: the program has no {role} {k} of instruction {time}")
        elif key in seen:
            yield Violation(
                0,
                f"{name_buffer(program, entry.buffer)}: expected one access entry for {role} {k} of "
                f"{name_instruction(program, time)}, found another at access {index}",
                instruction=time,
                buffer=entry.buffer,
            )
        seen.add(key)
    for time, instruction in enumerate(program.instructions):
        roles: tuple[tuple[Role, tuple[Operand, ...]], ...] = (
            ("operand", instruction.operands),
            ("result", instruction.results),
        )
        for role, entries in roles:
            for k, entry in enumerate(entries):
                if entry.bytes_accessed and (time, role, k) not in seen:
                    yield Violation(
                        0,
                        f"{name_buffer(program, entry.buffer)}: expected an access entry for {role} {k} of "
                        f"{name_instruction(program, time)}, found none",
                        instruction=time,
                        buffer=entry.buffer,
                    )


def _key(access: Access) -> tuple[int, Role, int]:
    if access.operand is not None:
        return access.instruction, "operand", access.operand
    assert access.result is not None
    return access.instruction, "result", access.result


def _entry(program: Program, access: Access) -> Operand | None:
    """What the access names; ``None`` if the program has no such operand or result."""
    time, role, k = _key(access)
    if not 0 <= time < len(program.instructions):
        return None
    instruction = program.instructions[time]
    entries = instruction.operands if role == "operand" else instruction.results
    return entries[k] if 0 <= k < len(entries) else None
