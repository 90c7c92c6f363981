"""``memstow check``: whether a plan is valid for a program, and every rule that it breaks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ..defaults import ROOFLINE
from ..formats import load_problem
from ..plan import MemoryPlan
from ..planners import Problem
from ..simulator import simulate
from ..summary import fallbacks_of
from ..timing import cost_model_name
from ..validator import Violation, validate
from .console import as_json, format_bytes, format_seconds, print_json, print_lines, print_table
from .failures import EXIT_FAILED_CHECK
from .options import CostModelOption, CrossProgramOption, JsonOption, ProgramArgument, RecordedAccelerator
from .tables import print_fallbacks
from .targets import CostModelChoice, notice_other_prices, resolve_problem

SHOWN_VIOLATIONS = 100


def check_command(
    program: ProgramArgument,
    plan: Annotated[Path, typer.Argument(metavar="PLAN.json", help="A plan for it.", show_default=False)],
    accelerator: RecordedAccelerator = None,
    max_cross_program_prefetches: CrossProgramOption = None,
    cost_model: CostModelOption = ROOFLINE,
    json: JsonOption = False,
) -> None:
    """Check a plan against the rules of plan validity; exit code 1 and the violations if it breaks one."""
    loaded = load_problem(program)
    memory_plan = MemoryPlan.load(plan)
    problem = resolve_problem(
        program,
        loaded,
        accelerator,
        memory_plan.accelerator,
        cross_program_prefetches=max_cross_program_prefetches,
        cost_model=CostModelChoice(cost_model),
    )
    notice_other_prices(plan, memory_plan, problem)
    violations = validate(problem.program, problem.accelerator, memory_plan)
    document = _document(problem, memory_plan, violations)
    if json:
        print_json(document)
    elif violations:
        title = f"INVALID for {problem.program.name} on {problem.accelerator.name}: {len(violations)} violations"
        print_table(title, ("rule", "what"), [(str(v.rule), v.message) for v in violations[:SHOWN_VIOLATIONS]])
        if len(violations) > SHOWN_VIOLATIONS:
            print_lines("", [f"and {len(violations) - SHOWN_VIOLATIONS} more; --json lists them all"])
    else:
        _print_valid(document, problem)
    if violations:
        raise typer.Exit(EXIT_FAILED_CHECK)


def _document(problem: Problem, plan: MemoryPlan, violations: Sequence[Violation]) -> dict[str, Any]:
    fallbacks = fallbacks_of(problem)
    return {
        "valid": not violations,
        "program": problem.program.name,
        "accelerator": problem.accelerator.name,
        "planner": plan.planner,
        "cost_model": cost_model_name(problem.cost),
        "recorded_cost_model": plan.cost_model,
        "fallbacks": fallbacks and as_json(fallbacks),
        "violations": [violation.to_dict() for violation in violations],
        "recorded_seconds": plan.simulated_seconds,
        "simulated_seconds": None if violations else _seconds(problem, plan),
        "fast_memory_arena_bytes": plan.peak_bytes,
    }


def _seconds(problem: Problem, plan: MemoryPlan) -> float:
    return simulate(problem.program, problem.accelerator, plan, problem.cost).total_seconds


def _print_valid(document: dict[str, Any], problem: Problem) -> None:
    recorded, of_plan = document["recorded_seconds"], document["recorded_cost_model"]
    peak, capacity = document["fast_memory_arena_bytes"], problem.accelerator.capacity
    rows = [
        ("time, simulated", f"{format_seconds(document['simulated_seconds'])} by {document['cost_model']}"),
        ("time, as the plan has it", "-" if recorded is None else f"{format_seconds(recorded)} by {of_plan}"),
        ("fast memory, peak", f"{format_bytes(peak)} of {format_bytes(capacity)}"),
    ]
    print_table(f"valid for {problem.program.name} on {problem.accelerator.name}", ("", ""), rows)
    print_fallbacks(document["cost_model"], fallbacks_of(problem))
