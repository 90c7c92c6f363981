"""Times of a growing schedule: prices per instruction, and the copy queue evaluated from event to event.

The semantics are those of the simulator (DESIGN section 3); here only what changes is priced anew, and the queue looks
at the instructions where a copy starts or is waited for, not at all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .base import Problem
from .residency import Transfer

Seconds = NDArray[np.float64]


@dataclass(frozen=True)
class Price:
    """Seconds of one instruction, and those of them in which the slow memory is idle."""

    elapsed: float
    idle: float


class Clock:
    """Prices of all instructions under the current set of fast storages per instruction."""

    def __init__(self, problem: Problem) -> None:
        program = problem.program
        self._cost = problem.cost
        self._bandwidth = problem.accelerator.slow_memory.bandwidth
        self._trips = [step.trip_count for step in program.instructions]
        place = program.storage_of
        self._operands = [[(place[o.buffer], o.bytes_accessed) for o in step.operands] for step in program.instructions]
        self._results = [[(place[o.buffer], o.bytes_accessed) for o in step.results] for step in program.instructions]
        self._known: dict[tuple[int, frozenset[int]], Price] = {}
        self._fast: list[frozenset[int]] = [frozenset()] * len(self._trips)
        prices = [self.price(t, frozenset()) for t in range(len(self._trips))]
        self._elapsed: Seconds = np.array([p.elapsed for p in prices])
        self._idle: Seconds = np.array([p.idle for p in prices])

    def price(self, t: int, fast: frozenset[int]) -> Price:
        """Price of instruction ``t`` with these storages in fast memory."""
        known = self._known.get((t, fast))
        if known is not None:
            return known
        operands, results = self._operands[t], self._results[t]
        elapsed = self._cost.seconds(t, [s in fast for s, _ in operands], [s in fast for s, _ in results])
        slow_bytes = sum(count for s, count in operands + results if s not in fast)
        busy = slow_bytes / self._bandwidth * self._trips[t]
        price = Price(elapsed, max(0.0, elapsed - busy))
        self._known[t, fast] = price
        return price

    def change(self, storage: int, times: Iterable[int]) -> dict[int, Price]:
        """Prices at ``times`` if ``storage`` were in fast memory there."""
        return {t: self.price(t, self._fast[t] | {storage}) for t in times}

    def gain(self, change: Mapping[int, Price]) -> tuple[float, float]:
        """``(seconds saved, idle slow-memory seconds added)`` by a change."""
        saved = sum(float(self._elapsed[t]) - price.elapsed for t, price in change.items())
        idle = sum(price.idle - float(self._idle[t]) for t, price in change.items())
        return saved, idle

    def apply(self, storage: int, change: Mapping[int, Price]) -> None:
        """Put ``storage`` in fast memory at the change's times."""
        for t, price in change.items():
            self._fast[t] |= {storage}
            self._elapsed[t] = price.elapsed
            self._idle[t] = price.idle

    def total(self, copies: Iterable[tuple[Transfer, float]], change: Mapping[int, Price]) -> float:
        """Seconds of the program with these copies (and the DMA seconds each needs) after a change."""
        elapsed = float(self._elapsed.sum()) - self.gain(change)[0]
        idle = self._idle.copy()
        for t, price in change.items():
            idle[t] = price.idle
        return elapsed + queue_run(idle, copies).stall

    def spare(self, copies: Iterable[tuple[Transfer, float]]) -> Seconds:
        """Idle seconds that the queue leaves unused before each instruction: cumulative, N + 1 entries."""
        run = queue_run(self._idle, copies)
        total: Seconds = np.concatenate([[0.0], np.cumsum(self._idle)])
        used = np.zeros_like(total)
        for (t, done, pending), (after, _, _) in zip(run.marks, [*run.marks[1:], (len(total), 0.0, 0.0)], strict=True):
            used[t:after] = done + np.minimum(pending, total[t:after] - total[t])
        return total - used


@dataclass(frozen=True)
class QueueRun:
    """What the queue did: stall seconds, and ``(t, idle seconds used before t, seconds pending at t)`` at each event."""

    stall: float
    marks: list[tuple[int, float, float]]


def queue_run(idle: Seconds, copies: Iterable[tuple[Transfer, float]]) -> QueueRun:
    """Run the FIFO queue over the idle seconds of all instructions."""
    total = [0.0, *np.cumsum(idle).tolist()]
    order = sorted(copies, key=lambda item: (item[0].start, item[0].done))
    waits: dict[int, float] = {}
    joins: dict[int, float] = {}
    enqueued = 0.0
    for transfer, seconds in order:
        enqueued += seconds
        joins[transfer.start] = enqueued
        waits[transfer.done] = enqueued
    joined = moved = used = stall = 0.0
    before = 0
    marks = [(0, 0.0, 0.0)]
    for t in sorted(joins.keys() | waits.keys()):
        step = min(joined - moved, total[t] - total[before])
        moved += step
        used += step
        joined = joins.get(t, joined)
        late = waits.get(t, 0.0) - moved
        if late > 0.0:
            stall += late
            moved += late
        marks.append((t, used, joined - moved))
        before = t
    return QueueRun(stall, marks)
