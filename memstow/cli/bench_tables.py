"""The tables that ``memstow bench`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .console import print_lines, print_table

if TYPE_CHECKING:
    from ..bench import BenchResults, GroupTotals, PlannerTotals, Spread

SHOWN_REMARKS = 10


def print_results(results: BenchResults) -> None:
    """Totals of all programs and of every target, the worst programs, and what went wrong."""
    for group in results.totals:
        _print_group(group)
    if results.totals:
        planners = results.totals[0].planners
        print_lines("", [f"* {t.planner} was run for comparison alone" for t in planners if t.is_extra])
        _print_lines("Worst programs", [_worst(totals) for totals in planners])
    _print_lines("Priced by the roofline", results.fallbacks)
    _print_lines("Failures", results.failures)
    _print_lines("Over the budget", results.overruns)


def _print_group(group: GroupTotals) -> None:
    from ..bench import REFERENCE
    from ..bench.page import heading, reachable

    def pair(spread: Spread | None, scale: float = 1.0, digits: int = 3) -> list[str]:
        figures = [spread.middle, spread.worst] if spread else [None, None]
        return ["-" if figure is None else f"{scale * figure:.{digits}f}" for figure in figures]

    header = ("time over:", REFERENCE, "worst", "recorded", "worst", "all-slow", "gap %", "worst", "optimal")
    rows = [
        (
            t.planner + ("*" if t.is_extra else ""),
            *pair(t.to_reference),
            *pair(t.to_recorded),
            pair(t.to_all_slow)[0],
            *pair(t.gap, 100.0, 2),
            str(t.optimal),
        )
        for t in group.planners
    ]
    print_table(heading(group), header, rows, right=range(1, len(header)))
    print_lines("", reachable(group))


def _worst(totals: PlannerTotals) -> str:
    from ..bench import REFERENCE

    spreads = ((f"to {REFERENCE}", totals.to_reference), ("to recorded", totals.to_recorded), ("gap", totals.gap))
    worst = [f"{name} {spread.worst_case}" for name, spread in spreads if spread is not None]
    return f"{totals.planner}: {', '.join(worst) or 'no valid plan'}"


def _print_lines(title: str, lines: list[str]) -> None:
    if lines:
        more = (
            [f"and {len(lines) - SHOWN_REMARKS} more; the results file has all"] if len(lines) > SHOWN_REMARKS else []
        )
        print_lines(title, [*lines[:SHOWN_REMARKS], *more])
