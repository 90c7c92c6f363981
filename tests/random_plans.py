"""Random programs and valid plans of any length, made from one ``random.Random`` and so far faster than hypothesis.

Fast memory is large and every stay has bytes of its own: what varies is time. Copies pile up, start and fall due at
one time, stay open over much of the program; a few programs have instructions that touch a dozen storages.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from random import Random

from memstow.accelerator import Accelerator, DmaEngine, Memory
from memstow.core import CoreStay
from memstow.plan import Access, Allocation, Copy, MemoryName, MemoryPlan
from memstow.program import Buffer, BufferKind, Instruction, Operand, Program, Storage


def random_accelerator(random: Random) -> Accelerator:
    """A part with rates of the same order for everything, so that copies now hide and now stall."""
    slow = random.choice([0.5, 1.0, 3.0])
    fast = slow * random.choice([1.0, 2.5, 8.0])
    return Accelerator(
        name="random",
        flops_per_second={"f32": 1.0},
        launch_overhead_seconds=random.choice([0.0, 0.3]),
        max_cross_program_prefetches=2,
        fast_memory=Memory(
            name="fast", capacity_bytes=1 << 40, read_bytes_per_second=fast, write_bytes_per_second=fast
        ),
        slow_memory=Memory(
            name="slow", capacity_bytes=1 << 40, read_bytes_per_second=slow, write_bytes_per_second=slow * 2
        ),
        dma=DmaEngine(bytes_per_second=random.choice([0.3, 1.0, 4.0]), latency_seconds=random.choice([0.0, 0.7])),
    )


def random_program(random: Random, count: int) -> Program:
    """``count`` instructions with weights, in-place updates, zero-byte entries, loops and pinned buffers."""
    buffers = [_resident(random, number) for number in range(random.randint(1, 2 + count // 4))]
    uses: dict[int, set[int]] = defaultdict(set)
    instructions = []
    for t in range(count):
        width = random.choice([12, 16, 20]) if random.random() < 0.04 else random.randint(0, 3)
        operands = [buffers[_recent(random, len(buffers))] for _ in range(width)]
        results = []
        for _ in range(random.choice([0, 1, 1, 2])):
            updated = random.choice(operands) if operands and random.random() < 0.2 else None
            results.append(_result(random, buffers, t, updated))
        for operand in operands:
            uses[operand.id].add(t)
        instructions.append(
            Instruction(
                name=f"i{t}",
                compute_seconds=random.choice([0.0, 1.0, 7.3, 20.0]),
                trip_count=random.choice([1, 1, 1, 3]),
                operands=tuple(_entry(random, buffer) for buffer in operands),
                results=tuple(_entry(random, buffer) for buffer in results),
            )
        )
    used = tuple(b.model_copy(update={"use_times": tuple(sorted(uses[b.id]))}) for b in buffers)
    return Program(name="random", instructions=tuple(instructions), buffers=used)


def random_stays(random: Random, program: Program, cross_program: int = 2) -> list[CoreStay]:
    """Stays that a valid plan may have together, in random order; runs of touches are fast by the toss of a coin."""
    stays: list[CoreStay] = []
    for storage in program.storages:
        if not storage.pinned_slow:
            found = _walk(random, storage, len(program.instructions), cross_program)
            cross_program -= sum(stay.prefetch_start == -1 for stay in found)
            stays += found
    random.shuffle(stays)
    return stays


def plan_of(
    program: Program, accelerator: Accelerator, stays: Sequence[CoreStay], random: Random | None = None
) -> MemoryPlan:
    """The plan of these stays, copies in the order of start, done and storage.

    With ``random``, copies of one start stand in any order, and reads that find the data in both memories are served
    entry by entry from either.
    """
    moves, allocations, fast, both = [], [], set(), set()
    offset = 0
    for stay in stays:
        storage = program.storages[stay.storage]
        buffer, size, times = storage.representative.id, storage.size_bytes, _touches(storage)
        served = sorted(times)[stay.first : stay.last + 1]
        fast |= {(t, stay.storage) for t in served}
        first_write = min((t for t in served if times[t]), default=len(program.instructions))
        if stay.prefetch_done >= 0:
            both |= {(t, stay.storage) for t in served if t < first_write}
        start, end = served[0], served[-1]
        for direction, begin, done in (
            ("prefetch", stay.prefetch_start, stay.prefetch_done),
            ("evict", stay.eviction_start, stay.eviction_done),
        ):
            if begin == -2:
                continue
            start, end = min(start, begin), max(end, begin, done - 1)
            tie = random.random() if random else 0.0
            key = (begin, tie, done, stay.storage)
            moves.append((key, _copy(buffer, direction, begin, done, offset, size)))
        allocations.append(Allocation(buffer=buffer, offset=offset, size=size, start=start, end=end))
        offset += size
    return MemoryPlan(
        program_fingerprint=program.fingerprint,
        accelerator=accelerator.name,
        allocations=tuple(allocations),
        copies=tuple(copy for _, copy in sorted(moves, key=lambda move: move[0])),
        accesses=tuple(_accesses(program, fast, both if random else set(), random)),
    )


def _resident(random: Random, number: int) -> Buffer:
    kind: BufferKind = random.choice(("parameter", "constant", "input"))
    return Buffer(id=number, name=f"b{number}", size_bytes=random.randint(1, 20), kind=kind, definition_time=-1)


def _result(random: Random, buffers: list[Buffer], t: int, updated: Buffer | None) -> Buffer:
    """A new buffer defined at ``t``; with ``updated`` it shares that one's storage."""
    group = None
    if updated is not None:
        known = buffers[updated.id]
        group = known.id if known.alias_group is None else known.alias_group
        buffers[known.id] = known.model_copy(update={"alias_group": group})
    kind: BufferKind = random.choice(("intermediate", "output"))
    buffer = Buffer(
        id=len(buffers),
        name=f"b{len(buffers)}",
        size_bytes=random.randint(1, 20),
        kind=kind,
        definition_time=t,
        alias_group=group,
        pinned_slow=random.random() < 0.05,
    )
    buffers.append(buffer)
    return buffer


def _entry(random: Random, buffer: Buffer) -> Operand:
    return Operand(buffer=buffer.id, bytes_accessed=random.randint(0, buffer.size_bytes))


def _recent(random: Random, count: int) -> int:
    """The number of a buffer, recent ones more often."""
    if random.random() < 0.3:
        return random.randrange(count)
    return count - 1 - min(int(random.expovariate(0.15)), count - 1)


def _touches(storage: Storage) -> dict[int, bool]:
    """Whether it writes, by the time of every touch."""
    times = {t: False for t, _, size in storage.reads if size}
    return times | {t: True for t, _, size in storage.writes if size}


def _walk(random: Random, storage: Storage, count: int, cross_program: int) -> list[CoreStay]:
    """Cut the touches into runs. Before and after each run that is fast, slow memory holds the current data."""
    writes = _touches(storage)
    times = sorted(writes)
    if not times or not (storage.born_slow or writes[times[0]]):
        return []
    stays = []
    first, ready, in_slow = 0, (-1 if storage.born_slow and cross_program else 0), storage.born_slow
    while first < len(times):
        last = min(len(times) - 1, first + int(random.expovariate(0.5)))
        run = times[first : last + 1]
        last_write = max((t for t in run if writes[t]), default=-1)
        deadline = times[last + 1] if last + 1 < len(times) else count
        wanted = last_write >= 0 and (last + 1 < len(times) or storage.is_output)
        fast = random.random() < 0.7 and (not in_slow or ready <= run[0])
        if wanted and last_write + 1 > min(deadline, count - 1):
            fast = False
        if fast:
            prefetch = evict = (-2, -2)
            if in_slow:
                prefetch = _interval(random, ready, run[0], late=True)
                cross_program -= prefetch[0] == -1
            if wanted:
                evict = _interval(random, last_write + 1, deadline, late=False, last_start=count - 1)
            stays.append(CoreStay(storage.index, first, last, *prefetch, *evict))
            ready = max(run[-1] + 1, evict[0] + 1, evict[1])
        elif last_write >= 0:
            ready = max(ready, last_write + 1)
        in_slow = in_slow or last_write >= 0
        first = last + 1
    return stays


def _interval(random: Random, low: int, high: int, *, late: bool, last_start: int | None = None) -> tuple[int, int]:
    """Start and done in ``[low, high]``: near the far or the near end mostly, sometimes anywhere or empty."""
    high_start = high if last_start is None else min(high, last_start)
    if random.random() < 0.2:
        start = random.randint(low, high_start)
        return start, random.randint(start, high)
    reach = min(int(random.expovariate(0.2)), high - low)
    if late:
        return min(high - reach, high_start), high
    start = min(low + random.randint(0, 1), high_start)
    return start, max(start, min(low + reach, high))


def _copy(buffer: int, direction: str, start: int, done: int, offset: int, size: int) -> Copy:
    return Copy(
        buffer=buffer,
        direction="prefetch" if direction == "prefetch" else "evict",
        start_time=start,
        done_time=done,
        offset=offset,
        bytes=size,
    )


def _accesses(
    program: Program, fast: set[tuple[int, int]], both: set[tuple[int, int]], random: Random | None
) -> list[Access]:
    accesses = []

    def memory(t: int, entry: Operand) -> MemoryName:
        touch = t, program.storage_of[entry.buffer]
        if touch in both and random is not None and random.random() < 0.1:
            return "slow"
        return "fast" if touch in fast else "slow"

    for t, step in enumerate(program.instructions):
        for k, operand in enumerate(step.operands):
            accesses.append(Access(instruction=t, operand=k, memory=memory(t, operand)))
        for k, result in enumerate(step.results):
            accesses.append(Access(instruction=t, result=k, memory=memory(t, result)))
    return accesses
