"""``memstow bound``: proven lower bounds on the time of every valid plan, and how far a plan is from them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..defaults import DEFAULT_TIME_LIMIT_SECONDS, ROOFLINE
from ..errors import InfeasiblePlanError
from ..formats import load_problem
from ..plan import MemoryPlan
from ..planners import Problem
from ..simulator import simulate
from ..summary import fallbacks_of
from ..timing import cost_model_name
from ..validator import validate
from .console import (
    as_json,
    format_percent,
    format_seconds,
    print_json,
    print_lines,
    print_table,
    results_only_on_stdout,
)
from .options import CostModelOption, CrossProgramOption, JsonOption, ProgramArgument, RecordedAccelerator
from .tables import print_fallbacks
from .targets import CostModelChoice, resolve_problem

if TYPE_CHECKING:
    from ..bounds import Bound


def bound_command(
    program: ProgramArgument,
    accelerator: RecordedAccelerator = None,
    plan: Annotated[
        Path | None,
        typer.Option(metavar="PLAN.json", help="A plan for it, to give its gap.", show_default=False),
    ] = None,
    time_limit: Annotated[
        float, typer.Option("--time-limit", metavar="SECONDS", help="Time to prove bounds in; more gives tighter ones.")
    ] = DEFAULT_TIME_LIMIT_SECONDS,
    max_cross_program_prefetches: CrossProgramOption = None,
    cost_model: CostModelOption = ROOFLINE,
    json: JsonOption = False,
) -> None:
    """Prove how fast a plan for a program can be at best."""
    # Imported here: bounds load numpy, which help and most commands have no use for.
    from ..bounds import best_bound

    loaded = load_problem(program)
    memory_plan = None if plan is None else MemoryPlan.load(plan)
    problem = resolve_problem(
        program,
        loaded,
        accelerator,
        memory_plan.accelerator if memory_plan else "",
        cross_program_prefetches=max_cross_program_prefetches,
        cost_model=CostModelChoice(cost_model),
    )
    seconds = None if memory_plan is None else _plan_seconds(problem, memory_plan)
    with results_only_on_stdout():
        bound = best_bound(problem, time_limit_seconds=time_limit)
    if json:
        print_json(_document(problem, bound, seconds))
    else:
        _print(problem, bound, seconds)


def _plan_seconds(problem: Problem, plan: MemoryPlan) -> float:
    violations = validate(problem.program, problem.accelerator, plan)
    if violations:
        raise InfeasiblePlanError(
            f"a bound says nothing of an invalid plan; expected a valid one, found {len(violations)} violations, "
            f"the first: {violations[0]}; memstow check lists them all"
        )
    return simulate(problem.program, problem.accelerator, plan, problem.cost).total_seconds


def _document(problem: Problem, bound: Bound, seconds: float | None) -> dict[str, Any]:
    document: dict[str, Any] = {
        "program": problem.program.name,
        "accelerator": problem.accelerator.name,
        "cost_model": cost_model_name(problem.cost),
        "bound_seconds": bound.seconds,
        "method": bound.method,
        "bounds": dict(bound.all),
        "notes": dict(bound.notes),
    }
    fallbacks = fallbacks_of(problem)
    if fallbacks is not None:
        document["fallbacks"] = as_json(fallbacks)
    if seconds is not None:
        document |= {"plan_seconds": seconds, "gap_ratio": bound.gap(seconds)}
    return document


def _print(problem: Problem, bound: Bound, seconds: float | None) -> None:
    names = [*bound.all, *(name for name in bound.notes if name not in bound.all)]
    rows = []
    for name in names:
        value = format_seconds(bound.all[name]) if name in bound.all else "-"
        remarks = [
            *(["the best"] if name == bound.method else []),
            *([bound.notes[name]] if name in bound.notes else []),
        ]
        rows.append((name, value, "; ".join(remarks)))
    cost_model = cost_model_name(problem.cost)
    title = f"by {cost_model} no plan for {problem.program.name} on {problem.accelerator.name} takes less than"
    print_table(title, ("bound", "time", ""), rows, right=(1,))
    print_fallbacks(cost_model, fallbacks_of(problem))
    if seconds is not None:
        gap = bound.gap(seconds)
        share = (
            "no gap is defined for a bound of 0" if gap is None else f"at most {format_percent(gap)} above the optimum"
        )
        print_lines("", [f"the plan takes {format_seconds(seconds)}: {share}"])
