"""The rows of the fluid model that one storage has, touch after touch, and what its variables are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .fluid_rows import Served, SharedRows
from .lives import Life
from .slots import cover


@dataclass(frozen=True)
class Grain:
    """How finely copies are modelled.

    While they are copied, storages of less than 1 / ``small`` of the capacity occupy only what has been copied, larger
    ones a whole block (a *whole* variable). ``detail`` is that of :func:`~memstow.bounds.slots.cover`. What flows in a
    node is in fast memory for as little of its slots as can be, or, if ``strict``, for all of them: the solution can
    then do without nothing that a plan has to have, but is no bound.
    """

    small: int
    detail: int
    strict: bool


#: Of the bounds: without and with whole blocks.
FLUID, BLOCKS = Grain(0, 4, False), Grain(24, 4, False)


class Columns(NamedTuple):
    """The variables of one storage, one entry a touch (``fluid.py`` has the letters).

    ``served`` x; ``kept`` k of the gap before it; ``arriving`` the slot from which on and the flow, f and h;
    ``carried`` c; ``leaving`` the slot until which and the flow of evictions in the gap, d, w and h, once
    more behind the last.
    """

    served: list[int]
    kept: list[int | None]
    arriving: list[list[tuple[int, int]]]
    carried: list[int | None]
    leaving: list[list[tuple[int, int]]]

    def open_gap(self, x: int) -> None:
        """Begin with a touch and the gap before it."""
        self.served.append(x)
        self.kept.append(None)
        self.arriving.append([])
        self.carried.append(None)
        self.leaving.append([])


class _State(NamedTuple):
    """After a touch: whether it was served fast, and what a prefetch open at it has brought."""

    x: int
    open_part: int | None


class Block(NamedTuple):
    """A block variable: the instruction times, both inclusive, and whether it is of a prefetch or of an eviction."""

    column: int
    first: int
    last: int
    arriving: bool


class LifeRows:
    """The rows of one storage, touch after touch."""

    def __init__(self, builder: SharedRows, life: Life, grain: Grain) -> None:
        self._builder = builder
        self._life = life
        self._grain = grain
        self._large = life.cells * grain.small >= builder.cells
        #: x of the write that made the current version, ``None`` for the version that slow memory has from the start.
        self._version: int | None = None
        #: All eviction flows of the current version so far.
        self._evicted: list[int] = []
        #: k of the first gap where a cross-program prefetch may fill it.
        self.crossing: int | None = None
        #: The variables touch by touch; of the evictions also those behind the last touch.
        self.columns = Columns([], [], [], [], [])
        self.blocks: list[Block] = []

    def build(self) -> None:
        """Add the rows; once."""
        builder, life = self._builder, self._life
        before: _State | None = None
        for i, touch in enumerate(life.touches):
            x = builder.lp.variable(1.0, whole=True)
            builder.served[touch.time].append(Served(x, life.storage, touch.bytes))
            builder.occupy(x, life.cells, touch.time, touch.time)
            self.columns.open_gap(x)
            open_part = None
            if before is not None or life.source_time is not None:
                open_part = self._gap(i, before, x)
            if touch.writes:
                self._version, self._evicted = x, []
            before = _State(x, open_part)
        if life.is_output and self._version is not None and before is not None:
            self._end(before, self._version)

    def _gap(self, i: int, before: _State | None, x: int) -> int | None:
        """Where the data of touch i comes from; the variable of what a prefetch open at it has brought."""
        start, stop = self._slots(i)
        stay = self._stay(i, before)
        self.columns.kept[-1] = stay
        arriving, carried = self._prefetches(i, start, stop, before)
        brought = arriving + carried
        supply = [(column, -1.0) for column in brought] + ([] if stay is None else [(stay, -1.0)])
        open_part = self._open_part(i)
        if open_part is None:
            self._builder.at_most(0.0, (x, 1.0), *supply)
        else:
            self._builder.at_most(0.0, (x, 1.0), (open_part, 1.0), *supply)
            self._builder.at_most(0.0, (open_part, 1.0), *((column, -1.0) for column in brought))
        if self._version is not None and before is not None:
            self._evictions(i, start, stop, before.x, stay)
            evicted = [(column, -1.0) for column in self._evicted]
            self._builder.at_most(0.0, (self._version, 1.0), (x, -1.0), *evicted)
            self._builder.at_most(1.0, (self._version, 1.0), *((column, 1.0) for column in arriving), *evicted)
        return open_part

    def _open_part(self, i: int) -> int | None:
        """A prefetch may be open during a read that is not the last touch. It may not during a write."""
        touches = self._life.touches
        if touches[i].writes or i + 1 == len(touches):
            return None
        column = self._builder.lp.variable(1.0)
        if self._large:
            self._hold([column], touches[i].time, touches[i].time, arriving=True)
        else:
            self._builder.occupy(column, self._life.cells, touches[i].time, touches[i].time)
        return column

    def _slots(self, i: int) -> tuple[int, int]:
        """Slots in which a copy of gap i may run. It may be open during a read before the gap, never during a write."""
        touches = self._life.touches
        stop = touches[i].time if i < len(touches) else self._builder.count
        if i == 0:
            return self._life.source_time or 0, stop
        if i == len(touches) and self._life.deadline is not None:
            stop = self._life.deadline
        return touches[i - 1].time + touches[i - 1].writes, stop

    def _stay(self, i: int, before: _State | None) -> int | None:
        builder, life = self._builder, self._life
        crossing = life.born_slow and builder.accelerator.max_cross_program_prefetches > 0
        if before is None and not (life.given or crossing):
            return None
        stay = builder.lp.variable(1.0, whole=True)
        first = 0 if before is None else life.touches[i - 1].time + 1
        builder.occupy(stay, life.cells, first, life.touches[i].time - 1)
        if before is not None:
            builder.at_most(0.0, (stay, 1.0), (before.x, -1.0))
        elif not life.given:
            self.crossing = stay
        return stay

    def _prefetches(self, i: int, start: int, stop: int, before: _State | None) -> tuple[list[int], list[int]]:
        """Flows of a prefetch in gap i, and what it brought before."""
        builder, life = self._builder, self._life
        carried = []
        if before is not None and before.open_part is not None:
            carried.append(builder.lp.variable(1.0))
            builder.at_most(0.0, (carried[0], 1.0), (before.open_part, -1.0))
        nodes = cover(start, stop, fine_at_start=False, detail=self._grain.detail)
        flows = [builder.flow(node, life.size) for node in nodes]
        # At a read before the gap, the part that is open there holds the block; from the next instruction on this does.
        first = life.touches[i - 1].time + 1 if i else 0
        strict = self._grain.strict
        since = [first, *(max(first, node.start if strict else node.stop - 1) for node in nodes)]
        if not self._large:
            for column, time in zip(carried + flows, since[1 - len(carried) :], strict=True):
                builder.occupy(column, life.cells, time, stop - 1)
        for n in range(len(since)) if self._large else ():
            self._hold(carried + flows[:n], since[n], since[n + 1] - 1 if n < len(nodes) else stop - 1, arriving=True)
        flows.append(builder.stall(life.size))
        self.columns.carried[-1] = carried[0] if carried else None
        self.columns.arriving[-1] += zip((*(node.start for node in nodes), stop), flows, strict=True)
        return flows, carried

    def _evictions(self, i: int, start: int, stop: int, before: int, stay: int | None) -> None:
        """Flows of an eviction in gap i; by default what flows from a node is there until its first slot."""
        staying = [] if stay is None else [stay]
        leaving = self._leaving(start, stop, self._life.touches[i - 1].time + 1)
        row = [(column, 1.0) for column in leaving + staying]
        self._builder.at_most(0.0, (before, -1.0), *row)
        self._evicted += leaving
        if stay is not None:
            nodes = cover(start, stop, fine_at_start=True, detail=self._grain.detail)
            written = [self._builder.flow(node, self._life.size) for node in nodes]
            self.columns.leaving[-1] += zip((node.stop for node in nodes), written, strict=True)
            if written:
                self._builder.at_most(0.0, (stay, -1.0), *((column, 1.0) for column in written))
            self._evicted += written

    def _leaving(self, start: int, stop: int, first: int) -> list[int]:
        builder, life = self._builder, self._life
        nodes = cover(start, stop, fine_at_start=True, detail=self._grain.detail)
        flows = [*(builder.flow(node, life.size) for node in nodes), builder.stall(life.size)]
        self.columns.leaving[-1] += zip((*(node.stop for node in nodes), stop), flows, strict=True)
        until = [*(node.stop - 1 if self._grain.strict else node.start for node in nodes), stop - 1]
        since = first
        for n, time in enumerate(until):
            if self._large:
                self._hold(flows[n:], since, time, arriving=False)
            else:
                builder.occupy(flows[n], life.cells, first, time)
            since = max(since, time + 1)
        return flows

    def _hold(self, parts: list[int], first: int, last: int, *, arriving: bool) -> None:
        """During ``[first, last]``, a block with any of these parts of the data is a whole block."""
        builder = self._builder
        if parts and first <= last:
            block = builder.lp.variable(1.0, whole=True)
            self.blocks.append(Block(block, first, last, arriving))
            builder.at_most(0.0, (block, -1.0), *((column, 1.0) for column in parts))
            builder.occupy(block, self._life.cells, first, last)

    def _end(self, before: _State, version: int) -> None:
        """After its last touch an output leaves, unless that has happened."""
        i = len(self._life.touches)
        start, stop = self._slots(i)
        self.columns.leaving.append([])
        self._evictions(i, start, stop, before.x, None)
        self._builder.at_most(0.0, (version, 1.0), *((column, -1.0) for column in self._evicted))
