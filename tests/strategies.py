"""Hypothesis strategies: small accelerators, programs, and valid plans built without any planner of memstow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st

from memstow.accelerator import Accelerator, DmaEngine, Memory
from memstow.plan import Access, Allocation, Copy, MemoryName, MemoryPlan
from memstow.program import Buffer, Instruction, Operand, Program, Storage

Draw = Callable[[st.SearchStrategy[int]], int]


@dataclass(frozen=True)
class Planned:
    """A problem and a plan of it that is valid by construction."""

    program: Program
    accelerator: Accelerator
    plan: MemoryPlan


def _rates() -> st.SearchStrategy[float]:
    return st.sampled_from([0.5, 1.0, 2.0, 3.0])


def _limits() -> st.SearchStrategy[int | None]:
    return st.sampled_from([None, None, None, 2, 1, 0])


@st.composite
def accelerators(draw: st.DrawFn) -> Accelerator:
    """Parts whose fast memory is at least as fast as the slow one; down to no capacity and no copies at all."""
    slow = draw(_rates())
    fast = slow * draw(st.sampled_from([1.0, 2.0, 8.0]))
    return Accelerator(
        name="random",
        flops_per_second={"f32": 1.0},
        launch_overhead_seconds=draw(st.sampled_from([0.0, 0.25])),
        max_cross_program_prefetches=draw(st.integers(0, 2)),
        fast_memory=Memory(
            name="fast",
            capacity_bytes=draw(st.sampled_from([64, 64, 64, 24, 8, 0])),
            read_bytes_per_second=fast,
            write_bytes_per_second=fast * draw(st.sampled_from([1.0, 2.0])),
            alignment_bytes=draw(st.sampled_from([1, 2, 4])),
        ),
        slow_memory=Memory(
            name="slow", capacity_bytes=4096, read_bytes_per_second=slow * 2, write_bytes_per_second=slow
        ),
        dma=DmaEngine(
            bytes_per_second=draw(_rates()),
            latency_seconds=draw(st.sampled_from([0.0, 0.5])),
            max_outstanding_prefetches=draw(_limits()),
            max_outstanding_evictions=draw(_limits()),
        ),
    )


@st.composite
def programs(draw: st.DrawFn, max_instructions: int = 7) -> Program:
    """Programs with parameters, in-place updates, views, zero-byte entries, loops and pinned buffers."""
    builder = _ProgramBuilder(draw)
    for k in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["parameter", "constant", "input"]))
        builder.buffers.append(
            Buffer(id=10 + k, name=f"resident{k}", size_bytes=builder.size(), kind=kind, definition_time=-1)
        )
    count = draw(st.sampled_from(range(1, max_instructions + 1)))
    for t in range(count):
        builder.add_instruction(t)
    return builder.program()


class _ProgramBuilder:
    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self.buffers: list[Buffer] = []
        self._instructions: list[Instruction] = []

    def size(self) -> int:
        return self._draw(st.integers(1, 12))

    def add_instruction(self, t: int) -> None:
        draw = self._draw
        operands = [draw(st.sampled_from(self.buffers[::-1])) for _ in range(draw(st.sampled_from([2, 3, 1, 0])))]
        results: list[Buffer] = []
        for _ in range(draw(st.sampled_from([1, 2, 0]))):
            how = draw(st.sampled_from(["new", "new", "update", "again"]))
            candidates = [b for b in operands if b.id not in {r.id for r in results}]
            if how == "new" or not candidates:
                results.append(self._new(t, None))
            elif how == "update":
                results.append(self._new(t, self._group(candidates[0])))
            else:
                results.append(candidates[0])
        self._instructions.append(
            Instruction(
                name=f"i{t}",
                compute_seconds=draw(st.sampled_from([0.0, 1.0, 8.0])),
                trip_count=draw(st.sampled_from([1, 1, 1, 3])),
                operands=tuple(self._entry(b) for b in operands),
                results=tuple(self._entry(b) for b in results),
            )
        )

    def program(self) -> Program:
        uses: dict[int, set[int]] = defaultdict(set)
        for t, step in enumerate(self._instructions):
            for operand in step.operands:
                uses[operand.buffer].add(t)
        buffers = tuple(b.model_copy(update={"use_times": tuple(sorted(uses[b.id]))}) for b in self.buffers)
        return Program(name="random", instructions=tuple(self._instructions), buffers=buffers)

    def _new(self, t: int, group: int | None) -> Buffer:
        kind = self._draw(st.sampled_from(["intermediate", "output"]))
        number = len(self.buffers)
        buffer = Buffer(
            id=10 + number,
            name=f"b{number}",
            size_bytes=self.size(),
            kind=kind,
            definition_time=t,
            alias_group=group,
            pinned_slow=self._draw(st.integers(0, 9)) == 9,
        )
        self.buffers.append(buffer)
        return buffer

    def _group(self, buffer: Buffer) -> int:
        """The alias group of a buffer, which gets one if it has none."""
        if buffer.alias_group is not None:
            return buffer.alias_group
        position = next(k for k, b in enumerate(self.buffers) if b.id == buffer.id)
        known = self.buffers[position]
        group = known.alias_group if known.alias_group is not None else known.id
        self.buffers[position] = known.model_copy(update={"alias_group": group})
        return group

    def _entry(self, buffer: Buffer) -> Operand:
        return Operand(buffer=buffer.id, bytes_accessed=self._draw(st.integers(0, buffer.size_bytes)))


@st.composite
def planned(draw: st.DrawFn) -> Planned:
    """A random program and accelerator with a random valid plan."""
    program, accelerator = draw(programs()), draw(accelerators())
    return Planned(program, accelerator, _PlanBuilder(draw, program, accelerator).build())


@dataclass
class _Stay:
    """A run of one storage's touches ``[first, last]`` in fast memory, under construction."""

    start: int
    end: int
    copies: list[Copy] = field(default_factory=list)
    offset: int = -1


class _PlanBuilder:
    """Walks each storage's touches in time. Before every stay and after it, slow memory holds the current data."""

    def __init__(self, draw: st.DrawFn, program: Program, accelerator: Accelerator) -> None:
        self._draw = draw
        self._program = program
        self._accelerator = accelerator
        self._count = len(program.instructions)
        self._allocations: list[Allocation] = []
        self._copies: list[Copy] = []
        #: (instruction time, storage) of touches in fast memory, and of those that find the data in slow memory too.
        self._fast: set[tuple[int, int]] = set()
        self._both: set[tuple[int, int]] = set()
        self._cross_left = accelerator.max_cross_program_prefetches

    def build(self) -> MemoryPlan:
        for storage in self._draw(st.permutations(self._program.storages)):
            if not storage.pinned_slow and storage.size_bytes <= self._accelerator.capacity:
                self._walk(storage)
        return MemoryPlan(
            program_fingerprint=self._program.fingerprint,
            accelerator=self._accelerator.name,
            planner="random",
            allocations=tuple(self._allocations),
            # Stable: of one storage, an eviction stands before the prefetch that needs its data.
            copies=tuple(sorted(self._copies, key=lambda c: c.start_time)),
            accesses=tuple(self._accesses()),
        )

    def _walk(self, storage: Storage) -> None:
        reads = sorted({t for t, _, size in storage.reads if size})
        writes = {t for t, _, size in storage.writes if size}
        touches = sorted({*reads, *writes})
        ready = -1 if storage.born_slow else storage.definition_time
        exists = storage.born_slow or bool(touches and touches[0] not in writes)
        free_from = -1
        first = 0
        while first < len(touches):
            last = len(touches) - 1 - self._int(0, len(touches) - 1 - first)
            run, after = touches[first : last + 1], touches[last + 1 : last + 2]
            deadline = after[0] if after else self._count
            dirty = bool(writes & set(run))
            wanted = dirty and (bool(after) or storage.is_output)
            stay = self._stay(
                storage, run, exists, ready, free_from, max(writes & set(run), default=-1), wanted, deadline
            )
            if stay is not None:
                self._fast |= {(t, storage.index) for t in run}
                clean_until = min((t for t in run if t in writes), default=self._count)
                self._both |= {(t, storage.index) for t in run[1:] if t < clean_until}
                free_from = stay.end + 1
                evictions = [c.done_time for c in stay.copies if c.direction == "evict"]
                ready = max([ready, *evictions])
            elif dirty:
                ready = max(writes & set(run)) + 1
            exists = exists or dirty
            first = last + 1

    def _stay(
        self,
        storage: Storage,
        run: list[int],
        exists: bool,
        ready: int,
        free_from: int,
        last_write: int,
        evicted: bool,
        deadline: int,
    ) -> _Stay | None:
        """Copies, times and a place for a run; ``None`` where the dice or the rules leave it in slow memory."""
        if self._int(0, 3) == 3:
            return None
        stay = _Stay(run[0], run[-1])
        buffer = self._one_of([m.id for m in storage.members])
        if exists:
            earliest = max(ready, free_from, -1 if self._may_cross(storage, run, ready) else 0)
            if earliest > run[0]:
                return None
            stay.start = self._int(earliest, run[0])
            done = self._int(stay.start, run[0])
            if self._full("prefetch", stay.start, done):
                stay.start = done = run[0]
            stay.copies.append(_copy(storage, buffer, "prefetch", stay.start, done))
        else:
            stay.start = self._int(max(free_from, 0), run[0])
        if evicted:
            if last_write + 1 > min(deadline, self._count - 1):
                return None
            start = self._int(last_write + 1, min(deadline, self._count - 1))
            done = self._int(start, deadline)
            if self._full("evict", start, done):
                done = start
            stay.copies.append(_copy(storage, buffer, "evict", start, done))
            stay.end = max(stay.end, done - 1, start)
        stay.end = self._int(stay.end, min(max(stay.end, deadline - 1), self._count - 1))
        return stay if self._place(storage, buffer, stay) else None

    def _may_cross(self, storage: Storage, run: list[int], ready: int) -> bool:
        return storage.born_slow and ready == -1 and self._cross_left > 0

    def _full(self, direction: str, start: int, done: int) -> bool:
        """Whether one more copy would exceed the limit on open ones at some time."""
        dma = self._accelerator.dma
        limit = dma.max_outstanding_prefetches if direction == "prefetch" else dma.max_outstanding_evictions
        same = [c for c in self._copies if c.direction == direction]
        return limit is not None and any(
            sum(c.start_time <= t < c.done_time for c in same) >= limit for t in range(max(start, 0), done)
        )

    def _place(self, storage: Storage, buffer: int, stay: _Stay) -> bool:
        """Give the stay any free aligned offset and enter it; sometimes as two allocations that abut in time."""
        others = [a for a in self._allocations if a.start <= stay.end and stay.start <= a.end]
        alignment, size = self._accelerator.alignment, storage.size_bytes
        free = [
            offset
            for offset in range(0, self._accelerator.capacity - size + 1, alignment)
            if all(offset + size <= a.offset or a.offset + a.size <= offset for a in others)
        ]
        if not free:
            return False
        stay.offset = self._one_of(free)
        self._cross_left -= sum(c.start_time == -1 for c in stay.copies)
        self._copies += [c.model_copy(update={"offset": stay.offset}) for c in stay.copies]
        cut = self._int(max(stay.start, 0), stay.end)
        spans = [(stay.start, cut), (cut + 1, stay.end)] if cut < stay.end else [(stay.start, stay.end)]
        for start, end in spans:
            self._allocations.append(Allocation(buffer=buffer, offset=stay.offset, size=size, start=start, end=end))
        return True

    def _accesses(self) -> list[Access]:
        accesses = []
        for t, step in enumerate(self._program.instructions):
            for k, operand in enumerate(step.operands):
                accesses.append(Access(instruction=t, operand=k, memory=self._memory(t, operand)))
            for k, result in enumerate(step.results):
                accesses.append(Access(instruction=t, result=k, memory=self._memory(t, result)))
        return accesses

    def _memory(self, t: int, entry: Operand) -> MemoryName:
        touch = t, self._program.storage_of[entry.buffer]
        if touch in self._both and self._int(0, 3) == 3:
            return "slow"
        return "fast" if touch in self._fast else "slow"

    def _int(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))

    def _one_of(self, values: list[int]) -> int:
        return self._draw(st.sampled_from(values))


def _copy(storage: Storage, buffer: int, direction: str, start: int, done: int) -> Copy:
    return Copy.model_validate(
        {
            "buffer": buffer,
            "direction": direction,
            "start_time": start,
            "done_time": done,
            "offset": 0,
            "bytes": storage.size_bytes,
        }
    )
