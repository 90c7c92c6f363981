"""``ExtractProgram``: a lowered Relax function as a :class:`Program` for the planners."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import tvm

from ..accelerator import Accelerator
from ..cost_model.kernel import KernelFacts
from ..errors import EmptyProgramError
from ..program import Buffer, BufferKind, Instruction, Operand, Program
from .kernel_facts import kernel_work, step_facts
from .lowered_function import (
    RESIDENT_ORIGINS,
    LoweredFunction,
    Step,
    StepArgument,
    TensorValue,
    read_function,
    split_arguments,
)

_RESIDENT_KINDS: dict[str, BufferKind] = {"input": "input", "parameter": "parameter", "constant": "constant"}


def extract_program(
    mod: tvm.IRModule, accelerator: Accelerator, *, function: str = "main", name: str = "", source: str = "tvm.relax"
) -> Program:
    """Program of one function of a module in destination-passing style (after ``CallTIRRewrite``).

    Raises:
        UnsupportedModelError: symbolic shapes or control flow.
        EmptyProgramError: the function calls no kernel, so there is nothing to plan.
    """
    lowered = read_function(mod, function)
    if not lowered.steps:
        raise EmptyProgramError(
            f"function {function!r} calls no kernel: expected a module after CallTIRRewrite with at least one; "
            "is the model empty?"
        )
    return program_of(lowered, accelerator, name=name or function, source=source)


def program_of(lowered: LoweredFunction, accelerator: Accelerator, *, name: str, source: str) -> Program:
    """Program of a function already read. Buffer ids are tensor indices; in-place results get ids of their own."""
    builder = _Builder(lowered, accelerator)
    return builder.build(name, source)


class _Builder:
    def __init__(self, lowered: LoweredFunction, accelerator: Accelerator) -> None:
        self.lowered = lowered
        self.accelerator = accelerator
        #: Tensor behind every buffer id: a tensor's own index, then one id per in-place result.
        self.tensor_of: dict[int, TensorValue] = {t.index: t for t in lowered.tensors}
        #: Buffer that holds a tensor's content now.
        self.current: dict[int, int] = {t.index: t.index for t in lowered.tensors}
        self.defined: dict[int, int] = {}
        self.written_at: dict[int, list[int]] = defaultdict(list)
        self.uses: dict[int, set[int]] = defaultdict(set)
        self.works: dict[str, KernelFacts] = {}

    def build(self, name: str, source: str) -> Program:
        instructions = tuple(self.instruction(t, step) for t, step in enumerate(self.lowered.steps))
        return Program(
            name=name,
            source=source,
            accelerator=self.accelerator.name,
            instructions=instructions,
            buffers=tuple(self.buffers()),
        )

    def instruction(self, t: int, step: Step) -> Instruction:
        operands, results = split_arguments(step)
        read = tuple(self.operand(t, argument) for argument in operands)
        written = tuple(self.result(t, argument) for argument in results)
        if step.returned is not None:
            self.define(step.returned, t)
            size = self.lowered.tensors[step.returned].size_bytes
            written += (Operand(buffer=step.returned, bytes_accessed=size),)
        footprint = step.footprint
        matrix, vector = (footprint.matrix_flops, footprint.vector_flops) if footprint else (0.0, 0.0)
        dtype = footprint.dtype if footprint else "f32"
        return Instruction(
            name=f"{step.callee}#{t}",
            opcode=re.sub(r"\d+$", "", step.callee),
            compute_seconds=self.accelerator.compute_seconds(dtype, matrix, vector),
            flops=matrix + vector,
            operands=read,
            results=written,
            cost_features=step_facts(step, self.lowered.tensors, self.work(step)).to_cost_features(),
        )

    def work(self, step: Step) -> KernelFacts | None:
        """Read once per kernel, not once per call."""
        if step.kernel is None or step.footprint is None:
            return None
        if step.callee not in self.works:
            self.works[step.callee] = kernel_work(step.kernel, step.footprint)
        return self.works[step.callee]

    def operand(self, t: int, argument: StepArgument) -> Operand:
        buffer = self.current[argument.tensor]
        self.uses[buffer].add(t)
        return Operand(buffer=buffer, bytes_accessed=argument.read_bytes)

    def result(self, t: int, argument: StepArgument) -> Operand:
        buffer = argument.tensor
        if argument.is_operand:
            buffer = len(self.tensor_of)
            self.tensor_of[buffer] = self.lowered.tensors[argument.tensor]
            self.current[argument.tensor] = buffer
        self.define(buffer, t)
        return Operand(buffer=buffer, bytes_accessed=argument.written_bytes)

    def define(self, buffer: int, t: int) -> None:
        self.defined[buffer] = t
        self.written_at[t].append(buffer)

    def buffers(self) -> Iterator[Buffer]:
        """Residents always (they are the model's weights); others where a step touches them."""
        members: dict[int, list[int]] = defaultdict(list)
        for index, tensor in self.tensor_of.items():
            if tensor.origin in RESIDENT_ORIGINS or index in self.defined or self.uses[index]:
                members[tensor.storage].append(index)
        kept = sorted((index, storage) for storage, indices in members.items() for index in indices)
        for index, storage in kept:
            yield self.buffer(index, storage, members[storage])

    def buffer(self, index: int, storage: int, members: list[int]) -> Buffer:
        tensor = self.tensor_of[index]
        return Buffer(
            id=index,
            name=self.name(index),
            size_bytes=tensor.size_bytes,
            kind=self.kind(index, storage, members),
            definition_time=self.defined.get(index, self.defined.get(storage, -1)),
            use_times=tuple(sorted(self.uses[index])),
            alias_group=storage if len(members) > 1 else None,
            pinned_slow=self.lowered.tensors[storage].origin == "call",
        )

    def name(self, index: int) -> str:
        """A tensor is called after the instruction that writes it, for Relax's own names (``alloc17``) say nothing."""
        if index not in self.defined:
            return self.tensor_of[index].name
        t = self.defined[index]
        siblings = self.written_at[t]
        suffix = f".{siblings.index(index)}" if len(siblings) > 1 else ""
        return f"{self.lowered.steps[t].callee}#{t}{suffix}"

    def kind(self, index: int, storage: int, members: list[int]) -> BufferKind:
        if storage in self.lowered.output_storages and index in self.defined:
            last = max((i for i in members if i in self.defined), key=lambda i: (self.defined[i], i))
            if index == last:
                return "output"
        resident = _RESIDENT_KINDS.get(self.lowered.tensors[storage].origin)
        return "intermediate" if index in self.defined or resident is None else resident
