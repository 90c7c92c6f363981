"""What reading an MLIR function gives: its kernels in order, over buffers."""

from __future__ import annotations

from dataclasses import dataclass

from ...program import BufferKind
from ..kernel import KernelFacts


@dataclass(frozen=True)
class MlirBuffer:
    """One tensor's storage. Buffers of one ``alias_group`` share it: a result that takes the place of an operand."""

    id: int
    name: str
    size_bytes: int
    kind: BufferKind
    alias_group: int | None = None


@dataclass(frozen=True)
class MlirKernel:
    """One operation that does work.

    Args:
        name: the operation and its place among the kernels, ``dot_general#3``.
        opcode: with its dialect, ``stablehlo.dot_general``.
        location: ``FILE:LINE``; of the operation itself where its function is called.
        facts: for a cost model.
        operands: buffers in the order of ``facts.operands``.
        results: buffers in the order of ``facts.results``.
    """

    name: str
    opcode: str
    location: str
    facts: KernelFacts
    operands: tuple[MlirBuffer, ...]
    results: tuple[MlirBuffer, ...]
