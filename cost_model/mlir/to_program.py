"""Kernels read from MLIR as a program for the planners."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ...accelerator import Accelerator
from ...errors import InvalidInputError
from ...program import RESIDENT_KINDS, Buffer, Instruction, Operand, Program
from ..features import compute_seconds
from .kernels import MlirBuffer, MlirKernel


def to_program(
    kernels: Sequence[MlirKernel], accelerator: Accelerator, *, name: str = "mlir", source: str = "mlir"
) -> Program:
    """The kernels in order as instructions; the function's arguments are inputs, its dense data constants.

    Args:
        kernels: of :func:`read_mlir`.
        accelerator: whose peaks give ``compute_seconds``.
        name: of the program.
        source: what it was read from.

    Raises:
        InvalidInputError: no kernels, so that there is nothing to plan.
    """
    if not kernels:
        raise InvalidInputError(
            f"{name}: expected at least one kernel, found none; does the function compute anything?"
        )
    uses: dict[int, set[int]] = defaultdict(set)
    defined: dict[int, int] = {}
    buffers: dict[int, MlirBuffer] = {}
    for t, kernel in enumerate(kernels):
        buffers.update((buffer.id, buffer) for buffer in (*kernel.operands, *kernel.results))
        for buffer in kernel.operands:
            uses[buffer.id].add(t)
        for buffer in kernel.results:
            defined.setdefault(buffer.id, t)
    return Program(
        name=name,
        source=source,
        accelerator=accelerator.name,
        instructions=tuple(_instruction(kernel, accelerator) for kernel in kernels),
        buffers=tuple(_buffer(b, defined.get(b.id, -1), uses[b.id]) for _, b in sorted(buffers.items())),
    )


def _instruction(kernel: MlirKernel, accelerator: Accelerator) -> Instruction:
    facts = kernel.facts
    return Instruction(
        name=kernel.name,
        opcode=kernel.opcode,
        compute_seconds=compute_seconds(facts, accelerator),
        flops=facts.matrix_flops + facts.vector_operations,
        operands=tuple(
            Operand(buffer=buffer.id, bytes_accessed=int(tensor.bytes_accessed))
            for buffer, tensor in zip(kernel.operands, facts.operands, strict=True)
        ),
        results=tuple(
            Operand(buffer=buffer.id, bytes_accessed=int(tensor.bytes_accessed))
            for buffer, tensor in zip(kernel.results, facts.results, strict=True)
        ),
        cost_features=facts.to_cost_features(),
    )


def _buffer(buffer: MlirBuffer, defined: int, uses: set[int]) -> Buffer:
    return Buffer(
        id=buffer.id,
        name=buffer.name,
        size_bytes=buffer.size_bytes,
        kind=buffer.kind,
        definition_time=-1 if buffer.kind in RESIDENT_KINDS else defined,
        use_times=tuple(sorted(uses)),
        alias_group=buffer.alias_group,
    )
