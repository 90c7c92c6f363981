"""Where in the user's code a captured graph is from, in words and as a name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import torch
from torch import fx
from torch._dynamo.output_graph import GraphCompileReason

_TORCH_FOLDER = str(Path(torch.__file__).parent)
#: TorchDynamo's name of what is left of a function after a graph break.
_RESUMED = re.compile(r"torch_dynamo_resume_in_(.*)_at_\d+")


class Line(NamedTuple):
    """A line of the user's code."""

    file: str
    line: int
    function: str


def place_of(module: fx.GraphModule) -> str:
    """``it ends at /home/me/model.py:12 in forward``; of a module of PyTorch's, as in ``Linear``, its class."""
    found = last_line(module)
    return f"it ends at {found.file}:{found.line} in {found.function}" if found else _class_name(module)


def name_of(module: fx.GraphModule) -> str:
    """A name for the graph's program: function or class, and TorchDynamo's number of the graph, ``forward_0_0``."""
    found = last_line(module)
    number = torch._guards.CompileContext.current_compile_id()
    name = f"{found.function if found else _class_name(module)}_{number or 0}"
    return re.sub(r"\W+", "_", name).strip("_")


def graph_break(module: fx.GraphModule) -> str | None:
    """Why TorchDynamo broke the model where this graph ends, if it did."""
    why = _reason(module)
    return why.reason if why is not None and why.graph_break else None


def last_line(module: fx.GraphModule) -> Line | None:
    """The innermost line outside of PyTorch where the graph ends."""
    why = _reason(module)
    for frame in reversed(why.user_stack if why is not None else []):
        if not frame.filename.startswith(_TORCH_FOLDER):
            return Line(frame.filename, frame.lineno or 0, _RESUMED.sub(r"\1", frame.name))
    return None


def _reason(module: fx.GraphModule) -> GraphCompileReason | None:
    reason: GraphCompileReason | None = getattr(module, "compile_subgraph_reason", None)
    return reason


def _class_name(module: fx.GraphModule) -> str:
    """Of the outermost module whose code the graph has."""
    for node in module.graph.nodes:
        for _, kind in (node.meta.get("nn_module_stack") or {}).values():
            return str(getattr(kind, "__name__", kind))
    return "graph"
