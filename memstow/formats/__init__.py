"""Reading problems from files: memstow's own ``*.program.json`` and the ``xla_suite`` format, told apart by content."""

from __future__ import annotations

from .folder import ProblemFolder, find_problems
from .load import LoadedProblem, load_problem
from .xla_price import RecordedPrice

__all__ = ["LoadedProblem", "ProblemFolder", "RecordedPrice", "find_problems", "load_problem"]
