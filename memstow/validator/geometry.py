"""Rule 1 (space and time of allocations) and the pinned part of rule 5; blocks, the merged allocations.

Bytes run upward, instruction times to the right. ``A1`` and ``A2`` are one storage at one offset and abut in time, so
they are one block ``[0, 5]``; ``B`` may follow ``A`` in space at once, and in time from 6 on::

    offset
      ^   +-----------+
      |   |     B     |
      |   +-----+-----+-----+
      |   | A1  | A2  |  B' |
      +---+-----+-----+-----+--> t
          0    2|3   5|6
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ..accelerator import Accelerator
from ..plan import Allocation, MemoryPlan
from ..program import Program
from .violation import Violation, name_buffer


@dataclass(frozen=True)
class Block:
    """One storage at one offset without a break in time: abutting allocations (and overlapping ones, which rule 1
    reports) are merged. Times are inclusive.
    """

    storage: int
    offset: int
    size: int
    start: int
    end: int

    def __str__(self) -> str:
        return f"[{self.start}, {self.end}] at offset {self.offset}"


class BlockMap:
    """The blocks of a plan, by storage and by place."""

    def __init__(self, program: Program, plan: MemoryPlan) -> None:
        places: dict[tuple[int, int], list[Block]] = defaultdict(list)
        for allocation in sorted(_usable(program, plan), key=lambda a: (a.start, a.end)):
            storage = program.storage_of[allocation.buffer]
            row = places[storage, allocation.offset]
            last = row[-1] if row else None
            if last and last.end + 1 >= allocation.start:
                size, end = min(last.size, allocation.size), max(last.end, allocation.end)
                row[-1] = Block(storage, last.offset, size, last.start, end)
            else:
                row.append(Block(storage, allocation.offset, allocation.size, allocation.start, allocation.end))
        self._places = {place: (tuple(b.start for b in row), tuple(row)) for place, row in places.items()}
        self._by_storage: dict[int, list[Block]] = defaultdict(list)
        for row in places.values():
            for block in row:
                self._by_storage[block.storage].append(block)
        for blocks in self._by_storage.values():
            blocks.sort(key=lambda b: (b.start, b.offset))

    def of_storage(self, storage: int) -> list[Block]:
        """Blocks of a storage by start, then offset."""
        return self._by_storage.get(storage, [])

    def covering(self, storage: int, offset: int, time: int) -> Block | None:
        """The block of a storage at an offset that covers a time; ``None`` if there is none."""
        starts, row = self._places.get((storage, offset), ((), ()))
        position = bisect_right(starts, time) - 1
        return row[position] if position >= 0 and row[position].end >= time else None


def list_blocks(blocks: list[Block]) -> str:
    """The first few blocks for a message."""
    shown = ", ".join(str(block) for block in blocks[:3])
    return f"{shown}, ..." if len(blocks) > 3 else shown or "none"


def check_allocations(program: Program, accelerator: Accelerator, plan: MemoryPlan) -> Iterator[Violation]:
    """Each allocation alone, then all against each other."""
    last = len(program.instructions) - 1
    prefetched = {
        (program.storage_of[c.buffer], c.offset)
        for c in plan.copies
        if c.direction == "prefetch" and c.start_time == -1 and c.buffer in program.storage_of
    }
    for allocation in plan.allocations:
        if allocation.buffer not in program.storage_of:
            continue
        for rule, problem in _problems(program, accelerator, allocation, last, prefetched):
            where = name_buffer(program, allocation.buffer)
            yield Violation(rule, f"{where}: {problem}", buffer=allocation.buffer)
    yield from _overlaps(program, plan)


def _problems(
    program: Program, accelerator: Accelerator, allocation: Allocation, last: int, prefetched: set[tuple[int, int]]
) -> Iterator[tuple[int, str]]:
    storage = program.storages[program.storage_of[allocation.buffer]]
    span = f"allocation [{allocation.start}, {allocation.end}] at offset {allocation.offset}"
    if storage.pinned_slow:
        yield 5, f"pinned to slow memory, found {span}"
    if not (-1 <= allocation.start <= allocation.end and 0 <= allocation.end <= last):
        yield 1, f"{span}: expected 0 <= start <= end <= {last}"
    elif allocation.start == -1 and (storage.index, allocation.offset) not in prefetched:
        yield 1, f"{span}: expected start >= 0, since no cross-program prefetch fills it"
    if allocation.size < storage.size_bytes:
        yield 1, f"{span}: expected a size of at least {storage.size_bytes} bytes, found {allocation.size}"
    if allocation.offset < 0 or allocation.offset % accelerator.alignment:
        yield 1, f"{span}: expected an offset >= 0 and a multiple of {accelerator.alignment}"
    if allocation.offset + allocation.size > accelerator.capacity:
        top = allocation.offset + allocation.size
        yield 1, f"{span}: expected an end within the capacity of {accelerator.capacity} bytes, found {top}"


def _usable(program: Program, plan: MemoryPlan) -> Iterator[Allocation]:
    """Allocations that name a known buffer and cover some time."""
    for allocation in plan.allocations:
        if allocation.buffer in program.storage_of and allocation.start <= allocation.end:
            yield allocation


def _overlaps(program: Program, plan: MemoryPlan) -> Iterator[Violation]:
    """Sweep over time. The live intervals stay disjoint and sorted: one that overlaps is reported and left out."""
    events: list[tuple[int, int, Allocation]] = []
    for allocation in _usable(program, plan):
        if allocation.size > 0:
            events.append((allocation.start, 1, allocation))
            events.append((allocation.end + 1, 0, allocation))
    events.sort(key=lambda event: event[:2])
    offsets: list[int] = []
    live: list[Allocation] = []
    for _, is_start, allocation in events:
        position = bisect_left(offsets, allocation.offset)
        if not is_start:
            if position < len(live) and live[position] is allocation:
                del offsets[position], live[position]
            continue
        clash = _clash(live, position, allocation)
        if clash is None:
            offsets.insert(position, allocation.offset)
            live.insert(position, allocation)
            continue
        yield Violation(
            1,
            f"{name_buffer(program, allocation.buffer)}: {_extent(allocation)} overlaps "
            f"{name_buffer(program, clash.buffer)}: {_extent(clash)}",
            instruction=max(allocation.start, 0),
            buffer=allocation.buffer,
        )


def _clash(live: list[Allocation], position: int, allocation: Allocation) -> Allocation | None:
    if position > 0 and live[position - 1].offset + live[position - 1].size > allocation.offset:
        return live[position - 1]
    if position < len(live) and live[position].offset < allocation.offset + allocation.size:
        return live[position]
    return None


def _extent(allocation: Allocation) -> str:
    top = allocation.offset + allocation.size
    return f"bytes [{allocation.offset}, {top}) during [{allocation.start}, {allocation.end}]"
