"""The ``xla_suite`` format: what XLA's MemorySpaceAssignment pass saw, as a program and an accelerator of memstow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from ..accelerator import Accelerator, Positive
from ..program import RESIDENT_KINDS, Buffer, BufferKind, Count, Instruction, Operand, Program
from ..schema import Document

#: Opcodes whose results exist before the program; with ``alias`` instructions they touch no memory.
_FREE_OPCODES = frozenset({"parameter", "constant"})


class XlaEntry(Document):
    """An operand or output and the bytes that the instruction accesses of it."""

    buffer: int
    bytes_accessed: Count


class XlaInstruction(Document):
    """One scheduled HLO instruction; ``alias`` marks bitcasts, tuples and their like."""

    name: str
    opcode: str
    compute_seconds: Annotated[float, Field(ge=0)]
    operands: tuple[XlaEntry, ...]
    outputs: tuple[XlaEntry, ...]
    elapsed_all_slow_seconds: float | None = None
    alias: bool = False
    xla_replaced_by_async: bool = False

    @property
    def is_free(self) -> bool:
        """Whether its entries touch no memory."""
        return self.alias or self.opcode in _FREE_OPCODES


class XlaBuffer(Document):
    """One buffer; ``must_end_slow`` left out is as ``live_out``."""

    id: int
    name: str
    size_bytes: Count
    kind: BufferKind
    definition_time: int
    use_times: tuple[int, ...] = ()
    alias_group: int | None = None
    pinned_slow: bool = False
    live_out: bool = False
    must_end_slow: bool | None = None

    @property
    def ends_slow(self) -> bool:
        """Whether its data must be in slow memory at the end."""
        return self.live_out if self.must_end_slow is None else self.must_end_slow


class XlaAllocation(Document):
    """A buffer in fast memory during the closed interval ``[start, end]``."""

    buffer: int
    offset: int
    size: int
    start: int
    end: int
    slice_chunks: tuple[tuple[int, int, int], ...] = ()
    slice_chunks_inferred: bool = False


class XlaCopy(Document):
    """A copy issued after instruction ``start_time`` and done before ``done_time``.

    ``parts`` are its slices as (start_time, done_time, bytes, place in the order of issue).
    """

    buffer: int
    kind: Literal["prefetch", "eviction"]
    start_time: int
    done_time: int
    bytes: Count
    cross_program: bool = False
    slices: int = 1
    parts: tuple[tuple[int, int, int, int], ...] = ()
    replaces_instruction: int | None = None


class XlaSolution(Document):
    """What XLA decided.

    Placements are 1 for fast memory, by instruction and operand or output; ``None`` for an instruction that XLA
    replaced by a copy.
    """

    allocations: tuple[XlaAllocation, ...]
    prefetches: tuple[XlaCopy, ...]
    operand_placement: tuple[tuple[int, ...] | None, ...]
    output_placement: tuple[tuple[int, ...] | None, ...]
    printed_elapsed_with_async_copies_s: float | None = None
    printed_elapsed_without_async_copies_s: float | None = None
    overlap_exceptions: tuple[object, ...] = ()


class XlaProblem(Document):
    """A whole file. Capacities in bytes, bandwidths in bytes per second."""

    name: str
    source: str = ""
    fast_capacity_bytes: Count
    alignment_bytes: Annotated[int, Field(gt=0)]
    slow_bandwidth_bytes_per_s: Positive
    fast_bandwidth_bytes_per_s: Positive
    copy_bandwidth_bytes_per_s: Positive
    max_outstanding_prefetches: Count | None = None
    max_outstanding_evictions: Count | None = None
    instructions: tuple[XlaInstruction, ...]
    buffers: tuple[XlaBuffer, ...]
    xla_solution: XlaSolution | None = None

    @property
    def target(self) -> str:
        """The target's name: what follows the last underscore of the file's name."""
        return self.name.rpartition("_")[2]


def to_accelerator(problem: XlaProblem, *, where: str) -> Accelerator:
    """The file's numbers as an accelerator.

    The format has no peak arithmetic rate, since its instructions carry their compute seconds: 1 FLOP/s stands in.
    The slow memory has room for every buffer of the program.
    """
    fast, slow = problem.fast_bandwidth_bytes_per_s, problem.slow_bandwidth_bytes_per_s
    data = {
        "name": problem.target,
        "description": f"{problem.source}, as in {problem.name}; the arithmetic rate is a placeholder",
        "flops_per_second": {"float32": 1.0},
        "fast_memory": {
            "name": "fast",
            "capacity_bytes": problem.fast_capacity_bytes,
            "alignment_bytes": problem.alignment_bytes,
            "read_bytes_per_second": fast,
            "write_bytes_per_second": fast,
        },
        "slow_memory": {
            "name": "slow",
            "capacity_bytes": sum(buffer.size_bytes for buffer in problem.buffers),
            "read_bytes_per_second": slow,
            "write_bytes_per_second": slow,
        },
        "dma": {
            "bytes_per_second": problem.copy_bandwidth_bytes_per_s,
            "max_outstanding_prefetches": problem.max_outstanding_prefetches,
            "max_outstanding_evictions": problem.max_outstanding_evictions,
        },
    }
    return Accelerator.parse(data, where=where)


def to_program(problem: XlaProblem, *, where: str) -> Program:
    """The schedule and buffers of a file; instruction times stay as they are.

    Raises:
        InvalidInputError: an instruction names a buffer that is not listed, or uses one before its definition.
    """
    instructions = [_instruction(instruction) for instruction in problem.instructions]
    uses: dict[int, set[int]] = defaultdict(set)
    definitions: dict[int, int] = {}
    for t, instruction in enumerate(instructions):
        for operand in instruction.operands:
            uses[operand.buffer].add(t)
        for result in instruction.results:
            definitions.setdefault(result.buffer, t)
    buffers = [_buffer(b, uses[b.id], definitions.get(b.id, b.definition_time)) for b in problem.buffers]
    data = {
        "name": problem.name,
        "source": problem.source,
        "accelerator": problem.target,
        "instructions": instructions,
        "buffers": _with_updated_residents(problem.buffers, buffers, instructions),
    }
    return Program.parse(data, where=where)


def _instruction(instruction: XlaInstruction) -> Instruction:
    def entries(items: Iterable[XlaEntry]) -> tuple[Operand, ...]:
        return tuple(
            Operand(buffer=item.buffer, bytes_accessed=0 if instruction.is_free else item.bytes_accessed)
            for item in items
        )

    return Instruction(
        name=instruction.name,
        opcode=instruction.opcode,
        compute_seconds=instruction.compute_seconds,
        operands=entries(instruction.operands),
        results=entries(instruction.outputs),
    )


def _buffer(buffer: XlaBuffer, uses: set[int], definition_time: int) -> Buffer:
    resident = buffer.kind in RESIDENT_KINDS
    kind: BufferKind = buffer.kind if resident else "output" if buffer.ends_slow else "intermediate"
    return Buffer(
        id=buffer.id,
        name=buffer.name,
        size_bytes=buffer.size_bytes,
        kind=kind,
        definition_time=-1 if resident else max(definition_time, 0),
        use_times=tuple(sorted(uses)),
        alias_group=buffer.alias_group,
        pinned_slow=buffer.pinned_slow,
    )


def _with_updated_residents(
    given: tuple[XlaBuffer, ...], buffers: list[Buffer], instructions: list[Instruction]
) -> list[Buffer]:
    """Give each parameter that lives out and is updated in place an alias of kind ``output``, unless it has one.

    A parameter's own kind says that its data begins in slow memory; the alias says that it must end there too.
    """
    written = {r.buffer: t for t, step in enumerate(instructions) for r in step.results if r.bytes_accessed}
    members: dict[int, list[Buffer]] = defaultdict(list)
    for buffer in buffers:
        if buffer.alias_group is not None:
            members[buffer.alias_group].append(buffer)
    next_id = max((b.id for b in buffers), default=-1) + 1
    next_group = max(members, default=-1) + 1
    result = list(buffers)
    for position, (source, buffer) in enumerate(zip(given, buffers, strict=True)):
        group = members[buffer.alias_group] if buffer.alias_group is not None else [buffer]
        last_write = max((written[b.id] for b in group if b.id in written), default=None)
        if not source.ends_slow or buffer.kind == "output" or last_write is None:
            continue
        if any(b.kind == "output" for b in group):
            continue
        if buffer.alias_group is None:
            buffer = buffer.model_copy(update={"alias_group": next_group})
            result[position] = buffer
            next_group += 1
        alias = buffer.model_copy(
            update={"id": next_id, "kind": "output", "definition_time": last_write, "use_times": ()}
        )
        result.append(alias)
        group.append(alias)
        next_id += 1
    return result
