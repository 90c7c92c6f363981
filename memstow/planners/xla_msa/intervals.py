"""When a copy may start and end (``prefetch_interval_picker.cc``, ``CostAnalysisPrefetchIntervalPicker``).

Starts are *exclusive*, as in XLA: a copy with start s is issued after instruction s. Its overlap is the time of the
instructions strictly between start and use. The search begins at the preferred overlap and goes outwards, a later start
and an earlier one in turn. Here for a copy of 3 s, with overlaps of at least 3 s, 6 s preferred::

    start       0    1    2    3    4    5    6    use at 7
    overlap    12    9    6    4    2    1    0
                          ^    |
                  preferred    latest            order of trials: 2, 3, 1, 0
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator

from .costs import Costs
from .options import Options


class IntervalPicker:
    """Copy intervals of a program; ``retry`` counts the attempts already made for a buffer."""

    def __init__(self, costs: Costs, capacity: int, options: Options) -> None:
        self._costs = costs
        self._options = options
        self._longest = options.max_overlap_ratio * costs.copy_seconds(capacity)
        given = options.interval_bytes
        self._given_seconds = None if given is None else costs.copy_seconds(min(given, capacity // 4))
        self.retry = 0

    def allows_stay(self, start: int, end: int) -> bool:
        """Whether data may stay in fast memory from one access to the next without a copy."""
        return self._longest > self._costs.between(start, end)

    def eviction_end(self, size: int, start: int, latest: int) -> int:
        """The time by which an eviction issued after ``start`` has the preferred overlap; ``latest + 1`` if none."""
        factor = 1.0 + self._options.eviction_retry_multiplier * self.retry
        wanted = factor * self._options.preferred_overlap_ratio * self._copy_seconds(size)
        ends = range(start + 1, latest + 1)
        return start + 1 + bisect_left(ends, wanted, key=lambda end: self._costs.between(start, end))

    def latest_start(self, size: int, earliest: int, end: int, saving: float) -> int:
        """The last start whose overlap, with the seconds that the use saves, is the minimum; below earliest: none."""
        needed = self._options.min_overlap_ratio * self._copy_seconds(size) - saving
        return earliest + bisect_right(range(earliest, end), -needed, key=self._shortness(end)) - 1

    def preferred_start(self, size: int, earliest: int, latest: int, end: int) -> int:
        """The start in ``[earliest, latest]`` whose overlap is nearest to the preferred one, the first of equals."""
        wanted = self._options.preferred_overlap_ratio * self._copy_seconds(size)
        shortness = self._shortness(end)
        starts = range(earliest, latest + 1)
        shorter = earliest + bisect_left(starts, -wanted, key=shortness)
        if shorter == earliest:
            return earliest
        longer = earliest + bisect_left(starts, shortness(shorter - 1), key=shortness)
        if shorter > latest or wanted + shortness(shorter) >= -shortness(longer) - wanted:
            return longer
        return shorter

    def starts(self, size: int, earliest: int, end: int, saving: float) -> Iterator[int]:
        """Prefetch starts to try for a use at ``end``, in XLA's order."""
        latest = self.latest_start(size, earliest, end, saving)
        if earliest < latest:
            starts = range(earliest, latest)
            earliest += bisect_left(starts, -self._longest, key=self._shortness(end))
        if earliest > latest:
            return
        earlier = self.preferred_start(size, earliest, latest, end)
        later = earlier + 1
        step = self._costs.between(earliest, end) / self._options.explored_earlier_starts
        take_later = False
        while later <= latest or earlier >= earliest:
            if take_later:
                yield later
                later += 1
                take_later = earlier < earliest
                continue
            yield earlier
            target = self._costs.between(earlier, end) + step if later > latest else 0.0
            starts = range(earliest, earlier)
            earlier = earliest + bisect_right(starts, -target, key=self._shortness(end)) - 1
            take_later = later <= latest

    def _copy_seconds(self, size: int) -> float:
        """Copy time that the intervals are measured in."""
        return self._costs.copy_seconds(size) if self._given_seconds is None else self._given_seconds

    def _shortness(self, end: int) -> Callable[[int], float]:
        """Minus the overlap until ``end``, by start: a key that never falls, for bisection."""
        return lambda start: -self._costs.between(start, end)
