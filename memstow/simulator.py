"""The executable form of the timing rules (``docs/semantics.md``): what a plan costs, instruction by instruction.

One clock and one FIFO queue of background copies::

    compute   |--- 0 ---|--- 1 ---|.stall.|--- 2 ---|
    queue       [== copy A ==]==== copy B ===]
                                          ^ B has done_time 2: instruction 2 waits for it

While an instruction runs, the queue has only the slow-memory bandwidth that the instruction leaves idle; in a stall it
has all of it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from functools import cached_property

from .accelerator import Accelerator
from .plan import Copy, MemoryPlan
from .program import Program
from .timing import InstructionCost, Roofline, split_bytes


@dataclass(frozen=True)
class InstructionTiming:
    """One instruction, trip count included. Times in seconds, traffic in bytes.

    ``stall_seconds`` passes before ``start_seconds``. ``compute_seconds`` and ``overhead_seconds`` are the parts of
    ``elapsed_seconds`` that the program and the accelerator account for, cut to it where a cost model gives less.
    """

    start_seconds: float
    stall_seconds: float
    elapsed_seconds: float
    slow_bytes: int
    fast_bytes: int
    compute_seconds: float
    overhead_seconds: float


@dataclass(frozen=True)
class CopyTiming:
    """One copy on the clock: when it joins the queue, when the DMA engine begins with it, when it has finished.

    A copy that starts before the program has 0 for all three.
    """

    copy_index: int
    issue_seconds: float
    begin_seconds: float
    finish_seconds: float


@dataclass(frozen=True)
class Simulation:
    """A program run under a plan. ``final_stall_seconds`` waits for copies still open after the last instruction."""

    total_seconds: float
    instructions: tuple[InstructionTiming, ...]
    copies: tuple[CopyTiming, ...]
    final_stall_seconds: float

    @cached_property
    def stall_seconds(self) -> float:
        """Time in which no instruction runs because one waits for a copy."""
        return sum(step.stall_seconds for step in self.instructions) + self.final_stall_seconds

    @cached_property
    def compute_seconds(self) -> float:
        """Time accounted for by arithmetic."""
        return sum(step.compute_seconds for step in self.instructions)

    @cached_property
    def overhead_seconds(self) -> float:
        """Time accounted for by launching instructions."""
        return sum(step.overhead_seconds for step in self.instructions)

    @cached_property
    def memory_seconds(self) -> float:
        """Time of instructions beyond compute and overhead: what their memory accesses add."""
        return sum(s.elapsed_seconds - s.compute_seconds - s.overhead_seconds for s in self.instructions)


def simulate(
    program: Program, accelerator: Accelerator, plan: MemoryPlan, cost: InstructionCost | None = None
) -> Simulation:
    """Seconds of a program under a plan, by the roofline model unless ``cost`` prices instructions otherwise.

    An access without an entry counts as slow, so that an empty plan means everything in slow memory. The plan is
    taken to be valid; times outside the program are moved to its ends.
    """
    cost = cost or Roofline(program, accelerator)
    operand_memory, result_memory = plan.operand_memory(), plan.result_memory()
    queue = _CopyQueue(accelerator, plan, len(program.instructions))
    clock = 0.0
    timings: list[InstructionTiming] = []
    for t, step in enumerate(program.instructions):
        stall = queue.arrive(t, clock)
        clock += stall
        operands = [operand_memory.get((t, k)) == "fast" for k in range(len(step.operands))]
        results = [result_memory.get((t, k)) == "fast" for k in range(len(step.results))]
        elapsed = cost.seconds(t, operands, results)
        slow, fast = (size * step.trip_count for size in split_bytes(step, operands, results))
        idle = max(0.0, elapsed - slow / accelerator.slow_memory.bandwidth)
        queue.drain(idle, clock, elapsed)
        compute = min(elapsed, step.compute_seconds * step.trip_count)
        overhead = min(elapsed - compute, accelerator.launch_overhead_seconds * step.trip_count)
        timings.append(InstructionTiming(clock, stall, elapsed, slow, fast, compute, overhead))
        clock += elapsed
    final_stall = queue.arrive(len(program.instructions), clock)
    return Simulation(clock + final_stall, tuple(timings), queue.timings(), final_stall)


def occupancy(program: Program, plan: MemoryPlan) -> tuple[int, ...]:
    """Bytes of fast memory allocated at each instruction time."""
    count = len(program.instructions)
    changes = [0] * (count + 1)
    for allocation in plan.allocations:
        start, stop = max(allocation.start, 0), min(allocation.end + 1, count)
        if start < stop:
            changes[start] += allocation.size
            changes[stop] -= allocation.size
    levels: list[int] = []
    level = 0
    for change in changes[:count]:
        level += change
        levels.append(level)
    return tuple(levels)


class _CopyQueue:
    """The DMA engine: copies run one after another, in the order of their start times and of the plan."""

    def __init__(self, accelerator: Accelerator, plan: MemoryPlan, count: int) -> None:
        self._starting: dict[int, list[int]] = defaultdict(list)
        self._due = [_due_time(copy, count) for copy in plan.copies]
        self._remaining = [accelerator.copy_seconds(copy.bytes) for copy in plan.copies]
        for index, copy in enumerate(plan.copies):
            if copy.start_time >= 0:
                self._starting[min(copy.start_time, count)].append(index)
        self._waiting: deque[int] = deque()
        self._unfinished_due: dict[int, int] = defaultdict(int)
        self._issue: list[float] = [0.0] * len(plan.copies)
        self._begin: list[float | None] = [None] * len(plan.copies)
        self._finish: list[float] = [0.0] * len(plan.copies)

    def arrive(self, time: int, clock: float) -> float:
        """Take in the copies that start at an instruction time; the stall until those due then have finished."""
        for index in self._starting.get(time, ()):
            self._waiting.append(index)
            self._unfinished_due[self._due[index]] += 1
            self._issue[index] = clock
        stall = 0.0
        while self._unfinished_due.get(time):
            head = self._waiting[0]
            begin = clock + stall
            stall += self._remaining[head]
            self._pass(begin, clock + stall)
        return stall

    def drain(self, idle_seconds: float, clock: float, elapsed_seconds: float) -> None:
        """Run the queue for ``idle_seconds`` of DMA time, spread evenly over the instruction starting at ``clock``."""
        stretch = elapsed_seconds / idle_seconds if idle_seconds > 0 else 0.0
        used = 0.0
        while self._waiting:
            head = self._waiting[0]
            left = idle_seconds - used
            begin = clock + used * stretch
            if self._remaining[head] <= left:
                used += self._remaining[head]
                self._pass(begin, clock + used * stretch)
                continue
            if left > 0:
                self._remaining[head] -= left
                self._mark_begin(head, begin)
            return

    def timings(self) -> tuple[CopyTiming, ...]:
        """All copies, in plan order; every one has finished once the program's end has been waited for."""
        return tuple(
            CopyTiming(index, self._issue[index], begin or 0.0, self._finish[index])
            for index, begin in enumerate(self._begin)
        )

    def _pass(self, begin: float, finish: float) -> None:
        """The head of the queue finishes."""
        head = self._waiting.popleft()
        self._unfinished_due[self._due[head]] -= 1
        self._mark_begin(head, begin)
        self._finish[head] = finish

    def _mark_begin(self, index: int, seconds: float) -> None:
        if self._begin[index] is None:
            self._begin[index] = seconds


def _due_time(copy: Copy, count: int) -> int:
    return min(max(copy.done_time, copy.start_time), count)
