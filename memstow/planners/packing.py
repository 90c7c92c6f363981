"""Free space of the fast memory over time: exact best-fit search, and offline packing of fixed lifetimes.

::

    offset ^        A and B are placed; a block for [2, 5] sees the holes
        8  |
           |  BBBBBB      [4, 8) above A and below the capacity is cut by B,
        4  |  BBBBBB...   so the only hole is [0, 4) left of A's start.
           |       AAAA
        0  +--------------> time
"""

from __future__ import annotations

import bisect
import heapq
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: A capacity beyond any real memory, for packing without a limit (bytes).
UNLIMITED = 1 << 62
#: Blocks that :func:`pack` places at most, over all orders that it tries (each order once at least).
MAX_PLACEMENTS = 20_000
#: A slab is reused for a block of between a sixteenth and sixteen times its bytes (TVM's ``StaticPlanBlockMemory``).
SLAB_RANGE = 16


@dataclass(frozen=True)
class Lifetime:
    """A block of ``size`` bytes needed during instructions ``[start, end]``, both inclusive."""

    start: int
    end: int
    size: int


class FastMemory:
    """Blocks placed in ``[0, capacity)``, each during a closed interval of instruction times.

    Rows are kept sorted by offset, so one query is a filter and a running maximum over the overlapping rows: O(blocks),
    in numpy. Columns: offset, end offset, start time, end time, key.
    """

    def __init__(self, capacity: int, alignment: int = 1) -> None:
        self.capacity = capacity
        self.alignment = alignment
        self._rows: NDArray[np.int64] = np.empty((5, 64), dtype=np.int64)
        self._count = 0

    def holes(self, start: int, end: int) -> list[tuple[int, int]]:
        """Free ``(offset, bytes)`` during the whole of ``[start, end]``, offsets aligned, ascending."""
        offsets, sizes = self._holes(start, end)
        return [(int(offset), int(size)) for offset, size in zip(offsets, sizes, strict=True) if size > 0]

    def best_fit(self, size: int, start: int, end: int) -> int:
        """Aligned offset of the smallest hole of at least ``size`` bytes (the lowest of equals), or -1."""
        offsets, sizes = self._holes(start, end)
        fitting = np.flatnonzero(sizes >= size)
        if not fitting.size:
            return -1
        return int(offsets[fitting[np.argmin(sizes[fitting])]])

    def first_fit(self, size: int, start: int, end: int) -> int:
        """Aligned offset of the lowest hole of at least ``size`` bytes, or -1."""
        offsets, sizes = self._holes(start, end)
        fitting = np.flatnonzero(sizes >= size)
        return int(offsets[fitting[0]]) if fitting.size else -1

    def place(self, key: int, offset: int, size: int, start: int, end: int) -> None:
        """Occupy ``[offset, offset + size)`` during ``[start, end]``; the space must be free."""
        if self._count == self._rows.shape[1]:
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)], axis=1)
        at = int(np.searchsorted(self._rows[0, : self._count], offset))
        self._rows[:, at + 1 : self._count + 1] = self._rows[:, at : self._count].copy()
        self._rows[:, at] = (offset, offset + size, start, end, key)
        self._count += 1

    def remove(self, key: int) -> None:
        """Free every block placed under ``key``."""
        kept = self._rows[:, : self._count]
        kept = kept[:, kept[4] != key]
        self._count = kept.shape[1]
        self._rows[:, : self._count] = kept

    def used_bytes(self, time: int) -> int:
        """Bytes occupied at an instruction time."""
        rows = self._rows[:, : self._count]
        alive = (rows[2] <= time) & (rows[3] >= time)
        return int((rows[1, alive] - rows[0, alive]).sum())

    def _holes(self, start: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        rows = self._rows[:, : self._count]
        rows = rows[:2, (rows[2] <= end) & (rows[3] >= start)]
        floor = np.empty(rows.shape[1] + 1, dtype=np.int64)
        floor[0] = 0
        np.maximum.accumulate(rows[1], out=floor[1:])
        floor = -(-floor // self.alignment) * self.alignment
        ceiling = np.append(rows[0], self.capacity)
        return floor, ceiling - floor


def pack(lifetimes: Sequence[Lifetime], alignment: int = 1) -> tuple[int, list[int]]:
    """Offsets for all lifetimes that overlap in time only where they do not in space: ``(peak bytes, offsets)``.

    First fit and best fit over several orders, and reuse of whole slabs; the lowest peak wins, the first of equals.
    Stops early when a peak meets the most bytes alive at one time, which no packing can beat. Few orders are tried
    for many lifetimes, so that 5,000 take seconds.
    """
    if not lifetimes:
        return 0, []
    least = peak_load(lifetimes)
    best_peak, best_offsets = _pack_in_slabs(lifetimes, alignment)
    orders = _orders(lifetimes)
    tries = [(order, True) for order in orders] + [(order, False) for order in orders]
    for order, lowest_first in tries[: max(1, MAX_PLACEMENTS // len(lifetimes))]:
        if best_peak <= least:
            break
        peak, offsets = _pack_in_order(lifetimes, order, alignment, lowest_first)
        if peak < best_peak:
            best_peak, best_offsets = peak, offsets
    return best_peak, best_offsets


def peak_load(lifetimes: Sequence[Lifetime]) -> int:
    """Most bytes alive at one time: a lower bound of any packing's peak."""
    if not lifetimes:
        return 0
    change = np.zeros(max(life.end for life in lifetimes) + 2, dtype=np.int64)
    for life in lifetimes:
        change[life.start] += life.size
        change[life.end + 1] -= life.size
    return int(np.cumsum(change).max())


def _orders(lifetimes: Sequence[Lifetime]) -> list[list[int]]:
    def length(life: Lifetime) -> int:
        return life.end - life.start + 1

    keys = (
        lambda life: (-life.size, -length(life), life.start),
        lambda life: (-life.size * length(life), life.start),
        lambda life: (-length(life), -life.size, life.start),
        lambda life: (life.start, -life.size),
        lambda life: (-life.end, -life.size),
    )
    everyone = range(len(lifetimes))
    return [sorted(everyone, key=lambda i, key=key: key(lifetimes[i])) for key in keys]  # type: ignore[misc]


def _pack_in_order(
    lifetimes: Sequence[Lifetime], order: Sequence[int], alignment: int, lowest_first: bool
) -> tuple[int, list[int]]:
    memory = FastMemory(UNLIMITED, alignment)
    offsets, peak = [0] * len(lifetimes), 0
    for i in order:
        life = lifetimes[i]
        find = memory.first_fit if lowest_first else memory.best_fit
        offsets[i] = find(life.size, life.start, life.end)
        memory.place(i, offsets[i], life.size, life.start, life.end)
        peak = max(peak, offsets[i] + life.size)
    return peak, offsets


def _pack_in_slabs(lifetimes: Sequence[Lifetime], alignment: int) -> tuple[int, list[int]]:
    """Blocks in time order, each the only tenant of a slab: TVM's ``StaticPlanBlockMemory`` in a single data type.

    A free slab of at least the size is taken, the smallest first; else the largest smaller one grows; else a new one
    is opened. The slabs stand side by side, so the peak is the sum of their sizes.
    """
    sizes: list[int] = []
    slab_of = [0] * len(lifetimes)
    free: list[tuple[int, int]] = []
    busy: list[tuple[int, int]] = []
    for i in sorted(range(len(lifetimes)), key=lambda i: (lifetimes[i].start, i)):
        life = lifetimes[i]
        while busy and busy[0][0] < life.start:
            slab = heapq.heappop(busy)[1]
            bisect.insort(free, (sizes[slab], slab))
        size = -(-life.size // alignment) * alignment
        at = bisect.bisect_left(free, (size, 0))
        if at == len(free) or free[at][0] > size * SLAB_RANGE:
            at -= 1
        if at >= 0 and free[at][0] * SLAB_RANGE >= size:
            slab = free.pop(at)[1]
            sizes[slab] = max(sizes[slab], size)
        else:
            slab = len(sizes)
            sizes.append(size)
        slab_of[i] = slab
        heapq.heappush(busy, (life.end, slab))
    bases = [0, *itertools.accumulate(sizes)]
    offsets = [bases[slab] for slab in slab_of]
    return max(offset + life.size for offset, life in zip(offsets, lifetimes, strict=True)), offsets
