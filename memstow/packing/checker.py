"""Whether offsets are a packing: a sweep over time, independent of every solver."""

from __future__ import annotations

import bisect
from collections.abc import Sequence

from .buffers import Buffers


def check(buffers: Buffers, offsets: Sequence[int], capacity: int) -> list[str]:
    """What is wrong with a packing, in words; nothing for a valid one.

    A packing has one offset per buffer, a multiple of its alignment, within ``[0, capacity - size]``; buffers that
    share a time share no memory. At least one collision is reported where there are any, not every pair.
    """
    if len(offsets) != len(buffers):
        return [f"expected {len(buffers)} offsets, found {len(offsets)}"]
    violations = _outside(buffers, offsets, capacity)
    violations += _collisions(buffers, offsets)
    return violations


def _outside(buffers: Buffers, offsets: Sequence[int], capacity: int) -> list[str]:
    violations = []
    for i, offset in enumerate(offsets):
        if offset < 0 or offset + int(buffers.size[i]) > capacity:
            violations.append(f"{buffers.describe(i)} at {offset}: outside of [0, {capacity})")
        if offset % int(buffers.alignment[i]) != 0:
            violations.append(f"{buffers.describe(i)} at {offset}: not a multiple of its alignment")
    return violations


def _collisions(buffers: Buffers, offsets: Sequence[int]) -> list[str]:
    """Keep those alive sorted by offset: while they are disjoint, a new one can only meet its two neighbours."""
    ends, begins = 0, 1
    events = []
    for i in range(len(buffers)):
        if buffers.size[i] > 0:
            events.append((int(buffers.lower[i]), begins, i))
            events.append((int(buffers.upper[i]), ends, i))
    alive: list[tuple[int, int]] = []
    violations = []
    for _, kind, i in sorted(events):
        entry = (offsets[i], i)
        at = bisect.bisect_left(alive, entry)
        if kind == ends:
            del alive[at]
            continue
        for offset, j in alive[max(0, at - 1) : at + 1]:
            if offset < offsets[i] + int(buffers.size[i]) and offsets[i] < offset + int(buffers.size[j]):
                violations.append(
                    f"{buffers.describe(j)} at {offset} and {buffers.describe(i)} at {offsets[i]}: overlap"
                )
        alive.insert(at, entry)
    return violations
