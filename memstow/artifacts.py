"""The files that describe a plan, written side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .output_folder import OutputFolder
from .plan import MemoryPlan
from .planners.base import Problem
from .report import render_report
from .schema import write_text
from .simulator import Simulation
from .summary import Summary
from .trace import trace_json

if TYPE_CHECKING:
    from .explain import SlowTensor

PROGRAM, PLAN, SUMMARY, TRACE, REPORT = "program.json", "plan.json", "summary.json", "trace.json", "report.html"
DOCUMENTS = (PROGRAM, PLAN, SUMMARY, TRACE, REPORT)
LIBRARY = "model.so"


def stage_documents(
    folder: OutputFolder,
    problem: Problem,
    plan: MemoryPlan,
    simulation: Simulation,
    summary: Summary,
    slow_tensors: Sequence[SlowTensor],
) -> None:
    """Prepare all of :data:`DOCUMENTS` in the folder's staging area."""
    problem.program.save(folder.stage(PROGRAM))
    plan.save(folder.stage(PLAN))
    summary.save(folder.stage(SUMMARY))
    write_text(folder.stage(TRACE), trace_json(problem, plan, simulation))
    write_text(folder.stage(REPORT), render_report(problem, plan, simulation, summary, slow_tensors))


def describe_files(paths: Sequence[Path]) -> dict[str, str]:
    """Paths by what they hold: the file's name without its ending."""
    return {path.stem: str(path) for path in paths}
