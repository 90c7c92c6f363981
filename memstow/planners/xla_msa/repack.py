"""Repacking by best fit, the longest-lived block first (``best_fit_repacker.cc``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .heap import Heap


@dataclass(frozen=True)
class Block:
    """Bytes that need one offset during all of several closed time intervals."""

    size: int
    spans: tuple[tuple[int, int], ...]


def repack(blocks: Sequence[Block], heap: Heap) -> list[int] | None:
    """New offsets for all blocks in an empty heap, or None if one finds no hole below the capacity.

    ``heap`` is filled on the way and empty again at the end unless the result is None.
    """
    offsets = [0] * len(blocks)
    numbers = []
    for index in sorted(range(len(blocks)), key=lambda index: _rank(blocks[index])):
        block = blocks[index]
        offset = heap.best_fit(block.size, block.spans)
        if offset is None:
            return None
        offsets[index] = offset
        numbers += [heap.add(offset, block.size, start, end) for start, end in block.spans]
    for number in numbers:
        heap.remove(number)
    return offsets


def _rank(block: Block) -> tuple[int, int, int]:
    start, end = block.spans[0][0], max(end for _, end in block.spans)
    return start - end, -block.size, start
