"""The fluid model of a stretch of a schedule in which some storages are free and the rest is as it is.

Free storages come as lives that begin and end within the stretch, their data in slow memory on both sides. What is
fixed takes room, and its copies take slow-memory time. Nothing is proven here: the solution with whole placements is a
proposal of which touches to serve fast and of when to copy, for a search to make a schedule of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..accelerator import Accelerator
from .fluid_life import Columns, Grain, LifeRows
from .fluid_rows import SCALE, SharedRows, Step
from .linear import BoxedProgram, Vector
from .lives import Life
from .slots import cover

#: Copies as a schedule can have them: with few variables, with more, with a block for every storage.
GRAINS = (Grain(24, 4, True), Grain(64, 8, True), Grain(4096, 16, True))
#: Part of a copy below which a flow is none.
_NOTHING = 1e-5


@dataclass(frozen=True)
class FreeStep:
    """Times of one instruction, and by storage ``(seconds saved, slow-memory seconds saved)`` in fast memory alone."""

    times: Step
    gains: Mapping[int, tuple[float, float]]


class FixedCopy(NamedTuple):
    """A copy of ``size`` bytes of which ``part`` is done in the slots ``[start, done)`` or in the stall before done."""

    size: int
    start: int
    done: int
    part: float


class Course(NamedTuple):
    """Touches ``[first, last]`` of a life in fast memory: from when on data arrives, by when it has left.

    ``arrives`` is -1 for a cross-program prefetch. ``None`` where the solution has no such copy.
    """

    first: int
    last: int
    arrives: int | None
    leaves: int | None


class Neighbourhood:
    """The integer program of free ``lives`` of which at most ``crossing`` are prefetched before the program.

    ``room`` is the free part of fast memory at each instruction of the stretch.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        lives: Sequence[Life],
        steps: Sequence[FreeStep],
        copies: Sequence[FixedCopy],
        room: Sequence[float],
        crossing: int,
        grain: Grain,
    ) -> None:
        total = sum(step.times.nothing for step in steps)
        rows = SharedRows(accelerator, len(steps), total / SCALE if total > 0 else 1.0)
        models = [LifeRows(rows, life, grain) for life in lives]
        for model in models:
            model.build()
        for t, step in enumerate(steps):
            gains = ((touch.x, *step.gains[touch.storage]) for touch in rows.served[t])
            rows.instruction(t, step.times, gains)
        for copy in copies:
            flows = [rows.flow(node, copy.size) for node in cover(copy.start, copy.done, fine_at_start=False)]
            flows.append(rows.stall(copy.size))
            rows.at_most(-copy.part, *((flow, -1.0) for flow in flows))
        rows.capacity(room)
        before = [(model.crossing, 1.0) for model in models if model.crossing is not None]
        if before:
            rows.at_most(float(crossing), *before)
        self._lives = lives
        self._blocks = [model.blocks for model in models]
        self._columns: list[Columns] = [model.columns for model in models]
        self.program: BoxedProgram = rows.lp.freeze()
        self.unit_seconds = rows.unit_seconds

    def start(self, life: int, courses: Sequence[Course]) -> dict[int, float]:
        """Values of the whole variables of one life that takes these courses."""
        columns, touches = self._columns[life], self._lives[life].touches
        values = dict.fromkeys(columns.served, 0.0) | {k: 0.0 for k in columns.kept if k is not None}
        for course in courses:
            for i in range(course.first, course.last + 1):
                values[columns.served[i]] = 1.0
                kept = columns.kept[i]
                if kept is not None and (i > course.first or course.arrives == -1):
                    values[kept] = 1.0
        for block in self._blocks[life]:
            values[block.column] = 0.0
            for course in courses:
                if block.arriving:
                    here = course.arrives is not None and 0 <= course.arrives <= block.first
                    here = here and block.last < touches[course.first].time
                else:
                    here = course.leaves is not None and block.last < course.leaves
                    here = here and touches[course.last].time < block.first
                if here:
                    values[block.column] = 1.0
        return values

    def courses(self, life: int, values: Vector) -> list[Course]:
        """What a solution does with one life."""
        columns = self._columns[life]
        fast = [values[x] > 0.5 for x in columns.served]
        stays = [k is not None and values[k] > 0.5 for k in columns.kept]
        found = []
        i = 0
        while i < len(fast):
            if not fast[i]:
                i += 1
                continue
            last = i
            while last + 1 < len(fast) and fast[last + 1] and stays[last + 1]:
                last += 1
            arrives = -1 if stays[i] else _arrives(columns, i, values)
            writes = [n for n in range(i, last + 1) if self._lives[life].touches[n].writes]
            leaves = _leaves(columns, writes[-1] + 1, last + 1, values) if writes else None
            found.append(Course(i, last, arrives, leaves))
            i = last + 1
        return found


def _arrives(columns: Columns, i: int, values: Vector) -> int | None:
    """From when on a whole copy flows that is due at touch i; it may be open at touches before."""
    flows: list[tuple[int, int]] = []
    while True:
        flows += columns.arriving[i]
        carried = columns.carried[i]
        if carried is None or values[carried] <= _NOTHING or i == 0:
            break
        i -= 1
    missing, since = 1.0 - _NOTHING, None
    for slot, flow in sorted(flows, reverse=True):
        if missing > 0.0 and values[flow] > _NOTHING:
            missing, since = missing - values[flow], slot
    return since


def _leaves(columns: Columns, first: int, last: int, values: Vector) -> int | None:
    """By when a whole copy has flowed out in the gaps before touches ``[first, last]``."""
    missing, until = 1.0 - _NOTHING, None
    for slot, flow in sorted(flow for gap in columns.leaving[first : last + 1] for flow in gap):
        if missing > 0.0 and values[flow] > _NOTHING:
            missing, until = missing - values[flow], slot
    return until
