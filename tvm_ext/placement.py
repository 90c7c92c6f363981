"""A memory plan as actions at instruction times, and the places of the slow arena that the plan leaves open.

A plan says where a storage is in fast memory; its home in slow memory is the tensor itself for inputs, weights and
outputs, and a slot of the slow arena for everything else. Slots are packed like allocations.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from ..plan import Allocation, Copy, MemoryPlan
from ..planners.packing import Lifetime, pack
from ..program import Program

#: Host kernels are compiled for tensors aligned to this many bytes (``ExecutionContextObj::kAlignment``).
HOST_ALIGNMENT = 64


@dataclass
class Actions:
    """What happens before one instruction, in this order. Copies are indices into ``plan.copies``.

    Waiting before starting changes no timing: the queue is a FIFO, so a copy that starts now runs after those awaited.
    """

    waits: list[int] = field(default_factory=list)
    ends: list[Allocation] = field(default_factory=list)
    slot_ends: list[int] = field(default_factory=list)
    begins: list[Allocation] = field(default_factory=list)
    slot_begins: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    immediate_waits: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Slot:
    """A storage's home in the slow arena: bytes at an offset, used during ``[start, end]``."""

    offset: int
    start: int
    end: int


@dataclass(frozen=True)
class Placement:
    """Everything that applying a plan needs to know.

    ``actions`` has one entry per instruction time and one for the end; ``slots`` and ``allocations`` are by storage
    index.
    """

    plan: MemoryPlan
    program: Program
    actions: list[Actions]
    slots: dict[int, Slot]
    slow_bytes: int
    allocations: dict[int, list[Allocation]]

    @property
    def fast_bytes(self) -> int:
        """Exactly what the plan uses of fast memory."""
        return self.plan.peak_bytes

    def fast_offset(self, storage: int, t: int) -> int | None:
        """Offset of the storage's allocation at time t; None if the plan never allocates it.

        Only in an invalid plan is no allocation alive at an access: the latest one that began is taken then, so that
        a checked run reads its poison.
        """
        candidates = self.allocations.get(storage)
        if not candidates:
            return None
        alive = [a for a in candidates if a.start <= t <= a.end]
        begun = [a for a in candidates if a.start <= t]
        return max(alive or begun or candidates, key=lambda a: a.start).offset


def place(program: Program, plan: MemoryPlan, external: set[int]) -> Placement:
    """Schedule a plan's actions; ``external`` are the storages whose slow home is a tensor of its own.

    The plan need not be valid: a checked run of a wrong plan shows what is wrong with it.
    """
    slots, slow_bytes = _slow_slots(program, plan, external)
    actions = [Actions() for _ in range(len(program.instructions) + 1)]
    _schedule_copies(plan.copies, actions)
    for allocation in _merged(program, plan.allocations):
        actions[max(0, allocation.start)].begins.append(allocation)
        if allocation.end + 1 < len(actions):
            actions[allocation.end + 1].ends.append(allocation)
    for storage, slot in slots.items():
        actions[slot.start].slot_begins.append(storage)
        if slot.end + 1 < len(actions):
            actions[slot.end + 1].slot_ends.append(storage)
    allocations: dict[int, list[Allocation]] = defaultdict(list)
    for allocation in plan.allocations:
        allocations[program.storage_of[allocation.buffer]].append(allocation)
    return Placement(plan, program, actions, slots, slow_bytes, dict(allocations))


def _schedule_copies(copies: tuple[Copy, ...], actions: list[Actions]) -> None:
    for index, copy in enumerate(copies):
        start = max(0, copy.start_time)
        actions[start].starts.append(index)
        if copy.done_time <= start:
            actions[start].immediate_waits.append(index)
        elif copy.done_time < len(actions):
            actions[copy.done_time].waits.append(index)


def _merged(program: Program, allocations: tuple[Allocation, ...]) -> list[Allocation]:
    """Allocations with abutting ones of one storage at one offset joined."""
    merged: dict[tuple[int, int], list[Allocation]] = defaultdict(list)
    for allocation in sorted(allocations, key=lambda a: a.start):
        row = merged[program.storage_of[allocation.buffer], allocation.offset]
        if row and row[-1].end + 1 == allocation.start:
            row[-1] = row[-1].model_copy(update={"end": allocation.end})
        else:
            row.append(allocation)
    return [allocation for row in merged.values() for allocation in row]


def _slow_slots(program: Program, plan: MemoryPlan, external: set[int]) -> tuple[dict[int, Slot], int]:
    times: dict[int, list[int]] = defaultdict(list)
    operand_memory, result_memory = plan.operand_memory(), plan.result_memory()
    for t, step in enumerate(program.instructions):
        slow = [o.buffer for k, o in enumerate(step.operands) if operand_memory.get((t, k)) != "fast"]
        slow += [r.buffer for k, r in enumerate(step.results) if result_memory.get((t, k)) != "fast"]
        for buffer in slow:
            times[program.storage_of[buffer]].append(t)
    last = len(program.instructions)
    for copy in plan.copies:
        times[program.storage_of[copy.buffer]] += [max(0, copy.start_time), min(copy.done_time, last)]
    homes = [storage for storage in sorted(times) if storage not in external]
    lives = [Lifetime(min(times[s]), max(times[s]), program.storages[s].size_bytes) for s in homes]
    slow_bytes, offsets = pack(lives, HOST_ALIGNMENT)
    return {s: Slot(o, life.start, life.end) for s, o, life in zip(homes, offsets, lives, strict=True)}, slow_bytes
