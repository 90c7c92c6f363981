"""The FIFO queue of background copies, kept up to date while copies are added one stay at a time.

The semantics are those of the simulator (``docs/semantics.md``), with one number as the queue's state: the DMA seconds
*pending* at an instruction time. A copy due at t stalls the program until no more is pending than what joined the
queue behind it. A change is followed only until the pending seconds are what they were without it. Here with 2 s idle
in every instruction::

    t                 0 1 2 3 4 5 6 7
    pending   before  0 0 3 1 0 0 0 0
              after   0 0 3 4 2 0 0 0      a copy of 3 s more that starts at 3: two instructions to look at
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .residency import Transfer

Seconds = NDArray[np.float64]
#: A transfer and its DMA seconds.
TimedTransfer = tuple[Transfer, float]

#: Relative difference of pending seconds that counts as none.
_SAME = 1e-12


@dataclass(frozen=True)
class _Step:
    """The queue at one instruction time: stall before it, idle seconds of it left unused, seconds pending after it."""

    time: int
    stall: float
    unused: float
    pending: float


class CopyQueue:
    """Copies of a schedule and the idle seconds of each instruction in which the queue may run."""

    def __init__(self, idle: Sequence[float]) -> None:
        self._count = len(idle)
        self.idle = list(idle)
        self._join = [0.0] * (self._count + 1)
        self._joined: Seconds = np.zeros(self._count + 1)
        self._starting: dict[int, list[tuple[int, float]]] = defaultdict(list)
        self._due: dict[int, int] = {}
        self._pending = [0.0] * (self._count + 1)
        self._stall = [0.0] * (self._count + 1)
        self._unused: Seconds = np.array(self.idle, dtype=np.float64)
        self._spare: Seconds | None = None

    @property
    def stall_seconds(self) -> float:
        """Time in which the program waits for copies."""
        return sum(self._stall)

    @property
    def spare(self) -> Seconds:
        """Idle seconds that the queue leaves unused before each instruction time: cumulative, N + 1 entries."""
        if self._spare is None:
            self._spare = np.concatenate([[0.0], np.cumsum(self._unused)])
        return self._spare

    def added_stall(self, copies: Sequence[TimedTransfer], idle: Mapping[int, float]) -> float:
        """Stall seconds more than now (or fewer) with ``copies`` and with other ``idle`` seconds at some times."""
        return sum(step.stall - self._stall[step.time] for step in self._follow(copies, idle))

    def add(self, copies: Sequence[TimedTransfer], idle: Mapping[int, float]) -> None:
        """Make that change."""
        steps = self._follow(copies, idle)
        for transfer, seconds in copies:
            self._join[transfer.start] += seconds
            self._joined[transfer.start :] += seconds
            self._starting[transfer.start].append((transfer.done, seconds))
            self._due[transfer.done] = max(transfer.start, self._due.get(transfer.done, -1))
        for t, seconds in idle.items():
            self.idle[t] = seconds
        for step in steps:
            self._stall[step.time] = step.stall
            if step.time < self._count:
                self._unused[step.time] = step.unused
                self._pending[step.time + 1] = step.pending
        self._spare = None

    def _follow(self, copies: Sequence[TimedTransfer], idle: Mapping[int, float]) -> list[_Step]:
        """The times at which the changed queue differs, in order.

        Equal pending seconds mean equal futures only when no new copy is open: a copy that is due before a new one is
        would otherwise be taken for finished.
        """
        joins, dues = _merged(copies)
        points = sorted(idle.keys() | joins.keys() | dues.keys(), reverse=True)
        open_until = -1
        steps: list[_Step] = []
        t, pending = 0, math.nan
        while t <= self._count:
            settled = t > open_until and abs(pending - self._pending[t]) <= _SAME * pending
            if settled or math.isnan(pending):
                while points and points[-1] < t:
                    points.pop()
                if not points:
                    break
                t = points.pop()
                pending = self._pending[t]
            if t in joins:
                open_until = max(open_until, joins[t][1])
            step = self._step(t, pending, copies, joins.get(t, (0.0, 0))[0], dues.get(t, -1), idle)
            steps.append(step)
            pending = step.pending
            t += 1
        return steps

    def _step(
        self,
        t: int,
        pending: float,
        copies: Sequence[TimedTransfer],
        joining: float,
        due: int,
        idle: Mapping[int, float],
    ) -> _Step:
        pending += self._join[t] + joining
        stall = 0.0
        due = max(due, self._due.get(t, -1))
        if due >= 0 and pending > 0.0:
            stall = max(0.0, pending - self._behind(due, t, copies))
            pending -= stall
        if t == self._count:
            return _Step(t, stall, 0.0, 0.0)
        seconds = idle.get(t, self.idle[t])
        return _Step(t, stall, max(0.0, seconds - pending), max(0.0, pending - seconds))

    def _behind(self, start: int, t: int, copies: Sequence[TimedTransfer]) -> float:
        """Seconds that joined the queue by time ``t``, behind the copy of that start that is due at ``t``."""
        seconds = float(self._joined[t] - self._joined[start])
        seconds += sum(more for done, more in self._starting.get(start, ()) if done > t)
        for transfer, more in copies:
            if start < transfer.start <= t or (transfer.start == start and transfer.done > t):
                seconds += more
        return seconds


def _merged(copies: Sequence[TimedTransfer]) -> tuple[dict[int, tuple[float, int]], dict[int, int]]:
    """``{start: (seconds, last done time)}`` and ``{done: last start}`` of some copies."""
    joins: dict[int, tuple[float, int]] = {}
    dues: dict[int, int] = {}
    for transfer, seconds in copies:
        before, done = joins.get(transfer.start, (0.0, -1))
        joins[transfer.start] = (before + seconds, max(done, transfer.done))
        dues[transfer.done] = max(transfer.start, dues.get(transfer.done, -1))
    return joins, dues
