"""Totals over the cases of a run and over its groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import geometric_mean, mean, median

from ..defaults import OPTIMALITY_GAP
from .results import CaseResult, GroupTotals, PlannerResult, PlannerTotals, Spread
from .settings import REFERENCE, WORSE

#: Factors of the fastest plan's time for which the share of cases within it is told.
PROFILE = (1.0, 1.001, 1.01, 1.02, 1.05, 1.1, 1.2, 1.5, 2.0)
EVERYTHING = "all"

#: A figure and the case that it is of.
Figure = tuple[float, str]


def grouped_totals(cases: Sequence[CaseResult]) -> tuple[GroupTotals, ...]:
    """Totals of all cases, then of every group where there are several; nothing without cases."""
    if not cases:
        return ()
    groups = list(dict.fromkeys(case.group for case in cases))
    split = [(group, [case for case in cases if case.group == group]) for group in groups] if len(groups) > 1 else []
    return tuple(_group(name, members) for name, members in [(EVERYTHING, cases), *split])


def _group(name: str, cases: Sequence[CaseResult]) -> GroupTotals:
    return GroupTotals(
        group=name,
        cases=len(cases),
        bound_to_reference=_bound_over(cases, [case.by_planner(REFERENCE).seconds for case in cases]),
        bound_to_recorded=_bound_over(cases, [case.recorded_seconds for case in cases]),
        bound_to_all_slow=_bound_over(cases, [case.all_slow_seconds for case in cases]),
        planners=tuple(_planner(result.planner, cases) for result in cases[0].planners),
    )


def _planner(name: str, cases: Sequence[CaseResult]) -> PlannerTotals:
    rows = [(case.by_planner(name), case) for case in cases]
    to_reference = [(r.ratios.reference, case.label) for r, case in rows]
    to_recorded = [(r.ratios.recorded, case.label) for r, case in rows]
    gaps = [(r.gap, case.label) for r, case in rows]
    waits = [r.best_after_seconds for r, _ in rows if r.best_after_seconds is not None]
    return PlannerTotals(
        planner=name,
        is_extra=rows[0][0].is_extra,
        to_reference=ratio_spread(to_reference),
        to_recorded=ratio_spread(to_recorded),
        to_all_slow=ratio_spread((r.ratios.all_slow, case.label) for r, case in rows),
        gap=_gap_spread(gaps),
        worse_than_reference=_count_worse(to_reference),
        worse_than_recorded=_count_worse(to_recorded),
        optimal=sum(gap is not None and gap <= OPTIMALITY_GAP for gap, _ in gaps),
        overruns=sum(r.overran for r, _ in rows),
        failures=sum(bool(r.failure) for r, _ in rows),
        mean_best_after_seconds=mean(waits) if waits else None,
        profile={f"{factor:g}": _share_within(factor, rows) for factor in PROFILE},
    )


def _count_worse(ratios: Iterable[tuple[float | None, str]]) -> int:
    return sum(ratio is not None and ratio > 1.0 + WORSE for ratio, _ in ratios)


def _share_within(factor: float, rows: Sequence[tuple[PlannerResult, CaseResult]]) -> float:
    """Share of the cases in which the planner's plan takes at most ``factor`` times the fastest plan's time."""
    within = 0
    for result, case in rows:
        best = case.best_seconds
        within += result.seconds is not None and best is not None and result.seconds <= best * factor * (1.0 + WORSE)
    return within / len(rows)


def ratio_spread(figures: Iterable[tuple[float | None, str]]) -> Spread | None:
    """Geometric mean and largest of the ratios that there are; ratios of 0 have no such mean and are left out."""
    known: list[Figure] = [(value, case) for value, case in figures if value]
    return _spread(known, geometric_mean([value for value, _ in known])) if known else None


def _gap_spread(figures: Iterable[tuple[float | None, str]]) -> Spread | None:
    """Median and largest of the gaps that there are."""
    known: list[Figure] = [(value, case) for value, case in figures if value is not None]
    return _spread(known, median(value for value, _ in known)) if known else None


def _spread(known: Sequence[Figure], middle: float) -> Spread:
    worst, case = max(known, key=lambda figure: figure[0])
    return Spread(middle=middle, worst=worst, worst_case=case, cases=len(known))


def _bound_over(cases: Sequence[CaseResult], others: Sequence[float | None]) -> Spread | None:
    return ratio_spread(
        (case.bound_seconds / other if other else None, case.label) for case, other in zip(cases, others, strict=True)
    )
