"""The layout of static pictures: plans one below the other on one axis of time.

For each plan, from above: title, kernels, offsets in fast memory, bytes allocated against the capacity, the copy lane::

    label  432 µs, 2.1 % above the bound, 12 stalls
    |kernels|..stall..|kernels|        by what bounds them
    |  tensors: time x offset  |
    |- - - - capacity - - - - -|       bytes allocated
    |[copies]  [copies]        |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..figures import format_bytes, format_seconds, time_unit
from ..summary import storage_kind
from .palette import light
from .panel import COPIES, GAP, KERNELS, LEFT, LETTER, OCCUPANCY, TITLE, Panel, panel_shapes
from .reported import ReportedPlan
from .scale import ticks
from .shapes import Boxes, Label, Line, Scene

RIGHT, AXIS, LEGEND = 12, 22, 20
_KINDS = ("parameter", "constant", "input", "intermediate", "output")


def scene_of(plans: Sequence[ReportedPlan], width: int, height: int, title: str | None = None) -> Scene:
    """The picture of one or more plans; ``height`` is that of each plan, axis and legend included for the first."""
    fixed = TITLE + KERNELS + OCCUPANCY + COPIES + 3 * GAP
    memory = max(40, height - fixed - AXIS - LEGEND)
    seconds = max(reported.simulation.total_seconds for reported in plans)
    inner = width - LEFT - RIGHT
    highest = max(_range_bytes(reported) for reported in plans)
    panels = [
        Panel(reported, k * (fixed + memory + GAP), memory, inner, seconds, highest) for k, reported in enumerate(plans)
    ]
    bottom = panels[-1].bottom
    shapes: list[Boxes | Line | Label] = [Boxes([(0, 0, width, bottom + AXIS + LEGEND)], light("panel"))]
    for panel in panels:
        shapes += _panel_shapes(panel, title)
    shapes += [*_time_axis(panels), *_legend(plans, bottom + AXIS + LEGEND / 2)]
    program = plans[0].problem.program.name
    return Scene(width, round(bottom + AXIS + LEGEND), title or f"Memory plan of {program}", shapes)


def _panel_shapes(panel: Panel, title: str | None) -> Iterator[Boxes | Line | Label]:
    yield from _heading(panel, title)
    strips = ((panel.top + TITLE, KERNELS), (panel.memory_top, panel.memory), (panel.occupancy_top, OCCUPANCY))
    ground = [(float(LEFT), y, panel.width, float(h)) for y, h in (*strips, (panel.copies_top, COPIES))]
    yield Boxes(ground, light("plot"))
    yield from _offsets_axis(panel)
    yield from panel_shapes(panel)


def _heading(panel: Panel, title: str | None) -> Iterator[Label]:
    summary = panel.reported.summary
    name = title or panel.reported.label
    gap = "" if summary.gap_ratio is None else f", {100 * summary.gap_ratio:.1f} % above the bound"
    count = panel.reported.stall_count
    stalls = f"{count} {'stall' if count == 1 else 'stalls'}" if count else "no stalls"
    figures = f"{format_seconds(summary.planned_seconds)}{gap}, {stalls}"
    y = panel.top + TITLE / 2
    yield Label(LEFT, y, name, light("ink"), size=12.5, bold=True)
    yield Label(LEFT + panel.width, y, figures, light("muted"), "end")


def _offsets_axis(panel: Panel) -> Iterator[Boxes | Label]:
    top = panel.range_bytes
    for value in ticks(0, top, max(2, int(panel.memory / 45)), binary=True):
        y = panel.memory_top + panel.memory * (1 - value / top)
        yield Boxes([(LEFT, y, panel.width, 0.6)], light("grid"))
        yield Label(LEFT - 6, y, format_bytes(value, digits=4, unit_of=top), light("muted"), "end", 10)


def _range_bytes(reported: ReportedPlan) -> float:
    """Bytes at the top of the offsets: what the plan needs and a little more, the capacity at most."""
    capacity, arena = reported.problem.accelerator.capacity, reported.plan.peak_bytes
    return max(1.0, min(capacity, arena * 1.06) if arena else capacity)


def _time_axis(panels: Sequence[Panel]) -> Iterator[Boxes | Label]:
    last = panels[-1]
    factor, unit = time_unit(last.seconds)
    for value in ticks(0, last.seconds * factor, max(3, int(last.width / 110))):
        x = last.x(value / factor)
        yield Boxes([(x, last.bottom, 0.8, 4)], light("muted"))
        yield Label(x, last.bottom + 12, f"{value:g} {unit}", light("muted"), "middle", 10)


def _legend(plans: Sequence[ReportedPlan], y: float) -> Iterator[Boxes | Label]:
    x = float(LEFT)
    for colour, text in _legend_items(plans):
        yield Boxes([(x, y - 4.5, 9, 9)], light(colour))
        yield Label(x + 13, y, text, light("muted"), size=10)
        x += 13 + LETTER * 10 * len(text) + 10


def _legend_items(plans: Sequence[ReportedPlan]) -> list[tuple[str, str]]:
    program = plans[0].problem.program
    placed = {program.storage_of[a.buffer] for reported in plans for a in reported.plan.allocations}
    kinds = {storage_kind(program.storages[index]) for index in placed}
    directions = {copy.direction for reported in plans for copy in reported.plan.copies}
    items = [(kind, kind) for kind in _KINDS if kind in kinds]
    items += [(name, text) for name, text in (("prefetch", "prefetch"), ("evict", "eviction")) if name in directions]
    if any(reported.simulation.stall_seconds > 0 for reported in plans):
        items.append(("stall", "stall"))
    return [*items, ("compute", "bound by compute"), ("memory", "by slow memory"), ("fast", "by fast memory")]
