"""A program in the making: operators on tensors, one after another, before anything has a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from ....accelerator import Accelerator
from ....program import RESIDENT_KINDS, Buffer, BufferKind, Instruction, Operand, Program


@dataclass(eq=False)
class Tensor:
    """``rows`` of ``width`` elements; ``rows`` are tokens, pixels, or the reduced extent of a weight.

    ``root`` is the tensor whose place this one shares (a view of it, or an update of it in place), itself where none.
    """

    rows: int
    width: int
    item_bytes: int
    kind: BufferKind = "intermediate"
    label: str = ""
    pinned: bool = False
    root: Tensor = field(default=None)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.root is None:
            self.root = self

    @property
    def elements(self) -> int:
        """Number of elements."""
        return self.rows * self.width

    @property
    def size_bytes(self) -> int:
        """Bytes of all elements."""
        return self.elements * self.item_bytes


#: A tensor and the bytes that are accessed of it.
Entry = tuple[Tensor, int]


@dataclass
class Step:
    """One operator. ``saved`` are the tensors that its gradient needs."""

    opcode: str
    reads: list[Entry]
    writes: list[Entry]
    matrix_flops: float = 0.0
    vector_flops: float = 0.0
    trips: int = 1
    saved: tuple[Tensor, ...] = ()

    @property
    def bytes(self) -> int:
        """Bytes accessed by one execution."""
        return sum(count for _, count in self.reads + self.writes)


class Tape:
    """Steps in program order. ``fusion`` is how likely a pointwise operator joins the one before it."""

    def __init__(self, random: Random, *, item_bytes: int, fusion: float) -> None:
        self.random = random
        self.item_bytes = item_bytes
        self.fusion = fusion
        self.steps: list[Step] = []

    def tensor(self, rows: int, width: int, label: str = "", *, like: Tensor | None = None) -> Tensor:
        """A tensor that a step will write; in the place of ``like`` where that is given."""
        return Tensor(rows, width, self.item_bytes, label=label, root=like.root if like else None)  # type: ignore[arg-type]

    def resident(self, rows: int, width: int, kind: BufferKind, label: str, *, pinned: bool = False) -> Tensor:
        """A tensor that exists before the program."""
        return Tensor(rows, width, self.item_bytes, kind, label, pinned)

    def weight(self, rows: int, width: int, label: str = "weight") -> Tensor:
        """A parameter."""
        return self.resident(rows, width, "parameter", label)

    def step(
        self,
        opcode: str,
        reads: Sequence[Tensor | Entry],
        writes: Sequence[Tensor | Entry],
        *,
        matrix_flops: float = 0.0,
        vector_flops: float = 0.0,
        trips: int = 1,
        saved: Sequence[Tensor] = (),
    ) -> None:
        """Append a step; tensors without a number of bytes are accessed whole."""
        sides = _entries(reads), _entries(writes)
        self.steps.append(Step(opcode, *sides, matrix_flops, vector_flops, trips, tuple(saved)))

    def to_program(self, name: str, accelerator: Accelerator) -> Program:
        """The program with the accelerator's times. What is written and never read again is an output."""
        return _Conversion(self.steps).program(name, accelerator)


def _entries(tensors: Sequence[Tensor | Entry]) -> list[Entry]:
    return [entry if isinstance(entry, tuple) else (entry, entry.size_bytes) for entry in tensors]


class _Conversion:
    """Numbers for the tensors of a tape, in order of their first appearance."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = steps
        entries = [(t, tensor) for t, step in enumerate(steps) for tensor, _ in step.reads + step.writes]
        self.ids = {tensor: i for i, tensor in enumerate(dict.fromkeys(tensor for _, tensor in entries))}
        self.uses: dict[Tensor, set[int]] = defaultdict(set)
        self.last_read: dict[Tensor, int] = {}
        self.definitions: dict[Tensor, int] = {}
        for t, step in enumerate(steps):
            for tensor, _ in step.reads:
                self.uses[tensor].add(t)
                self.last_read[tensor.root] = t
            for tensor, _ in step.writes:
                self.definitions.setdefault(tensor, t)
        shared = Counter(tensor.root for tensor in self.ids)
        self.groups = {root: number for number, root in enumerate(r for r, count in shared.items() if count > 1)}

    def program(self, name: str, accelerator: Accelerator) -> Program:
        """See :meth:`Tape.to_program`."""
        return Program(
            name=name,
            source="memstow.rl_agent.training.programs",
            accelerator=accelerator.name,
            instructions=tuple(self._instruction(t, accelerator) for t in range(len(self.steps))),
            buffers=tuple(self._buffer(tensor) for tensor in self.ids),
        )

    def _instruction(self, t: int, accelerator: Accelerator) -> Instruction:
        step = self.steps[t]
        dtype = next(iter(accelerator.flops_per_second))
        return Instruction(
            name=f"{step.opcode}.{t}",
            opcode=step.opcode,
            compute_seconds=accelerator.compute_seconds(dtype, step.matrix_flops, step.vector_flops),
            flops=step.matrix_flops + step.vector_flops,
            operands=tuple(Operand(buffer=self.ids[tensor], bytes_accessed=count) for tensor, count in step.reads),
            results=tuple(Operand(buffer=self.ids[tensor], bytes_accessed=count) for tensor, count in step.writes),
            trip_count=step.trips,
        )

    def _buffer(self, tensor: Tensor) -> Buffer:
        number, resident = self.ids[tensor], tensor.kind in RESIDENT_KINDS
        defined = -1 if resident else self.definitions[tensor]
        is_last = not resident and self.last_read.get(tensor.root, -1) <= defined
        return Buffer(
            id=number,
            name=f"{tensor.label or tensor.kind}.{number}",
            size_bytes=tensor.size_bytes,
            kind="output" if is_last else tensor.kind,
            definition_time=defined,
            use_times=tuple(sorted(self.uses[tensor])),
            alias_group=self.groups.get(tensor.root),
            pinned_slow=tensor.pinned,
        )
