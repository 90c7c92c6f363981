"""The rows of the fluid model that storages share: slots and what is copied in them, capacity, instructions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..accelerator import Accelerator
from .linear import LinearProgram
from .lives import cells_of
from .slots import Node, tree_nodes

#: Total seconds of the all-slow plan in the linear program, for its scaling.
SCALE = 1000.0

#: A variable and its factor.
Term = tuple[int, float]


class Served(NamedTuple):
    """A touch that may be fast: its ``x``, its storage and the bytes of one execution."""

    x: int
    storage: int
    bytes: int


class Step(NamedTuple):
    """Seconds of one instruction: at ``least``, with ``nothing`` of what may be fast in fast memory, and those of slow
    memory then."""

    least: float
    nothing: float
    busy: float


class SharedRows:
    """Grows a linear program over ``count`` instructions, in units of ``unit_seconds``."""

    def __init__(self, accelerator: Accelerator, count: int, unit_seconds: float) -> None:
        self.accelerator = accelerator
        self.count = count
        self.lp = LinearProgram()
        self.unit_seconds = unit_seconds
        self.cells = max(1, cells_of(accelerator.capacity, accelerator))
        #: Touches that may be fast, by instruction.
        self.served: dict[int, list[Served]] = defaultdict(list)
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

    def capacity(self, room: Sequence[float] | None = None) -> None:
        """Occupancy, once every storage is in. ``room``: the part of fast memory there is at each time."""
        before: int | None = None
        for t in range(self.count):
            level = self.lp.variable(1.0 if room is None else room[t])
            terms = [(level, -1.0), *self._change[t]]
            if before is not None:
                terms.append((before, 1.0))
            self.at_most(0.0, *terms)
            before = level

    def instruction(self, t: int, step: Step, gains: Iterable[tuple[int, float, float]]) -> None:
        """One instruction. ``gains``: variables, each with the seconds and the slow-memory seconds that it saves."""
        least, nothing, busy = (seconds / self.unit_seconds for seconds in step)
        terms = [(x, saved / self.unit_seconds, relieved / self.unit_seconds) for x, saved, relieved in gains]
        excess = self.lp.variable(SCALE, cost=1.0)
        self.lp.offset += least
        if nothing > least:
            row = self.lp.at_most(least - nothing)
            self.lp.add(row, excess, -1.0)
            for column, saved, _ in terms:
                self.lp.add(row, column, -min(saved, nothing - least))
        slot = self._node_row[Node(t, t + 1)]
        self.lp.raise_high(slot, least - busy)
        self.lp.add(slot, excess, -1.0)
        for column, _, relieved in terms:
            self.lp.add(slot, column, -relieved)

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
