"""Draws a plan as SVG text for ``docs/``: fast memory over instruction times, and the copies below."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from memstow.plan import MemoryPlan
from memstow.program import Program

COLOURS = {
    "parameter": "#f2a65a",
    "constant": "#f2a65a",
    "input": "#8cb369",
    "intermediate": "#5b8fd9",
    "output": "#b279c9",
}
WIDTH, LEFT, RIGHT, TOP = 860, 84, 16, 34
MEMORY_HEIGHT, LANE, GAP, CHARACTER = 250, 18, 12, 6.6
_HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">'
    '<rect width="{width}" height="{height}" rx="6" fill="#ffffff" stroke="#c8ccd2"/>'
)


@dataclass(frozen=True)
class Scale:
    """Pixels of instruction times and of bytes."""

    instructions: int
    capacity: int

    def x(self, time: float) -> float:
        """The left edge of an instruction time."""
        return LEFT + (WIDTH - LEFT - RIGHT) * time / self.instructions

    def y(self, offset: float) -> float:
        """Bytes grow upwards."""
        return TOP + MEMORY_HEIGHT * (1.0 - offset / self.capacity)


def draw(program: Program, plan: MemoryPlan, capacity: int) -> str:
    """The picture."""
    scale = Scale(len(program.instructions), capacity)
    lanes = _lanes(plan, scale)
    bottom = TOP + MEMORY_HEIGHT + GAP + LANE * max(len(lanes), 1)
    parts = [
        _HEAD.format(width=WIDTH, height=bottom + 62),
        f"<title>{escape(program.name)}: plan by {escape(plan.planner)}</title>",
        *_frame(scale, capacity),
        *_allocations(program, plan, scale),
        *_copies(program, plan, lanes, scale),
        *_instructions(program, scale, bottom),
        *_legend(program, plan, bottom + 48),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _lanes(plan: MemoryPlan, scale: Scale) -> list[list[int]]:
    """Copies by row: those in one row do not overlap in the picture."""
    rows: list[list[int]] = []
    ends: list[float] = []
    for index in sorted(range(len(plan.copies)), key=lambda k: plan.copies[k].start_time):
        left, right = _copy_span(plan, index, scale)
        row = next((r for r, end in enumerate(ends) if end <= left), len(rows))
        if row == len(rows):
            rows.append([])
            ends.append(0.0)
        rows[row].append(index)
        ends[row] = right + 4
    return rows


def _copy_span(plan: MemoryPlan, index: int, scale: Scale) -> tuple[float, float]:
    copy = plan.copies[index]
    left = scale.x(max(copy.start_time, 0))
    return left, max(scale.x(min(copy.done_time, scale.instructions)), left + 5)


def _frame(scale: Scale, capacity: int) -> Iterator[str]:
    left, right = scale.x(0), scale.x(scale.instructions)
    yield f'<text x="{LEFT}" y="20" fill="#444">fast memory, by offset</text>'
    yield (
        f'<rect x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" height="{MEMORY_HEIGHT}" fill="#f5f6f8" '
        'stroke="#888"/>'
    )
    for offset in (0, capacity):
        y = f"{scale.y(offset) + 4:.1f}"
        yield f'<text x="{LEFT - 6}" y="{y}" text-anchor="end" fill="#444">{_bytes(offset)}</text>'


def _allocations(program: Program, plan: MemoryPlan, scale: Scale) -> Iterator[str]:
    for a in plan.allocations:
        buffer = program.buffer_by_id[a.buffer]
        left, right, top = scale.x(a.start), scale.x(a.end + 1), scale.y(a.offset + a.size)
        height = scale.y(a.offset) - top
        about = f"{buffer.name}: {a.size} bytes at {a.offset}, instructions {a.start} to {a.end}"
        yield (
            f'<rect x="{left + 0.5:.1f}" y="{top:.1f}" width="{right - left - 1:.1f}" height="{height:.1f}" rx="2" '
            f'fill="{COLOURS[buffer.kind]}" stroke="#ffffff"><title>{escape(about)}</title></rect>'
        )
        if height >= 13:
            yield _label(buffer.name, (left + right) / 2, top + height / 2 + 4, right - left)


def _copies(program: Program, plan: MemoryPlan, lanes: list[list[int]], scale: Scale) -> Iterator[str]:
    for row, lane in enumerate(lanes):
        top = TOP + MEMORY_HEIGHT + GAP + row * LANE
        for index in lane:
            copy = plan.copies[index]
            buffer = program.buffer_by_id[copy.buffer]
            left, right = _copy_span(plan, index, scale)
            word, fill = ("prefetch", COLOURS[buffer.kind]) if copy.direction == "prefetch" else ("eviction", "#ffffff")
            yield (
                f'<rect x="{left + 0.5:.1f}" y="{top}" width="{right - left - 1:.1f}" height="{LANE - 4}" rx="2" '
                f'fill="{fill}" stroke="#444"><title>{word} of {escape(buffer.name)}</title></rect>'
            )
            yield _label(buffer.name, (left + right) / 2, top + LANE - 8, right - left)
    if lanes:
        yield f'<text x="{LEFT - 6}" y="{TOP + MEMORY_HEIGHT + GAP + 11}" text-anchor="end" fill="#444">copies</text>'


def _instructions(program: Program, scale: Scale, bottom: float) -> Iterator[str]:
    yield f'<text x="{LEFT - 6}" y="{bottom + 16}" text-anchor="end" fill="#444">instruction</text>'
    width = scale.x(1) - scale.x(0)
    for t, step in enumerate(program.instructions):
        fits = len(step.name) * CHARACTER < width
        yield (
            f'<text x="{scale.x(t + 0.5):.1f}" y="{bottom + 16}" text-anchor="middle" fill="#222">'
            f"{escape(step.name) if fits else t}</text>"
        )


def _legend(program: Program, plan: MemoryPlan, y: float) -> Iterator[str]:
    used = {program.buffer_by_id[a.buffer].kind for a in plan.allocations}
    x = float(LEFT)
    for kind in COLOURS:
        if kind in used:
            yield f'<rect x="{x}" y="{y - 10}" width="12" height="12" rx="2" fill="{COLOURS[kind]}"/>'
            yield f'<text x="{x + 17}" y="{y}" fill="#444">{kind}</text>'
            x += 17 + CHARACTER * len(kind) + 22
    yield f'<text x="{x}" y="{y}" fill="#444">copies: filled are prefetches, white are evictions</text>'


def _label(name: str, x: float, y: float, width: float) -> str:
    """A name in the middle, cut where it is too long; nothing where there is room for less than two characters."""
    room = int((width - 4) / CHARACTER)
    if room < 2:
        return ""
    shown = name if len(name) <= room else f"{name[: room - 1]}…"
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" fill="#10151c">{escape(shown)}</text>'


def _bytes(count: int) -> str:
    return f"{count / 1024:g} KiB" if count >= 1024 else f"{count} B"
