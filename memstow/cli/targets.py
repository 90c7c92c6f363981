"""Which accelerator a program file is planned or checked for."""

from __future__ import annotations

import math
from pathlib import Path

from .. import planners
from ..accelerator import Accelerator, builtin_names, load_accelerator
from ..errors import InvalidInputError, UnknownNameError
from ..formats import LoadedProblem
from ..planners.base import Problem
from ..retarget import retarget


def resolve_problem(path: Path, loaded: LoadedProblem, option: str | None, plan_accelerator: str = "") -> Problem:
    """The problem of a program file, for the accelerator of the first that names one.

    In order: ``--accelerator``; the file's own, unless the plan is for another; the plan's; the program's.
    Compute times follow the accelerator where the program has the features for it.

    Raises:
        InvalidInputError: the program is empty, or nothing names an accelerator.
    """
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


def with_overrides(accelerator: Accelerator, *, max_cross_program_prefetches: int | None = None) -> Accelerator:
    """The accelerator with what the command line says otherwise; ``None`` leaves a number as it is.

    Raises:
        InvalidInputError: the number is negative.
    """
    if max_cross_program_prefetches is None:
        return accelerator
    if max_cross_program_prefetches < 0:
        raise InvalidInputError(
            f"--max-cross-program-prefetches: expected a number, 0 or more, found {max_cross_program_prefetches}"
        )
    return accelerator.model_copy(update={"max_cross_program_prefetches": max_cross_program_prefetches})


def check_planner(name: str) -> None:
    """Raise :class:`UnknownNameError` unless ``name`` is a planner."""
    if name not in planners.names():
        raise UnknownNameError("planner", name, planners.names())


def check_budget(seconds: float, option: str = "--budget") -> None:
    """Raise :class:`InvalidInputError` unless the option's value is a finite number of seconds, 0 or more."""
    if not math.isfinite(seconds) or seconds < 0:
        raise InvalidInputError(f"{option}: expected a number of seconds, 0 or more, found {seconds}")
