"""Programs for commands that take several: models of the zoo or one's own, files, folders of files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .. import planners
from ..accelerator import Accelerator
from ..errors import InvalidInputError
from ..formats import find_problems
from ..planners import Effort
from ..program import Program
from ..retarget import retarget
from .console import notice
from .sources import ModelSource, find_source


def read_programs(models: Sequence[str], size: str | None, accelerator: Accelerator, seed: int) -> dict[str, Program]:
    """Every program once, by name, with compute times for the accelerator; models are brought to programs last.

    A file or folder is meant where the name ends with .json or is a folder's; ``size`` is that of the zoo's models.

    Raises:
        UnknownNameError: no such model in the zoo, or not in that size.
        InvalidInputError: a file cannot be read, two programs share a name, or no model has the size given.
    """
    programs: dict[str, Program] = {}
    sources: list[ModelSource] = []
    takes_size = False
    for model in models:
        path = Path(model)
        if path.suffix == ".json" or path.is_dir():
            for file, loaded in find_problems(path).problems.items():
                _add(programs, file.name.removesuffix(".json").removesuffix(".program"), loaded.program)
        else:
            own = ":" in model or model.endswith(".py")
            takes_size |= not own
            sources.append(find_source(model, None if own else size))
    if size is not None and not takes_size:
        raise InvalidInputError(f"--size {size}: only the zoo's models have sizes; leave it out")
    taken = [*programs, *(source.name for source in sources)]
    _check_names(taken)
    for source in sources:
        notice(f"{source.name}: to a program")
        programs[source.name] = extract_program_of(source, accelerator, seed)
    return {name: retarget(program, accelerator) for name, program in programs.items()}


def extract_program_of(source: ModelSource, accelerator: Accelerator, seed: int = 0) -> Program:
    """The program that ``memstow compile`` plans; no weight of a zoo model exists."""
    # Imported here: the compiler loads torch and tvm.
    from ..tvm_ext.compiler import compile_model

    module, inputs = source.build(seed, False)
    return compile_model(
        module,
        inputs,
        name=source.name,
        accelerator=accelerator,
        planner=planners.get("all-slow"),
        effort=Effort(0.0),
        seed=seed,
        plan_only=True,
    ).program


def _add(programs: dict[str, Program], name: str, program: Program) -> None:
    _check_names([*programs, name])
    programs[name] = program


def _check_names(names: Sequence[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidInputError(f"{twice}: expected each program once, found two of that name; rename a file")
