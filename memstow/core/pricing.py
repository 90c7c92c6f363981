"""Prices of a cost model for the core: seconds of every instruction for every set of storages in fast memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from ..errors import InvalidInputError
from ..timing import InstructionCost
from .entries import Entries, Ints, Seconds

#: Storages of one instruction with all their combinations priced (``kDenseSlots`` of the core's cost_table.h).
DENSE_SLOTS = 8

#: Instruction, operands in fast memory, results in fast memory: the arguments of :meth:`InstructionCost.seconds`.
Query = tuple[int, Sequence[bool], Sequence[bool]]


@runtime_checkable
class BatchedCost(Protocol):
    """An :class:`~memstow.timing.InstructionCost` that prices many placements at once, faster than one by one."""

    def seconds_of(self, queries: Sequence[Query]) -> Sequence[float]:
        """Seconds of each query."""
        ...


def dense_seconds(entries: Entries, slots: Ints, cost: InstructionCost) -> Seconds:
    """Seconds of every instruction for every mask of its slots below :data:`DENSE_SLOTS`, masks ascending.

    ``slots`` (M) is the slot of every touch, -1 for those that are never in fast memory.

    Raises:
        InvalidInputError: the cost model answers with another number of prices than it was asked for.
    """
    queries = list(_queries(entries, slots))
    if not isinstance(cost, BatchedCost):
        return np.array([cost.seconds(*query) for query in queries], dtype=np.float64)
    seconds = np.array(cost.seconds_of(queries), dtype=np.float64)
    if seconds.shape != (len(queries),):
        raise InvalidInputError(
            f"cost model {type(cost).__name__}: expected {len(queries)} prices in one dimension, found an array of "
            f"shape {seconds.shape}; check its seconds_of()"
        )
    return seconds


def _queries(entries: Entries, slots: Ints) -> Iterator[Query]:
    # An extra slot at the end makes index -1, no touch at all, read as "never fast".
    slot_of_entry = np.append(slots, np.int32(-1))[entries.touch]
    for t, operands in enumerate(entries.operands.tolist()):
        mine = slot_of_entry[entries.first[t] : entries.first[t + 1]].tolist()
        dense = min(DENSE_SLOTS, 1 + max(mine, default=-1))
        for mask in range(1 << dense):
            fast = [0 <= slot < DENSE_SLOTS and bool(mask >> slot & 1) for slot in mine]
            yield t, fast[:operands], fast[operands:]
