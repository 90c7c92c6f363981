"""Rules 2, 3 and the data part of rules 4 and 5: every access and every copy finds the current version of its data.

A result with bytes makes a new *version* of its storage, in one place: slow memory, or one block of fast memory.
Copies carry the version that is current when they start to another place, where it counts from ``done_time`` on.
A write leaves the new version in one place only. Within one instruction time the order is: copies due, copies
starting, reads, writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..plan import Copy, MemoryName, MemoryPlan
from ..program import Program, Storage
from .copies import block_of, name_copy, times_are_sound
from .geometry import Block, BlockMap, list_blocks
from .references import AccessMap, Role
from .violation import Violation, name_instruction, name_storage

#: The time from which the current version counts in a place. Copies that start at one time are followed in plan order,
#: their order in the FIFO queue, so a copy sees what an earlier one of the same time brings.
Arrival = int
_BEFORE_PROGRAM: Arrival = -1


@dataclass
class _Touch:
    """What one instruction does with one storage: (index, memory) of operands and results with bytes."""

    reads: list[tuple[int, MemoryName]] = field(default_factory=list)
    writes: list[tuple[int, MemoryName]] = field(default_factory=list)


def check_dataflow(program: Program, plan: MemoryPlan, blocks: BlockMap, accesses: AccessMap) -> Iterator[Violation]:
    """Follow the versions of every storage through the program. An access without an entry counts as slow."""
    copies: dict[int, list[tuple[int, Copy]]] = defaultdict(list)
    for order, copy in enumerate(plan.copies):
        if copy.buffer in program.storage_of and times_are_sound(copy, len(program.instructions)):
            copies[program.storage_of[copy.buffer]].append((order, copy))
    for storage in program.storages:
        yield from _StorageSweep(program, storage, blocks).run(copies[storage.index], accesses)


class _StorageSweep:
    """One storage's current version: where it is, and from when."""

    def __init__(self, program: Program, storage: Storage, blocks: BlockMap) -> None:
        self._program = program
        self._storage = storage
        self._blocks = blocks
        self._name = name_storage(storage)
        self._pending = list(reversed(blocks.of_storage(storage.index)))
        self._live: list[Block] = []
        self._fast: dict[Block, Arrival] = {}
        self._slow: Arrival | None = _first_slow_arrival(storage)
        self._exists = self._slow is not None
        self._in_flight: list[tuple[int, Copy]] = []

    def run(self, copies: list[tuple[int, Copy]], accesses: AccessMap) -> Iterator[Violation]:
        touches = _touches(self._storage, accesses)
        starts: dict[int, list[tuple[int, Copy]]] = defaultdict(list)
        for order, copy in copies:
            starts[copy.start_time].append((order, copy))
        for time in sorted(touches.keys() | starts.keys()):
            for order, copy in starts.get(time, ()):
                yield from self._start(order, copy)
            if time in touches:
                yield from self._touch(time, touches[time])
        if self._storage.is_output and self._exists and self._slow is None:
            yield self._violation(
                5, "an output must be in slow memory at the end; no eviction brings its last version there"
            )

    def _start(self, order: int, copy: Copy) -> Iterator[Violation]:
        """Check the source of a copy, then count its data as delivered either way: one cause, one violation."""
        block = block_of(copy, self._storage.index, self._blocks, len(self._program.instructions))
        if block is None:
            return
        self._in_flight.append((order, copy))
        arrival = copy.done_time
        if copy.direction == "prefetch":
            if not _reaches(self._slow, copy.start_time):
                yield self._violation(4, f"{name_copy(order, copy)}: {self._lack('slow memory', self._slow)}")
            self._fast[block] = min(arrival, self._fast.get(block, arrival))
        else:
            source = self._fast.get(block)
            if not _reaches(source, copy.start_time):
                yield self._violation(4, f"{name_copy(order, copy)}: {self._lack(f'allocation {block}', source)}")
            self._slow = arrival if self._slow is None else min(arrival, self._slow)

    def _touch(self, time: int, touch: _Touch) -> Iterator[Violation]:
        memories = {memory for _, memory in touch.writes}
        if memories and len(memories | {memory for _, memory in touch.reads}) > 1:
            yield self._violation(
                5, f"operands and results at {self._at(time)} must share one memory, found both", time
            )
        for k, memory in touch.reads:
            if self._exists or not touch.writes:
                yield from self._read(time, f"operand {k}", memory)
        if touch.writes:
            k, memory = touch.writes[0]
            yield from self._write(time, f"result {k}", memory)

    def _read(self, time: int, role: str, memory: MemoryName) -> Iterator[Violation]:
        if memory == "slow":
            if not _reaches(self._slow, time):
                yield self._violation(
                    3, f"{role} read in slow memory at {self._at(time)}: {self._lack('slow memory', self._slow)}", time
                )
            return
        blocks = self._covering(time)
        if not blocks:
            yield self._uncovered(time, f"{role} read")
        elif not any(_reaches(self._fast.get(block), time) for block in blocks):
            lack = self._lack(f"allocation {blocks[0]}", self._fast.get(blocks[0]))
            yield self._violation(2, f"{role} read in fast memory at {self._at(time)}: {lack}", time)

    def _write(self, time: int, role: str, memory: MemoryName) -> Iterator[Violation]:
        yield from self._races(time)
        if memory == "slow":
            if self._exists and not _reaches(self._slow, time):
                lack = self._lack("slow memory", self._slow)
                yield self._violation(3, f"{role} updates in place in slow memory at {self._at(time)}: {lack}", time)
            self._slow, self._fast, self._exists = time, {}, True
            return
        blocks = self._covering(time)
        if not blocks:
            yield self._uncovered(time, f"{role} written")
        holding = [block for block in blocks if not self._exists or _reaches(self._fast.get(block), time)]
        if blocks and not holding:
            lack = self._lack(f"allocation {blocks[0]}", self._fast.get(blocks[0]))
            yield self._violation(2, f"{role} updates in place in fast memory at {self._at(time)}: {lack}", time)
        if len(holding) > 1:
            spans = " and ".join(str(block) for block in holding[:2])
            yield self._violation(
                2, f"{role} written in fast memory at {self._at(time)}: ambiguous, found {spans}", time
            )
        target = (holding or blocks)[:1]
        self._slow, self._fast, self._exists = None, dict.fromkeys(target, time), True

    def _covering(self, time: int) -> list[Block]:
        """The blocks live at ``time``, which never goes back."""
        while self._pending and self._pending[-1].start <= time:
            self._live.append(self._pending.pop())
        self._live = [block for block in self._live if block.end >= time]
        return self._live

    def _uncovered(self, time: int, what: str) -> Violation:
        if self._storage.pinned_slow:
            return self._violation(5, f"pinned to slow memory, found {what} in fast memory at {self._at(time)}", time)
        found = list_blocks(self._blocks.of_storage(self._storage.index))
        return self._violation(
            2, f"{what} in fast memory at {self._at(time)}: expected an allocation there, found {found}", time
        )

    def _races(self, time: int) -> Iterator[Violation]:
        """A write meets every copy of the storage that is open; each copy is reported once."""
        for order, copy in self._in_flight:
            if copy.done_time > time:
                yield self._violation(
                    4, f"{name_copy(order, copy)} is open while {self._at(time)} writes the buffer", time
                )
        self._in_flight.clear()

    def _lack(self, place: str, arrival: Arrival | None) -> str:
        if not self._exists:
            return f"expected data in {place}, found that nothing has been written yet"
        if arrival is None:
            return f"expected the current data in {place}, found none there"
        return f"expected the current data in {place}, found that it arrives at {arrival}"

    def _at(self, time: int) -> str:
        return name_instruction(self._program, time)

    def _violation(self, rule: int, problem: str, time: int | None = None) -> Violation:
        return Violation(rule, f"{self._name}: {problem}", time, self._storage.representative.id)


def _reaches(arrival: Arrival | None, time: int) -> bool:
    return arrival is not None and arrival <= time


def _first_slow_arrival(storage: Storage) -> Arrival | None:
    """Data that exists without a write: of resident kinds, and of buffers that are read before any byte is written."""
    if storage.born_slow:
        return _BEFORE_PROGRAM
    first_write = min((t for t, _, size in storage.writes if size), default=None)
    first_read = min((t for t, _, size in storage.reads if size), default=None)
    if first_read is None or (first_write is not None and first_write <= first_read):
        return None
    return storage.definition_time


def _touches(storage: Storage, accesses: AccessMap) -> dict[int, _Touch]:
    touches: dict[int, _Touch] = defaultdict(_Touch)
    read: Role = "operand"
    write: Role = "result"
    for time, k, size in storage.reads:
        if size:
            touches[time].reads.append((k, accesses.get((time, read, k), "slow")))
    for time, k, size in storage.writes:
        if size:
            touches[time].writes.append((k, accesses.get((time, write, k), "slow")))
    return touches
