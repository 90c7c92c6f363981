"""The page: a template, a style sheet and scripts from ``page/``, with the data embedded as JSON."""

from __future__ import annotations

import html
from collections.abc import Sequence
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

from ..plan import MemoryPlan
from ..planners.base import Problem
from ..simulator import Simulation
from ..summary import Summary
from .data import encoded, report_data
from .palette import style_rules
from .reported import ReportedPlan

if TYPE_CHECKING:
    from ..explain import SlowTensor

#: In order: later files use what earlier ones define.
SCRIPTS = (
    "format.js",
    "theme.js",
    "model.js",
    "layout.js",
    "draw.js",
    "marks.js",
    "overview.js",
    "tooltip.js",
    "life.js",
    "stage.js",
    "follow.js",
    "search.js",
    "stalls.js",
    "table.js",
    "whatif.js",
    "interact.js",
    "main.js",
)
#: Characters that could end the script element or a JavaScript line, by their JSON escapes.
_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
_LOAD_DATA = 'const data = JSON.parse(document.getElementById("data").textContent);'


def render_report(
    problem: Problem,
    plan: MemoryPlan,
    simulation: Simulation,
    summary: Summary,
    slow_tensors: Sequence[SlowTensor],
) -> str:
    """The report of one plan as one HTML document that needs nothing from outside."""
    return render_page([ReportedPlan(plan.planner or "plan", problem, plan, simulation, summary, slow_tensors)])


def render_page(plans: Sequence[ReportedPlan], what_if: Sequence[ReportedPlan] = ()) -> str:
    """The report of one plan, or of several of one problem side by side, as one HTML document without outside needs.

    Args:
        plans: at least one; all of one problem.
        what_if: plans of the same program with other amounts of fast memory, for the page's slider.
    """
    problem = plans[0].problem
    scripts = [_LOAD_DATA, *(_resource(name) for name in SCRIPTS)]
    return Template(_resource("template.html")).substitute(
        title=html.escape(f"{problem.program.name} on {problem.accelerator.name}"),
        style=style_rules() + "\n" + _resource("style.css"),
        data=embedded_json(report_data(plans, what_if)),
        script="\n".join(scripts),
    )


def embedded_json(data: object) -> str:
    """JSON that is safe inside a script element, whatever the names in it."""
    return encoded(data).translate(_ESCAPES)


def _resource(name: str) -> str:
    return (resources.files(__package__) / "page" / name).read_text(encoding="utf-8")
