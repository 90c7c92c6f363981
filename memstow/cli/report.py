"""``memstow report``: plans of a program as a page that compares them, and as static pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import planners
from ..defaults import DEFAULT_BUDGET_SECONDS, DEFAULT_PLANNER, ROOFLINE
from ..errors import InfeasiblePlanError, InvalidInputError
from ..formats import load_problem
from ..plan import MemoryPlan
from ..planners import Problem
from ..planners.base import check_seconds, checked_effort
from ..report import ReportedPlan
from ..validator import validate
from .console import print_json, print_lines
from .interrupt import Interrupted
from .options import (
    BoundTimeOption,
    BudgetOption,
    CostModelOption,
    CrossProgramOption,
    IterationsOption,
    JsonOption,
    PlannerOption,
    ProgramArgument,
    RecordedAccelerator,
    SeedOption,
)
from .output import check_file_target
from .report_files import WhatIf, write_report
from .report_tables import describe_reported, print_reported
from .sizes import parse_sizes
from .targets import CostModelChoice, check_planner, notice_other_prices, resolve_problem

DEFAULT_WHAT_IF = "5"
#: Time to prove a bound in: for the plans given, and again for each capacity.
BOUND_SECONDS = 2.0
MAX_CAPACITIES = 25


def report_command(
    program: ProgramArgument,
    plans: Annotated[
        list[Path], typer.Argument(metavar="PLAN.json...", help="Plans for it, one or more.", show_default=False)
    ],
    accelerator: RecordedAccelerator = None,
    what_if: Annotated[
        str,
        typer.Option(
            metavar="N|SIZES|none",
            help="Capacities planned anew for the page's slider: a number of them, or a list (4MiB,16MiB), or none.",
        ),
    ] = DEFAULT_WHAT_IF,
    planner: PlannerOption = DEFAULT_PLANNER,
    budget: BudgetOption = DEFAULT_BUDGET_SECONDS,
    iterations: IterationsOption = None,
    seed: SeedOption = 0,
    bound_time: BoundTimeOption = BOUND_SECONDS,
    max_cross_program_prefetches: CrossProgramOption = None,
    cost_model: CostModelOption = ROOFLINE,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="REPORT.html",
            help="Page to write; PROGRAM.report.html here unless given, none where only pictures are asked for.",
            show_default=False,
        ),
    ] = None,
    png: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Picture, for papers.", show_default=False)
    ] = None,
    svg: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Picture, for papers.", show_default=False)
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show plans of one program side by side: an HTML page, or pictures of them.

    Planner, budget, iterations and seed are for the capacities of --what-if; --bound-time is for each of them too.
    Ctrl-C leaves out the capacities that are not planned yet.
    """
    page = out or (None if png or svg else default_report_path(program))
    targets = {kind: path for kind, path in (("report", page), ("png", png), ("svg", svg)) if path is not None}
    _check_targets(targets, (program, *plans))
    if png is not None:
        from ..report.raster import require_matplotlib

        require_matplotlib()
    check_planner(planner)
    check_seconds("--bound-time", bound_time)
    effort = checked_effort(budget, iterations, prefix="--")
    memory_plans = [MemoryPlan.load(path) for path in plans]
    choice = CostModelChoice(cost_model)
    problem = resolve_problem(
        program,
        load_problem(program),
        accelerator,
        memory_plans[0].accelerator,
        cross_program_prefetches=max_cross_program_prefetches,
        cost_model=choice,
    )
    for path, plan in zip(plans, memory_plans, strict=True):
        _require_valid(path, problem, plan)
        notice_other_prices(path, plan, problem)
    capacities = _capacities(what_if, problem) if page is not None else ()
    wanted = WhatIf(capacities, planners.get(planner), effort, seed, bound_time, choice.pricing(problem.accelerator))
    labels = _labels(plans, memory_plans)
    given, points = write_report(problem, memory_plans, labels, wanted, targets)
    missing = len(capacities) - len(points)
    files = {kind: str(path) for kind, path in targets.items()}
    if json:
        print_json(_document(problem, plans, given, points, files))
    else:
        print_reported(given, points)
        print_lines("Files", files.values())
    if missing:
        raise Interrupted(f"in phase 'what if'; {page} lacks {missing} of {len(capacities)} capacities")


def default_report_path(program: Path) -> Path:
    """``NAME.report.html`` in the current folder for ``NAME.program.json`` or ``NAME.json``."""
    stem = program.name.removesuffix(".json").removesuffix(".program")
    return Path(f"{stem or program.name}.report.html")


def _check_targets(targets: dict[str, Path], inputs: Sequence[Path]) -> None:
    read = {path.resolve() for path in inputs}
    for kind, path in targets.items():
        option = "--out" if kind == "report" else f"--{kind}"
        if path.resolve() in read:
            raise InvalidInputError(f"{option} {path}: is one of the files to be read; name another file")
        ending = ".html" if kind == "report" else f".{kind}"
        if path.suffix != ending:
            raise InvalidInputError(f"{option} {path}: expected a name that ends with {ending}, found {path.name!r}")
        check_file_target(path)


def _require_valid(path: Path, problem: Problem, plan: MemoryPlan) -> None:
    violations = validate(problem.program, problem.accelerator, plan)
    if violations:
        raise InfeasiblePlanError(
            f"{path}: expected a valid plan of {problem.program.name} for {problem.accelerator.name}, found "
            f"{len(violations)} violations, the first: {violations[0]}; memstow check lists them all"
        )


def _capacities(option: str, problem: Problem) -> tuple[int, ...]:
    """Bytes of fast memory to plan for, the accelerator's own among them; none for ``none``."""
    from ..report.what_if import default_capacities

    own = problem.accelerator.capacity
    text = option.strip()
    if text == "none":
        return ()
    if text.isdigit():
        _require_few(int(text))
        return default_capacities(problem, int(text)) if int(text) > 0 and own > 0 else ()
    sizes = parse_sizes([text], "--what-if, which is none, a number of capacities, or a list of them")
    _require_few(len(sizes))
    return tuple(sorted({own, *sizes}))


def _require_few(count: int) -> None:
    if count > MAX_CAPACITIES:
        raise InvalidInputError(
            f"--what-if: expected at most {MAX_CAPACITIES} capacities, found {count}; a single size needs its unit, "
            "8MiB or 4096B"
        )


def _labels(paths: Sequence[Path], plans: Sequence[MemoryPlan]) -> list[str]:
    """Planners' names; the files' where two plans are by one planner, in full where two files share a name."""
    by_planner = [plan.planner or path.name.removesuffix(".json") for path, plan in zip(paths, plans, strict=True)]
    for labels in (by_planner, [path.name.removesuffix(".json").removesuffix(".plan") for path in paths]):
        if len(set(labels)) == len(labels):
            return labels
    return [str(path) for path in paths]


def _document(
    problem: Problem,
    paths: Sequence[Path],
    given: Sequence[ReportedPlan],
    points: Sequence[ReportedPlan],
    files: dict[str, str],
) -> dict[str, Any]:
    return {
        "program": problem.program.name,
        "accelerator": problem.accelerator.name,
        "plans": [
            {"label": reported.label, "file": str(path), **describe_reported(reported)}
            for path, reported in zip(paths, given, strict=True)
        ],
        "what_if": [describe_reported(point) for point in points],
        "files": files,
    }
