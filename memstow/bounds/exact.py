"""The optimum of a small program, with proof: branch and bound over the histories of its storages.

A node fixes the histories of some storages and takes all others to be in fast memory at no cost in copies or room. Its
time is a lower bound of what follows: an access in slow memory instead makes its instruction no shorter and leaves
the queue no more idle time, and a further copy delays no copy less.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from ..errors import InvalidInputError
from ..plan import Access, Allocation, Copy, MemoryName, MemoryPlan
from ..simulator import simulate
from ..timing import roofline_seconds
from .base import ProblemView, is_roofline
from .histories import History, Move, histories
from .linear import RELATIVE_MARGIN
from .lives import Life, cells_of, lives
from .offsets import Span, find_offsets

#: Beyond these the search has no prospect of ending.
MAX_INSTRUCTIONS = 12
MAX_HISTORIES = 20_000


@dataclass(frozen=True)
class ExactOptimum:
    """A valid plan than which none is faster, its seconds, and the number of nodes that the proof took."""

    seconds: float
    plan: MemoryPlan
    nodes: int


def exact_optimum(problem: ProblemView, *, time_limit_seconds: float = 60.0) -> ExactOptimum:
    """The fastest valid plan of a small program.

    Raises:
        InvalidInputError: the program is too large, no proof was found in time, the cost is not the analytical
            model, or fast memory is slower than slow memory.
    """
    program, accelerator = problem.program, problem.accelerator
    what = f"exact optimum of {program.name!r}"
    if len(program.instructions) > MAX_INSTRUCTIONS:
        raise InvalidInputError(
            f"{what}: expected at most {MAX_INSTRUCTIONS} instructions, found {len(program.instructions)}; "
            "use best_bound for a lower bound"
        )
    if not is_roofline(problem):
        raise InvalidInputError(f"{what}: expected the analytical cost model, found {type(problem.cost).__name__}")
    if accelerator.fast_memory.bandwidth < accelerator.slow_memory.bandwidth:
        raise InvalidInputError(
            f"{what}: expected fast memory of {accelerator.name!r} to be no slower than its slow memory; correct it"
        )
    return _Search(problem, what, time.monotonic() + time_limit_seconds).run()


class _Child(NamedTuple):
    """A node's time at least, the history it adds, and what follows from all histories so far.

    ``fast`` and ``level`` are bytes accessed in fast memory and occupied cells, by instruction.
    """

    seconds: float
    history: History
    fast: list[int]
    moves: list[tuple[Move, int]]
    level: list[int]


class _Search:
    def __init__(self, problem: ProblemView, what: str, deadline: float) -> None:
        self._problem = problem
        self._what = what
        self._deadline = deadline
        self._part = problem.accelerator
        self._count = len(problem.program.instructions)
        self._cells = cells_of(self._part.capacity, self._part)
        found = lives(problem.program, self._part)
        choices = {life.storage: self._histories(life) for life in found}
        self._lives = sorted(found, key=lambda life: -len(choices[life.storage]) * life.size)
        self._choices = [choices[life.storage] for life in self._lives]
        self._totals = [
            sum(entry.bytes_accessed for entry in step.operands + step.results) for step in problem.program.instructions
        ]
        self._best = math.inf
        self._chosen: list[History] = []
        self._offsets: tuple[int, ...] = ()
        self._nodes = 0

    def run(self) -> ExactOptimum:
        fast = [0] * self._count
        for life in self._lives:
            for touch in life.touches:
                fast[touch.time] += touch.bytes
        self._branch(0, fast, [], [0] * self._count, [])
        plan = self._plan()
        seconds = simulate(self._problem.program, self._part, plan, self._problem.cost).total_seconds
        return ExactOptimum(seconds, plan.model_copy(update={"simulated_seconds": seconds}), self._nodes)

    def _histories(self, life: Life) -> list[History]:
        found = list(islice(histories(life, self._part, self._count), MAX_HISTORIES + 1))
        if len(found) > MAX_HISTORIES:
            name = self._problem.program.storages[life.storage].representative.name
            raise InvalidInputError(
                f"{self._what}: expected at most {MAX_HISTORIES} histories of a buffer, found more of {name!r}; "
                "use best_bound for a lower bound"
            )
        return found

    def _branch(
        self, depth: int, fast: list[int], moves: list[tuple[Move, int]], level: list[int], chosen: list[History]
    ) -> None:
        if depth == len(self._lives):
            self._leaf(fast, moves, chosen)
            return
        life = self._lives[depth]
        children: list[_Child] = []
        for history in self._choices[depth]:
            self._nodes += 1
            if self._nodes % 256 == 0 and time.monotonic() > self._deadline:
                raise InvalidInputError(
                    f"{self._what}: no proof in time after {self._nodes} nodes; give it more, or use best_bound"
                )
            higher = self._raised(level, life, history)
            if higher is None:
                continue
            served = list(fast)
            for touch in life.touches:
                if touch.time not in history.fast_times:
                    served[touch.time] -= touch.bytes
            more = sorted([*moves, *((move, life.size) for move in history.moves)])
            seconds = self._seconds(served, more)
            if seconds < self._limit:
                children.append(_Child(seconds, history, served, more, higher))
        for child in sorted(children, key=lambda child: child.seconds):
            if child.seconds < self._limit:
                self._branch(depth + 1, child.fast, child.moves, child.level, [*chosen, child.history])

    @property
    def _limit(self) -> float:
        """Plans are told apart down to the margin within which bounds are proven."""
        return self._best * (1.0 - RELATIVE_MARGIN)

    def _raised(self, level: list[int], life: Life, history: History) -> list[int] | None:
        """Occupied cells with one more history; ``None`` beyond the capacity."""
        higher = list(level)
        for stay in history.stays:
            for t in range(max(stay.start, 0), stay.end + 1):
                higher[t] += life.cells
                if higher[t] > self._cells:
                    return None
        return higher

    def _leaf(self, fast: list[int], moves: list[tuple[Move, int]], chosen: list[History]) -> None:
        if sum(history.crossing for history in chosen) > self._part.max_cross_program_prefetches:
            return
        dma = self._part.dma
        limits = ((True, dma.max_outstanding_prefetches), (False, dma.max_outstanding_evictions))
        if any(limit is not None and _most_open(moves, kind, self._count) > limit for kind, limit in limits):
            return
        spans = [
            Span(stay.start, stay.end, life.size)
            for life, history in zip(self._lives, chosen, strict=True)
            for stay in history.stays
        ]
        offsets = find_offsets(spans, self._part.capacity, self._part.alignment)
        if offsets is not None:
            self._best, self._chosen, self._offsets = self._seconds(fast, moves), chosen, offsets

    def _seconds(self, fast: Sequence[int], moves: list[tuple[Move, int]]) -> float:
        """Time with these bytes in fast memory and these copies, in queue order (``docs/semantics.md``)."""
        clock, offered = 0.0, 0.0
        joined, finish = 0, 0.0
        dues: list[tuple[int, float]] = []
        for t in range(self._count + 1):
            while joined < len(moves) and moves[joined][0].start == t:
                move, size = moves[joined]
                work = self._part.copy_seconds(size)
                # In the queue's own time, which runs with every second offered to it.
                finish = max(finish, offered) + work
                dues.append((move.done, finish))
                joined += 1
            stall = max((end - offered for due, end in dues if due == t), default=0.0)
            if stall > 0.0:
                clock += stall
                offered += stall
            if t < self._count:
                step = self._problem.program.instructions[t]
                slow = self._totals[t] - fast[t]
                elapsed = roofline_seconds(self._part, step, slow, fast[t])
                clock += elapsed
                offered += max(0.0, elapsed - slow * step.trip_count / self._part.slow_memory.bandwidth)
        return clock

    def _plan(self) -> MemoryPlan:
        program = self._problem.program
        fast: set[tuple[int, int]] = set()
        allocations: list[Allocation] = []
        copies: list[tuple[Move, Copy]] = []
        offsets = iter(self._offsets)
        for life, history in zip(self._lives, self._chosen, strict=True):
            buffer = program.storages[life.storage].representative.id
            fast |= {(t, life.storage) for t in history.fast_times}
            for stay in history.stays:
                offset = next(offsets)
                allocations.append(
                    Allocation(buffer=buffer, offset=offset, size=life.size, start=stay.start, end=stay.end)
                )
                copies += [(move, _copy(buffer, move, offset, life.size)) for move in stay.moves]

        def memory(t: int, buffer: int) -> MemoryName:
            return "fast" if (t, program.storage_of[buffer]) in fast else "slow"

        accesses: list[Access] = []
        for t, step in enumerate(program.instructions):
            for k, entry in enumerate(step.operands):
                accesses.append(Access(instruction=t, operand=k, memory=memory(t, entry.buffer)))
            for k, entry in enumerate(step.results):
                accesses.append(Access(instruction=t, result=k, memory=memory(t, entry.buffer)))
        return MemoryPlan(
            program_fingerprint=program.fingerprint,
            accelerator=self._part.name,
            planner="exact",
            allocations=tuple(allocations),
            copies=tuple(copy for _, copy in sorted(copies, key=lambda pair: pair[0])),
            accesses=tuple(accesses),
        )


def _copy(buffer: int, move: Move, offset: int, size: int) -> Copy:
    return Copy(
        buffer=buffer,
        direction="prefetch" if move.is_prefetch else "evict",
        start_time=move.start,
        done_time=move.done,
        offset=offset,
        bytes=size,
    )


def _most_open(moves: list[tuple[Move, int]], is_prefetch: bool, count: int) -> int:
    spans = [move for move, _ in moves if move.is_prefetch is is_prefetch]
    return max((sum(move.start <= t < move.done for move in spans) for t in range(count)), default=0)
