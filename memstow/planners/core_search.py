"""The core's search as the planners see it: schedules in and out, and slices of work that signals can come between."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import CoreProblem
from ..core.stay import ABSENT
from ..native import core_function, load_core
from ..plan import Copy, MemoryPlan
from .base import Effort, Limits, Problem
from .residency import Residency, Transfer

#: Placed stays as the core takes them, one a row: storage, first and last touch, start and done of the prefetch and of
#: the eviction, offset, first and last instruction time of the block.
Rows = NDArray[np.int64]
ROW_FIELDS = 10

#: Seconds and iterations after which the core comes back, so that signals are handled and clocks looked at.
SLICE_SECONDS = 0.05
SLICE_ITERATIONS = 500
#: Where in an annealing a polish begins: cool.
POLISH_PROGRESS = 0.7
#: Time to make a plan of a schedule, as a multiple of the time to flatten the problem and as a part of the budget.
ENDING, MOST_ENDING = 2.0, 0.25
#: Rankings of the core's construction, the best on average first.
NUM_TASTES = 6
#: Runs that a construction tries to place whatever the time: without them a late start would mean an empty plan.
LEAST_TRIES = 5000
#: Runs placed in one call of a construction.
SLICE_TRIES = 200


class CoreSearch:
    """See the core's ``search.h``. It begins with everything in slow memory and keeps the best that it meets.

    One thread at a time; the core runs without the interpreter's lock, so searches in several threads run at once.
    """

    def __init__(self, core: CoreProblem, *, seed: int, hot: float, cold: float) -> None:
        self.core = core
        self._handle: Any = core_function("memstow.search.search")(core.handle, seed, hot, cold)

    @property
    def best_seconds(self) -> float:
        """Seconds of the best schedule so far."""
        return float(core_function("memstow.search.best_seconds")(self._handle))

    @property
    def best(self) -> Rows:
        """The best schedule so far."""
        rows = np.empty(ROW_FIELDS * int(core_function("memstow.search.count_best")(self._handle)), dtype=np.int64)
        core_function("memstow.search.best")(self._handle, rows)
        return rows.reshape(-1, ROW_FIELDS)

    def construct(self, limits: Limits) -> None:
        """Build a schedule by each of the core's tastes in turn, until the time is up; the best is then the present."""
        for taste in range(NUM_TASTES):
            if taste and limits.over:
                break
            self.clear()
            self._construct(taste, limits)
        self.return_to_best()

    def _construct(self, taste: int, limits: Limits) -> None:
        """Sweep over all that is not placed until nothing more pays."""
        place = core_function("memstow.search.construct")
        for tries in count(0, SLICE_TRIES):
            if place(self._handle, taste, SLICE_TRIES) or (limits.over and tries >= LEAST_TRIES):
                break

    def clear(self) -> None:
        """Begin anew with everything in slow memory."""
        core_function("memstow.search.clear")(self._handle)

    def adopt(self, rows: Rows) -> int:
        """Begin anew from a schedule; how many of its stays were valid and taken."""
        flat = np.ascontiguousarray(rows, dtype=np.int64).reshape(-1)
        return int(core_function("memstow.search.adopt")(self._handle, flat))

    def rebuild(self, kept: Rows, wished: Rows) -> int:
        """Begin anew from stays and wished stays, which find other copy times and offsets where theirs do not fit.

        How many wishes found a place. A wish with a negative offset takes any.
        """
        flat = [np.ascontiguousarray(rows, dtype=np.int64).reshape(-1) for rows in (kept, wished)]
        return int(core_function("memstow.search.rebuild")(self._handle, *flat))

    def polish(self, iterations: int) -> None:
        """A few cool iterations from the present schedule."""
        core_function("memstow.search.anneal")(self._handle, iterations, 0.0, POLISH_PROGRESS, 1.0)

    def return_to_best(self) -> None:
        """Begin anew from the best."""
        core_function("memstow.search.return_to_best")(self._handle)

    def anneal(self, limits: Limits) -> Iterator[int]:
        """Cool down once from hot to cold until the limits; yields the iterations of each slice."""
        run = core_function("memstow.search.anneal")
        if limits.iterations is not None:
            for done in range(0, limits.iterations, SLICE_ITERATIONS):
                portion = min(SLICE_ITERATIONS, limits.iterations - done)
                yield int(
                    run(self._handle, portion, 0.0, done / limits.iterations, (done + portion) / limits.iterations)
                )
            return
        begin = time.monotonic()
        budget = limits.deadline - begin
        now = begin
        while now < limits.deadline:
            seconds = min(SLICE_SECONDS, limits.deadline - now)
            progress = (now - begin) / budget
            made = int(run(self._handle, 0, seconds, progress, progress + seconds / budget))
            yield made
            if made == 0:
                return
            now = time.monotonic()


class CoreRandomKeys:
    """See the core's ``search_keys.h``. One thread at a time; the core runs without the interpreter's lock."""

    def __init__(self, core: CoreProblem, *, seed: int, population: int) -> None:
        self._handle: Any = core_function("memstow.search.keys")(core.handle, seed, population)

    @property
    def best_seconds(self) -> float:
        """Seconds of the best schedule so far."""
        return float(core_function("memstow.search.keys_best_seconds")(self._handle))

    @property
    def best(self) -> Rows:
        """The best schedule so far."""
        rows = np.empty(ROW_FIELDS * int(core_function("memstow.search.keys_count_best")(self._handle)), dtype=np.int64)
        core_function("memstow.search.keys_best")(self._handle, rows)
        return rows.reshape(-1, ROW_FIELDS)

    def evolve(self, limits: Limits) -> Iterator[int]:
        """Try orders, one at least, until the limits; yields how many were tried in each slice."""
        run = core_function("memstow.search.keys_evolve")
        left = limits.iterations if limits.iterations is not None else 2**31
        while left > 0:
            made = int(run(self._handle, left, SLICE_SECONDS))
            left -= made
            yield made
            if limits.over:
                return


def residencies_of(core: CoreProblem, rows: Rows) -> list[Residency]:
    """The stays of a schedule as residencies."""
    first_touch = first_touches(core)
    times = core.touches.time.tolist()

    def transfer(start: int, done: int) -> Transfer | None:
        return None if start == ABSENT else Transfer(start, done)

    return [
        Residency(
            storage=storage,
            offset=offset,
            start=-1 if into == -1 else start,
            end=end,
            served_from=times[first_touch[storage] + first],
            served_until=times[first_touch[storage] + last],
            prefetch=transfer(into, ready),
            eviction=transfer(out, gone),
        )
        for storage, first, last, into, ready, out, gone, offset, start, end in rows.tolist()
    ]


def rows_of(core: CoreProblem, plan: MemoryPlan) -> Rows:
    """The allocations of a plan as stays, each with the touches that it serves and the copies into and out of it.

    Abutting allocations of one storage at one offset count as one, unless a prefetch fills the second anew. What a stay
    cannot say (a touch served from slow memory between two served from fast memory, say) comes out as a stay that
    :meth:`CoreSearch.adopt` leaves out or that differs from the plan; a plan of the built-in constructive planners
    comes out as it is.
    """
    place = core.program.storage_of
    storages, times = core.touches.storage.tolist(), core.touches.time.tolist()
    index = {(storage, t): k for k, (storage, t) in enumerate(zip(storages, times, strict=True))}
    fast: dict[int, list[int]] = defaultdict(list)
    for access in plan.accesses:
        step = core.program.instructions[access.instruction]
        entry = step.operands[access.operand] if access.operand is not None else step.results[access.result or 0]
        key = place[entry.buffer], access.instruction
        if access.memory == "fast" and key in index:
            fast[key[0]].append(access.instruction)
    first_touch = first_touches(core)
    copies: dict[tuple[int, int], list[Copy]] = defaultdict(list)
    for copy in plan.copies:
        copies[place[copy.buffer], copy.offset].append(copy)
    rows = []
    for storage, offset, start, end in _blocks(core, plan):
        served = sorted(index[storage, t] - first_touch[storage] for t in set(fast[storage]) if start <= t <= end)
        if not served:
            continue
        row = [storage, served[0], served[-1], ABSENT, ABSENT, ABSENT, ABSENT, offset, max(start, 0), end]
        for copy in copies[storage, offset]:
            if start <= copy.start_time <= end:
                at = 3 if copy.direction == "prefetch" else 5
                row[at : at + 2] = [copy.start_time, copy.done_time]
        rows.append(row)
    return np.array(rows, dtype=np.int64).reshape(-1, ROW_FIELDS)


def first_touches(core: CoreProblem) -> list[int]:
    """Number of the first touch of every storage."""
    found: list[int] = np.searchsorted(core.touches.storage, np.arange(len(core.program.storages))).tolist()
    return found


def _blocks(core: CoreProblem, plan: MemoryPlan) -> list[tuple[int, int, int, int]]:
    """Storage, offset, first and last instruction time of the blocks of a plan."""
    rows = sorted((core.program.storage_of[a.buffer], a.offset, a.start, a.end) for a in plan.allocations)
    filled = {
        (core.program.storage_of[c.buffer], c.offset, c.start_time) for c in plan.copies if c.direction != "evict"
    }
    blocks: list[tuple[int, int, int, int]] = []
    for storage, offset, start, end in rows:
        abutting = bool(blocks) and (*blocks[-1][:2], blocks[-1][3] + 1) == (storage, offset, start)
        if abutting and (storage, offset, start) not in filled:
            start = blocks.pop()[2]
        blocks.append((storage, offset, start, end))
    return blocks


def core_problem(problem: Problem) -> CoreProblem:
    """The problem flattened for the core."""
    return CoreProblem(problem.program, problem.accelerator, problem.cost)


def prepare(problem: Problem, effort: Effort) -> tuple[CoreProblem, Limits]:
    """The problem flattened for the core, and limits of the search that leave time to make a plan of its result.

    Both take Python about the same time an instruction.
    """
    limits = effort.limits()
    load_core()
    begin = time.monotonic()
    core = core_problem(problem)
    ending = min(MOST_ENDING * effort.budget_seconds, ENDING * (time.monotonic() - begin))
    return core, Limits(limits.deadline - ending, limits.iterations)
