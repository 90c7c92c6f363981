"""What the parser makes of MLIR text, the same for an operation's generic and pretty forms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from ...errors import InvalidInputError


@dataclass(frozen=True)
class Shaped:
    """``name<body> : type``: an attribute that the parser does not look into."""

    name: str
    body: str
    type: str = ""


@dataclass(frozen=True)
class Reference:
    """An SSA value among attributes, as in ``[%i, 0]``."""

    name: str


Attribute: TypeAlias = "int | float | bool | str | Shaped | Reference | tuple[Attribute, ...] | dict[str, Attribute]"


@dataclass
class Region:
    """Arguments as (name, type) and operations of a region's single block."""

    arguments: list[tuple[str, str]] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)

    def walk(self) -> Iterator[Operation]:
        """Every operation, those of nested regions included."""
        for operation in self.operations:
            yield operation
            for region in operation.regions:
                yield from region.walk()


@dataclass
class Operation:
    """One operation.

    ``operands`` are SSA names in order, ``initial`` those after ``init:`` of a reduction's pretty form,
    ``destinations`` those in ``outs(...)``. ``words`` is what the pretty form has besides: enumerators, numbers, lists,
    in order. ``result_types`` is empty where the text names none but those of the operands, which are in ``types``;
    ``typed`` says that it names any.
    """

    name: str
    where: str
    results: list[str] = field(default_factory=list)
    operands: list[str] = field(default_factory=list)
    initial: list[str] = field(default_factory=list)
    destinations: list[str] = field(default_factory=list)
    attributes: dict[str, Attribute] = field(default_factory=dict)
    words: list[Attribute] = field(default_factory=list)
    symbols: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    result_types: list[str] = field(default_factory=list)
    regions: list[Region] = field(default_factory=list)
    typed: bool = False

    @property
    def dialect(self) -> str:
        """What stands before the first dot."""
        return self.name.partition(".")[0]

    @property
    def short_name(self) -> str:
        """What stands behind it."""
        return self.name.partition(".")[2]

    @property
    def inputs(self) -> list[str]:
        """All SSA operands in the order of the generic form."""
        return self.operands + self.initial + self.destinations

    def error(self, message: str) -> InvalidInputError:
        """What is wrong with this operation."""
        return InvalidInputError(f"{self.where}: {self.name}: {message}")


@dataclass
class Function:
    """A function; ``donated`` are positions of arguments whose memory the function may write to."""

    name: str
    where: str
    public: bool
    body: Region | None
    donated: frozenset[int] = frozenset()


@dataclass
class Module:
    """Functions by name."""

    path: str
    functions: dict[str, Function] = field(default_factory=dict)
