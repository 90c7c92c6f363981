"""The work of ``memstow report``: bounds, plans of other capacities, and the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..plan import MemoryPlan
from ..planners import Effort, Planner, Problem
from ..report import ReportedPlan, render_page, report_plan
from ..schema import write_bytes, write_text
from ..timing import Pricing
from .console import format_bytes, notice, results_only_on_stdout
from .interrupt import Interrupted, InterruptWatch
from .progress import Phases

if TYPE_CHECKING:
    from ..bounds import Bound


@dataclass(frozen=True)
class WhatIf:
    """Which capacities are planned, and how; ``bound_seconds`` is for the plans given as well."""

    capacities_bytes: tuple[int, ...]
    planner: Planner
    effort: Effort
    seed: int
    bound_seconds: float
    pricing: Pricing


def write_report(
    problem: Problem,
    plans: Sequence[MemoryPlan],
    labels: Sequence[str],
    wanted: WhatIf,
    targets: dict[str, Path],
) -> tuple[list[ReportedPlan], list[ReportedPlan]]:
    """Write the files of ``targets`` (``report``, ``svg``, ``png``); the plans given, and those of other capacities.

    Raises:
        Interrupted: a Ctrl-C before the capacities; one that comes later leaves out those that are not planned yet.
    """
    # Imported here: bounds load numpy, which help and most commands have no use for.
    from ..bounds import best_bound

    phases, watch = Phases(3), InterruptWatch()
    points: list[ReportedPlan] = []
    try:
        with watch, results_only_on_stdout(), phases:
            phases.start("bound")
            bound = best_bound(problem, time_limit_seconds=wanted.bound_seconds, is_enough=lambda _: watch.seen)
            given = [
                report_plan(problem, plan, label=label, bound=bound, explained="report" in targets)
                for plan, label in zip(plans, labels, strict=True)
            ]
            if wanted.capacities_bytes:
                phases.start("what if")
                _plan_capacities(problem, wanted, bound, phases, watch, points)
            phases.start("write")
            with watch.held():
                _write(given, points, targets)
    except BaseException as error:
        if watch.seen or isinstance(error, KeyboardInterrupt):
            raise Interrupted(f"in phase {phases.current!r}; no file was changed") from error
        raise
    return given, points


def _plan_capacities(
    problem: Problem,
    wanted: WhatIf,
    bound: Bound,
    phases: Phases,
    watch: InterruptWatch,
    points: list[ReportedPlan],
) -> None:
    """Plan for every capacity into ``points``; a Ctrl-C ends it with those that are done."""
    from ..report.what_if import what_if_plans

    found = what_if_plans(
        problem,
        wanted.planner,
        wanted.capacities_bytes,
        wanted.effort,
        seed=wanted.seed,
        bound_seconds=wanted.bound_seconds,
        bound=bound,
        pricing=wanted.pricing,
        is_cancelled=lambda: watch.seen,
    )
    try:
        for point in found:
            points.append(point)
            phases.remark(f"{format_bytes(point.problem.accelerator.capacity)} planned")
            watch.check()
    except KeyboardInterrupt:
        notice(f"interrupted: {len(points)} of {len(wanted.capacities_bytes)} capacities are planned; writing")


def _write(given: Sequence[ReportedPlan], points: Sequence[ReportedPlan], targets: dict[str, Path]) -> None:
    if "report" in targets:
        write_text(targets["report"], render_page(given, points))
    if "svg" in targets:
        from ..report.picture import picture_svg

        write_text(targets["svg"], picture_svg(given))
    if "png" in targets:
        from ..report.raster import picture_png

        write_bytes(targets["png"], picture_png(given))
