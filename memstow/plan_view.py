"""A finished plan as questions about it need it: gains per access, free blocks, idle slow-memory time left over."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .plan import MemoryPlan
from .planners.base import Problem
from .program import Storage
from .simulator import Simulation, simulate

#: A gain below this part of the instruction's time is rounding.
_ROUNDING = 1e-12

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Touch:
    """All accesses with bytes of one storage at one instruction.

    ``index`` of ``count`` touches of the storage; ``creates``: it writes data that did not exist before;
    ``needed_until``: last time at which a block that serves it must still be there (beyond the program's last time if
    data must then be copied back); ``gain``: seconds saved with all its entries in fast memory.
    """

    time: int
    index: int
    count: int
    writes: bool
    creates: bool
    needed_until: int
    entries: int
    slow_entries: int
    gain: float


class PlanView:
    """One plan of one problem. A storage's own allocations count as room for it."""

    def __init__(self, problem: Problem, plan: MemoryPlan) -> None:
        self._problem = problem
        self._simulation = simulate(problem.program, problem.accelerator, plan, problem.cost)
        operands, results = plan.operand_memory(), plan.result_memory()
        steps = problem.program.instructions
        self._operands = [[operands.get((t, k)) == "fast" for k in range(len(s.operands))] for t, s in enumerate(steps)]
        self._results = [[results.get((t, k)) == "fast" for k in range(len(s.results))] for t, s in enumerate(steps)]
        self.capacity = problem.accelerator.capacity
        self.last_time = len(steps) - 1
        place = problem.program.storage_of
        rows = [(a.offset, a.offset + a.size, a.start, a.end, place[a.buffer]) for a in plan.allocations]
        self._rows: Integers = np.array(sorted(rows), dtype=np.int64).reshape(-1, 5).T
        self._spare = _spare_seconds(problem, plan, self._simulation)
        self._full = _full_times(problem, plan)
        crossed = sum(copy.start_time < 0 for copy in plan.copies)
        self._cross_slots = problem.accelerator.max_cross_program_prefetches - crossed

    def touches(self, storage: Storage) -> list[Touch]:
        """All touches of a storage in time order."""
        reads: dict[int, list[int]] = defaultdict(list)
        writes: dict[int, list[int]] = defaultdict(list)
        for table, entries in ((reads, storage.reads), (writes, storage.writes)):
            for t, k, count in entries:
                if count:
                    table[t].append(k)
        times = sorted(reads.keys() | writes.keys())
        return [
            self._touch(storage, t, i, len(times), reads.get(t, []), writes.get(t, [])) for i, t in enumerate(times)
        ]

    def _touch(self, storage: Storage, t: int, index: int, count: int, reads: list[int], writes: list[int]) -> Touch:
        memory = [self._operands[t][k] for k in reads] + [self._results[t][k] for k in writes]
        slow = memory.count(False)
        kept = bool(writes) and (storage.is_output or index + 1 < count)
        return Touch(
            time=t,
            index=index,
            count=count,
            writes=bool(writes),
            creates=index == 0 and bool(writes) and not storage.born_slow,
            needed_until=t + 1 if kept else t,
            entries=len(memory),
            slow_entries=slow,
            gain=self._gain(t, reads, writes) if slow else 0.0,
        )

    def _gain(self, t: int, reads: list[int], writes: list[int]) -> float:
        operands, results = list(self._operands[t]), list(self._results[t])
        for k in reads:
            operands[k] = True
        for k in writes:
            results[k] = True
        now = self._simulation.instructions[t].elapsed_seconds
        gain = now - self._problem.cost.seconds(t, operands, results)
        return gain if abs(gain) > _ROUNDING * now else 0.0

    def is_compute_bound(self, t: int) -> bool:
        """Whether compute and launch overhead account for all of an instruction's time."""
        timing = self._simulation.instructions[t]
        return timing.compute_seconds > 0 and (
            timing.elapsed_seconds - timing.compute_seconds - timing.overhead_seconds
            <= _ROUNDING * timing.elapsed_seconds
        )

    def copy_seconds(self, storage: Storage) -> float:
        """DMA time of one copy."""
        return self._problem.accelerator.copy_seconds(storage.size_bytes)

    def fits(self, storage: Storage, start: int, end: int) -> bool:
        """Whether an aligned block of the storage's size is free during all of ``[start, end]``."""
        sizes = self._holes(storage, start, end)[1]
        return bool((sizes >= storage.size_bytes).any())

    def largest_hole(self, storage: Storage, start: int, end: int) -> tuple[int, int]:
        """Bytes of the largest aligned block free during ``[start, end]``, and of all such blocks together."""
        sizes = self._holes(storage, start, end)[1]
        return max(0, int(sizes.max())), int(sizes[sizes > 0].sum())

    def occupants(self, storage: Storage, start: int, end: int) -> list[tuple[str, int]]:
        """``(name, bytes)`` of the other storages in fast memory during ``[start, end]``, largest first."""
        found = {int(row[4]): int(row[1] - row[0]) for row in self._overlapping(storage, start, end).T}
        names = self._problem.program.storages
        ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
        return [(names[index].representative.name, size) for index, size in ranked]

    def stays_on(self, storage: Storage, first: Touch, last: Touch) -> bool:
        """Whether the touch before ``first`` is served in a block that is free from there to ``last`` on."""
        own = self._rows[:, self._rows[4] == storage.index]
        if first.index == 0 or not own.size:
            return False
        before = max(t for t, _, count in (*storage.reads, *storage.writes) if count and t < first.time)
        others = self._overlapping(storage, before + 1, last.needed_until)
        return self._is_fast(storage, before) and any(
            not ((others[0] < end) & (others[1] > offset)).any()
            for offset, end in own[:2, (own[2] <= before) & (own[3] >= before)].T
        )

    def hidden_prefetch(self, storage: Storage, first: Touch, last: Touch) -> float:
        """Most seconds of a prefetch for ``first`` that idle slow memory can take, the other copies as planned."""
        if storage.born_slow and self._cross_slots > 0 and self.fits(storage, 0, last.needed_until):
            return float("inf")
        earliest = max((t + 1 for t, _, count in storage.writes if count and t < first.time), default=0)
        full = self._full[0][self._full[0] < first.time]
        earliest = max(earliest, int(full[-1]) + 1) if full.size else earliest
        wanted = self._spare[first.time] - self.copy_seconds(storage)
        low = max(earliest, int(np.searchsorted(self._spare, wanted, side="right")) - 1)
        high = first.time
        while low < high:
            middle = (low + high) // 2
            if self.fits(storage, middle, last.needed_until):
                high = middle
            else:
                low = middle + 1
        return float(self._spare[first.time] - self._spare[high])

    def hidden_eviction(self, storage: Storage, first: Touch, last: Touch, written: int) -> float:
        """Most seconds of an eviction after time ``written`` that idle slow memory can take, as above."""
        later = [t for t, _, count in (*storage.reads, *storage.writes) if count and t > last.time]
        start = written + 1
        latest = min(later, default=self.last_time + 1)
        full = self._full[1][self._full[1] >= start]
        latest = min(latest, int(full[0])) if full.size else latest
        wanted = self._spare[start] + self.copy_seconds(storage)
        high = min(latest, int(np.searchsorted(self._spare, wanted)))
        low = min(start, high)
        while low < high:
            middle = (low + high + 1) // 2
            if self.fits(storage, first.time, max(last.time, middle - 1)):
                low = middle
            else:
                high = middle - 1
        return max(0.0, float(self._spare[low] - self._spare[start]))

    def _is_fast(self, storage: Storage, t: int) -> bool:
        reads = [self._operands[time][k] for time, k, count in storage.reads if count and time == t]
        writes = [self._results[time][k] for time, k, count in storage.writes if count and time == t]
        return all(reads + writes)

    def _overlapping(self, storage: Storage, start: int, end: int) -> Integers:
        rows = self._rows
        return rows[:, (rows[2] <= end) & (rows[3] >= start) & (rows[4] != storage.index)]

    def _holes(self, storage: Storage, start: int, end: int) -> tuple[Integers, Integers]:
        rows = self._overlapping(storage, start, end)
        floors = np.concatenate([[0], np.maximum.accumulate(rows[1])]).astype(np.int64)
        alignment = self._problem.accelerator.alignment
        floors = -(-floors // alignment) * alignment
        return floors, np.append(rows[0], self.capacity) - floors


def _spare_seconds(problem: Problem, plan: MemoryPlan, simulation: Simulation) -> Floats:
    """Idle slow-memory seconds that no copy uses before each instruction time: cumulative, N + 1 entries.

    In a FIFO queue the copies due at a time and all that joined before them must be done by then, so the queue is known
    by the seconds that have joined, those that have run, and those that must have run.
    """
    accelerator = problem.accelerator
    count = len(simulation.instructions)
    joins, due = [0.0] * (count + 1), [0.0] * (count + 1)
    order = sorted((copy for copy in plan.copies if copy.start_time >= 0), key=lambda copy: copy.start_time)
    joined = 0.0
    for copy in order:
        joined += accelerator.copy_seconds(copy.bytes)
        joins[min(copy.start_time, count)] = joined
        due[min(max(copy.done_time, copy.start_time), count)] = joined
    spare = np.zeros(count + 1)
    joined = run = 0.0
    for t, timing in enumerate(simulation.instructions):
        joined = max(joined, joins[t])
        run = max(run, due[t])
        idle = max(0.0, timing.elapsed_seconds - timing.slow_bytes / accelerator.slow_memory.bandwidth)
        used = min(idle, joined - run)
        run += used
        spare[t + 1] = spare[t] + idle - used
    return spare


def _full_times(problem: Problem, plan: MemoryPlan) -> tuple[Integers, Integers]:
    """Instruction times at which no further prefetch, and no further eviction, may be open."""
    count = len(problem.program.instructions)
    dma = problem.accelerator.dma
    full = []
    for direction, limit in (("prefetch", dma.max_outstanding_prefetches), ("evict", dma.max_outstanding_evictions)):
        open_copies = np.zeros(count + 1, dtype=np.int64)
        for copy in plan.copies:
            if copy.direction == direction:
                open_copies[max(copy.start_time, 0) : copy.done_time] += 1
        full.append(np.flatnonzero(open_copies >= limit) if limit is not None else np.empty(0, dtype=np.int64))
    return full[0], full[1]
