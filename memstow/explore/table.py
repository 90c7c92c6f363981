"""The points as CSV: a row each, a column per varied parameter, and whether the point is on its model's front."""

from __future__ import annotations

import csv
import io

from .results import ExploreResults

FIGURES = (
    "planned_seconds",
    "lower_bound_seconds",
    "lower_bound_method",
    "gap_ratio",
    "all_slow_seconds",
    "all_fast_seconds",
    "stall_seconds",
    "slow_traffic_bytes",
    "prefetch_bytes",
    "evict_bytes",
    "arena_bytes",
    "plan_capacity_bytes",
    "bound_capacity_bytes",
    "wall_seconds",
    "error",
)


def points_csv(results: ExploreResults) -> str:
    """The text of the file; a figure that there is not is an empty cell."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["model", *results.axes, *FIGURES, "on_front"])
    on_front = {index for indices in results.fronts.values() for index in indices}
    for index, point in enumerate(results.points):
        values = [f"{point.values[name]:.12g}" for name in results.axes]
        writer.writerow([point.model, *values, *(getattr(point, name) for name in FIGURES), int(index in on_front)])
    return stream.getvalue()
