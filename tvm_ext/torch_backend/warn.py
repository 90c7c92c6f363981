"""What the backend tells its user, each once: which graph, why, what to do."""

from __future__ import annotations

import warnings

from torch import fx
from torch._dynamo.utils import counters

from ...errors import MemstowWarning
from .place import Line, graph_break, last_line, place_of

#: Pairs of place and reason, and whole reasons of graph breaks, that have been told.
_told: set[tuple[str, str]] = set()
_told_breaks: set[str] = set()


def warn_of_fallback(module: fx.GraphModule, reason: str) -> None:
    """A graph runs in PyTorch."""
    place = place_of(module)
    _once(module, place, reason, f"memstow leaves a graph to PyTorch ({place}): {reason}")


def warn_of_graph_breaks(module: fx.GraphModule) -> None:
    """PyTorch could not capture on from where this graph ends, or nothing at all before it began."""
    own = graph_break(module)
    if own is not None:
        _told_breaks.add(own)
        _warn_of_break(module, f"at the graph's end ({place_of(module)})", own)
    for reason in counters["graph_break"].keys() - _told_breaks:
        _told_breaks.add(reason)
        _warn_of_break(module, f"before a graph ({place_of(module)})", reason)


def _warn_of_break(module: fx.GraphModule, where: str, reason: str) -> None:
    short = reason.strip().splitlines()[0]
    text = (
        f"PyTorch breaks the model {where}: {short}. memstow plans its parts as programs of their own, and no tensor "
        "stays in fast memory between them; torch._dynamo.explain(model)(*inputs) says more"
    )
    _once(module, where, short, text)


def _once(module: fx.GraphModule, where: str, reason: str, text: str) -> None:
    if (where, reason) not in _told:
        _told.add((where, reason))
        line = last_line(module) or Line("torch.compile", 0, "")
        warnings.warn_explicit(text, MemstowWarning, line.file, line.line)
