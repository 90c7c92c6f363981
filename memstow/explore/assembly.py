"""The results of a grid from its points: what they say of each other, their means, their fronts."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..bench import Machine
from .carry import carried
from .grid import Grid
from .pareto import Candidate, front
from .results import MEAN, ExploreResults, ExploreSettings, Point


def collect(
    settings: ExploreSettings, grid: Grid, models: Sequence[str], points: Sequence[Point], machine: Machine, date: str
) -> ExploreResults:
    """The results of a grid's points, whatever their order."""
    order = {tuple(sorted(variant.values.items())): k for k, variant in enumerate(grid.variants)}
    ranked = sorted(carried(points), key=lambda point: (models.index(point.model), order[point.key[2]]))
    if len(models) > 1:
        ranked += _means(grid, models, ranked)
    fronts = {
        model: _front(grid, [(k, point) for k, point in enumerate(ranked) if point.model == model])
        for model in dict.fromkeys(point.model for point in ranked)
    }
    return ExploreResults(
        settings=settings,
        date=date,
        machine=machine,
        axes={axis.parameter.name: axis.values for axis in grid.axes},
        models=tuple(models),
        points=tuple(ranked),
        fronts=fronts,
    )


def _means(grid: Grid, models: Sequence[str], points: Sequence[Point]) -> list[Point]:
    found = []
    for variant in grid.variants:
        here = [point for point in points if point.values == variant.values and point.planned_seconds]
        if len(here) == len(models):
            found.append(_mean(variant.values, here))
    return found


def _mean(values: dict[str, float], points: Sequence[Point]) -> Point:
    planned = _geometric([point.planned_seconds for point in points])
    bound = _geometric([point.lower_bound_seconds for point in points])
    return Point(
        model=MEAN,
        fingerprint="",
        values=values,
        planned_seconds=planned,
        lower_bound_seconds=bound,
        gap_ratio=planned / bound - 1.0 if planned and bound else None,
        all_slow_seconds=_geometric([point.all_slow_seconds for point in points]),
        all_fast_seconds=_geometric([point.all_fast_seconds for point in points]),
    )


def _geometric(numbers: Sequence[float | None]) -> float | None:
    """None where a number is missing or 0, for those have no such mean."""
    known = [number for number in numbers if number]
    return math.exp(math.fsum(map(math.log, known)) / len(known)) if known and len(known) == len(numbers) else None


def _front(grid: Grid, points: Sequence[tuple[int, Point]]) -> tuple[int, ...]:
    """Indices of the points on the front, slowest first."""
    seconds = {index: point.planned_seconds for index, point in points if point.planned_seconds is not None}
    candidates = [Candidate(index, seconds[index], _costs(grid, point)) for index, point in points if index in seconds]
    return tuple(sorted((found.index for found in front(candidates)), key=lambda index: -seconds[index]))


def _costs(grid: Grid, point: Point) -> tuple[float, ...]:
    """What the variant asks for, axis by axis; more is dearer."""
    signs = ((axis.parameter.name, 1.0 if axis.parameter.more_is_dearer else -1.0) for axis in grid.axes)
    return tuple(sign * point.values[name] for name, sign in signs)
