"""Fast memory over time: best fit among the holes that stay free (``heap_simulator.cc``).

::

    offset ^                 a block for [2, 5] sees two holes: [0, 4) and [8, infinity).
        8  |  BBBBBB         The smallest that fits wins, so 3 bytes go to offset 0 and
        4  |  BBBBBB         5 bytes to offset 8; a block above the capacity is refused
        0  |AA               by the caller, not by the search.
           +--------> time
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: Start and negated end of an unused row, which so meets no interval.
_ENDLESS = (1 << 63) - 1
#: Closed time intervals, inclusive on both sides.
Spans = Sequence[tuple[int, int]]


class Heap:
    """Blocks at ``[offset, offset + size)`` during closed time intervals, found again by number."""

    def __init__(self, capacity: int, alignment: int, length: int) -> None:
        self.capacity = capacity
        self._alignment = alignment
        self._columns: NDArray[np.int64] = np.zeros((4, 256), dtype=np.int64)
        self._count = 0
        self._unused: list[int] = []
        self._load: NDArray[np.int64] = np.zeros(length + 1, dtype=np.int64)

    def best_fit(self, size: int, spans: Spans) -> int | None:
        """Aligned offset of the smallest hole that is free during all spans, the lowest of equals; None above capacity.

        The endless hole on top counts as the largest.
        """
        best, best_size, floor = -1, -1, 0
        for offset, top in self._overlapping(spans):
            hole = offset - floor
            if hole >= size and (best_size < 0 or hole < best_size):
                best, best_size = floor, hole
            if top > floor:
                floor = -(-top // self._alignment) * self._alignment
        if best_size < 0:
            best = floor
        return best if best + size <= self.capacity else None

    def is_free(self, offset: int, size: int, start: int, end: int) -> bool:
        """Whether nothing is in ``[offset, offset + size)`` during ``[start, end]``."""
        return self.latest_free_end(offset, size, start, end) == end

    def latest_free_end(self, offset: int, size: int, start: int, end: int) -> int:
        """The last time up to ``end`` until which a place is free from ``start`` on; ``start - 1`` if it is not."""
        starts, ends, offsets, tops = self._columns[:, : self._count]
        meets = (starts <= end) & (ends >= start) & (offsets < offset + size) & (tops > offset)
        first = int(starts[meets].min(initial=end + 1))
        return max(first, start) - 1

    def first_time_with_room(self, size: int, start: int, end: int) -> int:
        """The first time in ``[start, end]`` from which the bytes in use leave room until ``end``; ``end + 1`` if none.

        The holes that make up the room may still be too small.
        """
        full = np.flatnonzero(self._load[start : end + 1] + size > self.capacity)
        return start + int(full[-1]) + 1 if full.size else start

    def add(self, offset: int, size: int, start: int, end: int) -> int:
        """Place a block and return its number."""
        if self._unused:
            number = self._unused.pop()
        else:
            number = self._count
            self._count += 1
            if number == self._columns.shape[1]:
                self._columns = np.concatenate([self._columns, np.zeros_like(self._columns)], axis=1)
        self._columns[:, number] = (start, end, offset, offset + size)
        self._load[start : end + 1] += size
        return number

    def remove(self, number: int) -> None:
        """Free a block's space."""
        start, end, offset, top = (int(value) for value in self._columns[:, number])
        self._load[start : end + 1] -= top - offset
        self._columns[:, number] = (_ENDLESS, -_ENDLESS, 0, 0)
        self._unused.append(number)

    def _overlapping(self, spans: Spans) -> list[tuple[int, int]]:
        """Blocks that meet one of the spans, as (offset, top), ascending."""
        starts, ends, offsets, tops = self._columns[:, : self._count]
        meets = np.zeros(self._count, dtype=np.bool_)
        for start, end in spans:
            meets |= (starts <= end) & (ends >= start)
        return sorted(zip(offsets[meets].tolist(), tops[meets].tolist(), strict=True))
