"""Tables of ``memstow agent``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .console import format_seconds, print_lines, print_table

if TYPE_CHECKING:
    from ..rl_agent.evaluation import Evaluation, Interval, Runs
    from ..rl_agent.training.trainer import TrainingResult

_SHOWN_FAILURES = 10


def print_training(result: TrainingResult) -> None:
    """A run that is over."""
    print_lines(
        "",
        [
            f"{result.steps} steps, {result.games} games, {result.rounds - 1} rounds after the warm start, "
            f"{format_seconds(result.seconds)}",
            f"{result.network}: the network",
        ],
    )


def print_evaluation(found: Evaluation) -> None:
    """Each program, then all together, then what went wrong."""
    header = ("program", "planner", "seconds", "worst seed", f"over {found.reference}", "over recorded")
    rows = [
        (
            case.name if k == 0 else "",
            runs.planner,
            *_seconds(runs),
            _ratio(runs.to_reference),
            _ratio(runs.to_recorded),
        )
        for case in found.cases
        for k, runs in enumerate(case.planners)
    ]
    print_table(f"Planners by {len(found.seeds)} seeds", header, rows, right=range(2, len(header)))
    columns = ("planner", f"over {found.reference}", "95 % within", "over recorded", "95 % within", "better", "worse")
    totals = [
        (each.planner, *_interval(each.to_reference), *_interval(each.to_recorded), str(each.better), str(each.worse))
        for each in found.planners
    ]
    print_table("Interquartile means over programs and seeds", columns, totals, right=range(1, len(columns)))
    if found.failures:
        hidden = len(found.failures) - _SHOWN_FAILURES
        more = [f"and {hidden} more"] if hidden > 0 else []
        print_lines("Failures", [*found.failures[:_SHOWN_FAILURES], *more])


def _seconds(runs: Runs) -> tuple[str, str]:
    mean = runs.mean_seconds
    if mean is None:
        return "-", "-"
    return format_seconds(mean), format_seconds(max(seconds for seconds in runs.seconds if seconds is not None))


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _interval(found: Interval | None) -> tuple[str, str]:
    return ("-", "-") if found is None else (f"{found.middle:.4f}", f"{found.low:.4f} to {found.high:.4f}")
