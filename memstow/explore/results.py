"""The documents of an exploration. Times in seconds; what cannot be said of a point that failed is left out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..accelerator import Accelerator
from ..bench import Machine
from ..schema import Document
from .grid import Grid
from .parameters import describe_values
from .pareto import Candidate, front

#: What takes the place of a model's name for the geometric mean over all models.
MEAN = "geometric mean"


class ExploreSettings(Document):
    """What the figures of a point depend on besides program and variant."""

    memstow_version: str
    code: str
    base: Accelerator
    planner: str
    budget_seconds: float
    iterations: int | None = None
    seed: int
    bound_seconds: float


class Point(Document):
    """One program planned for one variant.

    Attributes:
        fingerprint: of the program.
        values: of the varied parameters.
        planned_seconds: of the plan, ``lower_bound_seconds`` of any plan, ``gap_ratio`` the distance between them.
        all_slow_seconds: with nothing in fast memory; ``all_fast_seconds`` if all fitted there at no cost.
        stall_seconds: in which an instruction waits for a copy.
        slow_traffic_bytes: of the instructions; copies move ``prefetch_bytes`` and ``evict_bytes`` more.
        arena_bytes: highest end of an allocation.
        wall_seconds: that planning and proving took.
        error: why there is no plan.
    """

    model: str
    fingerprint: str
    values: dict[str, float]
    planned_seconds: float | None = None
    lower_bound_seconds: float | None = None
    lower_bound_method: str = ""
    gap_ratio: float | None = None
    all_slow_seconds: float | None = None
    all_fast_seconds: float | None = None
    stall_seconds: float | None = None
    slow_traffic_bytes: int | None = None
    prefetch_bytes: int | None = None
    evict_bytes: int | None = None
    arena_bytes: int | None = None
    wall_seconds: float = 0.0
    error: str = ""

    @property
    def key(self) -> tuple[str, str, tuple[tuple[str, float], ...]]:
        """What tells points of equal settings apart."""
        return self.model, self.fingerprint, tuple(sorted(self.values.items()))


class ExploreResults(Document):
    """A whole grid.

    ``points`` are sorted by model and grid; those of several models are followed by their geometric means, under
    :data:`MEAN`, where every model has a plan. ``fronts`` has, by model, the indices of the points on its front.
    """

    settings: ExploreSettings
    date: str
    machine: Machine
    axes: dict[str, tuple[float, ...]]
    models: tuple[str, ...]
    points: tuple[Point, ...]
    fronts: dict[str, tuple[int, ...]]

    @property
    def failures(self) -> list[str]:
        """The points without a plan, each with the reason."""
        failed = (point for point in self.points if point.error)
        return [f"{point.model}, {describe_values(point.values)}: {point.error}" for point in failed]

    def of(self, model: str) -> list[Point]:
        """The points of one model, or of :data:`MEAN`, that have a plan."""
        return [point for point in self.points if point.model == model and point.planned_seconds is not None]

    def front_of(self, model: str) -> list[Point]:
        """The points on a front, slowest first."""
        return [self.points[index] for index in self.fronts.get(model, ())]


def collect(
    settings: ExploreSettings, grid: Grid, models: Sequence[str], points: Sequence[Point], machine: Machine, date: str
) -> ExploreResults:
    """The results of a grid's points, whatever their order."""
    order = {tuple(sorted(variant.values.items())): k for k, variant in enumerate(grid.variants)}
    ranked = sorted(points, key=lambda point: (models.index(point.model), order[point.key[2]]))
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
