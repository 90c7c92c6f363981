"""A plan as one picture: rectangles of time and place in fast memory, and a lane of copies."""

from __future__ import annotations

from html import escape

from ..plan import MemoryPlan
from ..planners.base import Problem
from ..simulator import Simulation

_LANE = 24


def plan_svg(
    problem: Problem,
    plan: MemoryPlan,
    simulation: Simulation,
    *,
    width: int = 900,
    height: int = 320,
    title: str | None = None,
) -> str:
    """One standalone ``<svg>`` element: allocations over instruction time and offset, copies in a lane below."""
    count = max(1, len(problem.program.instructions))
    capacity = max(1, problem.accelerator.capacity)
    across, up = width / count, (height - _LANE) / capacity
    parts = []
    for a in plan.allocations:
        start, end = max(a.start, 0), min(a.end + 1, count)
        x, y = start * across, height - _LANE - (a.offset + a.size) * up
        name = escape(problem.program.buffer_by_id[a.buffer].name)
        parts.append(
            f'<rect x="{x:.2f}" y="{y:.2f}" width="{(end - start) * across:.2f}" height="{a.size * up:.2f}" '
            f'fill="#6c8ebf" stroke="white" stroke-width="0.5"><title>{name}</title></rect>'
        )
    for timing in simulation.copies:
        copy = plan.copies[timing.copy_index]
        x, stop = (max(t, 0) * across for t in (copy.start_time, copy.done_time))
        colour = "#82b366" if copy.direction == "prefetch" else "#b85450"
        parts.append(
            f'<rect x="{x:.2f}" y="{height - _LANE + 6}" width="{max(1.0, stop - x):.2f}" height="{_LANE - 8}" '
            f'fill="{colour}" fill-opacity="0.6"/>'
        )
    heading = f"<title>{escape(title)}</title>" if title else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{heading}{"".join(parts)}</svg>'
    )
