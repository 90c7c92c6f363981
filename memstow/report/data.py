"""The whole data of the page, kept within a size that opens at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import metadata
from typing import Any

from .plan_data import plan_data
from .program_data import microseconds, program_data
from .reported import ReportedPlan

#: Plans of other capacities are drawn while the page's data stays below this; beyond, only their figures are given.
DRAWN_BYTES = 1_600_000


def report_data(plans: Sequence[ReportedPlan], what_if: Sequence[ReportedPlan] = ()) -> dict[str, Any]:
    """What the page's scripts are given: the program once, the plans given, and those of other capacities."""
    program = plans[0].problem.program
    data: dict[str, Any] = {
        "version": _version(),
        **program_data(program),
        "plans": [plan_data(reported) for reported in plans],
        "what_if": None,
    }
    if what_if:
        room = DRAWN_BYTES - len(encoded(data))
        data["what_if"] = _what_if_data(what_if, room)
    return data


def encoded(data: object) -> str:
    """Compact JSON."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def _what_if_data(plans: Sequence[ReportedPlan], room: int) -> dict[str, Any]:
    points = []
    for reported in sorted(plans, key=lambda reported: reported.summary.fast_memory_capacity_bytes):
        drawn: dict[str, Any] | None = plan_data(reported)
        size = len(encoded(drawn))
        if size > room:
            drawn = None
        else:
            room -= size
        points.append({**_figures(reported), "plan": drawn})
    return {"planner": plans[0].summary.planner, "points": points}


def _figures(reported: ReportedPlan) -> dict[str, Any]:
    summary = reported.summary
    return {
        "capacity": summary.fast_memory_capacity_bytes,
        "time": microseconds(summary.planned_seconds),
        "bound": microseconds(summary.lower_bound_seconds),
        "stall": microseconds(summary.time_shares.stall_seconds),
        "stalls": reported.stall_count,
        "arena": summary.fast_memory_arena_bytes,
        "moved": summary.prefetch_bytes + summary.evict_bytes,
    }


def _version() -> str:
    try:
        return metadata.version("memstow")
    except metadata.PackageNotFoundError:
        return "(not installed)"
