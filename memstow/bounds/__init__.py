"""Proven lower bounds on the time of every valid plan, and the exact optimum of small programs.

>>> from memstow.bounds import best_bound  # doctest: +SKIP
>>> bound = best_bound(problem, time_limit_seconds=10.0)  # doctest: +SKIP
>>> bound.gap(plan.simulated_seconds)  # doctest: +SKIP

``docs/bounds.md`` derives them.
"""

from __future__ import annotations

from ..defaults import DEFAULT_TIME_LIMIT_SECONDS
from .base import Bound, ProblemView
from .best import best_bound
from .exact import ExactOptimum, exact_optimum

__all__ = ["DEFAULT_TIME_LIMIT_SECONDS", "Bound", "ExactOptimum", "ProblemView", "best_bound", "exact_optimum"]
