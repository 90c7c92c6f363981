"""The ``furthest-next-use`` planner: Belady's rule decides who stays, the schedule decides when data moves."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

from ..plan import MemoryPlan
from .base import Effort, Problem
from .cross_program import with_cross_program_prefetches
from .residency import build_plan, never_slower
from .schedule import Outcome, Schedule, Stay, halves
from .touches import Tenant


@dataclass(frozen=True)
class FurthestNextUse:
    """Walks the program; when space is missing, the resident whose next use is furthest away leaves.

    The walk counts bytes only. Its stays are then fitted in by program order with offsets, just-in-time prefetches
    and write-backs; what does not fit or would slow the program down is cut at its longest pause and tried in parts.
    Nothing is random. A plan that simulates slower than ``all-slow`` is replaced by it.
    """

    name: str = "furthest-next-use"
    description: str = "Belady: who is used again furthest away leaves; just-in-time prefetches"

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        """Stays still unplaced when the budget runs out remain in slow memory."""
        limits = effort.limits()
        schedule = Schedule(problem)
        pending = walk(schedule.tenants, problem.accelerator.capacity)[::-1]
        while pending and not limits.over:
            stay = pending.pop()
            if schedule.try_place(stay) is not Outcome.PLACED:
                pending += reversed(halves(schedule.tenants[stay.storage], stay))
        residencies = with_cross_program_prefetches(problem, schedule.residencies)
        plan = build_plan(problem, residencies, planner=self.name, seed=seed)
        return never_slower(problem, plan)


@dataclass
class _Guest:
    """A resident of the walk: its stay so far, as touch indices."""

    tenant: Tenant
    first: int
    last: int

    @property
    def next_use(self) -> float:
        """Time of the next touch, infinite if there is none."""
        touches = self.tenant.touches
        return touches[self.last + 1].time if self.last + 1 < len(touches) else math.inf


def walk(tenants: dict[int, Tenant], capacity: int) -> list[Stay]:
    """Stays that Belady's rule gives with ``capacity`` bytes and no fragmentation, by time of the first touch."""
    arrivals: dict[int, list[tuple[Tenant, int]]] = defaultdict(list)
    for tenant in tenants.values():
        for k, touch in enumerate(tenant.touches):
            arrivals[touch.time].append((tenant, k))
    house = _House(capacity)
    for t in sorted(arrivals):
        newcomers = []
        for tenant, k in arrivals[t]:
            guest = house.guests.get(tenant.storage)
            if guest is None:
                newcomers.append(_Guest(tenant, k, k))
            else:
                guest.last = k
        for newcomer in sorted(newcomers, key=lambda guest: (guest.next_use, guest.tenant.storage)):
            house.admit(newcomer, t)
        for tenant, _ in arrivals[t]:
            guest = house.guests.get(tenant.storage)
            if guest is not None and guest.next_use == math.inf:
                house.leave(guest)
    return [stay for _, stay in sorted(house.stays)]


class _House:
    """Who is in fast memory during the walk, and the stays of those who were, by time of the first touch."""

    def __init__(self, capacity: int) -> None:
        self.guests: dict[int, _Guest] = {}
        self.stays: list[tuple[int, Stay]] = []
        self._free = capacity

    def leave(self, guest: _Guest) -> None:
        """The guest's stay ends with its last touch."""
        del self.guests[guest.tenant.storage]
        self._free += guest.tenant.size
        start = guest.tenant.touches[guest.first].time
        self.stays.append((start, Stay(guest.tenant.storage, guest.first, guest.last)))

    def admit(self, newcomer: _Guest, now: int) -> None:
        """Let the newcomer in if it fits beside those with nearer next uses and those touched now."""
        missing = newcomer.tenant.size - self._free
        victims = []
        for guest in self._leavers(newcomer, now) if missing > 0 else ():
            if missing <= 0:
                break
            victims.append(guest)
            missing -= guest.tenant.size
        if missing > 0:
            return
        for guest in victims:
            self.leave(guest)
        self.guests[newcomer.tenant.storage] = newcomer
        self._free -= newcomer.tenant.size

    def _leavers(self, newcomer: _Guest, now: int) -> list[_Guest]:
        """Those who would have to go before the newcomer, furthest next use first."""
        needed_again = newcomer.next_use
        found = [
            (-guest.next_use, guest.tenant.storage, guest)
            for guest in self.guests.values()
            if guest.tenant.touches[guest.last].time < now and guest.next_use > needed_again
        ]
        return [guest for _, _, guest in sorted(found, key=lambda row: row[:2])]
