"""The tables that ``memstow explore`` prints: the front of every model, cheapest variants last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .console import format_percent, format_seconds, print_lines, print_table

if TYPE_CHECKING:
    from ..explore import ExploreResults, Grid, Point

SHOWN_POINTS = 12


def print_results(results: ExploreResults, grid: Grid) -> None:
    """For every model, and for their geometric mean, the variants that none beats."""
    for model in results.fronts:
        print_front(results, grid, model)
    print_lines("", [f"no plan: {failure}" for failure in results.failures])


def print_front(results: ExploreResults, grid: Grid, model: str) -> None:
    """One front, fastest first."""
    points, front = results.of(model), results.front_of(model)
    if not front:
        return
    fastest_first = front[::-1]
    shown = [*fastest_first[: SHOWN_POINTS - 1], *fastest_first[SHOWN_POINTS - 1 :][-1:]]
    axes = [axis.parameter.name for axis in grid.axes]
    left_out = f", {len(front) - len(shown)} of them left out here" if len(front) > len(shown) else ""
    title = f"{model}: {len(front)} of {len(points)} variants are beaten by none{left_out}"
    header = (*axes, "time", "of the fastest", "of all slow", "gap")
    rows = [_row(point, grid, fastest_first[0]) for point in shown]
    print_table(title, header, rows, right=tuple(range(len(header))))


def _row(point: Point, grid: Grid, fastest: Point) -> tuple[str, ...]:
    values = (axis.show(point.values[axis.parameter.name]) for axis in grid.axes)
    seconds = point.planned_seconds or 0.0
    return (
        *values,
        format_seconds(seconds),
        _share(seconds, fastest.planned_seconds),
        _share(seconds, point.all_slow_seconds),
        "-" if point.gap_ratio is None else format_percent(point.gap_ratio),
    )


def _share(seconds: float, other: float | None) -> str:
    return f"{seconds / other:.3f}" if other else "-"
