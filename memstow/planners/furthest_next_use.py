"""The ``furthest-next-use`` planner: Belady's rule decides who stays, the schedule decides when data moves."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from ..plan import MemoryPlan
from .base import Problem
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

    def plan(self, problem: Problem, *, budget_seconds: float, seed: int) -> MemoryPlan:
        """Stays still unplaced when the budget runs out remain in slow memory."""
        deadline = time.monotonic() + budget_seconds
        schedule = Schedule(problem)
        pending = walk(schedule.tenants, problem.accelerator.capacity)[::-1]
        while pending and time.monotonic() < deadline:
            stay = pending.pop()
            if schedule.try_place(stay) is not Outcome.PLACED:
                pending += reversed(halves(schedule.tenants[stay.storage], stay))
        plan = build_plan(problem, schedule.residencies, planner=self.name, seed=seed)
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
        return touches[self.last + 1].time if self.last + 1 < len(touches) else float("inf")


def walk(tenants: dict[int, Tenant], capacity: int) -> list[Stay]:
    """Stays that Belady's rule gives with ``capacity`` bytes and no fragmentation, by time of the first touch."""
    arrivals: dict[int, list[tuple[Tenant, int]]] = defaultdict(list)
    for tenant in tenants.values():
        for k, touch in enumerate(tenant.touches):
            arrivals[touch.time].append((tenant, k))
    guests: dict[int, _Guest] = {}
    stays: list[tuple[int, Stay]] = []

    def leave(guest: _Guest) -> None:
        del guests[guest.tenant.storage]
        start = guest.tenant.touches[guest.first].time
        stays.append((start, Stay(guest.tenant.storage, guest.first, guest.last)))

    for t in sorted(arrivals):
        newcomers = []
        for tenant, k in arrivals[t]:
            if tenant.storage in guests:
                guests[tenant.storage].last = k
            else:
                newcomers.append(_Guest(tenant, k, k))
        for newcomer in sorted(newcomers, key=lambda guest: (guest.next_use, guest.tenant.storage)):
            _admit(newcomer, guests, capacity, leave, t)
        for guest in [guest for guest in guests.values() if guest.next_use == float("inf")]:
            leave(guest)
    return [stay for _, stay in sorted(stays)]


def _admit(
    newcomer: _Guest, guests: dict[int, _Guest], capacity: int, leave: Callable[[_Guest], None], now: int
) -> None:
    """Let the newcomer in if it fits beside those with nearer next uses and those touched now."""
    missing = newcomer.tenant.size + sum(guest.tenant.size for guest in guests.values()) - capacity
    victims = []
    candidates = [g for g in guests.values() if g.tenant.touches[g.last].time < now and g.next_use > newcomer.next_use]
    for guest in sorted(candidates, key=lambda g: (-g.next_use, g.tenant.storage)):
        if missing <= 0:
            break
        victims.append(guest)
        missing -= guest.tenant.size
    if missing <= 0:
        for guest in victims:
            leave(guest)
        guests[newcomer.tenant.storage] = newcomer
