"""Figures as the tables of a run show them."""

from __future__ import annotations

NOTHING = "-"


def micros(seconds: float | None) -> str:
    """Microseconds, without the unit."""
    return NOTHING if seconds is None else f"{seconds * 1e6:.1f}"


def percent(ratio: float | None) -> str:
    """A share or a gap."""
    return NOTHING if ratio is None else f"{100 * ratio:.2f} %"


def ratio(value: float | None) -> str:
    """A ratio of times."""
    return NOTHING if value is None else f"{value:.4f}"


def wall(seconds: float | None) -> str:
    """Wall-clock seconds, without the unit."""
    return NOTHING if seconds is None else f"{seconds:.2f}"
