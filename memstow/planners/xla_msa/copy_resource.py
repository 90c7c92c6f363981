"""The budget of background copies (``algorithm.cc``, ``AsynchronousCopyResource``) and the limit on open ones.

Every instruction offers its own elapsed time to copies. A copy uses what the instructions strictly between its start
and its end offer, in turn with the copies that started before it; it may push later copies back as long as all of them
still finish in time. With 2 s in every instruction, a copy of 3 s from 0 and one of 3 s from 1::

    time                 1     2     3     4
    offered              2     2     2     2
    first copy  (0, 4)   2     1
    second copy (1, 5)         1     2               delay of the second at time 2: 1 s
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass

#: Seconds are kept as integers in units of ``2**-50`` s, so that undone copies leave no rounding error (OpenXLA).
SCALE = 1 << 50


@dataclass(frozen=True)
class AsyncCopy:
    """A copy issued after instruction ``start`` and needed before instruction ``end``; ``work`` in ``2**-50`` s."""

    start: int
    end: int
    work: int


def scaled(seconds: float) -> int:
    """Seconds in the unit of :class:`AsyncCopy`."""
    return round(seconds * SCALE)


class CopyResource:
    """Copies in one direction; changes can be undone in reverse order."""

    def __init__(self, elapsed: Sequence[float]) -> None:
        self._offered = [scaled(seconds) for seconds in elapsed]
        self._delay = [0] * (len(elapsed) + 1)
        self._starts: list[int] = []
        self._copies: list[AsyncCopy] = []

    def delay_seconds(self, time: int) -> float:
        """Work left at instruction ``time`` by copies that are under way when it begins."""
        return self._delay[time] / SCALE

    def has_enough(self, copies: Sequence[AsyncCopy]) -> bool:
        """Whether the copies, added in this order, and all present ones finish in time."""
        log: list[tuple[int, int]] = []
        enough = all(self._consume(copy, log) for copy in copies)
        self._restore(log)
        return enough

    def add(self, copy: AsyncCopy) -> list[tuple[int, int]]:
        """Add a copy for which there is enough; returns what :meth:`remove` needs."""
        log: list[tuple[int, int]] = []
        self._consume(copy, log)
        position = bisect_right(self._starts, copy.start)
        self._starts.insert(position, copy.start)
        self._copies.insert(position, copy)
        return log

    def remove(self, copy: AsyncCopy, log: list[tuple[int, int]]) -> None:
        """Undo the latest :meth:`add` that is not yet undone."""
        position = bisect_right(self._starts, copy.start) - 1
        del self._starts[position], self._copies[position]
        self._restore(log)

    def _restore(self, log: list[tuple[int, int]]) -> None:
        for time, delay in reversed(log):
            self._delay[time] = delay

    def _consume(self, copy: AsyncCopy, log: list[tuple[int, int]]) -> bool:
        """Write the delays that the copy causes; those overwritten go to ``log``. False: some copy comes too late."""
        if copy.work == 0:
            return True
        start, end = copy.start, copy.end
        work = copy.work + self._delay[start + 1]
        following = bisect_right(self._starts, start)
        while True:
            next_start = self._copies[following].start if following < len(self._copies) else -2
            pushed = -1
            time = start + 1
            while time < end and work:
                if pushed < 0 and time == next_start + 1:
                    pushed = work
                if pushed < 0:
                    log.append((time, self._delay[time]))
                    self._delay[time] = work
                work = max(0, work - self._offered[time])
                time += 1
            if work:
                return False
            if pushed < 0:
                return True
            moved = self._copies[following]
            start, end, work = moved.start, moved.end, pushed + moved.work
            following += 1


class OpenCopies:
    """Counts the copies whose closed intervals meet a given one (``ViolatesMaximumOutstandingAsyncCopies``).

    XLA counts every copy that overlaps the interval anywhere, which is at least the number open at any one time.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._starts: list[int] = []
        self._ends: list[int] = []

    def allows(self, start: int, end: int, more: int = 0) -> bool:
        """Whether a copy during ``[start, end]`` may be added beside ``more`` others that are not counted yet."""
        if self._limit is None:
            return True
        meeting = bisect_right(self._starts, end) - bisect_left(self._ends, start)
        return meeting + more < self._limit

    def add(self, start: int, end: int) -> None:
        """Count a copy."""
        insort(self._starts, start)
        insort(self._ends, end)

    def remove(self, start: int, end: int) -> None:
        """Count it no longer."""
        del self._starts[bisect_left(self._starts, start)]
        del self._ends[bisect_left(self._ends, end)]
