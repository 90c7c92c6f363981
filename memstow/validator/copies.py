"""Rules 4, 6, 7 and the coverage part of rule 3: each copy's times, size and place, and how many are open at once."""

from __future__ import annotations

from collections.abc import Iterator

from ..accelerator import Accelerator
from ..plan import Copy, MemoryPlan
from ..program import Program
from .geometry import Block, BlockMap, list_blocks
from .violation import Violation, name_buffer


def times_are_sound(copy: Copy, instructions: int) -> bool:
    """Whether ``-1 <= start_time <= done_time <= N`` and ``start_time <= N - 1``, with -1 for prefetches only."""
    first = -1 if copy.direction == "prefetch" else 0
    return first <= copy.start_time <= copy.done_time <= instructions and copy.start_time < instructions


def block_of(copy: Copy, storage: int, blocks: BlockMap, instructions: int) -> Block | None:
    """The block a copy reads or fills: the one at its start, else the one at its end."""
    at_start = blocks.covering(storage, copy.offset, copy.start_time)
    return at_start or blocks.covering(storage, copy.offset, min(copy.done_time, instructions - 1))


def name_copy(index: int, copy: Copy) -> str:
    """A copy's direction, times, place and plan index for a message."""
    what = "prefetch" if copy.direction == "prefetch" else "eviction"
    return f"{what} [{copy.start_time}, {copy.done_time}] at offset {copy.offset} (copy {index})"


def check_copies(program: Program, accelerator: Accelerator, plan: MemoryPlan, blocks: BlockMap) -> Iterator[Violation]:
    """Each copy alone, then the limits on cross-program and outstanding copies."""
    for index, copy in enumerate(plan.copies):
        if copy.buffer not in program.storage_of:
            continue
        for rule, problem in _problems(program, copy, blocks):
            where = f"{name_buffer(program, copy.buffer)}: {name_copy(index, copy)}"
            yield Violation(rule, f"{where}: {problem}", buffer=copy.buffer)
    yield from _check_cross_program(program, accelerator, plan)
    yield from _check_outstanding(program, plan, "prefetch", accelerator.dma.max_outstanding_prefetches)
    yield from _check_outstanding(program, plan, "evict", accelerator.dma.max_outstanding_evictions)


def _problems(program: Program, copy: Copy, blocks: BlockMap) -> Iterator[tuple[int, str]]:
    storage = program.storages[program.storage_of[copy.buffer]]
    count = len(program.instructions)
    if copy.bytes != storage.size_bytes:
        yield 4, f"expected {storage.size_bytes} bytes, the whole buffer, found {copy.bytes}"
    if not times_are_sound(copy, count):
        first = -1 if copy.direction == "prefetch" else 0
        yield 4, f"expected {first} <= start_time <= done_time <= {count} and start_time < {count}"
        return
    block = blocks.covering(storage.index, copy.offset, copy.start_time)
    if copy.direction == "prefetch":
        end = min(copy.done_time, count - 1)
        rule, role = 4, "destination"
    else:
        end = max(copy.done_time - 1, copy.start_time)
        rule, role = 3, "source"
    if block is None or block.end < end:
        found = list_blocks(blocks.of_storage(storage.index))
        yield rule, f"expected its {role} allocated during [{copy.start_time}, {end}], found {found}"


def _check_cross_program(program: Program, accelerator: Accelerator, plan: MemoryPlan) -> Iterator[Violation]:
    cross = [c for c in plan.copies if c.direction == "prefetch" and c.start_time == -1]
    limit = accelerator.max_cross_program_prefetches
    if len(cross) > limit:
        yield Violation(
            6,
            f"expected at most {limit} cross-program prefetches (start_time -1) on {accelerator.name!r}, "
            f"found {len(cross)}",
            buffer=cross[limit].buffer,
        )
    for copy in cross:
        if copy.buffer in program.storage_of and not program.storages[program.storage_of[copy.buffer]].born_slow:
            yield Violation(
                6,
                f"{name_buffer(program, copy.buffer)}: a cross-program prefetch needs data that exists before the "
                "program, found a buffer that the program produces",
                buffer=copy.buffer,
            )


def _check_outstanding(program: Program, plan: MemoryPlan, direction: str, limit: int | None) -> Iterator[Violation]:
    """One violation at the first instruction time with too many open copies."""
    if limit is None:
        return
    changes: list[tuple[int, int, int]] = []
    for copy in plan.copies:
        if copy.direction == direction and max(copy.start_time, 0) < copy.done_time:
            changes.append((max(copy.start_time, 0), 1, copy.buffer))
            changes.append((copy.done_time, -1, copy.buffer))
    open_copies = 0
    for time, change, buffer in sorted(changes):
        open_copies += change
        if open_copies > limit and time < len(program.instructions):
            name = f"max_outstanding_{'prefetches' if direction == 'prefetch' else 'evictions'}"
            yield Violation(
                7, f"expected at most {limit} open copies ({name}), found {open_copies} at time {time}", time, buffer
            )
            return
