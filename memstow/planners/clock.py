"""Times of a growing schedule: prices per instruction under the set of fast storages there, and the copy queue.

Only what a stay changes is priced anew; every price is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from ..core import BatchedCost
from ..core.pricing import Query
from .base import Problem
from .copy_queue import CopyQueue, Seconds, TimedTransfer

#: Storages of one instruction with all their placements priced before any is asked for.
BATCH_STORAGES = 6


@dataclass(frozen=True)
class Price:
    """Seconds of one instruction, and those of them in which the slow memory is idle."""

    elapsed: float
    idle: float


class Clock:
    """Seconds of the program; at first every access is in slow memory and nothing is copied."""

    def __init__(self, problem: Problem) -> None:
        program = problem.program
        self._cost = problem.cost
        self._bandwidth = problem.accelerator.slow_memory.bandwidth
        self._trips = [step.trip_count for step in program.instructions]
        place = program.storage_of
        self._operands = [[(place[o.buffer], o.bytes_accessed) for o in step.operands] for step in program.instructions]
        self._results = [[(place[o.buffer], o.bytes_accessed) for o in step.results] for step in program.instructions]
        self._known: dict[tuple[int, frozenset[int]], Price] = {}
        if isinstance(self._cost, BatchedCost):
            self._price_all(self._cost)
        self._fast: list[frozenset[int]] = [frozenset()] * len(self._trips)
        self._prices = [self.price(t, frozenset()) for t in range(len(self._trips))]
        self._queue = CopyQueue([price.idle for price in self._prices])

    @property
    def total_seconds(self) -> float:
        """Seconds of the program as it stands."""
        return sum(price.elapsed for price in self._prices) + self._queue.stall_seconds

    @property
    def spare(self) -> Seconds:
        """Idle slow-memory seconds not used by copies before each instruction time: cumulative, N + 1 entries."""
        return self._queue.spare

    def price(self, t: int, fast: frozenset[int]) -> Price:
        """Price of instruction ``t`` with these storages in fast memory."""
        known = self._known.get((t, fast))
        if known is not None:
            return known
        return self._keep(t, fast, self._cost.seconds(*self._query(t, fast)))

    def _price_all(self, cost: BatchedCost) -> None:
        """All placements of instructions with few storages at once: one by one, a learned model takes seconds."""
        wanted = [
            (t, frozenset(fast))
            for t, (operands, results) in enumerate(zip(self._operands, self._results, strict=True))
            if len(moved := {s for s, count in operands + results if count}) <= BATCH_STORAGES
            for size in range(len(moved) + 1)
            for fast in combinations(sorted(moved), size)
        ]
        seconds = cost.seconds_of([self._query(t, fast) for t, fast in wanted])
        for (t, fast), elapsed in zip(wanted, seconds, strict=True):
            self._keep(t, fast, elapsed)

    def _query(self, t: int, fast: frozenset[int]) -> Query:
        return t, [s in fast for s, _ in self._operands[t]], [s in fast for s, _ in self._results[t]]

    def _keep(self, t: int, fast: frozenset[int], elapsed: float) -> Price:
        slow_bytes = sum(count for s, count in self._operands[t] + self._results[t] if s not in fast)
        busy = slow_bytes / self._bandwidth * self._trips[t]
        price = Price(elapsed, max(0.0, elapsed - busy))
        self._known[t, fast] = price
        return price

    def change(self, storage: int, times: Iterable[int]) -> dict[int, Price]:
        """Prices at ``times`` if ``storage`` were in fast memory there."""
        return {t: self.price(t, self._fast[t] | {storage}) for t in times}

    def gain(self, change: Mapping[int, Price]) -> tuple[float, float]:
        """``(seconds saved, idle slow-memory seconds added)`` by a change, stalls left out."""
        saved = sum(self._prices[t].elapsed - price.elapsed for t, price in change.items())
        idle = sum(price.idle - self._prices[t].idle for t, price in change.items())
        return saved, idle

    def saving(self, change: Mapping[int, Price], copies: Sequence[TimedTransfer]) -> float:
        """Seconds that the program becomes faster by a change and the copies that it needs."""
        return self.gain(change)[0] - self._queue.added_stall(copies, {t: price.idle for t, price in change.items()})

    def apply(self, storage: int, change: Mapping[int, Price], copies: Sequence[TimedTransfer]) -> None:
        """Put ``storage`` in fast memory at the change's times, with these copies."""
        self._queue.add(copies, {t: price.idle for t, price in change.items()})
        for t, price in change.items():
            self._fast[t] |= {storage}
            self._prices[t] = price
