"""Every course that one storage can take through a small program, up to courses that another is never slower than.

A history cuts the touches of a storage into runs. A run is served from slow memory, or from one block of fast memory
(a stay). Left out, since the same plan without it is valid and not slower (``docs/bounds.md``):

- a copy that no access or output needs, and fast memory held for no access and no copy;
- a slow access while the block holds the data: fast memory is at least as fast, and slow memory gets more idle;
- a prefetch due before its first access, unless the number of open prefetches is limited.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ..accelerator import Accelerator
from .lives import Life


class Move(NamedTuple):
    """A copy. Tuples order as the queue serves them best: by start, by due time, evictions before prefetches."""

    start: int
    done: int
    is_prefetch: bool


class Stay(NamedTuple):
    """A block during ``[start, end]`` and the copies that fill and empty it."""

    start: int
    end: int
    moves: tuple[Move, ...]


@dataclass(frozen=True)
class History:
    """Times of the touches in fast memory, and the stays that serve them."""

    fast_times: frozenset[int]
    stays: tuple[Stay, ...]

    @property
    def moves(self) -> tuple[Move, ...]:
        """All copies that take time."""
        return tuple(move for stay in self.stays for move in stay.moves if move.start >= 0)

    @property
    def crossing(self) -> int:
        """The number of cross-program prefetches."""
        return sum(move.start < 0 for stay in self.stays for move in stay.moves)


def histories(life: Life, accelerator: Accelerator, count: int) -> Iterator[History]:
    """All histories of one storage in a program of ``count`` instructions; the first is all in slow memory."""
    return _Walk(life, accelerator, count).extend(0, life.source_time, _Past((), (), False))


class _Past(NamedTuple):
    fast_times: tuple[int, ...]
    stays: tuple[Stay, ...]
    written: bool


class _Walk:
    def __init__(self, life: Life, accelerator: Accelerator, count: int) -> None:
        self._life = life
        self._touches = life.touches
        self._count = count
        self._early = accelerator.dma.max_outstanding_prefetches is not None
        self._crossing = life.born_slow and accelerator.max_cross_program_prefetches > 0

    def extend(self, i: int, slow_from: int | None, past: _Past) -> Iterator[History]:
        """Touch i and on. ``slow_from``: when slow memory has the current data; ``None`` while there is none."""
        if i == len(self._touches):
            yield History(frozenset(past.fast_times), past.stays)
            return
        touch = self._touches[i]
        if slow_from is None or slow_from <= touch.time:
            after = touch.time + 1 if touch.writes else slow_from
            yield from self.extend(i + 1, after, past._replace(written=past.written or touch.writes))
        for origin in self._origins(i, slow_from, past):
            yield from self._stays(i, origin, slow_from, past)

    def _origins(self, i: int, slow_from: int | None, past: _Past) -> Iterator[tuple[int, tuple[Move, ...]]]:
        """Start of a block that first serves touch i, with the prefetch that fills it."""
        touch = self._touches[i]
        if slow_from is None:
            yield touch.time, ()
            return
        # A write in one of two blocks that both have the data is ambiguous, hence no valid plan.
        if touch.writes and past.stays and past.stays[-1].end >= touch.time:
            return
        if self._crossing and not past.written:
            yield -1, (Move(-1, 0, True),)
        for start in range(slow_from, touch.time + 1):
            for done in range(start if self._early else touch.time, touch.time + 1):
                yield start, (Move(start, done, True),)

    def _stays(
        self, i: int, origin: tuple[int, tuple[Move, ...]], slow_from: int | None, past: _Past
    ) -> Iterator[History]:
        """Stays from touch i to every later touch, with every way to evict what they leave behind."""
        start, filling = origin
        last_write: int | None = None
        for j in range(i, len(self._touches)):
            touch = self._touches[j]
            last_write = touch.time if touch.writes else last_write
            now = _Past(
                past.fast_times + tuple(t.time for t in self._touches[i : j + 1]),
                past.stays,
                past.written or last_write is not None,
            )
            followed = j + 1 < len(self._touches)
            if last_write is None or not (followed or self._life.is_output):
                stay = Stay(start, touch.time, filling)
                yield from self.extend(j + 1, slow_from, now._replace(stays=(*past.stays, stay)))
                continue
            deadline = self._touches[j + 1].time if followed else self._count
            for begin in range(last_write + 1, min(deadline, self._count - 1) + 1):
                for done in range(begin, deadline + 1):
                    end = max(touch.time, done - 1, begin)
                    stay = Stay(start, end, (*filling, Move(begin, done, False)))
                    yield from self.extend(j + 1, done, now._replace(stays=(*past.stays, stay)))
