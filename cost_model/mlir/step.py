"""What an operation is to a machine: a kernel, a view, one number repeated, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from ..kernel import KernelFacts
from .syntax import Operation
from .types import TensorType

#: SSA name -> bytes that are accessed of the value, in the kernel's order.
Reads: TypeAlias = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Update:
    """A result that may take the place of an operand, and the bytes that are accessed if it does."""

    target: str
    reads: Reads
    writes: tuple[int, ...]


@dataclass(frozen=True)
class KernelStep:
    """Work over tensors.

    Args:
        facts: without operands and results.
        reads: SSA names and bytes.
        writes: bytes of every result.
        immediate: operands that stay in the instruction if they are one number repeated.
        folds: whether the results are one number repeated if all the operands are.
        update: how it runs if nothing needs one of its operands later.
    """

    facts: KernelFacts
    reads: Reads
    writes: tuple[int, ...]
    immediate: frozenset[str] = frozenset()
    folds: bool = False
    update: Update | None = None


@dataclass(frozen=True)
class ViewStep:
    """Each result is an operand's storage under another type."""

    sources: tuple[str, ...]


@dataclass(frozen=True)
class ConstantStep:
    """Data that exists before the program begins; ``uniform``: one number repeated."""

    uniform: bool


@dataclass(frozen=True)
class FillStep:
    """One number repeated, that nothing is stored of until a kernel needs it as a tensor."""


@dataclass(frozen=True)
class EmptyStep:
    """A tensor without content."""


@dataclass(frozen=True)
class ScalarStep:
    """Arithmetic on single numbers, which takes neither memory nor time that counts."""


Step: TypeAlias = KernelStep | ViewStep | ConstantStep | FillStep | EmptyStep | ScalarStep


@dataclass(frozen=True)
class Typed:
    """An operation with the types of its inputs, by SSA name, and results."""

    operation: Operation
    types: Mapping[str, TensorType]
    results: list[TensorType] = field(default_factory=list)

    @property
    def inputs(self) -> list[TensorType]:
        """Types of the inputs in order."""
        return [self.types[name] for name in self.operation.inputs]

    def type(self, position: int) -> TensorType:
        """Type of an input.

        Raises:
            InvalidInputError: there are fewer inputs.
        """
        names = self.operation.inputs
        if position >= len(names):
            raise self.operation.error(
                f"expected more than {position} operands, found {len(names)}; is the text truncated?"
            )
        return self.types[names[position]]

    @property
    def result(self) -> TensorType:
        """Type of the first result."""
        if not self.results:
            raise self.operation.error("expected a result, found none")
        return self.results[0]

    def whole(self, names: list[str] | None = None) -> Reads:
        """Reads of all bytes of the inputs, or of some."""
        chosen = self.operation.inputs if names is None else names
        return tuple((name, self.types[name].size_bytes) for name in chosen)

    @property
    def writes(self) -> tuple[int, ...]:
        """All bytes of the results."""
        return tuple(result.size_bytes for result in self.results)

    def elementwise(self, facts: KernelFacts) -> KernelStep:
        """Everything is read and written once; operands may be immediates."""
        return KernelStep(facts, self.whole(), self.writes, frozenset(self.operation.inputs), folds=True)
