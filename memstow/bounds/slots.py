"""Time in slots, and slots in a binary tree: how much copying fits where.

Slot k is the stall before instruction k and the instruction itself. A tree node covers ``2**p`` slots from a multiple
of ``2**p`` on::

    node     [0                     8)
             [0         4)[4        8)
             [0   2)[2  4)[4  6)[6  8)
    slot      0  1   2  3  4  5  6  7

A copy may run in any slot of a range. The range is cut into nodes, and the copy's flow into each is one variable:
``O(log N)`` variables instead of N. Nodes are nested or disjoint, so flows fit into slots exactly when, in every node,
what flows into it and the nodes below is at most the time that its slots have to spare.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """The slots ``[start, stop)``."""

    start: int
    stop: int


def tree_nodes(count: int) -> Iterator[tuple[Node, tuple[Node, ...]]]:
    """Nodes over ``count`` slots, children before parents, each with its children inside the count."""
    size = 1
    while True:
        for start in range(0, count, size):
            half = size // 2
            children = [Node(s, s + half) for s in (start, start + half) if half and s < count]
            yield Node(start, start + size), tuple(children)
        if size >= count:
            return
        size *= 2


def cover(start: int, stop: int, *, fine_at_start: bool, detail: int = 4) -> list[Node]:
    """Cut the slots ``[start, stop)`` into tree nodes in order, the finer the closer to one end.

    A node that is ``d`` slots from that end has at most ``max(1, d / detail)`` slots.
    """
    found: list[Node] = []
    position = start
    while position < stop:
        size = 1
        while True:
            larger = size * 2
            distance = position - start if fine_at_start else stop - (position + larger)
            fits = position % larger == 0 and position + larger <= stop
            if not fits or larger * detail > distance:
                break
            size = larger
        found.append(Node(position, position + size))
        position += size
    return found
