"""What a static picture draws of one plan: kernels, tensors, bytes allocated, copies and stalls, as shapes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ..figures import format_bytes
from ..plan import Allocation
from ..simulator import Simulation, occupancy
from ..stalls import find_stalls
from ..summary import storage_kind
from ..trace import bound_by
from .boxes import Box, merge_boxes
from .names import clip, shared_lengths, tensor_names
from .palette import BOUND_COLOURS, light
from .reported import ReportedPlan
from .shapes import Boxes, Label, Line

LEFT, TITLE = 66, 24
KERNELS, OCCUPANCY, COPIES, GAP = 9, 34, 9, 7
#: Boxes of one colour, and tensors that are drawn apart so that one can point at them.
MAX_BOXES, MAX_TITLED = 1000, 150
LABEL_SIZE = 9.5
#: Width of a letter as a part of its size, a little more than the fonts' own.
LETTER = 0.62


@dataclass(frozen=True)
class Panel:
    """Where one plan is drawn, in pixels; ``seconds`` and ``range_bytes`` are the ends of the two axes."""

    reported: ReportedPlan
    top: float
    memory: float
    width: float
    seconds: float
    range_bytes: float

    def x(self, seconds: float) -> float:
        """Where a time of the run lies."""
        return LEFT + self.width * (seconds / self.seconds if self.seconds > 0 else 0.0)

    @property
    def memory_top(self) -> float:
        """Of the offsets in fast memory."""
        return self.top + TITLE + KERNELS + GAP

    @property
    def occupancy_top(self) -> float:
        """Of the bytes allocated."""
        return self.memory_top + self.memory + GAP

    @property
    def copies_top(self) -> float:
        """Of the copy lane."""
        return self.occupancy_top + OCCUPANCY + GAP

    @property
    def bottom(self) -> float:
        """Of all that is drawn of the plan."""
        return self.copies_top + COPIES


def panel_shapes(panel: Panel) -> Iterator[Boxes | Line | Label]:
    """All shapes of one plan, in the order of painting."""
    yield from _kernels(panel)
    yield from _tensors(panel)
    yield from _allocated(panel)
    yield from _copies(panel)
    yield from _stalls(panel)


def _kernels(panel: Panel) -> Iterator[Boxes]:
    by_bound: dict[str, list[Box]] = defaultdict(list)
    problem = panel.reported.problem
    timings = panel.reported.simulation.instructions
    for step, timing in zip(problem.program.instructions, timings, strict=True):
        x = panel.x(timing.start_seconds)
        width = panel.x(timing.start_seconds + timing.elapsed_seconds) - x
        by_bound[bound_by(problem, step, timing)].append((x, panel.top + TITLE, width, KERNELS))
    for bound, boxes in by_bound.items():
        yield Boxes(merge_boxes(boxes, MAX_BOXES), light(BOUND_COLOURS[bound]))


def _tensors(panel: Panel) -> Iterator[Boxes | Label]:
    program = panel.reported.problem.program
    drawn = [(_allocation_box(panel, a), a) for a in panel.reported.plan.allocations]
    drawn.sort(key=lambda item: -item[0][2] * item[0][3])
    titled = [(box, a) for box, a in drawn[:MAX_TITLED] if box[2] >= 1 and box[3] >= 1]
    rest: dict[str, list[Box]] = defaultdict(list)
    for box, a in drawn[len(titled) :]:
        rest[storage_kind(program.storages[program.storage_of[a.buffer]])].append(box)
    for kind, boxes in rest.items():
        yield Boxes(merge_boxes(boxes, MAX_BOXES), light(kind), 0.95)
    for box, a in titled:
        storage = program.storages[program.storage_of[a.buffer]]
        title = f"{clip(storage.representative.name)}: {format_bytes(a.size, digits=4)}"
        yield Boxes([_inset(box)], light(storage_kind(storage)), 0.95, title)
    names = [name[skip:] for name, skip in zip(tensor_names(program), shared_lengths(program), strict=True)]
    for (x, y, width, height), a in titled:
        text = _cut(names[program.storage_of[a.buffer]], width - 6)
        if height >= 12 and text:
            yield Label(x + 3, y + height / 2, text, light("label"), size=LABEL_SIZE)


def _cut(text: str, width: float) -> str:
    """What fits of a text; nothing if that says too little."""
    letters = int(width / (LETTER * LABEL_SIZE))
    if len(text) <= letters:
        return text
    return f"{text[: letters - 1]}…" if letters >= 5 else ""


def _inset(box: Box) -> Box:
    """Leaves a hair between neighbours."""
    x, y, width, height = box
    return x, y, max(0.6, width - 0.5), max(0.6, height - 0.5)


def _allocation_box(panel: Panel, allocation: Allocation) -> Box:
    edges = _window(panel.reported.simulation, allocation.start), _window(panel.reported.simulation, allocation.end + 1)
    x, end = (panel.x(seconds) for seconds in edges)
    scale = panel.memory / panel.range_bytes
    top = panel.memory_top + panel.memory - (allocation.offset + allocation.size) * scale
    return x, top, end - x, allocation.size * scale


def _window(simulation: Simulation, t: int) -> float:
    """When the window of instruction time t begins: its stall, then itself."""
    steps = simulation.instructions
    if t >= len(steps):
        return simulation.total_seconds - (simulation.final_stall_seconds if t == len(steps) else 0.0)
    step = steps[max(0, t)]
    return step.start_seconds - step.stall_seconds


def _allocated(panel: Panel) -> Iterator[Line | Label]:
    reported = panel.reported
    capacity = reported.problem.accelerator.capacity
    scale = OCCUPANCY / (max(1, capacity) * 1.08)
    base = panel.occupancy_top + OCCUPANCY
    points = _steps(panel, reported.simulation)
    line = [(x, base - level * scale) for x, level in [(LEFT, 0.0), *points]]
    yield Line([*line, (line[-1][0], base)], light("accent"), 1.0, fill_opacity=0.25)
    y = base - capacity * scale
    yield Line([(LEFT, y), (LEFT + panel.width, y)], light("ink"), 1.0, dashed=True)
    yield Label(LEFT - 6, y + 3, format_bytes(capacity, digits=4), light("muted"), "end", 10)
    yield Label(LEFT - 6, base - 4, "allocated", light("muted"), "end", 10)


def _steps(panel: Panel, simulation: Simulation) -> list[tuple[float, float]]:
    """The bytes allocated as corners of a line: in each pixel the most."""
    most: dict[int, int] = {}
    levels = occupancy(panel.reported.problem.program, panel.reported.plan)
    for t, level in enumerate(levels):
        first, last = (int(panel.x(_window(simulation, time)) * 2) for time in (t, t + 1))
        for pixel in (first, last):
            most[pixel] = max(level, most.get(pixel, 0))
    corners: list[tuple[float, float]] = []
    for pixel, level in sorted(most.items()):
        if corners and corners[-1][1] != level:
            corners.append((pixel / 2, corners[-1][1]))
        corners.append((pixel / 2, level))
    return corners


def _copies(panel: Panel) -> Iterator[Boxes | Label]:
    by_direction: dict[str, list[Box]] = defaultdict(list)
    for timing in panel.reported.simulation.copies:
        copy = panel.reported.plan.copies[timing.copy_index]
        x = panel.x(timing.begin_seconds)
        width = panel.x(timing.finish_seconds) - x
        by_direction[copy.direction].append((x, panel.copies_top, max(0.4, width - 0.4), COPIES))
    for direction, boxes in by_direction.items():
        yield Boxes(merge_boxes(boxes, MAX_BOXES), light(direction))
    yield Label(LEFT - 6, panel.copies_top + COPIES / 2, "copies", light("muted"), "end", 10)
    yield Label(LEFT - 6, panel.top + TITLE + KERNELS / 2, "kernels", light("muted"), "end", 10)


def _stalls(panel: Panel) -> Iterator[Boxes]:
    spans = [
        (panel.x(stall.begin_seconds), panel.x(stall.begin_seconds + stall.seconds))
        for stall in find_stalls(panel.reported.plan, panel.reported.simulation)
    ]
    if spans:
        strip = [(x, panel.top + TITLE, max(0.6, end - x), float(KERNELS)) for x, end in spans]
        below = [(x, panel.memory_top, max(0.6, end - x), panel.bottom - panel.memory_top) for x, end in spans]
        yield Boxes(merge_boxes(strip, MAX_BOXES), light("stall"))
        yield Boxes(merge_boxes(below, MAX_BOXES), light("stall"), 0.16)
