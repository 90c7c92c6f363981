"""Which neighbourhood to look at next: where the schedule loses most, in a size that the solver can do."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from random import Random

import numpy as np

from ...bounds.fluid_life import Grain
from ...bounds.neighbourhood import GRAINS
from .stretch import Schedule, Stretch, Terrain

#: Kinds of neighbourhoods: all of a time, what competes for one time, storages of one make.
KINDS = ("window", "contest", "kin")
#: Touches that are free: at first, at least, at most.
FIRST_SIZE, LEAST_SIZE, MOST_SIZE = 60.0, 8.0, 1200.0
#: Factors of the size after a solve that was too easy, and after one that was too hard.
GROWTH, SHRINKAGE = 1.4, 0.75
#: A contest or kin stretch is so many times as long as the window of its size.
REACH = 4
#: Weight of a time that is known to lose nothing, beside the mean.
_FLOOR = 0.02
_MEMORY = 0.7
#: Neighbourhoods that are drawn at most to find one that is not done.
_DRAWS = 12


@dataclass(frozen=True)
class Drawn:
    """A neighbourhood, its kind, and how finely it is to be modelled."""

    kind: str
    stretch: Stretch
    grain: Grain


class Choice:
    """Draws neighbourhoods; learns from what became of them.

    What the schedule loses at each time is at first its seconds there above all accesses at their best, later its
    seconds above the bound that the solver proved for a stretch with that time.
    """

    def __init__(self, terrain: Terrain, schedule: Schedule, random: Random, most: float = MOST_SIZE) -> None:
        self._terrain, self._random, self._most = terrain, random, most
        self._sizes = dict.fromkeys(KINDS, min(FIRST_SIZE, most))
        self._rewards = dict.fromkeys(KINDS, 1.0)
        self._kin: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for s, touches in terrain.touches.items():
            storage = terrain.core.program.storages[s]
            make = storage.size_bytes, storage.born_slow, storage.is_output, tuple(t.writes for t in touches)
            self._kin[make].append(s)
        self._kin = {make: kin for make, kin in self._kin.items() if len(kin) > 1}
        self._make = {s: make for make, kin in self._kin.items() for s in kin}
        self._schedule, self._done = schedule, set[tuple[object, Grain]]()
        self._loss = np.array(_losses(terrain, schedule))

    def draw(self, schedule: Schedule) -> Drawn | None:
        """The next neighbourhood; ``None`` if those drawn are all done under this schedule."""
        if schedule is not self._schedule:
            self._schedule, self._done = schedule, set()
        for _ in range(_DRAWS):
            kind, stretch = self._stretch(schedule)
            grain = self._random.choice(GRAINS)
            if (stretch.key, grain) not in self._done and stretch.pieces:
                return Drawn(kind, stretch, grain)
            self._resize(kind, GROWTH)
        return None

    def _stretch(self, schedule: Schedule) -> tuple[str, Stretch]:
        kinds = [kind for kind in KINDS if kind != "kin" or self._kin]
        kind = self._random.choices(kinds, [self._rewards[k] + 0.1 for k in kinds])[0]
        weights = self._loss + _FLOOR * max(float(self._loss.mean()), 1e-30)
        middle = self._random.choices(range(self._terrain.count), weights.tolist())[0]
        size = self._sizes[kind] * (0.7 + 0.6 * self._random.random())
        begin, end = self._window(middle, size)
        storages = {s for t in range(begin, end) for s in self._terrain.storages_at(t)}
        if kind == "contest":
            begin, end, storages = self._contest(middle, begin, end, size)
        elif kind == "kin":
            begin, end, storages = self._relatives(begin, end, size, sorted(storages))
        return kind, Stretch(self._terrain, schedule, begin, end, storages)

    def learn(self, drawn: Drawn, lost: float, gain: float, optimal: bool) -> None:
        """After a solve: seconds above the solver's bound, seconds gained, whether the solver came to its end."""
        stretch, kind = drawn.stretch, drawn.kind
        self._rewards[kind] = _MEMORY * self._rewards[kind] + (1.0 - _MEMORY) * (gain > 0.0)
        if optimal:
            self._done.add((stretch.key, drawn.grain))
        if gain <= 0.0:
            self._resize(kind, GROWTH if optimal else SHRINKAGE)
        if not math.isfinite(lost):
            return
        span = slice(stretch.begin, stretch.end)
        each = max(0.0, lost - gain) / (stretch.end - stretch.begin)
        self._loss[span] = 0.5 * self._loss[span] + 0.5 * each

    def _resize(self, kind: str, factor: float) -> None:
        self._sizes[kind] = min(self._most, max(LEAST_SIZE, factor * self._sizes[kind]))

    def _window(self, middle: int, size: float) -> tuple[int, int]:
        """A stretch around a time with so many touches."""
        begin, end = middle, middle + 1
        touches = len(self._terrain.storages_at(middle))
        left, right = self._random.random(), self._random.random()
        while touches < size and (begin > 0 or end < self._terrain.count):
            if begin > 0 and (end == self._terrain.count or (middle - begin) * right <= (end - middle) * left):
                begin -= 1
                touches += len(self._terrain.storages_at(begin))
            else:
                touches += len(self._terrain.storages_at(end))
                end += 1
        return begin, end

    def _widen(self, begin: int, end: int) -> tuple[int, int]:
        more = (end - begin) * (REACH - 1) // 2 + 1
        return max(0, begin - more), min(self._terrain.count, end + more)

    def _contest(self, middle: int, begin: int, end: int, size: float) -> tuple[int, int, set[int]]:
        """Storages that are touched before and after a time, or at it, the larger ones rather."""
        begin, end = self._widen(begin, end)
        found = {s for t in range(begin, end) for s in self._terrain.storages_at(t)}
        rivals = []
        for s in sorted(found):
            own = self._terrain.touches[s]
            if own[-1].time >= middle and (own[0].time <= middle or self._terrain.core.program.storages[s].born_slow):
                bytes_ = self._terrain.core.program.storages[s].size_bytes
                rivals.append((self._random.random() ** (1.0 / (1.0 + bytes_)) if bytes_ else 0.0, s))
        return begin, end, self._take(begin, end, [s for _, s in sorted(rivals, reverse=True)], size)

    def _relatives(self, begin: int, end: int, size: float, here: list[int]) -> tuple[int, int, set[int]]:
        """Storages of one or a few makes in a wide stretch."""
        begin, end = self._widen(begin, end)
        makes = [self._make[s] for s in here if s in self._make]
        makes = makes or [self._random.choice(list(self._kin))]
        self._random.shuffle(makes)
        order = list(dict.fromkeys(s for make in dict.fromkeys(makes) for s in self._kin[make]))
        return begin, end, self._take(begin, end, order, size)

    def _take(self, begin: int, end: int, order: list[int], size: float) -> set[int]:
        taken: set[int] = set()
        touches = 0
        for s in order:
            count = len(self._terrain.numbers(s, begin, end))
            if touches >= size:
                break
            if count:
                taken.add(s)
                touches += count
        return taken


def _losses(terrain: Terrain, schedule: Schedule) -> list[float]:
    """Seconds of every instruction and the stall before it above all that may be in fast memory being there."""
    fast: dict[int, set[int]] = defaultdict(set)
    for storage, first, last in schedule.rows[:, :3].tolist():
        for touch in terrain.touches[storage][first : last + 1]:
            fast[touch.time].add(storage)
    losses = []
    for t in range(terrain.count):
        now = terrain.price(t, frozenset(fast[t]))
        best = min(now, terrain.price(t, frozenset(terrain.storages_at(t))))
        losses.append(now - best + schedule.state.at(t).stall)
    return losses
