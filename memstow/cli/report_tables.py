"""What ``memstow report`` prints: the plans side by side, and the times at other capacities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..report import ReportedPlan
from .console import as_json, format_bytes, format_percent, format_seconds, print_table
from .tables import print_fallbacks

_FIGURES = ("time", "above bound", "stalls", "fast memory, peak")


def describe_reported(reported: ReportedPlan) -> dict[str, Any]:
    """One plan as JSON values."""
    return {
        "capacity_bytes": reported.summary.fast_memory_capacity_bytes,
        "stalls": reported.stall_count,
        "summary": as_json(reported.summary),
    }


def print_reported(given: Sequence[ReportedPlan], points: Sequence[ReportedPlan]) -> None:
    """Tables of the plans given and, if there are any, of those for other capacities."""
    summary = given[0].summary
    rows = [(reported.label, *_figures(reported)) for reported in given]
    print_table(f"{summary.program} on {summary.accelerator}", ("plan", *_FIGURES), rows, right=(1, 2, 3, 4))
    print_fallbacks(summary.cost_model, summary.fallbacks)
    if points:
        ordered = sorted(points, key=lambda point: point.summary.fast_memory_capacity_bytes)
        planned = [(format_bytes(point.summary.fast_memory_capacity_bytes), *_figures(point)) for point in ordered]
        title = f"With other amounts of fast memory, planned by {points[0].summary.planner}"
        print_table(title, ("fast memory", *_FIGURES), planned, right=(0, 1, 2, 3, 4))


def _figures(reported: ReportedPlan) -> tuple[str, ...]:
    summary = reported.summary
    gap = summary.gap_ratio
    return (
        format_seconds(summary.planned_seconds),
        "-" if gap is None else format_percent(gap),
        format_seconds(summary.time_shares.stall_seconds),
        format_bytes(summary.fast_memory_arena_bytes),
    )
