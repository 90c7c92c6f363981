"""Plans as standalone SVG pictures, for notebooks and papers; no library is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from ..plan import MemoryPlan
from ..planners.base import Problem
from ..simulator import Simulation
from ..summary import summarise
from .boxes import Box
from .reported import ReportedPlan
from .scene import scene_of
from .shapes import Boxes, Label, Line

WIDTH, HEIGHT = 900, 320
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def plan_svg(
    problem: Problem,
    plan: MemoryPlan,
    simulation: Simulation,
    *,
    width: int = WIDTH,
    height: int = HEIGHT,
    title: str | None = None,
) -> str:
    """A valid plan as an SVG element: tensors as time x offset, copies, stalls, bytes allocated against the capacity.

    Small rectangles are merged, so that the picture of a large program stays below about 200 kB.

    Args:
        problem: what is planned.
        plan: a plan of it.
        simulation: of this plan, under the problem's cost model.
        width: in pixels.
        height: in pixels; at least about 180.
        title: stands above the picture; the planner's name unless given.
    """
    summary = summarise(problem, plan, simulation)
    reported = ReportedPlan(plan.planner or "plan", problem, plan, simulation, summary)
    return picture_svg([reported], width=width, height=height, title=title)


def picture_svg(
    plans: Sequence[ReportedPlan], *, width: int = WIDTH, height: int = HEIGHT, title: str | None = None
) -> str:
    """Plans of one program as one SVG picture, one below the other on one axis of time; ``height`` is each one's."""
    scene = scene_of(plans, width, height, title)
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{scene.width}" height="{scene.height}" '
        f'viewBox="0 0 {scene.width} {scene.height}" role="img" font-family="{_FONT}" '
        'style="max-width:100%;height:auto">'
    )
    lines = [opening, f"<title>{escape(scene.title)}</title>"]
    for shape in scene.shapes:
        lines += _elements(shape)
    return "\n".join([*lines, "</svg>"])


def _elements(shape: Boxes | Line | Label) -> Iterator[str]:
    if isinstance(shape, Boxes):
        yield from _boxes(shape)
    elif isinstance(shape, Line):
        yield _line(shape)
    else:
        weight = ' font-weight="600"' if shape.bold else ""
        yield (
            f'<text x="{shape.x:.1f}" y="{shape.y + 0.35 * shape.size:.1f}" font-size="{shape.size:g}" '
            f'text-anchor="{shape.anchor}" fill="{shape.colour}"{weight}>{escape(shape.text)}</text>'
        )


def _boxes(shape: Boxes) -> Iterator[str]:
    if not shape.boxes:
        return
    opacity = f' opacity="{shape.opacity:g}"' if shape.opacity < 1 else ""
    title = f"<title>{escape(shape.title)}</title>" if shape.title else ""
    closing = f">{title}</path>" if title else "/>"
    yield f'<path fill="{shape.colour}"{opacity} d="{"".join(_outline(box) for box in shape.boxes)}"{closing}'


def _outline(box: Box) -> str:
    x, y, width, height = (round(value, 1) for value in box)
    width, height = max(0.1, width), max(0.1, height)
    return f"M{x:g} {y:g}h{width:g}v{height:g}h-{width:g}z"


def _line(shape: Line) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in shape.points)
    fill = f'fill="{shape.colour}" fill-opacity="{shape.fill_opacity:g}"' if shape.fill_opacity else 'fill="none"'
    dash = ' stroke-dasharray="5 4"' if shape.dashed else ""
    return f'<polyline points="{points}" {fill} stroke="{shape.colour}" stroke-width="{shape.width:g}"{dash}/>'
