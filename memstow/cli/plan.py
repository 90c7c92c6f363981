"""``memstow plan``: a memory plan for a program from a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import planners
from ..defaults import DEFAULT_BOUND_SECONDS, DEFAULT_BUDGET_SECONDS, DEFAULT_PLANNER, ROOFLINE
from ..errors import InvalidInputError
from ..formats import load_problem
from ..planners import Effort, Problem
from ..planners.base import check_seconds, checked_effort
from ..simulator import simulate
from ..summary import summarise
from .console import as_json, format_seconds, print_json, print_lines, results_only_on_stdout
from .interrupt import Interrupted, InterruptWatch
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
from .progress import Phases
from .tables import describe_slow_tensors, print_slow_tensors, print_summary
from .targets import CostModelChoice, check_planner, resolve_problem

if TYPE_CHECKING:
    from ..planning import ProvenPlan


def plan_command(
    program: ProgramArgument,
    accelerator: RecordedAccelerator = None,
    planner: PlannerOption = DEFAULT_PLANNER,
    budget: BudgetOption = DEFAULT_BUDGET_SECONDS,
    iterations: IterationsOption = None,
    seed: SeedOption = 0,
    bound_time: BoundTimeOption = DEFAULT_BOUND_SECONDS,
    max_cross_program_prefetches: CrossProgramOption = None,
    cost_model: CostModelOption = ROOFLINE,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="PLAN.json", help="File to write; PROGRAM.plan.json here unless given.", show_default=False
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Plan the memory of a program from a file.

    Ctrl-C ends a search; the best plan so far is then written.
    """
    effort = checked_effort(budget, iterations, prefix="--")
    check_seconds("--bound-time", bound_time)
    check_planner(planner)
    target = out or default_plan_path(program)
    if target.resolve() == program.resolve():
        raise InvalidInputError(f"--out {target}: is the program itself; name another file")
    problem = resolve_problem(
        program,
        load_problem(program),
        accelerator,
        cross_program_prefetches=max_cross_program_prefetches,
        cost_model=CostModelChoice(cost_model),
    )
    check_file_target(target)
    watch = InterruptWatch()
    proven = _search(planners.get(planner), problem, effort, seed, bound_time, target, watch)
    plan = proven.plan
    simulation = simulate(problem.program, problem.accelerator, plan, problem.cost)
    summary = summarise(problem, plan, simulation, bound=proven.bound, budget_seconds=budget)
    from ..explain import slow_tensor_reasons

    slow_tensors = slow_tensor_reasons(problem, plan)
    if json:
        files = {"plan": str(target)}
        tensors = describe_slow_tensors(slow_tensors)
        print_json({"summary": as_json(summary), "slow_tensors": tensors, "files": files})
    else:
        print_summary(summary)
        print_slow_tensors(slow_tensors)
        print_lines("Files", [str(target)])
    if watch.seen:
        raise Interrupted(f"in phase 'plan'; the best plan so far is in {target}")


def default_plan_path(program: Path) -> Path:
    """``NAME.plan.json`` in the current folder for ``NAME.program.json`` or ``NAME.json``."""
    stem = program.name.removesuffix(".json").removesuffix(".program")
    return Path(f"{stem or program.name}.plan.json")


def _search(
    planner: planners.Planner,
    problem: Problem,
    effort: Effort,
    seed: int,
    bound_seconds: float,
    target: Path,
    watch: InterruptWatch,
) -> ProvenPlan:
    """The plan with its bound, validated and saved; the best so far where an interrupt ended the search."""
    # Imported here: bounds load numpy, which help and most commands have no use for.
    from ..planning import plan_with_bound

    phases = Phases(2)
    told = replace(effort, on_improvement=lambda seconds: phases.remark(f"best so far {format_seconds(seconds)}"))
    try:
        with watch, results_only_on_stdout(), phases:
            phases.start("plan")
            proven = plan_with_bound(
                planner, problem, told, seed=seed, bound_seconds=bound_seconds, is_cancelled=lambda: watch.seen
            )
            phases.start("write")
            with watch.held():
                proven.plan.save(target)
    except BaseException as error:
        if watch.seen or isinstance(error, KeyboardInterrupt):
            raise Interrupted(f"in phase {phases.current!r}; {target} is as before") from error
        raise
    return proven
