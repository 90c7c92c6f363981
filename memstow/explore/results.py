"""The documents of an exploration. Times in seconds; what cannot be said of a point that failed is left out."""

from __future__ import annotations

from ..accelerator import Accelerator
from ..bench import Machine
from ..schema import Document
from .parameters import describe_values

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
        plan_capacity_bytes: what the plan was made for, at most the variant's own capacity; ``bound_capacity_bytes``
            what the bound was proven for, at least that. See :mod:`memstow.explore.carry`.
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
    plan_capacity_bytes: int | None = None
    bound_capacity_bytes: int | None = None
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
