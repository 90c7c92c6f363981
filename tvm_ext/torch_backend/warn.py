"""What the backend tells its user, each once: which graph, why, what to do."""

from __future__ import annotations

import warnings

from torch import fx
from torch._dynamo.utils import counters

from ...errors import MemstowWarning
from .place import graph_break, place_of

#: Pairs of place and reason, and whole reasons of graph breaks, that have been told.
_told: set[tuple[str, str]] = set()
_told_breaks: set[str] = set()


def warn_of_fallback(module: fx.GraphModule, reason: str) -> None:
    """A graph runs in PyTorch."""
    place = place_of(module)
    _once(place, reason, f"memstow leaves a graph to PyTorch ({place}): {reason}")


def warn_of_graph_breaks(module: fx.GraphModule) -> None:
    """PyTorch could not capture on from where this graph ends, or nothing at all before it began."""
    own = graph_break(module)
    if own is not None:
        _told_breaks.add(own)
        _warn_of_break(f"at the graph's end ({place_of(module)})", own)
    for reason in counters["graph_break"].keys() - _told_breaks:
        _told_breaks.add(reason)
        _warn_of_break(f"before a graph ({place_of(module)})", reason)


def _warn_of_break(where: str, reason: str) -> None:
    short = reason.strip().splitlines()[0]
    _once(
        where,
        short,
        f"PyTorch breaks the model {where}: {short}. memstow plans its parts as programs of their own, and no tensor "
        "stays in fast memory between them; torch._dynamo.explain(model)(*inputs) says more",
    )


def _once(place: str, reason: str, text: str) -> None:
    if (place, reason) not in _told:
        _told.add((place, reason))
        warnings.warn(text, MemstowWarning, stacklevel=3)
