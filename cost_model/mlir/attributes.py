"""Numbers in attributes."""

from __future__ import annotations

import re

from .syntax import Attribute, Operation, Shaped
from .types import parse_type

_INTEGER = re.compile(r"-?\d+")


def integers(value: Attribute | None, where: str) -> tuple[int, ...]:
    """All integers of a list (nested ones flattened), an ``array<i64: ...>``, a ``dense<...>`` or a number.

    There are none in ``None``. A splat ``dense<2> : tensor<3xi64>`` is repeated.
    """
    if value is None:
        return ()
    if isinstance(value, Shaped):
        body = value.body.partition(":")[2] if value.name == "array" else value.body
        found = tuple(int(number) for number in _INTEGER.findall(body))
        if value.name == "dense" and value.type and "[" not in value.body:
            return found * parse_type(value.type, where).elements
        return found
    if isinstance(value, tuple):
        return tuple(number for item in value for number in integers(item, where))
    return (int(value),) if isinstance(value, int | float) else ()


def attribute_integers(operation: Operation, *names: str) -> tuple[int, ...]:
    """The integers of the first of these attributes that the operation has; the pretty and generic names differ."""
    for name in names:
        if name in operation.attributes:
            return integers(operation.attributes[name], operation.where)
    return ()


def named_integers(value: Attribute | None, name: str) -> tuple[int, ...]:
    """The integers behind ``name =`` in an attribute such as ``#stablehlo.dot<name = [0], ...>``."""
    body = value.body if isinstance(value, Shaped) else ""
    match = re.search(rf"\b{name}\s*=\s*(\[[^\]]*\]|-?\d+)", body)
    return tuple(int(number) for number in _INTEGER.findall(match[1])) if match else ()
