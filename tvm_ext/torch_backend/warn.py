"""What the backend tells its user: once per place, which graph, why, what to do."""

from __future__ import annotations

import warnings

import torch
from torch._dynamo.output_graph import GraphCompileReason

from ...errors import MemstowWarning

_told: set[tuple[str, str]] = set()


def warn_of_fallback(place: str, reason: str) -> None:
    """A graph runs in PyTorch."""
    _once(place, reason, f"memstow leaves the graph that ends at {place} to PyTorch: {reason}")


def warn_of_graph_break(module: torch.fx.GraphModule) -> None:
    """PyTorch could not capture on from where this graph ends."""
    why: GraphCompileReason | None = getattr(module, "compile_subgraph_reason", None)
    if why is None or not why.graph_break:
        return
    place, reason = place_of(module), why.reason.strip().splitlines()[0]
    _once(
        place,
        reason,
        f"PyTorch breaks the graph at {place} ({reason}): memstow plans what is before and after as programs of their "
        "own, and no tensor stays in fast memory between them; torch._dynamo.explain(model)(*inputs) says more",
    )


def place_of(module: torch.fx.GraphModule) -> str:
    """Where a captured graph ends in the user's code: ``/home/me/model.py:12 in forward``."""
    why: GraphCompileReason | None = getattr(module, "compile_subgraph_reason", None)
    if why is None or not why.user_stack:
        return "an unknown place"
    frame = why.user_stack[-1]
    return f"{frame.filename}:{frame.lineno} in {frame.name}"


def _once(place: str, reason: str, text: str) -> None:
    if (place, reason) not in _told:
        _told.add((place, reason))
        warnings.warn(text, MemstowWarning, stacklevel=2)
