"""Values and their storage while a function is read: what is a buffer, which results take an operand's place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ...program import BufferKind
from ..kernel import KernelFacts
from .kernels import MlirBuffer, MlirKernel
from .step import KernelStep, Update
from .syntax import Operation
from .types import TensorType

#: ``stored``: in a buffer. A number repeated: ``constant`` from the file, ``fill`` computed. ``empty``: no content yet.
State = Literal["stored", "constant", "fill", "empty", "scalar"]


@dataclass
class Value:
    """An SSA value; ``buffer`` is an index into :attr:`Storage.buffers` once it is stored."""

    type: TensorType
    buffer: int = -1
    state: State = "stored"

    @property
    def is_number(self) -> bool:
        """Whether an instruction can carry it: one number, or nothing at all."""
        return self.state != "stored"

    def viewed(self, of: TensorType) -> Value:
        """The same storage under another type."""
        return Value(of, self.buffer, self.state)


@dataclass
class _Buffer:
    size_bytes: int
    name: str
    kind: BufferKind
    group: int | None = None
    writable: bool = True


@dataclass
class Draft:
    """A kernel whose result may yet take an operand's place: operands as (SSA name, buffer, type)."""

    name: str
    operation: Operation
    facts: KernelFacts
    operands: list[tuple[str, int, TensorType]]
    results: list[tuple[int, TensorType]]
    reads: dict[str, int]
    writes: tuple[int, ...]
    update: Update | None = None


@dataclass
class Storage:
    """Buffers and kernels in order."""

    buffers: list[_Buffer] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    returned: set[int] = field(default_factory=set)

    def argument(self, of: TensorType, name: str, *, donated: bool) -> Value:
        """A function's argument; only a donated one may be written to."""
        if of.scalar:
            return Value(of, state="scalar")
        return self._store(Value(of), name, "input", writable=donated)

    def constant(self, of: TensorType, name: str) -> Value:
        """Data of the file."""
        return self._store(Value(of), name, "constant", writable=False)

    def output(self, value: Value, returning: Operation) -> None:
        """Mark what the function returns; a number repeated is written out."""
        if value.state in ("constant", "fill"):
            self._fill(value, returning.where)
        if value.state == "stored":
            self.returned.add(value.buffer)
            buffer = self.buffers[value.buffer]
            buffer.kind = "output" if buffer.kind == "intermediate" else buffer.kind

    def materialise(self, value: Value, name: str, where: str) -> None:
        """Give a repeated number a buffer: a resident one for a constant, else one that a kernel fills."""
        if value.state == "constant":
            self._store(value, name, "constant", writable=False)
        elif value.state == "fill":
            self._fill(value, where)

    def emit(
        self, operation: Operation, step: KernelStep, operands: list[tuple[str, Value]], results: list[TensorType]
    ) -> list[Value]:
        """Append a kernel; its results are new buffers."""
        name = f"{operation.short_name}#{len(self.drafts)}"
        values = []
        for i, of in enumerate(results):
            values.append(self._store(Value(of), f"{name}.{i}" if len(results) > 1 else name, "intermediate"))
        self.drafts.append(
            Draft(
                name,
                operation,
                step.facts,
                [(ssa, value.buffer, value.type) for ssa, value in operands],
                [(value.buffer, value.type) for value in values],
                dict(step.reads),
                step.writes,
                step.update,
            )
        )
        return values

    def kernels(self) -> tuple[MlirKernel, ...]:
        """Everything appended, results in the place of operands where nothing needs those later."""
        last_use = {buffer: t for t, draft in enumerate(self.drafts) for _, buffer, _ in draft.operands}
        for t, draft in enumerate(self.drafts):
            self._share(t, draft, last_use)
        buffers = [MlirBuffer(i, b.name, b.size_bytes, b.kind, b.group) for i, b in enumerate(self.buffers)]
        return tuple(_kernel(draft, buffers) for draft in self.drafts)

    def _share(self, t: int, draft: Draft, last_use: dict[int, int]) -> None:
        update = draft.update
        target = next((buffer for ssa, buffer, _ in draft.operands if update and ssa == update.target), None)
        if update is None or target is None:
            return
        buffer = self.buffers[target]
        needed = target in self.returned or last_use[target] > t or [b for _, b, _ in draft.operands].count(target) > 1
        if needed or not buffer.writable:
            return
        if buffer.group is None:
            buffer.group = target
        self.buffers[draft.results[0][0]].group = buffer.group
        draft.reads, draft.writes = dict(update.reads), update.writes

    def _store(self, value: Value, name: str, kind: BufferKind, *, writable: bool = True) -> Value:
        value.buffer, value.state = len(self.buffers), "stored"
        self.buffers.append(_Buffer(value.type.size_bytes, name, kind, writable=writable))
        return value

    def _fill(self, value: Value, where: str) -> None:
        """A kernel that writes one number everywhere."""
        facts = KernelFacts(op_class="copy", dtype=value.type.dtype, moved=float(value.type.elements))
        filling = Operation("memstow.fill", where)
        stored = self.emit(filling, KernelStep(facts, (), (value.type.size_bytes,)), [], [value.type])[0]
        value.buffer, value.state = stored.buffer, "stored"


def _kernel(draft: Draft, buffers: list[MlirBuffer]) -> MlirKernel:
    facts = draft.facts.model_copy(
        update={
            "operands": tuple(of.facts(draft.reads[ssa]) for ssa, _, of in draft.operands),
            "results": tuple(of.facts(size) for (_, of), size in zip(draft.results, draft.writes, strict=True)),
        }
    )
    operands = tuple(buffers[buffer] for _, buffer, _ in draft.operands)
    results = tuple(buffers[buffer] for buffer, _ in draft.results)
    return MlirKernel(draft.name, draft.operation.name, draft.operation.where, facts, operands, results)
