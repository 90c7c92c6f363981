"""Stays: what a storage in fast memory means for the times of a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from .entries import Ints

#: ``Transfer::kAbsent`` of the core.
ABSENT = -2
#: Numbers of one stay in an array.
STAY_FIELDS = 7


@dataclass(frozen=True)
class CoreStay:
    """Touches ``[first, last]`` of a storage in fast memory, and the copies that this takes, open in ``[start, done)``.

    Touches count within the storage and in time order; ``last < first`` is a stay that only copies. A copy with
    start and done :data:`ABSENT` does not take place; one that starts at -1 costs no time.
    """

    storage: int
    first: int
    last: int
    prefetch_start: int = ABSENT
    prefetch_done: int = ABSENT
    eviction_start: int = ABSENT
    eviction_done: int = ABSENT


def stay_rows(stays: Sequence[CoreStay] | Ints) -> Ints:
    """Stays as the core takes them: seven numbers each, in one dimension. An array is taken to be that already."""
    if isinstance(stays, np.ndarray):
        return stays
    return np.array([astuple(stay) for stay in stays], dtype=np.int32).reshape(-1)
