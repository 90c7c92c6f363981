"""Results as a Markdown page; every figure comes from the documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..defaults import OPTIMALITY_GAP
from .results import BenchResults, CaseResult, GroupTotals, PlannerTotals, Spread
from .settings import REFERENCE
from .text import NOTHING, micros, percent, ratio, wall
from .totals import PROFILE

LEGEND = f"""\
Ratios are the planner's time over the other's, so less is better: *to {REFERENCE}*, the production heuristic written
anew; *to recorded*, the solution in the program's file, if there is one for this target; *to all-slow*, no fast memory.
The mean of ratios is geometric, that of gaps the median; the gap is the distance from the best proven lower bound.
*worse* counts programs slower than with {REFERENCE} and slower than recorded, *optimal* those with a gap of at most
{100 * OPTIMALITY_GAP:g} %; a planner that searches ends there, before its budget. *found after*: mean wall seconds
until the planner had its plan. Every plan is checked by the validator and priced by the simulator, whatever the planner
says; times are simulated, no accelerator was used.
"""
HEADER = (
    "planner",
    f"to {REFERENCE}",
    "worst",
    "to recorded",
    "worst",
    "to all-slow",
    "gap",
    "worst",
    "worse",
    "optimal",
    "overran",
    "failed",
    "found after",
)


@dataclass(frozen=True)
class Section:
    """One run on a page that has several."""

    title: str
    results: BenchResults


def page(title: str, introduction: str, sections: Sequence[Section]) -> str:
    """A page with the legend, then every run; a single run without a title has no heading of its own."""
    lines = [f"# {title}", "", *([introduction, ""] if introduction else []), LEGEND]
    for section in sections:
        lines += [f"## {section.title}", ""] if section.title else []
        lines += [*section_lines(section.results), ""]
    return "\n".join(lines).rstrip() + "\n"


def section_lines(results: BenchResults) -> Iterator[str]:
    """What one run has to say."""
    yield f"- Machine: {results.machine}; date: {results.date}; memstow {results.memstow_version}, code {results.code}"
    yield f"- Command: `{results.command}`"
    yield f"- {_each_planner(results)}"
    for k, group in enumerate(results.totals):
        table = _totals(group, with_targets=needs_targets(results.totals, k))
        yield from ("", f"### {heading(group)}", "", *table, "", *reachable(group))
    if results.totals:
        yield from ("", "### Profile", "", *_profile(results.totals[0]))
        yield from ("", "### Every program", "", *_cases(results.cases))
    remarked = (
        ("Priced by the roofline", results.fallbacks),
        ("Failures", results.failures),
        ("Over the budget", results.overruns),
    )
    for title, remarks in remarked:
        if remarks:
            yield from ("", f"### {title}", "", *(f"- {_escape(remark)}" for remark in remarks))


def total_cells(totals: PlannerTotals, *, with_targets: bool) -> tuple[str, ...]:
    """A planner's row under :data:`HEADER`; ``with_targets`` has the worst programs with their targets."""

    def worst(spread: Spread | None, show: Callable[[float], str]) -> str:
        if spread is None:
            return NOTHING
        return f"{show(spread.worst)} {spread.worst_case if with_targets else spread.worst_case.partition(' (')[0]}"

    return (
        totals.planner + (" (reference)" if totals.is_extra else ""),
        _middle(totals.to_reference),
        worst(totals.to_reference, ratio),
        _middle(totals.to_recorded),
        worst(totals.to_recorded, ratio),
        _middle(totals.to_all_slow),
        NOTHING if totals.gap is None else percent(totals.gap.middle),
        worst(totals.gap, percent),
        f"{totals.worse_than_reference} / {totals.worse_than_recorded}",
        str(totals.optimal),
        str(totals.overruns),
        str(totals.failures),
        NOTHING if totals.mean_best_after_seconds is None else f"{wall(totals.mean_best_after_seconds)} s",
    )


def heading(group: GroupTotals) -> str:
    """A group and the number of its programs."""
    return f"{group.group}: {group.cases} program{'' if group.cases == 1 else 's'}"


def needs_targets(totals: Sequence[GroupTotals], index: int) -> bool:
    """Whether a table of totals is over several targets: the first one, if there are others."""
    return index == 0 and len(totals) > 1


def reachable(group: GroupTotals) -> list[str]:
    """What no planner can beat, as one line; none without a bound."""
    spreads = (("to recorded", group.bound_to_recorded), (f"to {REFERENCE}", group.bound_to_reference))
    parts = [f"{_middle(spread)} {name}" for name, spread in spreads if spread is not None]
    return [f"The proven bound, which no planner can beat: {', '.join(parts)} (geometric means)."] if parts else []


def _each_planner(results: BenchResults) -> str:
    settings = results.settings
    effort = (
        f"{settings.budget_seconds:g} s" if settings.iterations is None else f"{settings.iterations} iterations each"
    )
    bounds = f"bounds: {settings.bound_seconds:g} s; cost model: {settings.cost_model}"
    return f"Each planner alone with all cores, {effort}, seed {settings.seed}; {bounds}"


def _totals(group: GroupTotals, *, with_targets: bool) -> Iterator[str]:
    yield from _table(HEADER, [total_cells(totals, with_targets=with_targets) for totals in group.planners])


def _profile(group: GroupTotals) -> Iterator[str]:
    yield "Share of the programs in which a planner's plan takes at most so many times the time of the fastest plan."
    yield ""
    rows = [
        (totals.planner, *(f"{100 * totals.profile[f'{factor:g}']:.0f} %" for factor in PROFILE))
        for totals in group.planners
    ]
    yield from _table(("planner", *(f"{factor:g}" for factor in PROFILE)), rows)


def _cases(cases: Sequence[CaseResult]) -> Iterator[str]:
    names = [result.planner for result in cases[0].planners]
    yield "Microseconds; behind a planner's time its gap and the seconds after which it had found it."
    yield ""
    header = ("program", "target", "all-slow", "recorded", "bound", *names)
    yield from _table(header, [_case_cells(case, names) for case in cases])


def _case_cells(case: CaseResult, names: Iterable[str]) -> Iterator[str]:
    yield from (case.name, case.group)
    yield from (micros(seconds) for seconds in (case.all_slow_seconds, case.recorded_seconds, case.bound_seconds))
    for name in names:
        result = case.by_planner(name)
        if result.seconds is None:
            yield "**failed**"
        else:
            yield f"{micros(result.seconds)} ({percent(result.gap)}, {wall(result.best_after_seconds)} s)"


def _middle(spread: Spread | None) -> str:
    return ratio(spread.middle if spread else None)


def _table(header: Sequence[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"| --- |{' ---: |' * (len(header) - 1)}"
    for row in rows:
        yield f"| {' | '.join(_escape(cell) for cell in row)} |"


def _escape(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
