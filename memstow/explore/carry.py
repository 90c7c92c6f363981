"""What points of one program that differ in capacity alone say of each other.

A plan for a smaller fast memory is valid, and takes the same time, in a larger one: a point takes over the plan of a
smaller capacity that is faster. A bound for a larger fast memory holds for a smaller one: a point takes over the
larger one's bound if that is higher.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from .results import Point

CAPACITY = "capacity"
#: What a plan decides.
_OF_PLAN = (
    "planned_seconds",
    "stall_seconds",
    "slow_traffic_bytes",
    "prefetch_bytes",
    "evict_bytes",
    "arena_bytes",
    "plan_capacity_bytes",
)
_OF_BOUND = ("lower_bound_seconds", "lower_bound_method", "bound_capacity_bytes")


def carried(points: Iterable[Point]) -> list[Point]:
    """The points, each with the best plan and bound that are known for it; points without a plan stay as they are."""
    groups: dict[object, list[Point]] = defaultdict(list)
    others = []
    for point in points:
        if point.planned_seconds is None or CAPACITY not in point.values:
            others.append(point)
        else:
            groups[point.model, point.fingerprint, _all_but_capacity(point)].append(point)
    return [*others, *(point for group in groups.values() for point in _carried(group))]


def _all_but_capacity(point: Point) -> tuple[tuple[str, float], ...]:
    return tuple((name, value) for name, value in sorted(point.values.items()) if name != CAPACITY)


def _carried(group: Sequence[Point]) -> list[Point]:
    ascending = sorted((_with_own_capacity(point) for point in group), key=lambda point: point.values[CAPACITY])
    for k in range(1, len(ascending)):
        if _seconds(ascending[k - 1]) < _seconds(ascending[k]):
            ascending[k] = _taking(ascending[k], ascending[k - 1], _OF_PLAN)
    for k in reversed(range(len(ascending) - 1)):
        if _bound(ascending[k + 1]) > _bound(ascending[k]):
            ascending[k] = _taking(ascending[k], ascending[k + 1], _OF_BOUND)
    return [_with_gap(point) for point in ascending]


def _with_own_capacity(point: Point) -> Point:
    own = int(point.values[CAPACITY])
    return point.model_copy(update={"plan_capacity_bytes": own, "bound_capacity_bytes": own})


def _taking(point: Point, other: Point, names: Sequence[str]) -> Point:
    return point.model_copy(update={name: getattr(other, name) for name in names})


def _with_gap(point: Point) -> Point:
    least = _bound(point)
    return point.model_copy(update={"gap_ratio": _seconds(point) / least - 1.0 if least > 0 else None})


def _seconds(point: Point) -> float:
    assert point.planned_seconds is not None, "points without a plan are set aside"
    return point.planned_seconds


def _bound(point: Point) -> float:
    return point.lower_bound_seconds or 0.0
