"""The fluid relaxation: placement, capacity and copying of a program as one linear program.

Every valid plan of the analytical cost model maps to a solution of the linear program that costs no more, so its
optimum is a lower bound; with the variables marked *whole* restricted to {0, 1} it is a larger one. ``docs/bounds.md``
has the proof; this is the model.

Touches of one storage are numbered i = 0, 1, ... at times ``t_i``; gap i lies before touch i, behind touch i - 1. All
variables are fractions in [0, 1] unless a unit is given::

    x_i    whole: touch i is served from fast memory
    k_i    whole: the data stays in fast memory over gap i
    f_i,n  part prefetched in gap i in the slots of tree node n (``slots.py``);  h_i: in the stall right before touch i
    q_i    part that a prefetch open at read i has brought;  c_i: what of it was there before gap i
    d_i,n  part evicted in gap i of data that does not stay over the gap;  a part of h likewise
    w_i,n  part evicted in gap i of data that stays (a write-back)
    e_t    seconds of instruction t and of stalls before it in which a copy runs that is not due there
    o_t    occupied fraction of fast memory

    minimise  sum e_t + seconds of all h
    e_t   >=  compute + overhead;   e_t >= slow bytes / slow bandwidth + fast bytes / fast bandwidth + overhead
    x_i + q_i  <=  k_i + c_i + f_i + h_i;  q_i <= c_i + f_i + h_i            data comes from somewhere
    k_i   <=  x_{i-1};  c_i <= q_{i-1}
    evicted by touch i since write v  >=  x_v - x_i;  >= f_i + x_v - 1       slow memory has what is read there
    copy seconds in the slots of a node  <=  sum of e_t - slow bytes / slow bandwidth over its slots
    o_t   =   data served, staying, arriving or leaving at t                 <= 1

Relaxed: copies are divisible (and placements, unless whole); a copy occupies only what has arrived or has not yet left
instead of its whole block; blocks have sizes but no offsets; the queue has no order; no limit on open copies.

Kept from integrality: a coefficient of the memory time of t never exceeds memory time minus compute time, since a
touch that makes t compute-bound alone saves no more than that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from ..accelerator import Accelerator
from ..program import Instruction, Program
from ..timing import roofline_seconds
from .linear import BoxedProgram, LinearProgram
from .lives import Life, cells_of, cut
from .slots import Node, cover, tree_nodes

#: Total seconds of the all-slow plan in the linear program, for its scaling.
SCALE = 1000.0

#: Storages of less than this part of the capacity occupy, while they are copied, only what has been copied.
_SMALL = 24

#: A variable and its factor.
Term = tuple[int, float]


def fluid_program(
    program: Program,
    accelerator: Accelerator,
    found: Sequence[Life],
    *,
    window: range | None = None,
    whole_blocks: bool = False,
) -> tuple[BoxedProgram, float]:
    """The linear program and the seconds of one unit of its objective. Holds for the analytical cost model alone.

    ``found`` are all :func:`~memstow.bounds.lives.lives` of the problem. With a ``window`` of instruction times: what
    every plan needs for those alone, stalls before them included (and the stall at the end, if the window reaches
    it). ``whole_blocks`` adds the block variables, which change the integer program's optimum alone.
    """
    window = window or range(len(program.instructions))
    builder = _Builder(program, accelerator, window)
    parts = (cut(life, window, len(program.instructions)) for life in found)
    models = [_LifeModel(builder, life, whole_blocks) for life in parts if life is not None]
    for model in models:
        model.build()
    builder.finish()
    crossing = [(model.crossing, 1.0) for model in models if model.crossing is not None]
    if crossing:
        builder.at_most(float(accelerator.max_cross_program_prefetches), *crossing)
    return builder.lp.freeze(), builder.unit_seconds


class _Builder:
    """The shared rows: slots, capacity, instructions."""

    def __init__(self, program: Program, accelerator: Accelerator, window: range) -> None:
        self.accelerator = accelerator
        self.count = len(window)
        self._steps = program.instructions[window.start : window.stop]
        self.lp = LinearProgram()
        all_slow = sum(roofline_seconds(accelerator, step, _bytes(step), 0) for step in program.instructions)
        self.unit_seconds = all_slow / SCALE if all_slow > 0 else 1.0
        self.cells = max(1, cells_of(accelerator.capacity, accelerator))
        #: Touches that may be fast, by instruction: (x, bytes of one execution).
        self.served: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self._change: dict[int, list[Term]] = defaultdict(list)
        self._node_row = self._tree()

    def flow(self, node: Node, size: int) -> int:
        """A copy's part in the slots of a node."""
        column = self.lp.variable(1.0)
        self.lp.add(self._node_row[node], column, self.copy_time(size))
        return column

    def stall(self, size: int) -> int:
        """A copy's part in the stall right before it is due."""
        return self.lp.variable(1.0, cost=self.copy_time(size))

    def copy_time(self, size: int) -> float:
        """DMA time of a whole copy, in units."""
        return self.accelerator.copy_seconds(size) / self.unit_seconds

    def occupy(self, column: int, cells: int, first: int, last: int) -> None:
        """``column`` of a storage's bytes occupy fast memory at the instruction times ``[first, last]``."""
        if first <= last and cells:
            self._change[first].append((column, cells / self.cells))
            self._change[last + 1].append((column, -cells / self.cells))

    def at_most(self, high: float, *terms: Term) -> None:
        """A whole row ``sum of terms <= high``."""
        row = self.lp.at_most(high)
        for column, factor in terms:
            self.lp.add(row, column, factor)

    def finish(self) -> None:
        """Instructions and occupancy, once every storage is in."""
        for t, step in enumerate(self._steps):
            self._instruction(t, step)
        before: int | None = None
        for t in range(self.count):
            level = self.lp.variable(1.0)
            terms = [(level, -1.0), *self._change[t]]
            if before is not None:
                terms.append((before, 1.0))
            self.at_most(0.0, *terms)
            before = level

    def _tree(self) -> dict[Node, int]:
        """A row per node: what flows into it and what its time leaves for the nodes above fit into its slots."""
        rows: dict[Node, int] = {}
        left: dict[Node, int] = {}
        for node, children in tree_nodes(self.count):
            rows[node] = row = self.lp.at_most(0.0)
            left[node] = self.lp.variable(SCALE)
            self.lp.add(row, left[node], 1.0)
            for child in children:
                self.lp.add(row, left[child], -1.0)
        return rows

    def _instruction(self, t: int, step: Instruction) -> None:
        part, trips = self.accelerator, step.trip_count / self.unit_seconds
        per_slow = trips / part.slow_memory.bandwidth
        # Fast memory may be the slower one. A plan then reads data that is in both from slow memory: count the better.
        per_fast = min(per_slow, trips / part.fast_memory.bandwidth)
        overhead = trips * part.launch_overhead_seconds
        compute, memory = trips * step.compute_seconds, per_slow * _bytes(step)
        excess = self.lp.variable(SCALE, cost=1.0)
        self.lp.offset += compute + overhead
        if memory > compute:
            row = self.lp.at_most(compute - memory)
            self.lp.add(row, excess, -1.0)
            for column, count in self.served[t]:
                self.lp.add(row, column, -min(count * (per_slow - per_fast), memory - compute))
        slot = self._node_row[Node(t, t + 1)]
        self.lp.raise_high(slot, compute + overhead - memory)
        self.lp.add(slot, excess, -1.0)
        for column, count in self.served[t]:
            self.lp.add(slot, column, -count * per_slow)


class _State(NamedTuple):
    """After a touch: whether it was served fast, and what a prefetch open at it has brought."""

    x: int
    open_part: int | None


class _LifeModel:
    """The rows of one storage, touch after touch."""

    def __init__(self, builder: _Builder, life: Life, whole_blocks: bool) -> None:
        self._builder = builder
        self._life = life
        self._large = whole_blocks and life.cells * _SMALL >= builder.cells
        #: x of the write that made the current version, ``None`` for the version that slow memory has from the start.
        self._version: int | None = None
        #: All eviction flows of the current version so far.
        self._evicted: list[int] = []
        #: k of the first gap where a cross-program prefetch may fill it.
        self.crossing: int | None = None

    def build(self) -> None:
        builder, life = self._builder, self._life
        before: _State | None = None
        for i, touch in enumerate(life.touches):
            x = builder.lp.variable(1.0, whole=True)
            builder.served[touch.time].append((x, touch.bytes))
            builder.occupy(x, life.cells, touch.time, touch.time)
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
            self._hold([column], touches[i].time, touches[i].time)
        else:
            self._builder.occupy(column, self._life.cells, touches[i].time, touches[i].time)
        return column

    def _slots(self, i: int) -> tuple[int, int]:
        """Slots in which a copy of gap i may run. It may be open during a read before the gap, never during a write."""
        touches = self._life.touches
        stop = touches[i].time if i < len(touches) else self._builder.count
        if i == 0:
            return self._life.source_time or 0, stop
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
        """Flows of a prefetch in gap i, and what it brought before. What flows into a node is there at its end."""
        builder, life = self._builder, self._life
        carried = []
        if before is not None and before.open_part is not None:
            carried.append(builder.lp.variable(1.0))
            builder.at_most(0.0, (carried[0], 1.0), (before.open_part, -1.0))
        nodes = cover(start, stop, fine_at_start=False)
        flows = [builder.flow(node, life.size) for node in nodes]
        # At a read before the gap, the part that is open there holds the block; from the next instruction on this does.
        first = life.touches[i - 1].time + 1 if i else 0
        since = [first, *(max(first, node.stop - 1) for node in nodes)]
        if not self._large:
            for column, time in zip(carried + flows, since[1 - len(carried) :], strict=True):
                builder.occupy(column, life.cells, time, stop - 1)
        for n in range(len(since)) if self._large else ():
            self._hold(carried + flows[:n], since[n], since[n + 1] - 1 if n < len(nodes) else stop - 1)
        return [*flows, builder.stall(life.size)], carried

    def _evictions(self, i: int, start: int, stop: int, before: int, stay: int | None) -> None:
        """Flows of an eviction in gap i; what flows from a node is there until its first slot."""
        staying = [] if stay is None else [stay]
        leaving = self._leaving(start, stop, self._life.touches[i - 1].time + 1)
        row = [(column, 1.0) for column in leaving + staying]
        self._builder.at_most(0.0, (before, -1.0), *row)
        self._evicted += leaving
        if stay is not None:
            written = [self._builder.flow(node, self._life.size) for node in cover(start, stop, fine_at_start=True)]
            if written:
                self._builder.at_most(0.0, (stay, -1.0), *((column, 1.0) for column in written))
            self._evicted += written

    def _leaving(self, start: int, stop: int, first: int) -> list[int]:
        builder, life = self._builder, self._life
        nodes = cover(start, stop, fine_at_start=True)
        flows = [*(builder.flow(node, life.size) for node in nodes), builder.stall(life.size)]
        until = [*(node.start for node in nodes), stop - 1]
        since = first
        for n, time in enumerate(until):
            if self._large:
                self._hold(flows[n:], since, time)
            else:
                builder.occupy(flows[n], life.cells, first, time)
            since = max(since, time + 1)
        return flows

    def _hold(self, parts: list[int], first: int, last: int) -> None:
        """During ``[first, last]``, a block with any of these parts of the data is a whole block."""
        builder = self._builder
        if parts and first <= last:
            block = builder.lp.variable(1.0, whole=True)
            builder.at_most(0.0, (block, -1.0), *((column, 1.0) for column in parts))
            builder.occupy(block, self._life.cells, first, last)

    def _end(self, before: _State, version: int) -> None:
        """After its last touch an output leaves, unless that has happened."""
        i = len(self._life.touches)
        start, stop = self._slots(i)
        self._evictions(i, start, stop, before.x, None)
        self._builder.at_most(0.0, (version, 1.0), *((column, -1.0) for column in self._evicted))


def _bytes(step: Instruction) -> int:
    return sum(entry.bytes_accessed for entry in step.operands + step.results)
