"""Types of an operation's results where its pretty form does not spell them out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .syntax import Operation
from .types import TensorType, parse_type

_COMPARISONS = frozenset({"cmpf", "cmpi"})


def result_types(operation: Operation, types: Mapping[str, TensorType]) -> list[TensorType]:
    """One type for each result: those behind an arrow, or what follows from the types that are written.

    Raises:
        InvalidInputError: their number differs from that of the results, or a type is none.
    """
    count = len(operation.results)
    written = operation.result_types
    if not written and operation.destinations:
        return [types[name] for name in operation.destinations][:count]
    if not written:
        written = operation.types if len(operation.types) == count else operation.types[-1:] * count
    if not written and count and operation.inputs:
        return [types[operation.inputs[0]]] * count
    if len(written) != count:
        raise operation.error(f"expected types of {count} results, found {len(written)}; is the text truncated?")
    found = [parse_type(text, operation.where) for text in written]
    if operation.short_name in _COMPARISONS and operation.dialect == "arith" and not operation.result_types:
        return [replace(of, dtype="bool", bits=8) for of in found]
    if operation.name == "tensor.extract":
        return [replace(of, shape=(), scalar=True) for of in found]
    if operation.name in ("tensor.dim", "tensor.rank"):
        return [TensorType((), "int64", 64, scalar=True)] * count
    return found
