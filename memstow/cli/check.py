"""``memstow check``: whether a plan is valid for a program, and every rule that it breaks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..formats import load_problem
from ..plan import MemoryPlan
from ..planners import Problem
from ..simulator import simulate
from ..validator import validate
from .console import format_bytes, format_seconds, print_json, print_lines, print_table
from .failures import EXIT_FAILED_CHECK
from .options import CrossProgramOption, JsonOption, ProgramArgument, RecordedAccelerator
from .targets import resolve_problem

SHOWN_VIOLATIONS = 100


def check_command(
    program: ProgramArgument,
    plan: Annotated[Path, typer.Argument(metavar="PLAN.json", help="A plan for it.", show_default=False)],
    accelerator: RecordedAccelerator = None,
    max_cross_program_prefetches: CrossProgramOption = None,
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
    )
    violations = validate(problem.program, problem.accelerator, memory_plan)
    document: dict[str, Any] = {
        "valid": not violations,
        "program": problem.program.name,
        "accelerator": problem.accelerator.name,
        "planner": memory_plan.planner,
        "violations": [violation.to_dict() for violation in violations],
        "recorded_seconds": memory_plan.simulated_seconds,
        "simulated_seconds": None if violations else _seconds(problem, memory_plan),
        "fast_memory_arena_bytes": memory_plan.peak_bytes,
    }
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


def _seconds(problem: Problem, plan: MemoryPlan) -> float:
    return simulate(problem.program, problem.accelerator, plan, problem.cost).total_seconds


def _print_valid(document: dict[str, Any], problem: Problem) -> None:
    recorded = document["recorded_seconds"]
    peak, capacity = document["fast_memory_arena_bytes"], problem.accelerator.capacity
    rows = [
        ("time, simulated", format_seconds(document["simulated_seconds"])),
        ("time, as the plan has it", "-" if recorded is None else format_seconds(recorded)),
        ("fast memory, peak", f"{format_bytes(peak)} of {format_bytes(capacity)}"),
    ]
    print_table(f"valid for {problem.program.name} on {problem.accelerator.name}", ("", ""), rows)
