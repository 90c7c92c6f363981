"""Memory plans: allocations in fast memory, copies, and the memory of every access (``*.plan.json``)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .defaults import ROOFLINE
from .schema import Document

MemoryName = Literal["fast", "slow"]


class Allocation(Document, use_attribute_docstrings=True):
    """A buffer occupying ``[offset, offset + size)`` of fast memory during instructions ``[start, end]``, inclusive."""

    buffer: int
    """Id of the buffer; of an alias group the member that was defined first."""
    offset: int
    """First byte in fast memory; a multiple of the accelerator's alignment."""
    size: int
    """Bytes, at least the buffer's."""
    start: int
    """First instruction time at which the place is taken."""
    end: int
    """Last instruction time at which the place is taken."""


class Copy(Document, use_attribute_docstrings=True):
    """A background copy, open at t while ``start_time <= t < done_time``."""

    buffer: int
    """Id of the buffer."""
    direction: Literal["prefetch", "evict"]
    """``prefetch``: from slow to fast memory; ``evict``: from fast to slow memory."""
    start_time: int
    """The copy joins the queue when this instruction is about to begin; -1: before the program."""
    done_time: int
    """This instruction waits until the copy has finished; the number of instructions: the program's end does."""
    offset: int
    """Its place in fast memory."""
    bytes: int
    """Bytes copied: all of the buffer's."""


class Access(Document, use_attribute_docstrings=True):
    """The memory in which one operand or one result (exactly one of the two) of an instruction is accessed."""

    instruction: int
    """Instruction time."""
    operand: int | None = None
    """Index into the instruction's operands."""
    result: int | None = None
    """Index into the instruction's results."""
    memory: MemoryName
    """Where the bytes are read or written. An operand or result that no access names is in slow memory."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Access:
        if (self.operand is None) == (self.result is None):
            raise ValueError("expected exactly one of 'operand' and 'result'")
        return self


class MemoryPlan(Document, use_attribute_docstrings=True):
    """Where every tensor lives and when it moves."""

    program_fingerprint: str
    """Of the program that the plan is for: SHA-256 over all that a plan depends on."""
    accelerator: str
    """Name of the accelerator that the plan is for."""
    planner: str = ""
    """Name of the planner that made it."""
    seed: int = 0
    """The planner's seed."""
    cost_model: str = ROOFLINE
    """Name of the cost model that both times below are by."""
    simulated_seconds: Annotated[float, Field(ge=0)] | None = None
    """Time of the program under this plan."""
    bound_seconds: Annotated[float, Field(ge=0)] | None = None
    """A proven lower bound of any valid plan's time."""
    allocations: tuple[Allocation, ...] = ()
    """What is in fast memory, where and when."""
    copies: tuple[Copy, ...] = ()
    """What moves in the background; those with one start time join the queue in this order."""
    accesses: tuple[Access, ...] = ()
    """The memory of every operand and result."""

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
