"""Programs of quantised operators: a module's run on the meta device as the instructions that Vela prices.

Every instruction is a :class:`~.vela_operators.QuantisedOperator`. What has no counterpart there, and what a part
cannot run, stays with the host, as on a device: its results are inputs of the program, and what it reads is an output.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...accelerator import Accelerator
from ...models.registry import build
from ...program import Buffer, BufferKind, Instruction, Operand, Program
from .vela_operators import QuantisedOperator, Shape
from .vela_shapes import quantised, run_recorded

#: Operations that become several operators: what each of these reads, a number for the result of an earlier one of
#: them, a letter for an argument (x: the first tensor, w: the second, b: the third).
_EXPANSIONS = {
    # mean, difference, its square, the square's mean, the root's inverse, their product, weight, bias
    "native_layer_norm": ("x", "x0", "11", "2", "3", "14", "5w", "6b"),
    "native_batch_norm": ("xw", "0b"),
    "pow": ("xx", "0x"),
    # Samples have a pooling of both kinds; a program, of the first.
    "max_pool2d_with_indices": ("x",),
}
_ARGUMENTS = "xwb"
#: A division by a number is a multiplication.
_COUNTERPARTS = {"div": "mul"}


@dataclass(frozen=True)
class Step:
    """One operator with the values that it reads, its weights last, and the one that it writes."""

    operator: QuantisedOperator
    reads: tuple[int, ...]
    writes: int


@dataclass(frozen=True)
class Trace:
    """The operators of a run in order. Values are numbered.

    ``parameters`` are values that the module holds, ``host_reads`` those that an operation without a counterpart reads.
    """

    name: str
    steps: tuple[Step, ...]
    parameters: frozenset[int]
    host_reads: frozenset[int]

    @property
    def operators(self) -> list[QuantisedOperator]:
        """The distinct operators, in the order of their first run."""
        return list(dict.fromkeys(step.operator for step in self.steps))


@dataclass(frozen=True)
class OperatorProgram:
    """A program with the operator of each of its instructions; ``left_out`` are those that stay with the host."""

    program: Program
    operators: tuple[QuantisedOperator, ...]
    left_out: tuple[QuantisedOperator, ...] = ()


def trace_model(model: str, size: str) -> Trace:
    """One model of the zoo in int8."""
    return trace_module(f"{model}-{size}", *build(model, size, shapes_only=True))


def trace_module(name: str, module: Any, inputs: Sequence[Any]) -> Trace:
    """A module whose parameters and inputs are on the meta device."""
    recorder = _Recorder()
    for tensor in (*module.parameters(), *module.buffers()):
        recorder.parameters.add(recorder.value_of(tensor))
    run_recorded(module, inputs, recorder.record)
    parameters, host_reads = frozenset(recorder.parameters), frozenset(recorder.host_reads)
    return Trace(name, tuple(recorder.steps), parameters, host_reads)


def to_program(trace: Trace, accelerator: Accelerator, runs: Collection[QuantisedOperator]) -> OperatorProgram:
    """The program of those operators that the part ``runs``.

    Views of one value that differ in bytes are buffers of one alias group.
    """
    steps = [step for step in trace.steps if step.operator in runs]
    others = [step for step in trace.steps if step.operator not in runs]
    host_reads = trace.host_reads.union(*(step.reads for step in others))
    buffers = _Buffers(trace, steps, host_reads)
    program = Program(
        name=trace.name,
        source="vela",
        accelerator=accelerator.name,
        instructions=tuple(_instruction(t, step, accelerator, buffers) for t, step in enumerate(steps)),
        buffers=tuple(buffers.listed()),
    )
    return OperatorProgram(
        program, tuple(step.operator for step in steps), tuple(dict.fromkeys(step.operator for step in others))
    )


@dataclass
class _Recorder:
    """Values of a run. A value is what a storage holds from one write to the next."""

    steps: list[Step] = field(default_factory=list)
    parameters: set[int] = field(default_factory=set)
    host_reads: set[int] = field(default_factory=set)
    _value_of_storage: dict[int, int] = field(default_factory=dict)
    _count: int = 0
    _images: set[Shape] = field(default_factory=set)
    #: Storages are told apart by address: none may be freed, and its address taken by another, before the run ends.
    _alive: list[Any] = field(default_factory=list)

    def value_of(self, tensor: Any) -> int:
        """The value that the tensor's storage holds."""
        key = _storage_key(tensor)
        if key not in self._value_of_storage:
            self._alive.append(tensor)
            self._value_of_storage[key] = self._new_value()
        return self._value_of_storage[key]

    def record(self, name: str, args: Any, result: Any) -> None:
        """One operation of ATen."""
        tensors = list(_tensors(args))
        results = list(_tensors((result,)))
        name = _COUNTERPARTS.get(name.removesuffix("_"), name.removesuffix("_"))
        operators = list(quantised(name, args, result, self._images))
        if operators and operators[0].code == "PAD" and operators[0].inputs == (operators[0].output,):
            self._rename(results[0], self.value_of(tensors[0]))
        elif operators:
            self._append(name, operators, tensors, results[0])
        elif name == "clone" and _is_dense(tensors[0]):
            self._rename(results[0], self.value_of(tensors[0]))
        else:
            self._leave_to_host(tensors, results)

    def _append(self, name: str, operators: list[QuantisedOperator], tensors: list[Any], result: Any) -> None:
        reads = _EXPANSIONS.get(name)
        written: list[int] = []
        for i, op in enumerate(operators[: len(reads) if reads else 1]):
            if reads is None:
                values = [self.value_of(tensor) for tensor in _arguments(name, op, tensors)]
            else:
                values = [
                    written[int(what)] if what.isdigit() else self.value_of(tensors[_ARGUMENTS.index(what)])
                    for what in reads[i]
                ]
            written.append(self._new_value())
            self.steps.append(Step(op, tuple(values), written[-1]))
        self._rename(result, written[-1])

    def _leave_to_host(self, tensors: list[Any], results: list[Any]) -> None:
        read = {_storage_key(tensor) for tensor in tensors}
        # A view reads nothing.
        if any(_storage_key(result) not in read for result in results):
            self.host_reads.update(self.value_of(tensor) for tensor in tensors)

    def _rename(self, tensor: Any, value: int) -> None:
        self._alive.append(tensor)
        self._value_of_storage[_storage_key(tensor)] = value

    def _new_value(self) -> int:
        self._count += 1
        return self._count - 1


def _arguments(name: str, op: QuantisedOperator, tensors: list[Any]) -> list[Any]:
    """The tensors that an operator's feature maps and weights are."""
    count = len(op.inputs) + bool(op.weights)
    if name == "addmm":  # the bias comes first
        return tensors[-count:]
    if len(tensors) > count and name != "convolution":
        tensors = [tensor for tensor in tensors if math.prod(tensor.shape) > 1] or tensors
    return tensors[:count]


def _tensors(values: Iterable[Any]) -> Iterator[Any]:
    import torch

    for value in values:
        if isinstance(value, torch.Tensor):
            if value.numel():
                yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def _storage_key(tensor: Any) -> int:
    return int(tensor.untyped_storage()._cdata)


def _is_dense(tensor: Any) -> bool:
    return bool(tensor.is_contiguous())


class _Buffers:
    """Buffers of a program: one for every value and number of bytes in which it is accessed."""

    def __init__(self, trace: Trace, steps: Sequence[Step], host_reads: frozenset[int]) -> None:
        self._trace, self._host_reads = trace, host_reads
        self._written = {step.writes: t for t, step in enumerate(steps)}
        self._uses: dict[tuple[int, int], set[int]] = {}
        self._sizes: dict[int, list[int]] = defaultdict(list)
        for t, step in enumerate(steps):
            sizes = operand_bytes(step.operator)
            for value, size in zip(step.reads, sizes, strict=False):
                self._uses.setdefault((value, size), set()).add(t)
            self._uses.setdefault((step.writes, sizes[-1]), set())
        self._ids = {key: number for number, key in enumerate(self._uses)}
        for value, size in self._uses:
            self._sizes[value].append(size)

    def id_of(self, value: int, size: int) -> int:
        """The number of a buffer."""
        return self._ids[value, size]

    def listed(self) -> Iterator[Buffer]:
        """All of them, by number."""
        for (value, size), uses in self._uses.items():
            kind = self._kind(value)
            yield Buffer(
                id=self._ids[value, size],
                name=f"{kind}{value}" + (f".{size}" if len(self._sizes[value]) > 1 else ""),
                size_bytes=size,
                kind=kind,
                definition_time=self._written.get(value, -1),
                use_times=tuple(sorted(uses)),
                alias_group=value if len(self._sizes[value]) > 1 else None,
            )

    def _kind(self, value: int) -> BufferKind:
        if value not in self._written:
            return "parameter" if value in self._trace.parameters else "input"
        read = any(self._uses[value, size] for size in self._sizes[value])
        return "intermediate" if read and value not in self._host_reads else "output"


def operand_bytes(op: QuantisedOperator) -> list[int]:
    """Bytes of every tensor of an operator, the result last."""
    facts = op.facts()
    return [int(tensor.size_bytes) for tensor in (*facts.operands, *facts.results)]


def _instruction(t: int, step: Step, accelerator: Accelerator, buffers: _Buffers) -> Instruction:
    facts, sizes = step.operator.facts(), operand_bytes(step.operator)
    operands = zip(step.reads, sizes[:-1], strict=True)
    return Instruction(
        name=f"{t}.{step.operator.code.lower()}",
        opcode=step.operator.code,
        compute_seconds=accelerator.compute_seconds(facts.dtype, facts.matrix_flops, facts.vector_operations),
        flops=facts.matrix_flops + facts.vector_operations,
        operands=tuple(Operand(buffer=buffers.id_of(value, size), bytes_accessed=size) for value, size in operands),
        results=(Operand(buffer=buffers.id_of(step.writes, sizes[-1]), bytes_accessed=sizes[-1]),),
        cost_features=facts.to_cost_features(),
    )
