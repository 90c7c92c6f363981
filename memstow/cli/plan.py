"""``memstow plan``: a memory plan for a program from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import planners
from ..defaults import DEFAULT_BUDGET_SECONDS, DEFAULT_PLANNER
from ..errors import InfeasiblePlanError, InvalidInputError
from ..formats import load_problem
from ..plan import MemoryPlan
from ..planners import Effort, Problem
from ..simulator import simulate
from ..summary import summarise
from ..validator import validate
from .console import as_json, print_json, print_lines, results_only_on_stdout
from .interrupt import Interrupted, InterruptWatch
from .options import (
    BudgetOption,
    JsonOption,
    PlannerOption,
    ProgramArgument,
    RecordedAccelerator,
    SeedOption,
)
from .output import check_file_target
from .progress import Phases
from .tables import describe_slow_tensors, print_slow_tensors, print_summary
from .targets import check_budget, check_planner, resolve_problem

SHOWN_VIOLATIONS = 5


def plan_command(
    program: ProgramArgument,
    accelerator: RecordedAccelerator = None,
    planner: PlannerOption = DEFAULT_PLANNER,
    budget: BudgetOption = DEFAULT_BUDGET_SECONDS,
    seed: SeedOption = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="PLAN.json", help="File to write; PROGRAM.plan.json here unless given.", show_default=False
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Plan the memory of a program from a file."""
    check_budget(budget)
    check_planner(planner)
    target = out or default_plan_path(program)
    if target.resolve() == program.resolve():
        raise InvalidInputError(f"--out {target}: is the program itself; name another file")
    problem = resolve_problem(program, load_problem(program), accelerator)
    check_file_target(target)
    chosen = planners.get(planner)
    plan = _search(chosen, problem, budget, seed, target)
    simulation = simulate(problem.program, problem.accelerator, plan, problem.cost)
    summary = summarise(problem, plan, simulation, budget_seconds=budget)
    from ..explain import slow_tensor_reasons

    slow_tensors = slow_tensor_reasons(problem, plan)
    if json:
        files = {"plan": str(target)}
        tensors = describe_slow_tensors(slow_tensors)
        print_json({"summary": as_json(summary), "slow_tensors": tensors, "files": files})
        return
    print_summary(summary)
    print_slow_tensors(slow_tensors)
    print_lines("Files", [str(target)])


def default_plan_path(program: Path) -> Path:
    """``NAME.plan.json`` in the current folder for ``NAME.program.json`` or ``NAME.json``."""
    stem = program.name.removesuffix(".json").removesuffix(".program")
    return Path(f"{stem or program.name}.plan.json")


def _search(planner: planners.Planner, problem: Problem, budget: float, seed: int, target: Path) -> MemoryPlan:
    """The plan, validated and saved."""
    phases = Phases(3)
    watch = InterruptWatch()
    try:
        with watch, results_only_on_stdout(), phases:
            phases.start("plan")
            plan = planner.plan(problem, Effort(budget), seed=seed)
            watch.check()
            phases.start("validate")
            _require_valid(problem, plan)
            watch.check()
            phases.start("write")
            with watch.held():
                plan.save(target)
    except BaseException as error:
        if watch.seen or isinstance(error, KeyboardInterrupt):
            raise Interrupted(f"in phase {phases.current!r}; {target} is as before") from error
        raise
    return plan


def _require_valid(problem: Problem, plan: MemoryPlan) -> None:
    violations = validate(problem.program, problem.accelerator, plan)
    if violations:
        shown = "; ".join(str(violation) for violation in violations[:SHOWN_VIOLATIONS])
        raise InfeasiblePlanError(
            f"planner {plan.planner!r} gave a plan with {len(violations)} violations, not written: {shown}; "
            "choose another planner and report this"
        )
