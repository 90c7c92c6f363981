"""Progress of ``memstow bench``: a line per program, and a live bar where standard error is a terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .console import format_percent, format_seconds
from .interrupt import InterruptWatch
from .progress import LiveBar

if TYPE_CHECKING:
    from ..bench import Case, CaseResult


class BenchProgress(LiveBar):
    """A :class:`memstow.bench.Listener` that shows the program, the planner and its best plan so far."""

    def __init__(self, steps: int, watch: InterruptWatch) -> None:
        """``steps`` are programs times planners."""
        super().__init__(steps)
        self._watch = watch
        self._case = self._what = ""
        self._best = math.inf

    def begin(self, case: Case) -> None:
        """See :class:`memstow.bench.Listener`."""
        self._case = case.label

    def step(self, what: str) -> None:
        """See :class:`memstow.bench.Listener`."""
        self._what, self._best = what, math.inf
        self._show()

    def improved(self, seconds: float) -> None:
        """See :class:`memstow.bench.Listener`."""
        if seconds < self._best:
            self._best = seconds
            self._show()

    def end(self) -> None:
        """See :class:`memstow.bench.Listener`; raises KeyboardInterrupt if a planner has swallowed a Ctrl-C."""
        from ..bench.runner import BOUND_STEP

        self._watch.check()
        if self._what != BOUND_STEP:
            self.advance()

    def report(self, result: CaseResult) -> None:
        """One line for a program that is done."""
        best = min((r for r in result.planners if r.seconds is not None), key=lambda r: r.seconds or 0.0, default=None)
        if best is None or best.seconds is None:
            figures = "no valid plan"
        else:
            gap = "" if best.gap is None else f", gap {format_percent(best.gap)}"
            figures = f"{format_seconds(best.seconds)} by {best.planner}{gap}"
        self._console.print(f"{result.label:<40} {figures}")

    def _show(self) -> None:
        best = "" if math.isinf(self._best) else f" {format_seconds(self._best)}"
        self.show(f"{self._case}: {self._what}{best}")
