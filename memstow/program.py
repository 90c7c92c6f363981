"""Programs: a fixed schedule of instructions over buffers, as the planners see it (``*.program.json``)."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, model_validator

from .schema import Document

BufferKind = Literal["parameter", "constant", "input", "intermediate", "output"]
#: Kinds that exist before the program begins; they live in slow memory and are defined at time -1.
RESIDENT_KINDS: frozenset[str] = frozenset({"parameter", "constant", "input"})
Count = Annotated[int, Field(ge=0)]


class Operand(Document, use_attribute_docstrings=True):
    """One operand or result of an instruction: which buffer, and how many of its bytes are read or written."""

    buffer: int
    """Id of the buffer."""
    bytes_accessed: Count
    """Bytes read or written; 0 touches no memory (the two sides of a bitcast, say)."""


class Instruction(Document, use_attribute_docstrings=True):
    """One step of the schedule; its place in the list is its instruction time."""

    name: str
    """For people; need not be unique."""
    opcode: str = ""
    """What kind of kernel it is; for people and cost models."""
    compute_seconds: Annotated[float, Field(ge=0)]
    """Time of the arithmetic alone, one execution."""
    flops: Annotated[float, Field(ge=0)] = 0.0
    """Arithmetic operations of one execution; a multiply-add counts as 2."""
    operands: tuple[Operand, ...] = ()
    """What it reads, in order."""
    results: tuple[Operand, ...] = ()
    """What it writes, in order."""
    trip_count: Annotated[int, Field(ge=1)] = 1
    """Executions, in a loop body; the instruction's time and bytes multiply by it."""
    cost_features: Mapping[str, float | str] = Field(default_factory=dict)
    """What learned cost models know of the kernel beside its operands."""


class Buffer(Document, use_attribute_docstrings=True):
    """One tensor's storage."""

    id: int
    """What operands, results and plans call it; unique."""
    name: str
    """For people; need not be unique."""
    size_bytes: Count
    """Bytes that the tensor takes in memory."""
    kind: BufferKind
    """What the tensor is to the program. Parameters, constants and inputs are in slow memory before it begins."""
    definition_time: Annotated[int, Field(ge=-1)]
    """Time of the instruction that first writes it; -1 for parameters, constants and inputs."""
    use_times: tuple[Count, ...] = ()
    """Times of all instructions that have it as an operand."""
    alias_group: int | None = None
    """Buffers of one group (views, in-place results) share one place."""
    pinned_slow: bool = False
    """Never in fast memory."""


class Program(Document, use_attribute_docstrings=True):
    """Instructions in schedule order and the buffers that they name."""

    name: str
    """For people."""
    source: str = ""
    """Where the program comes from."""
    accelerator: str | None = None
    """The target whose peaks gave ``compute_seconds``, where known."""
    instructions: tuple[Instruction, ...]
    """The schedule, which no plan changes."""
    buffers: tuple[Buffer, ...]
    """Every tensor that an instruction names."""

    @model_validator(mode="after")
    def _check_references(self) -> Program:
        ids = [buffer.id for buffer in self.buffers]
        if len(set(ids)) != len(ids):
            twice = next(i for i in ids if ids.count(i) > 1)
            raise ValueError(f"buffers: expected unique ids, found {twice} more than once")
        uses: dict[int, set[int]] = defaultdict(set)
        definitions: dict[int, int] = {}
        for t, instruction in enumerate(self.instructions):
            for operand in instruction.operands:
                uses[operand.buffer].add(t)
            for result in instruction.results:
                definitions.setdefault(result.buffer, t)
        unknown = (uses.keys() | definitions.keys()) - set(ids)
        if unknown:
            raise ValueError(f"instructions: buffer {min(unknown)} is used but not listed in 'buffers'")
        for buffer in self.buffers:
            self._check_buffer(buffer, uses[buffer.id], definitions.get(buffer.id))
        return self

    @staticmethod
    def _check_buffer(buffer: Buffer, uses: set[int], defined: int | None) -> None:
        where = f"buffers: {buffer.name!r} (id {buffer.id})"
        if buffer.kind in RESIDENT_KINDS:
            if buffer.definition_time != -1:
                raise ValueError(f"{where}: a {buffer.kind} has definition_time -1, found {buffer.definition_time}")
        elif buffer.definition_time == -1 and (uses or buffer.size_bytes):
            raise ValueError(f"{where}: an {buffer.kind} is defined by an instruction, found definition_time -1")
        elif defined is not None and defined != buffer.definition_time:
            raise ValueError(
                f"{where}: instruction {defined} defines it, found definition_time {buffer.definition_time}"
            )
        elif defined is None and buffer.alias_group is None and (uses or buffer.kind == "output"):
            raise ValueError(f"{where}: no instruction has it as a result")
        if set(buffer.use_times) != uses:
            raise ValueError(f"{where}: use_times {sorted(buffer.use_times)} differ from the operands' {sorted(uses)}")
        early = [t for t in uses if t < buffer.definition_time]
        if early:
            raise ValueError(f"{where}: used at {early[0]} before its definition at {buffer.definition_time}")

    @cached_property
    def buffer_by_id(self) -> dict[int, Buffer]:
        """Buffers by id."""
        return {buffer.id: buffer for buffer in self.buffers}

    @cached_property
    def storages(self) -> tuple[Storage, ...]:
        """The alias groups (a buffer without one is a group of its own), ordered by first appearance."""
        groups: dict[tuple[str, int], list[Buffer]] = defaultdict(list)
        for buffer in self.buffers:
            key = ("buffer", buffer.id) if buffer.alias_group is None else ("group", buffer.alias_group)
            groups[key].append(buffer)
        index_of = {b.id: i for i, members in enumerate(groups.values()) for b in members}
        reads: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        writes: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for t, instruction in enumerate(self.instructions):
            for k, operand in enumerate(instruction.operands):
                reads[index_of[operand.buffer]].append((t, k, operand.bytes_accessed))
            for k, result in enumerate(instruction.results):
                writes[index_of[result.buffer]].append((t, k, result.bytes_accessed))
        return tuple(
            Storage(i, tuple(members), tuple(reads[i]), tuple(writes[i])) for i, members in enumerate(groups.values())
        )

    @cached_property
    def storage_of(self) -> dict[int, int]:
        """Index into :attr:`storages` by buffer id."""
        return {buffer.id: storage.index for storage in self.storages for buffer in storage.members}

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over everything that a plan depends on (names and source left out)."""
        names = {"__all__": {"name"}}
        text = self.model_dump_json(
            include={"instructions", "buffers"}, exclude={"instructions": names, "buffers": names}
        )
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Storage:
    """One alias group: the unit that is placed.

    ``reads`` and ``writes`` are ``(instruction time, operand or result index, bytes accessed)`` in program order,
    zero-byte entries included.
    """

    index: int
    members: tuple[Buffer, ...]
    reads: tuple[tuple[int, int, int], ...]
    writes: tuple[tuple[int, int, int], ...]

    @cached_property
    def size_bytes(self) -> int:
        """Bytes that an allocation of this storage takes: the largest member's size."""
        return max(member.size_bytes for member in self.members)

    @cached_property
    def representative(self) -> Buffer:
        """The member that names the storage in a plan: the first defined."""
        return min(self.members, key=lambda b: (b.definition_time, b.id))

    @cached_property
    def born_slow(self) -> bool:
        """Whether the data exists in slow memory before the program begins."""
        return any(member.kind in RESIDENT_KINDS for member in self.members)

    @cached_property
    def is_output(self) -> bool:
        """Whether the data must be in slow memory at the end."""
        return any(member.kind == "output" for member in self.members)

    @cached_property
    def pinned_slow(self) -> bool:
        """Whether the storage must never be in fast memory."""
        return any(member.pinned_slow for member in self.members)

    @cached_property
    def definition_time(self) -> int:
        """-1 for what exists before the program, else the first definition."""
        return -1 if self.born_slow else min(member.definition_time for member in self.members)

    @cached_property
    def last_time(self) -> int:
        """Time of the last access; the definition time if there is none."""
        times = [t for t, _, _ in self.reads + self.writes]
        return max(times, default=self.definition_time)
