"""What became of the graphs that PyTorch has handed over, for people and for tests."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from ...plan import MemoryPlan
from ...planners import Problem

#: Graphs that are remembered.
_KEPT = 256


@dataclass(frozen=True)
class Graph:
    """One graph for one set of shapes.

    ``place`` says where in the user's code it ends, or of which of PyTorch's modules it is. A graph that runs in
    PyTorch has a ``fallback``, the reason, in place of ``problem`` and ``plan``. ``cached``: an equal graph had been
    compiled before.
    """

    name: str
    place: str
    problem: Problem | None = None
    plan: MemoryPlan | None = None
    fallback: str | None = None
    cached: bool = False


_history: deque[Graph] = deque(maxlen=_KEPT)


def graphs() -> tuple[Graph, ...]:
    """The graphs of this process, oldest first; of many the last 256."""
    return tuple(_history)


def remember(graph: Graph) -> None:
    """Add a graph."""
    _history.append(graph)
