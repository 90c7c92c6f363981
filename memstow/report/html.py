"""The page: a template, a style sheet and scripts from ``page/``, with the data embedded as JSON."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

from ..plan import MemoryPlan
from ..planners.base import Problem
from ..simulator import Simulation
from ..summary import Summary
from .data import report_data

if TYPE_CHECKING:
    from ..explain import SlowTensor

#: In order: later files use what earlier ones define.
SCRIPTS = ("format.js", "overview.js", "layout.js", "draw.js", "interact.js", "table.js", "main.js")
#: Characters that could end the script element or a JavaScript line, by their JSON escapes.
_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def render_report(
    problem: Problem,
    plan: MemoryPlan,
    simulation: Simulation,
    summary: Summary,
    slow_tensors: Sequence[SlowTensor],
) -> str:
    """The report as one HTML document that needs nothing from outside."""
    data = report_data(problem, plan, simulation, summary, slow_tensors)
    scripts = [_LOAD_DATA, *(_resource(name) for name in SCRIPTS)]
    return Template(_resource("template.html")).substitute(
        title=html.escape(f"{problem.program.name} on {problem.accelerator.name}"),
        style=_resource("style.css"),
        data=embedded_json(data),
        script="\n".join(scripts),
    )


_LOAD_DATA = 'const data = JSON.parse(document.getElementById("data").textContent);'


def embedded_json(data: object) -> str:
    """JSON that is safe inside a script element, whatever the names in it."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.translate(_ESCAPES)


def _resource(name: str) -> str:
    return (resources.files(__package__) / "page" / name).read_text(encoding="utf-8")
