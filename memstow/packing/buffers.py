"""The buffers of a packing problem, as columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InvalidInputError

#: Sizes and alignments may add up to this many units, so that no offset overflows.
MAX_TOTAL = 1 << 61
_INT64 = np.iinfo(np.int64)


class Buffers:
    """``n`` buffers: buffer ``i`` needs ``size[i]`` units of memory during ``[lower[i], upper[i])``.

    Attributes:
        lower: int64 of shape (n,), the first time.
        upper: int64 of shape (n,), the time after the last.
        size: int64 of shape (n,), 0 or more.
        alignment: int64 of shape (n,), 1 or more; the offset is a multiple of it.
    """

    def __init__(self, lower: ArrayLike, upper: ArrayLike, size: ArrayLike, alignment: ArrayLike = 1) -> None:
        """Columns of equal length; ``alignment`` may be one number for all.

        Raises:
            InvalidInputError: a column is not made of integers, or a buffer breaks a rule; the message has its index.
        """
        self.lower = _column("lower", lower)
        self.upper = _column("upper", upper)
        self.size = _column("size", size)
        count = len(self.lower)
        self.alignment = _column("alignment", np.full(count, alignment) if np.ndim(alignment) == 0 else alignment)
        for name in ("upper", "size", "alignment"):
            found = len(getattr(self, name))
            if found != count:
                raise InvalidInputError(f"{name}: expected {count} numbers as in lower, found {found}")
        self._require("lower < upper", self.lower < self.upper)
        self._require("a size of at least 0", self.size >= 0)
        self._require("an alignment of at least 1", self.alignment >= 1)
        # Python's integers do not overflow.
        if sum(map(int, self.size)) + sum(map(int, self.alignment - 1)) > MAX_TOTAL:
            raise InvalidInputError("sizes and alignments: expected a sum of at most 2^61; use a coarser unit")

    def __len__(self) -> int:
        return len(self.lower)

    def rows(self) -> NDArray[np.int64]:
        """A new array of shape (4, n): lower, upper, size, alignment."""
        return np.stack([self.lower, self.upper, self.size, self.alignment])

    def describe(self, index: int) -> str:
        """A buffer in words."""
        columns = (self.lower, self.upper, self.size, self.alignment)
        lower, upper, size, alignment = (int(column[index]) for column in columns)
        aligned = f", alignment {alignment}" if alignment != 1 else ""
        return f"buffer {index} (size {size} during [{lower}, {upper}){aligned})"

    def _require(self, rule: str, holds: NDArray[np.bool_]) -> None:
        wrong = np.flatnonzero(~holds)
        if wrong.size:
            raise InvalidInputError(f"{self.describe(int(wrong[0]))}: expected {rule}")


def peak_load(buffers: Buffers) -> int:
    """The most bytes alive at one time, which no packing can go below."""
    times = np.concatenate([buffers.upper, buffers.lower])
    changes = np.concatenate([-buffers.size, buffers.size])
    # Stable: at equal times what ends goes before what begins.
    order = np.argsort(times, kind="stable")
    return int(np.cumsum(changes[order]).max(initial=0))


def _column(name: str, values: ArrayLike) -> NDArray[np.int64]:
    if isinstance(values, Sequence) and any(
        isinstance(value, int) and not _INT64.min <= value <= _INT64.max for value in values
    ):
        raise InvalidInputError(f"{name}: expected 64-bit integers, found a larger number")
    column = np.asarray(values)
    if column.ndim != 1 or not (column.size == 0 or np.issubdtype(column.dtype, np.integer)):
        raise InvalidInputError(
            f"{name}: expected a one-dimensional column of integers, found {column.dtype} of shape {column.shape}"
        )
    return column.astype(np.int64)
