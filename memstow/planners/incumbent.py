"""The best that a search has found so far, told to whoever asked for it."""

from __future__ import annotations

import math
import threading

from .base import Effort


class Incumbent:
    """Seconds of the best plan of one search; several threads may report to it."""

    def __init__(self, effort: Effort) -> None:
        self.seconds = math.inf
        self._effort = effort
        self._lock = threading.Lock()

    def offer(self, seconds: float) -> bool:
        """Tell of a plan; whether the best so far is enough, so that the search should end."""
        with self._lock:
            if seconds < self.seconds:
                self.seconds = seconds
                self._effort.on_improvement(seconds)
            return self._effort.iterations is None and self._effort.is_enough(self.seconds)
