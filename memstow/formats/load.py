"""One problem file of either format."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ..accelerator import Accelerator
from ..errors import InvalidInputError
from ..plan import MemoryPlan
from ..program import Program
from ..schema import read_json
from .xla_plan import to_recorded_plan
from .xla_price import RecordedPrice, price_recorded
from .xla_suite import XlaProblem, to_accelerator, to_program

#: Keys that only an ``xla_suite`` file has.
XLA_KEYS = frozenset({"fast_capacity_bytes", "xla_solution"})


@dataclass(frozen=True)
class LoadedProblem:
    """What a problem file holds: always a program; the target and a recorded plan only in ``xla_suite`` files."""

    program: Program
    accelerator: Accelerator | None = None
    recorded_plan: MemoryPlan | None = None
    _source: XlaProblem | None = field(default=None, repr=False)

    @cached_property
    def recorded_price(self) -> RecordedPrice | None:
        """Seconds of the recorded solution on the file's own target, where there is one."""
        if self._source is None or self.accelerator is None or self.recorded_plan is None:
            return None
        return price_recorded(self._source, self.program, self.accelerator, self.recorded_plan)


def load_problem(path: str | Path) -> LoadedProblem:
    """Read a problem file of either format.

    Raises:
        InvalidInputError: the file is absent, truncated, no JSON, of neither format, has unknown or missing keys, or
            holds no instructions.
    """
    return parse_problem(read_json(path), path)


def parse_problem(data: object, path: str | Path) -> LoadedProblem:
    """:func:`load_problem` on the parsed content of ``path``."""
    if not isinstance(data, dict) or "instructions" not in data:
        found = f"the keys {', '.join(sorted(data)[:5]) or '(none)'}" if isinstance(data, dict) else type(data).__name__
        raise InvalidInputError(
            f"{path}: expected a program (*.program.json) or an xla_suite file, an object with 'instructions'; "
            f"found {found}; check that this is the right file"
        )
    if data["instructions"] == []:
        raise InvalidInputError(f"{path}: the program has no instructions, so there is nothing to plan")
    if XLA_KEYS.isdisjoint(data):
        return LoadedProblem(Program.parse(data, where=str(path)))
    problem = XlaProblem.parse(data, where=str(path))
    program = to_program(problem, where=str(path))
    accelerator = to_accelerator(problem, where=str(path))
    if problem.xla_solution is None:
        return LoadedProblem(program, accelerator)
    recorded = to_recorded_plan(problem, program, accelerator, where=str(path))
    return LoadedProblem(program, accelerator, recorded, problem)
