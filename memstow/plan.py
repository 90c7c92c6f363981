"""Memory plans: allocations in fast memory, copies, and the memory of every access (DESIGN: ``*.plan.json``)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .defaults import ROOFLINE
from .schema import Document

MemoryName = Literal["fast", "slow"]


class Allocation(Document):
    """A buffer occupying ``[offset, offset + size)`` of fast memory during instructions ``[start, end]``, inclusive."""

    buffer: int
    offset: int
    size: int
    start: int
    end: int


class Copy(Document):
    """A background copy, open at t while ``start_time <= t < done_time``; ``offset`` is its place in fast memory."""

    buffer: int
    direction: Literal["prefetch", "evict"]
    start_time: int
    done_time: int
    offset: int
    bytes: int


class Access(Document):
    """The memory in which one operand or one result (exactly one of the two) of an instruction is accessed."""

    instruction: int
    operand: int | None = None
    result: int | None = None
    memory: MemoryName

    @model_validator(mode="after")
    def _exactly_one(self) -> Access:
        if (self.operand is None) == (self.result is None):
            raise ValueError("expected exactly one of 'operand' and 'result'")
        return self


class MemoryPlan(Document):
    """Where every tensor lives and when it moves.

    ``simulated_seconds`` and ``bound_seconds`` are the time of this plan and a proven lower bound of any plan's, both
    by the cost model whose name is ``cost_model``.
    """

    program_fingerprint: str
    accelerator: str
    planner: str = ""
    seed: int = 0
    cost_model: str = ROOFLINE
    simulated_seconds: Annotated[float, Field(ge=0)] | None = None
    bound_seconds: Annotated[float, Field(ge=0)] | None = None
    allocations: tuple[Allocation, ...] = ()
    copies: tuple[Copy, ...] = ()
    accesses: tuple[Access, ...] = ()

    @property
    def peak_bytes(self) -> int:
        """Highest end of an allocation: the bytes of fast memory that the plan needs."""
        return max((a.offset + a.size for a in self.allocations), default=0)

    @property
    def gap(self) -> float | None:
        """``simulated / bound - 1``, the proven distance from the optimum."""
        if self.simulated_seconds is None or not self.bound_seconds:
            return None
        return self.simulated_seconds / self.bound_seconds - 1.0

    def operand_memory(self) -> dict[tuple[int, int], MemoryName]:
        """Memory by (instruction, operand index)."""
        return {(a.instruction, a.operand): a.memory for a in self.accesses if a.operand is not None}

    def result_memory(self) -> dict[tuple[int, int], MemoryName]:
        """Memory by (instruction, result index)."""
        return {(a.instruction, a.result): a.memory for a in self.accesses if a.result is not None}
