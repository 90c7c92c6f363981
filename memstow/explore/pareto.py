"""The front of variants: none of them is beaten in time by one that asks for no more of anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

#: Asking for more must make the program faster by this part; less is not worth the silicon.
TOLERANCE = 1e-2


@dataclass(frozen=True)
class Candidate:
    """A variant: its seconds, and what it asks for on every axis, where less is cheaper. No two ask for the same."""

    index: int
    seconds: float
    costs: tuple[float, ...]


def front(candidates: Iterable[Candidate], tolerance: float = TOLERANCE) -> list[Candidate]:
    """The candidates on the front, cheapest first.

    One is left out if another on the front asks for no more on any axis and is slower by less than ``tolerance``, a
    part of the time, or faster. What beats a candidate sorts before it, so one pass suffices.
    """
    found: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda c: (c.costs, c.seconds)):
        if not any(_beats(other, candidate, tolerance) for other in found):
            found.append(candidate)
    return found


def _beats(other: Candidate, candidate: Candidate, tolerance: float) -> bool:
    cheaper = all(a <= b for a, b in zip(other.costs, candidate.costs, strict=True))
    return cheaper and other.seconds <= candidate.seconds * (1.0 + tolerance)
