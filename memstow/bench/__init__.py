"""The suite runner: planners on many programs under the same limits, judged by the simulator and the validator.

A *case* is a program on a target with a certain amount of fast memory. Every planner gets every case alone, with all
cores; what comes out is a :class:`BenchResults` document, from which :func:`page` makes Markdown.

>>> from memstow.bench import Settings, cases_of, measure_all  # doctest: +SKIP
>>> for result in measure_all(cases, Settings(planners=("greedy",)), planners):  # doctest: +SKIP
...     print(result.label, result.bound_seconds)
"""

from __future__ import annotations

from .case import Case, cases_of
from .code import code_digest
from .machine import Machine, describe_machine
from .measure import Listener
from .page import Section, page, section_lines
from .results import BenchResults, CaseResult, GroupTotals, PlannerResult, PlannerTotals, Ratios, Spread
from .runner import known_bounds, measure_all
from .settings import DEFAULT_PLANNERS, REFERENCE, Settings
from .store import Store
from .totals import grouped_totals

__all__ = [
    "DEFAULT_PLANNERS",
    "REFERENCE",
    "BenchResults",
    "Case",
    "CaseResult",
    "GroupTotals",
    "Listener",
    "Machine",
    "PlannerResult",
    "PlannerTotals",
    "Ratios",
    "Section",
    "Settings",
    "Spread",
    "Store",
    "cases_of",
    "code_digest",
    "describe_machine",
    "grouped_totals",
    "known_bounds",
    "measure_all",
    "page",
    "section_lines",
]
