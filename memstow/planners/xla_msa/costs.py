"""XLA's cost formulas (``cost_analysis.cc``): elapsed times, the benefit of fast memory, copy times.

An instruction takes ``max(compute, bytes / bandwidth)``. A storage *benefits* from fast memory at an instruction by the
memory time saved if the instruction is memory bound, and by the (negative) distance from being so if it is not.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from ...accelerator import Accelerator
from ...program import Instruction, Program
from ...timing import roofline_seconds


class Costs:
    """Seconds of a program's instructions and copies on an accelerator, everything in slow memory unless said.

    ``elapsed[t]`` holds the seconds of instruction t, trip count included.
    """

    def __init__(self, program: Program, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        self._steps = program.instructions
        self._total = [_accessed_bytes(step) for step in program.instructions]
        self.elapsed = [
            roofline_seconds(accelerator, step, total, 0)
            for step, total in zip(program.instructions, self._total, strict=True)
        ]
        self._before = [0.0, *itertools.accumulate(self.elapsed)]

    @property
    def before(self) -> Sequence[float]:
        """Seconds of all instructions before each time: N + 1 entries, never falling."""
        return self._before

    @property
    def length(self) -> int:
        """Number of instructions, N."""
        return len(self._steps)

    def between(self, after: int, before: int) -> float:
        """Seconds of the instructions strictly between two times: what a copy issued after the one has until the other.

        ``after`` may be -1 (before the program begins) and ``before`` N (its end).
        """
        return max(0.0, self._before[before] - self._before[after + 1])

    def copy_seconds(self, size_bytes: float) -> float:
        """Seconds of a background copy that has the slow memory for itself."""
        return self._accelerator.copy_seconds(size_bytes)

    def saving(self, time: int, fast_bytes: float) -> float:
        """Seconds by which instruction ``time`` gets faster with that many of its bytes in fast memory."""
        slow = self._total[time] - fast_bytes
        return self.elapsed[time] - roofline_seconds(self._accelerator, self._steps[time], slow, fast_bytes)

    def benefit(self, time: int, fast_bytes: float) -> float:
        """Benefit of having that many of the bytes of instruction ``time`` in fast memory; see the module's text."""
        step = self._steps[time]
        slow_bandwidth = self._accelerator.slow_memory.bandwidth
        memory = self._total[time] / slow_bandwidth
        if memory > step.compute_seconds:
            saved = fast_bytes / slow_bandwidth - fast_bytes / self._accelerator.fast_memory.bandwidth
            return saved * step.trip_count
        return memory - step.compute_seconds


def _accessed_bytes(step: Instruction) -> int:
    return sum(entry.bytes_accessed for entry in (*step.operands, *step.results))
