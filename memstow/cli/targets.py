"""Which accelerator a program file is planned or checked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .. import planners
from ..accelerator import Accelerator, builtin_names, load_accelerator
from ..defaults import ROOFLINE
from ..errors import InvalidInputError, UnknownNameError
from ..formats import LoadedProblem
from ..plan import MemoryPlan
from ..planners import Problem
from ..retarget import retarget
from ..timing import Pricing, Roofline, cost_model_name
from .console import notice


def resolve_problem(
    path: Path,
    loaded: LoadedProblem,
    option: str | None,
    plan_accelerator: str = "",
    *,
    cross_program_prefetches: int | None = None,
    cost_model: CostModelChoice | None = None,
) -> Problem:
    """The problem of a program file, for the accelerator of the first that names one.

    In order: ``--accelerator``; the file's own, unless the plan is for another; the plan's; the program's.
    Compute times follow the accelerator where the program has the features for it. ``cross_program_prefetches``
    overrides the accelerator's number of them; ``cost_model`` prices the instructions, the roofline unless given.

    Raises:
        InvalidInputError: the program is empty, nothing names an accelerator, or the cost model cannot be had.
    """
    problem = _resolve(path, loaded, option, plan_accelerator)
    accelerator = with_cross_program_prefetches(problem.accelerator, cross_program_prefetches)
    pricing = (cost_model or CostModelChoice()).pricing(accelerator)
    return Problem(problem.program, accelerator, pricing(problem.program, accelerator))


@dataclass(frozen=True)
class CostModelChoice:
    """What ``--cost-model`` says. A model is read once, however many programs it prices."""

    option: str = ROOFLINE
    _read: dict[str | None, Pricing] = field(default_factory=dict, repr=False)

    def pricing(self, accelerator: Accelerator) -> Pricing:
        """What prices programs for an accelerator.

        Raises:
            UnknownNameError: no such cost model.
            InvalidInputError: the accelerator names none, or the folder holds none of this version.
        """
        if self.option == ROOFLINE:
            return Roofline
        # Imported here: learned models load numpy and XGBoost, which the roofline has no use for.
        from ..cost_model.registry import resolve_cost_model

        named = accelerator.cost_model
        if named not in self._read:
            self._read[named] = resolve_cost_model(self.option, accelerator).prices
        return self._read[named]


def notice_other_prices(path: Path, plan: MemoryPlan, problem: Problem) -> None:
    """Say so if the seconds that a plan records are by another cost model than the problem's."""
    used = cost_model_name(problem.cost)
    if plan.simulated_seconds is not None and used != plan.cost_model:
        notice(
            f"{path}: was priced by cost model {plan.cost_model!r}, this command prices by {used!r}: their seconds "
            "do not compare; name the plan's with --cost-model"
        )


def with_cross_program_prefetches(accelerator: Accelerator, option: int | None) -> Accelerator:
    """The accelerator with what ``--max-cross-program-prefetches`` says, if anything."""
    if option is None:
        return accelerator
    if option < 0:
        raise InvalidInputError(f"--max-cross-program-prefetches: expected 0 or more, found {option}")
    return accelerator.with_cross_program_prefetches(option)


def _resolve(path: Path, loaded: LoadedProblem, option: str | None, plan_accelerator: str) -> Problem:
    program = loaded.program
    if not program.instructions:
        raise InvalidInputError(f"{path}: expected a program with instructions, found none; there is nothing to plan")
    own = loaded.accelerator
    if option is None and own is not None and plan_accelerator in ("", own.name):
        return Problem(program, own)
    accelerator = (
        load_accelerator(option) if option is not None else _recorded(path, program.accelerator, plan_accelerator)
    )
    if accelerator.name != program.accelerator:
        program = retarget(program, accelerator)
    return Problem(program, accelerator)


def _recorded(path: Path, of_program: str | None, of_plan: str) -> Accelerator:
    known = builtin_names()
    named = of_plan or of_program
    if named and named in known:
        return load_accelerator(named)
    found = f"names {named!r}, which is not built in" if named else "names none"
    raise InvalidInputError(
        f"{path}: which accelerator? the file {found}; pass --accelerator NAME or FILE.toml (known: {', '.join(known)})"
    )


def check_planner(name: str) -> None:
    """Raise :class:`UnknownNameError` unless ``name`` is a planner."""
    if name not in planners.names():
        raise UnknownNameError("planner", name, planners.names())
