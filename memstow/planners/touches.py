"""Storages as the planners see them: accesses that move bytes, merged per instruction."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from .base import Problem


@dataclass(frozen=True)
class Touch:
    """All accesses with bytes of one storage at one instruction: they are in the same memory."""

    time: int
    writes: bool


@dataclass(frozen=True)
class Tenant:
    """A storage that may live in fast memory, with its touches in time order.

    ``needs_source`` says that the data of the first touch exists in slow memory before it: what exists before the
    program, and what no access with bytes produces.
    """

    storage: int
    size: int
    touches: tuple[Touch, ...]
    needs_source: bool
    is_output: bool


def tenants(problem: Problem) -> dict[int, Tenant]:
    """Tenants by storage index; left out: pinned, empty, untouched and too large storages."""
    found = {}
    for storage in problem.program.storages:
        writes: dict[int, bool] = defaultdict(bool)
        for t, _, count in storage.reads:
            if count:
                writes[t] |= False
        for t, _, count in storage.writes:
            if count:
                writes[t] = True
        touches = tuple(Touch(t, writes[t]) for t in sorted(writes))
        size = storage.size_bytes
        unborn = not storage.born_slow and touches and not touches[0].writes
        if storage.pinned_slow or not 0 < size <= problem.accelerator.capacity or not touches or unborn:
            continue
        found[storage.index] = Tenant(storage.index, size, touches, storage.born_slow, storage.is_output)
    return found
