"""Index expressions evaluated on many points at once."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tvm import tirx
from tvm.ir import Var

Points = NDArray[np.int64]

#: Offset of an index outside of its tensor: padding reads none there.
OUTSIDE = -1

_ZERO = np.array(0, dtype=np.int64)

_BINARY: dict[type, Callable[[Points, Points], Points]] = {
    tirx.Add: operator.add,
    tirx.Sub: operator.sub,
    tirx.Mul: operator.mul,
    tirx.FloorDiv: operator.floordiv,
    tirx.FloorMod: operator.mod,
    tirx.Min: np.minimum,
    tirx.Max: np.maximum,
}


class NotAnIndexMap(Exception):
    """The expression depends on data, or has an operation that is none of index arithmetic."""


def evaluate(expression: Any, values: Mapping[Var, Points]) -> Points:
    """The expression at every point; a variable that is not listed is 0.

    Raises:
        NotAnIndexMap: see there.
    """
    if isinstance(expression, Var):
        return values.get(expression, _ZERO)
    if isinstance(expression, int | tirx.IntImm):
        return np.array(int(expression), dtype=np.int64)
    if isinstance(expression, tirx.Cast):
        return evaluate(expression.value, values)
    function = _BINARY.get(type(expression))
    if function is None:
        raise NotAnIndexMap(str(type(expression)))
    a, b = evaluate(expression.a, values), evaluate(expression.b, values)
    if function in (operator.floordiv, operator.mod) and not np.all(b):
        raise NotAnIndexMap("division by 0")
    return function(a, b)


def flat_offset(indices: Iterable[Any], shape: Iterable[Any], values: Mapping[Var, Points], count: int) -> Points:
    """Offset in elements of a dense tensor's element at ``count`` points, :data:`OUTSIDE` of the tensor included.

    Raises:
        NotAnIndexMap: an index depends on data.
    """
    offset = np.zeros(count, dtype=np.int64)
    inside = np.ones(count, dtype=bool)
    for index, extent in zip(indices, shape, strict=True):
        coordinate = evaluate(index, values)
        inside &= (coordinate >= 0) & (coordinate < int(extent))
        offset = offset * int(extent) + coordinate
    return np.where(inside, offset, OUTSIDE)


def coordinates(offset: Points, shape: Iterable[Any]) -> list[Points]:
    """The indices of an offset, outermost first."""
    found: list[Points] = []
    for extent in reversed([int(extent) for extent in shape]):
        found.append(offset % extent)
        offset = offset // extent
    return found[::-1]


def distinct_values(indices: Iterable[Any], variable: Var, extent: int) -> int:
    """How many different elements the indices name while one variable runs and all others are 0."""
    points = {variable: np.arange(extent, dtype=np.int64)}
    try:
        columns = [np.broadcast_to(evaluate(index, points), (extent,)) for index in indices]
    except NotAnIndexMap:
        return extent
    return len(np.unique(np.stack(columns), axis=1).T)


def slope(index: Any, variable: Var, other: Var) -> int:
    """Coefficient of ``variable`` in an index that is linear in it and in ``other``; 0 if it is not."""
    place, offset = (axis.reshape(16) for axis in np.meshgrid(np.arange(4), np.arange(4), indexing="ij"))
    try:
        found = np.broadcast_to(evaluate(index, {variable: place, other: offset}), (16,))
    except NotAnIndexMap:
        return 0
    found = found - found[0]
    step, inner = int(found[4]), int(found[1])
    return abs(step) if step and inner and np.array_equal(found, step * place + inner * offset) else 0


def probe_grid(shape: Iterable[int]) -> tuple[tuple[int, ...], list[Points]]:
    """Few coordinates of every dimension, near its ends and its middle, and all their combinations in memory order."""
    axes = [sorted({c for c in (0, 1, e // 2 - 1, e // 2, e - 2, e - 1) if 0 <= c < e}) for e in shape]
    mesh = np.meshgrid(*(np.array(axis, dtype=np.int64) for axis in axes), indexing="ij")
    return tuple(len(axis) for axis in axes), [axis.reshape(math.prod(axis.shape)) for axis in mesh]
