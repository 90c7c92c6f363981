"""Whether a few blocks fit into fast memory: a complete search over offsets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """A block: instruction times, both inclusive, and bytes."""

    start: int
    end: int
    size: int


def find_offsets(spans: Sequence[Span], capacity: int, alignment: int) -> tuple[int, ...] | None:
    """Aligned offsets at which no two blocks overlap in time and space; ``None`` if there are none.

    Complete: push all blocks of a packing down until each rests on the bottom or on a block below it. Placed by
    rising offset, each then lies at the lowest aligned offset above the blocks placed before it that share its time.
    So it is enough to try orders. Exponential; for a dozen blocks.
    """
    order = sorted(range(len(spans)), key=lambda i: (-spans[i].size, spans[i]))
    placed: dict[int, int] = {}
    if _place(spans, order, capacity, alignment, placed, 0):
        return tuple(placed[i] for i in range(len(spans)))
    return None


def _place(
    spans: Sequence[Span], left: list[int], capacity: int, alignment: int, placed: dict[int, int], floor: int
) -> bool:
    if not left:
        return True
    lowest = {i: _lowest(spans, i, alignment, placed) for i in left}
    if any(lowest[i] + spans[i].size > capacity for i in left):
        return False
    tried: set[tuple[Span, int]] = set()
    for i in left:
        if lowest[i] < floor or (spans[i], lowest[i]) in tried:
            continue
        tried.add((spans[i], lowest[i]))
        placed[i] = lowest[i]
        if _place(spans, [k for k in left if k != i], capacity, alignment, placed, lowest[i]):
            return True
        del placed[i]
    return False


def _lowest(spans: Sequence[Span], i: int, alignment: int, placed: dict[int, int]) -> int:
    own = spans[i]
    tops = (
        offset + spans[k].size
        for k, offset in placed.items()
        if spans[k].start <= own.end and own.start <= spans[k].end
    )
    return -(-max(tops, default=0) // alignment) * alignment
