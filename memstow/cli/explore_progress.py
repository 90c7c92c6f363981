"""Progress of ``memstow explore``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .console import format_percent, format_seconds, notice
from .progress import LiveBar

if TYPE_CHECKING:
    from ..explore import Point


class ExploreBar(LiveBar):
    """Points on a bar; where there is no terminal, a line for each."""

    def __init__(self, total: int, done: int) -> None:
        """``done`` of the ``total`` points were there before."""
        super().__init__(total)
        self._total, self._done = total, done
        self.show("planning", done)

    def report(self, point: Point) -> None:
        """A point is done."""
        from ..explore import describe_values

        self._done += 1
        text = f"{point.model}, {describe_values(point.values)}: {_figures(point)}"
        self.show(text, self._done)
        if point.error or not self.is_live:
            notice(f"{self._done:>{len(str(self._total))}} of {self._total}  {text}")


def _figures(point: Point) -> str:
    if point.planned_seconds is None:
        return f"no plan, {point.error}"
    gap = "" if point.gap_ratio is None else f", gap {format_percent(point.gap_ratio)}"
    return f"{format_seconds(point.planned_seconds)}{gap}"
