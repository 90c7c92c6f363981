"""The analytical model of an instruction's time, and the lower bound it gives (``docs/semantics.md``).

XLA's memory-space assignment uses the same formula (``xla/service/memory_space_assignment/cost_analysis.cc``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from .accelerator import Accelerator
from .defaults import ROOFLINE
from .program import Instruction, Program


class InstructionCost(Protocol):
    """Seconds of one instruction for a placement of its operands and results."""

    def seconds(self, instruction: int, operands_fast: Sequence[bool], results_fast: Sequence[bool]) -> float:
        """Time of ``instruction`` (its trip count included) with the given entries in fast memory."""
        ...


#: What prices the instructions of any program on any accelerator: :class:`Roofline`, or a cost model's ``prices``.
Pricing = Callable[[Program, Accelerator], InstructionCost]


@runtime_checkable
class ModelPrices(InstructionCost, Protocol):
    """An :class:`InstructionCost` that says which cost model it is from."""

    @property
    def name(self) -> str:
        """Of the cost model."""
        ...

    @property
    def fingerprint(self) -> str:
        """The same for the same model alone; models of one name may differ."""
        ...

    @property
    def fallbacks(self) -> Mapping[int, str]:
        """Instructions that have the roofline's prices, each with the reason."""
        ...


def cost_model_name(cost: InstructionCost) -> str:
    """Name of the cost model that prices are from; of one that does not say, its type's."""
    if type(cost) is Roofline:  # what is derived from it has prices of its own
        return ROOFLINE
    name = getattr(cost, "name", None)
    return name if isinstance(name, str) else type(cost).__name__


def split_bytes(
    instruction: Instruction, operands_fast: Sequence[bool], results_fast: Sequence[bool]
) -> tuple[int, int]:
    """Accessed bytes of one execution as ``(slow, fast)``."""
    entries = [
        *zip(instruction.operands, operands_fast, strict=True),
        *zip(instruction.results, results_fast, strict=True),
    ]
    fast = sum(entry.bytes_accessed for entry, is_fast in entries if is_fast)
    total = sum(entry.bytes_accessed for entry, _ in entries)
    return total - fast, fast


def roofline_seconds(accelerator: Accelerator, instruction: Instruction, slow_bytes: float, fast_bytes: float) -> float:
    """Seconds of an instruction, trip count included: the larger of compute and memory time, plus launch overhead."""
    memory = slow_bytes / accelerator.slow_memory.bandwidth + fast_bytes / accelerator.fast_memory.bandwidth
    once = max(instruction.compute_seconds, memory) + accelerator.launch_overhead_seconds
    return once * instruction.trip_count


class Roofline:
    """The analytical :class:`InstructionCost` of a program on an accelerator."""

    def __init__(self, program: Program, accelerator: Accelerator) -> None:
        self._program = program
        self._accelerator = accelerator

    def seconds(self, instruction: int, operands_fast: Sequence[bool], results_fast: Sequence[bool]) -> float:
        """See :class:`InstructionCost`."""
        step = self._program.instructions[instruction]
        slow, fast = split_bytes(step, operands_fast, results_fast)
        return roofline_seconds(self._accelerator, step, slow, fast)


def compulsory_bytes(program: Program) -> int:
    """Bytes that cross the slow memory in any plan: what is read of each resident buffer and each output, once.

    A gather may read few rows of a large table: a buffer counts with its accessed bytes, its own size at most.
    """
    total = 0
    for storage in program.storages:
        if storage.born_slow:
            first_write = min((t for t, _, n in storage.writes if n), default=len(program.instructions))
            read = max((n for t, _, n in storage.reads if t <= first_write), default=0)
            total += min(read, storage.size_bytes)
        if storage.is_output:
            written = max((n for _, _, n in storage.writes), default=0)
            total += min(written, storage.size_bytes)
    return total


def lower_bound_seconds(program: Program, accelerator: Accelerator) -> float:
    """No valid plan takes less time by the roofline; of other cost models it says nothing.

    The maximum of: every access in the faster memory; compulsory traffic at slow-memory bandwidth; compute alone. A
    cross-program prefetch costs no time, so where they are allowed the traffic of the largest such buffers is left out.
    """
    cost = Roofline(program, accelerator)
    best_served = sum(
        min(cost.seconds(t, [fast] * len(step.operands), [fast] * len(step.results)) for fast in (True, False))
        for t, step in enumerate(program.instructions)
    )
    free = sorted((s.size_bytes for s in program.storages if s.born_slow), reverse=True)
    free_bytes = sum(free[: accelerator.max_cross_program_prefetches])
    traffic = max(0, compulsory_bytes(program) - free_bytes) / accelerator.slow_memory.bandwidth
    compute = sum(step.compute_seconds * step.trip_count for step in program.instructions)
    return max(best_served, traffic, compute)
