"""A schedule under construction: each stay is fitted in, priced exactly, and kept if it pays."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from .base import Problem
from .clock import Clock, Price
from .copy_queue import TimedTransfer
from .packing import FastMemory
from .residency import Residency, Transfer
from .touches import Tenant, tenants

#: Seconds below which a change of the total time counts as rounding.
ROUNDING = 1e-15


class Outcome(Enum):
    """What became of a stay that was tried."""

    PLACED = "placed"
    FORBIDDEN = "no valid copy times exist"
    NO_SPACE = "no free block"
    NO_GAIN = "the program would not become faster"


@dataclass(frozen=True, order=True)
class Stay:
    """The touches ``[first, last]`` of a storage, served from fast memory without a break."""

    storage: int
    first: int
    last: int


def halves(tenant: Tenant, stay: Stay) -> list[Stay]:
    """The stay cut at its longest pause, the last of equals; nothing if it is a single touch."""
    if stay.first == stay.last:
        return []
    times = [touch.time for touch in tenant.touches]
    cut = max(range(stay.first + 1, stay.last + 1), key=lambda k: (times[k] - times[k - 1], k))
    return [Stay(stay.storage, stay.first, cut - 1), Stay(stay.storage, cut, stay.last)]


@dataclass(frozen=True)
class Window:
    """Times that validity leaves to a stay's copies; ``None`` where no copy is needed.

    ``prefetch`` is ``(earliest start, time of the first touch)``, ``eviction`` is ``(earliest start, latest done)``.
    """

    prefetch: tuple[int, int] | None
    eviction: tuple[int, int] | None


class Schedule:
    """Stays placed so far, with their offsets, copies and times."""

    def __init__(self, problem: Problem) -> None:
        accelerator = problem.accelerator
        self.problem = problem
        self.tenants: dict[int, Tenant] = tenants(problem)
        self.clock = Clock(problem)
        self._length = len(problem.program.instructions)
        self._memory = FastMemory(accelerator.capacity, accelerator.alignment)
        self._stays: dict[int, list[tuple[Stay, Residency]]] = defaultdict(list)
        self._limits = (accelerator.dma.max_outstanding_prefetches, accelerator.dma.max_outstanding_evictions)
        self._open = np.zeros((2, self._length + 1), dtype=np.int64)

    @property
    def residencies(self) -> list[Residency]:
        """Every stay's residency, by storage and time."""
        return [residency for storage in sorted(self._stays) for _, residency in self._stays[storage]]

    @property
    def total_seconds(self) -> float:
        """Seconds of the program with the stays placed so far."""
        return self.clock.total_seconds

    def unplaced(self) -> list[Stay]:
        """The longest stays that overlap no placed one, by storage and time."""
        found = []
        for storage, tenant in self.tenants.items():
            taken = sorted((stay.first, stay.last) for stay, _ in self._stays[storage])
            first = 0
            for begin, end in [*taken, (len(tenant.touches), len(tenant.touches))]:
                if first < begin:
                    found.append(Stay(storage, first, begin - 1))
                first = end + 1
        return found

    def needs_copies(self, stay: Stay) -> bool:
        """Whether data has to be brought in before or written back after the stay."""
        tenant = self.tenants[stay.storage]
        return self._brought_in(tenant, stay) or self._written_back(tenant, stay)

    def gain(self, stay: Stay) -> tuple[float, float]:
        """``(seconds saved, idle seconds added)`` if the stay were placed, its copies free."""
        return self.clock.gain(self._change(stay))

    def try_place(self, stay: Stay) -> Outcome:
        """Fit the stay in if there is room for it and the program gets faster by it."""
        tenant = self.tenants[stay.storage]
        window = self._window(tenant, stay)
        if window is None:
            return Outcome.FORBIDDEN
        change = self._change(stay)
        saved, idle = self.clock.gain(change)
        if saved <= ROUNDING and (window.prefetch or window.eviction or saved < -ROUNDING or idle <= ROUNDING):
            return Outcome.NO_GAIN
        outcome = Outcome.FORBIDDEN
        for residency in self._options(tenant, stay, window):
            offset = self._memory.best_fit(tenant.size, residency.start, residency.end)
            if offset < 0:
                outcome = Outcome.NO_SPACE
                continue
            copies = self._timed(tenant, residency)
            if copies and self.clock.saving(change, copies) <= ROUNDING:
                return Outcome.NO_GAIN
            self._accept(tenant, stay, replace(residency, offset=offset), change, copies)
            return Outcome.PLACED
        return outcome

    def _change(self, stay: Stay) -> dict[int, Price]:
        touches = self.tenants[stay.storage].touches
        return self.clock.change(stay.storage, [touch.time for touch in touches[stay.first : stay.last + 1]])

    def _brought_in(self, tenant: Tenant, stay: Stay) -> bool:
        return tenant.needs_source or stay.first > 0

    def _written_back(self, tenant: Tenant, stay: Stay) -> bool:
        wanted_later = tenant.is_output or stay.last + 1 < len(tenant.touches)
        return wanted_later and any(touch.writes for touch in tenant.touches[stay.first : stay.last + 1])

    def _window(self, tenant: Tenant, stay: Stay) -> Window | None:
        """The times that are left, or ``None`` if there are none or the stay overlaps a placed one."""
        earliest, latest, room_until = 0, self._length, self._length
        for other, residency in self._stays[stay.storage]:
            if other.last < stay.first:
                earliest = max(earliest, residency.end + 1, residency.eviction.done if residency.eviction else 0)
            elif other.first > stay.last:
                room_until = min(room_until, residency.start - 1)
            else:
                return None
        touches = tenant.touches
        if stay.last + 1 < len(touches):
            latest = touches[stay.last + 1].time
        earliest = max([earliest, *(touch.time + 1 for touch in touches[: stay.first] if touch.writes)])
        served_from = touches[stay.first].time
        prefetch = (earliest, served_from) if self._brought_in(tenant, stay) else None
        if (prefetch and earliest > served_from) or room_until < touches[stay.last].time:
            return None
        if not self._written_back(tenant, stay):
            return Window(prefetch, None)
        start = 1 + max(touch.time for touch in touches[stay.first : stay.last + 1] if touch.writes)
        eviction = (start, min(latest, room_until))
        return Window(prefetch, eviction) if start <= min(eviction[1], self._length - 1) else None

    def _options(self, tenant: Tenant, stay: Stay, window: Window) -> list[Residency]:
        """Copy times to try, the least stalling first; all within the window and the outstanding limits."""
        touches = tenant.touches
        served = touches[stay.first].time, touches[stay.last].time
        seconds = self._dma_seconds(tenant)
        prefetches = self._prefetch_times(window.prefetch, seconds)
        evictions = self._eviction_times(window.eviction, seconds, served[1])
        options = []
        for prefetch in prefetches:
            for eviction in evictions:
                start = prefetch.start if prefetch else served[0]
                end = max(served[1], eviction.start, eviction.done - 1) if eviction else served[1]
                options.append(Residency(stay.storage, -1, start, end, *served, prefetch, eviction))
        return options

    def _prefetch_times(self, window: tuple[int, int] | None, seconds: float) -> list[Transfer | None]:
        """Latest start that hides the copy behind spare bandwidth, then later starts that need less room."""
        if window is None:
            return [None]
        earliest, done = window
        spare = self.clock.spare
        hidden = int(np.searchsorted(spare, spare[done] - seconds, side="right")) - 1
        start = min(max(hidden, earliest), done)
        starts = dict.fromkeys([start, (start + done) // 2, (start + 3 * done) // 4])
        return [Transfer(s, done) for s in starts if self._may_open(0, Transfer(s, done))]

    def _eviction_times(self, window: tuple[int, int] | None, seconds: float, until: int) -> list[Transfer | None]:
        """Earliest done time that hides the copy behind spare bandwidth, then earlier ones that need less room.

        The block of an eviction is free again at its done time.
        """
        if window is None:
            return [None]
        start, latest = window
        spare = self.clock.spare
        hidden = int(np.searchsorted(spare, spare[start] + seconds))
        done = max(start, min(max(hidden, until + 1), latest))
        times = dict.fromkeys([done, (start + done) // 2, max(start, min(until + 1, latest))])
        return [Transfer(start, d) for d in times if self._may_open(1, Transfer(start, d))]

    def _may_open(self, direction: int, transfer: Transfer) -> bool:
        limit = self._limits[direction]
        if limit is None or transfer.start == transfer.done:
            return True
        return bool(self._open[direction, transfer.start : transfer.done].max() < limit)

    def _dma_seconds(self, tenant: Tenant) -> float:
        return self.problem.accelerator.copy_seconds(tenant.size)

    def _timed(self, tenant: Tenant, residency: Residency) -> list[TimedTransfer]:
        seconds = self._dma_seconds(tenant)
        return [(copy, seconds) for copy in (residency.prefetch, residency.eviction) if copy]

    def _accept(
        self,
        tenant: Tenant,
        stay: Stay,
        residency: Residency,
        change: dict[int, Price],
        copies: list[TimedTransfer],
    ) -> None:
        self._memory.place(stay.storage, residency.offset, tenant.size, residency.start, residency.end)
        self._stays[stay.storage].append((stay, residency))
        for direction, copy in enumerate((residency.prefetch, residency.eviction)):
            if copy:
                self._open[direction, copy.start : copy.done] += 1
        self.clock.apply(stay.storage, change, copies)
