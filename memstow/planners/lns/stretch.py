"""Neighbourhoods: what of a schedule is free, what is fixed, and the integer program of that."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from ...bounds.fluid_life import Grain
from ...bounds.fluid_rows import Step
from ...bounds.lives import Life, Touch, cells_of
from ...bounds.neighbourhood import Course, FixedCopy, FreeStep, Neighbourhood
from ...core import CoreProblem, CoreStay, ScheduleState
from ...core.stay import ABSENT
from ..core_search import Rows, first_touches

# Columns of placed stays.
STORAGE, FIRST, LAST, IN, READY, OUT, GONE, OFFSET, START, END = range(10)


class Terrain:
    """What stays the same of a problem: touches by storage and by time, and prices that were asked for."""

    def __init__(self, core: CoreProblem) -> None:
        self.core = core
        self.count = len(core.program.instructions)
        storages = core.program.storages
        first = [*first_touches(core), len(core.touches.time)]
        times, sizes, writes = (list(map(int, c)) for c in (core.touches.time, core.touches.bytes, core.touches.writes))
        #: Touches of every storage that may be placed, in time order.
        self.touches: dict[int, list[Touch]] = {}
        #: For each of them the time of the last write up to it; -1: none.
        self.last_write: dict[int, list[int]] = {}
        self._at: dict[int, list[int]] = defaultdict(list)
        for s, storage in enumerate(storages):
            own = [Touch(times[k], sizes[k], bool(writes[k])) for k in range(first[s], first[s + 1])]
            fits = not storage.pinned_slow and storage.size_bytes <= core.accelerator.capacity
            if not own or not fits or not (storage.born_slow or own[0].writes):
                continue
            self.touches[s] = own
            self.last_write[s] = np.maximum.accumulate([t.time if t.writes else -1 for t in own]).tolist()
            for touch in own:
                self._at[touch.time].append(s)
        self._prices: dict[tuple[int, frozenset[int]], float] = {}

    def storages_at(self, time: int) -> list[int]:
        """Storages that may be placed and are touched at a time."""
        return self._at.get(time, [])

    def numbers(self, storage: int, begin: int, end: int) -> range:
        """Numbers of the touches of a storage in ``[begin, end)``."""
        own = self.touches[storage]
        return range(*(bisect_left(own, t, key=lambda touch: touch.time) for t in (begin, end)))

    def price(self, time: int, fast: frozenset[int]) -> float:
        """Seconds of an instruction with these storages in fast memory."""
        key = time, fast
        if key not in self._prices:
            step, place = self.core.program.instructions[time], self.core.program.storage_of
            operands = [place[o.buffer] in fast for o in step.operands]
            results = [place[o.buffer] in fast for o in step.results]
            self._prices[key] = self.core.cost.seconds(time, operands, results)
        return self._prices[key]

    def step(self, time: int, fixed: frozenset[int], free: Collection[int]) -> FreeStep:
        """Prices of an instruction with some storages fixed in fast memory and others free, one by one."""
        step, place = self.core.program.instructions[time], self.core.program.storage_of
        rate = step.trip_count / self.core.accelerator.slow_memory.bandwidth
        moved: dict[int, float] = defaultdict(float)
        for entry in (*step.operands, *step.results):
            moved[place[entry.buffer]] += rate * entry.bytes_accessed
        nothing = self.price(time, fixed)
        alone = {s: self.price(time, fixed | {s}) for s in free}
        least = min(nothing, self.price(time, fixed | set(free)), *alone.values()) if free else nothing
        busy = sum(seconds for s, seconds in moved.items() if s not in fixed)
        gains = {s: (nothing - seconds, moved[s]) for s, seconds in alone.items()}
        # A learned price may be below the time of the slow bytes; the queue then finds no idle time, nor less.
        return FreeStep(Step(least, nothing, min(busy, nothing)), gains)


@dataclass(frozen=True)
class Schedule:
    """A schedule: its stays, and the copy queue under it."""

    rows: Rows
    state: ScheduleState

    @classmethod
    def of(cls, core: CoreProblem, rows: Rows) -> Schedule:
        """The schedule of these stays."""
        state = ScheduleState(core)
        for row in rows[:, :7].tolist():
            state.apply(CoreStay(*row))
        state.commit()
        return cls(rows, state)


@dataclass(frozen=True)
class Piece:
    """Touches of a storage from number ``first`` on that no fixed stay serves, as a life."""

    first: int
    life: Life


class Stretch:
    """Times ``[begin, end)`` of a schedule in which some storages are free.

    A stay is free if its storage is and all of it lies within the times.
    """

    def __init__(self, terrain: Terrain, schedule: Schedule, begin: int, end: int, storages: Collection[int]) -> None:
        self._terrain, self.schedule = terrain, schedule
        self.begin, self.end = begin, end
        rows = schedule.rows
        outside = (rows[:, IN] == -1) & (begin > 0)
        inside = (rows[:, START] >= begin) & (rows[:, END] < end) & (rows[:, GONE] <= end) & ~outside
        inside &= np.isin(rows[:, STORAGE], np.fromiter(storages, dtype=np.int64, count=len(storages)))
        #: Which rows are free.
        self.free = inside
        #: Which rows are fixed and share times with the stretch.
        self.beside = ~inside & (rows[:, START] < end) & (rows[:, END] >= begin)
        self._fixed_of: dict[int, list[list[int]]] = defaultdict(list)
        for row in rows[~inside & np.isin(rows[:, STORAGE], list(storages))].tolist():
            self._fixed_of[row[STORAGE]].append(row)
        self.pieces = [piece for s in sorted(storages) for piece in self._pieces(s)]

    def seconds(self) -> float:
        """What the stretch takes in the schedule, stalls included."""
        fast: dict[int, set[int]] = defaultdict(set)
        for row in self.schedule.rows[self.free | self.beside].tolist():
            for touch in self._terrain.touches[row[STORAGE]][row[FIRST] : row[LAST] + 1]:
                fast[touch.time].add(row[STORAGE])
        times = range(self.begin, self.end)
        waits = range(self.begin, self.end + (self.end == self._terrain.count))
        stalls = sum(self.schedule.state.at(t).stall for t in waits)
        return stalls + sum(self._terrain.price(t, frozenset(fast[t])) for t in times)

    @property
    def key(self) -> tuple[int, int, frozenset[tuple[int, int]]]:
        """What is free: the same key under the same schedule is the same neighbourhood."""
        return self.begin, self.end, frozenset((piece.life.storage, piece.first) for piece in self.pieces)

    def neighbourhood(self, grain: Grain) -> Neighbourhood:
        """The integer program."""
        terrain, rows = self._terrain, self.schedule.rows
        accelerator = terrain.core.accelerator
        served: dict[int, set[int]] = defaultdict(set)
        for row in rows[self.beside].tolist():
            for touch in terrain.touches[row[STORAGE]][row[FIRST] : row[LAST] + 1]:
                served[touch.time].add(row[STORAGE])
        free: dict[int, list[int]] = defaultdict(list)
        for piece in self.pieces:
            for touch in piece.life.touches:
                free[touch.time].append(piece.life.storage)
        steps = [
            terrain.step(self.begin + t, frozenset(served[self.begin + t]), free[t])
            for t in range(self.end - self.begin)
        ]
        crossing = accelerator.max_cross_program_prefetches - int(np.sum(rows[~self.free, IN] == -1))
        lives = [piece.life for piece in self.pieces]
        return Neighbourhood(accelerator, lives, steps, self._copies(), self._room(), max(0, crossing), grain)

    def courses(self, piece: Piece) -> list[Course]:
        """What the schedule does with a piece."""
        rows = self.schedule.rows[self.free & (self.schedule.rows[:, STORAGE] == piece.life.storage)].tolist()
        courses = []
        for row in rows:
            if piece.first <= row[FIRST] < piece.first + len(piece.life.touches):
                arrives = None if row[IN] == ABSENT else -1 if row[IN] == -1 else row[IN] - self.begin
                leaves = None if row[OUT] == ABSENT else row[END] + 1 - self.begin
                courses.append(Course(row[FIRST] - piece.first, row[LAST] - piece.first, arrives, leaves))
        return courses

    def wish(self, piece: Piece, course: Course) -> list[int]:
        """The stay of a course, at no offset."""
        storage, first, last = piece.life.storage, piece.first + course.first, piece.first + course.last
        touches = self._terrain.touches[storage]
        row = [storage, first, last, ABSENT, ABSENT, ABSENT, ABSENT, -1, touches[first].time, touches[last].time]
        if course.arrives is not None:
            start = -1 if course.arrives == -1 else self.begin + course.arrives
            row[IN : READY + 1] = [start, 0 if start == -1 else max(start, touches[first].time)]
        if course.leaves is not None:
            written = self._terrain.last_write[storage][last] + 1
            done = max(self.begin + course.leaves, written)
            row[OUT : GONE + 1] = [min(written, self._terrain.count - 1), min(done, self._terrain.count)]
        return row

    def as_it_is(self, wishes: Rows) -> Rows:
        """The same, those that serve the same touches as a stay of the schedule being that stay."""
        known = {tuple(row[: LAST + 1]): row for row in self.schedule.rows[self.free].tolist()}
        rows = [known.get(tuple(row[: LAST + 1]), row) for row in wishes.tolist()]
        return np.array(rows, dtype=np.int64).reshape(wishes.shape)

    def _pieces(self, storage: int) -> list[Piece]:
        fixed = sorted(self._fixed_of[storage], key=lambda row: row[FIRST])
        taken = {n for row in fixed for n in range(row[FIRST], row[LAST] + 1)}
        runs: list[list[int]] = []
        for n in self._terrain.numbers(storage, self.begin, self.end):
            if n in taken:
                continue
            if runs and runs[-1][-1] == n - 1:
                runs[-1].append(n)
            else:
                runs.append([n])
        return [Piece(run[0], self._life(storage, run, fixed)) for run in runs]

    def _life(self, storage: int, run: Sequence[int], fixed: Sequence[Sequence[int]]) -> Life:
        """Touches with these numbers, between the fixed stays of their storage."""
        owner, accelerator = self._terrain.core.program.storages[storage], self._terrain.core.accelerator
        touches = self._terrain.touches[storage]
        first, last = run[0], run[-1]
        source: int | None = None
        if owner.born_slow or first > 0:
            before = [max(row[END] + 1, row[GONE]) for row in fixed if row[LAST] < first]
            written = self._terrain.last_write[storage][first - 1] + 1 if first else 0
            source = max(0, max([written, *before]) - self.begin)
        deadline = touches[last + 1].time if last + 1 < len(touches) else self._terrain.count
        deadline = min([deadline, self.end, *(row[START] - 1 for row in fixed if row[FIRST] > last)])
        return Life(
            storage=storage,
            size=owner.size_bytes,
            cells=cells_of(owner.size_bytes, accelerator),
            touches=tuple(Touch(touches[n].time - self.begin, touches[n].bytes, touches[n].writes) for n in run),
            source_time=source,
            born_slow=owner.born_slow and first == 0 and self.begin == 0 and not fixed,
            is_output=owner.is_output or last + 1 < len(touches),
            deadline=deadline - self.begin,
        )

    def _room(self) -> list[float]:
        """The part of fast memory that is free at each time."""
        accelerator = self._terrain.core.accelerator
        change = np.zeros(self.end - self.begin + 1)
        total = max(1, cells_of(accelerator.capacity, accelerator))
        for row in self.schedule.rows[self.beside].tolist():
            cells = cells_of(self._terrain.core.program.storages[row[STORAGE]].size_bytes, accelerator)
            change[max(row[START], self.begin) - self.begin] += cells / total
            change[min(row[END] + 1, self.end) - self.begin] -= cells / total
        room: list[float] = np.clip(1.0 - np.cumsum(change)[:-1], 0.0, 1.0).tolist()
        return room

    def _copies(self) -> list[FixedCopy]:
        """Copies of fixed stays, with what of them is done within the stretch."""
        begin, end = self.begin, self.end
        moves = []
        for row in self.schedule.rows[~self.free].tolist():
            for start, done in ((row[IN], row[READY]), (row[OUT], row[GONE])):
                if start >= 0 and start < end and done >= begin:
                    moves.append((start, done, row[STORAGE]))
        moves.sort()
        early = self._pending(moves, begin)
        late = self._pending(moves, end) if end < self._terrain.count else [0.0] * len(moves)
        sizes = [self._terrain.core.program.storages[s].size_bytes for _, _, s in moves]
        copies = []
        for move, size, at_begin, at_end in zip(moves, sizes, early, late, strict=True):
            part = max(0.0, at_begin - at_end)
            if part > 1e-6:
                copies.append(FixedCopy(size, max(move[0], begin) - begin, min(move[1], end) - begin, part))
        return copies

    def _pending(self, moves: Sequence[tuple[int, int, int]], time: int) -> list[float]:
        """The part of each copy, in queue order, that is left at a time: the last ones are what is pending."""
        pending = self.schedule.state.at(time).pending
        left = []
        for start, done, storage in reversed(moves):
            seconds = self._terrain.core.accelerator.copy_seconds(
                self._terrain.core.program.storages[storage].size_bytes
            )
            if start >= time:
                left.append(1.0)
            elif done < time or seconds <= 0.0:
                left.append(0.0)
            else:
                left.append(min(1.0, pending / seconds))
                pending -= left[-1] * seconds
        return left[::-1]
