"""The page ``docs/results.md``: what each part of ``results.py`` found, and the rivals; no figure is typed by hand."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from agent_statistics import CONFIDENCE
from agent_text import NOTHING, figure, table
from results_figures import BOUND, Contest, Row
from results_rivals import Arena, Packing, rivals

from memstow.bench import REFERENCE, BenchResults
from memstow.bench.settings import WORSE
from memstow.bench.text import micros, wall
from memstow.defaults import OPTIMALITY_GAP
from memstow.planners import names

PICTURE = Path("images/results_profile.svg")
#: Ratios to the fastest plan's time for which the share of runs is told.
PROFILE = (1.0, 1.001, 1.01, 1.05, 1.1, 1.5)
LEGEND = f"""\
Written by `make bench`; do not edit. Every planner had each program alone, with all cores and the same wall-clock
budget; a search ends earlier where its plan is proven optimal, within {100 * OPTIMALITY_GAP:g} %. Every plan is checked
by the validator and priced by the simulator, whatever the planner says: **times are simulated**, no accelerator was
used.

Figures are ratios of times, so less is better. *to recorded* and *to {REFERENCE}* are geometric means over programs and
seeds, *middle* is the interquartile mean of the same ratios; *to bound* is the ratio to the proven lower bound, below
which no plan of anybody can be. All seeds count alike, never the best one. Brackets hold {100 * CONFIDENCE:g} % by
rliable's stratified bootstrap, which draws each program's seeds anew; there are none where a seed changes nothing.
*optimal* and *failed* are shares of the runs; *found after*: mean wall seconds until a planner had its plan, *longest*:
its longest run."""


@dataclass(frozen=True)
class Page:
    """What the page is made from. ``commit`` is the one that it is made at."""

    contests: Sequence[Contest]
    arena: Arena | None
    packing: Packing | None
    suite: Path
    commit: str

    def text(self) -> str:
        """The page in Markdown."""
        return "\n".join(self._lines()).rstrip() + "\n"

    def _lines(self) -> Iterator[str]:
        yield from ("# Results", "", LEGEND, "", *self._conditions(), "")
        if self.contests:
            yield from ("## At a glance", "", *self._glance(), "", *profile_picture(), "")
        for contest in self.contests:
            yield from (f"## {contest.part.title}", "", *section(contest), "")
        yield from rivals(self.contests, self.arena, self.packing, self.suite)
        for contest in self.contests:
            yield from ("", f"## Every program: {contest.part.title[0].lower()}{contest.part.title[1:]}", "")
            yield from every_program(contest)

    def _conditions(self) -> Iterator[str]:
        runs = [run for contest in self.contests for run in contest.runs]
        sources = [*runs, *(part.made for part in (self.arena, self.packing) if part is not None)]
        yield f"- Machine: {each(str(source.machine) for source in sources)}"
        yield f"- Date: {each(source.date for source in sources)}; page made at commit `{self.commit}`"
        codes = each(f"{run.memstow_version}, code {run.code}" for run in runs)
        yield f"- memstow {codes}; budgets: {each(f'{run.settings.budget_seconds:g} s' for run in runs)}"
        left_out = sorted(set(names()) - {name for contest in self.contests for name in contest.planners})
        yield f"- Planners that were not run: {', '.join(left_out) or 'none'}"
        hours = sum(contest.wall_seconds for contest in self.contests) / 3600
        yield f"- Planners and bounds took {hours:.2f} h, one after another"

    def _glance(self) -> Iterator[str]:
        yield "Times over the proven bound, geometric means over programs and seeds."
        yield ""
        groups = [(contest, name) for contest in self.contests for name in contest.groups if name != "all"]
        found = [{row.name: row for row in contest.rows_by_group[name]} for contest, name in groups]
        planners = [name for name in dict.fromkeys(name for by_name in found for name in by_name) if name != BOUND]
        header = ["part", "target", "programs", *planners]
        rows = []
        for (contest, group), by_name in zip(groups, found, strict=True):
            about = [contest.part.name, group, str(len(contest.groups[group]))]
            rows.append([*about, *(_to_bound(by_name.get(planner)) for planner in planners)])
        yield from table(header, rows, words=2)


def _to_bound(row: Row | None) -> str:
    return NOTHING if row is None or row.to_bound is None else f"{row.to_bound.value:.4f}"


def profile_picture() -> Iterator[str]:
    """The picture and what it shows."""
    yield f"![Performance profiles]({PICTURE})"
    yield ""
    yield "*Performance profiles: for each planner the share of its runs (a program and a seed each) whose plan takes"
    yield "at most so many times the time of the fastest plan that was found. Higher is better; searches are solid.*"


def section(contest: Contest) -> Iterator[str]:
    """How to repeat a part, its figures by target, its profile, what went wrong."""
    yield f"<!-- not run: {contest.wall_seconds / 60:.0f} minutes of planning -->"
    yield "```sh"
    yield from (command(run, path) for run, path in zip(contest.runs, contest.paths, strict=True))
    yield "```"
    for group, labels in contest.groups.items():
        count = f"{len(labels)} program{'' if len(labels) == 1 else 's'}"
        yield from ("", f"### {contest.part.name}: {group}, {count}", "", *figures(contest, group))
    yield from ("", f"### {contest.part.name}: profile", "", *profile(contest))
    failures = [failure for run in contest.runs for failure in run.failures]
    late = [remark for run in contest.runs for remark in run.overruns]
    for title, remarks in (("Failures", failures), ("Over the budget", late)):
        if remarks:
            yield from ("", f"{title}:", "", *(f"- {_plain(remark)}" for remark in remarks))


def command(run: BenchResults, path: Path) -> str:
    """The command line that a run was made by."""
    words = ["memstow", "bench", run.source, *run.settings.as_options(), "--json", str(path)]
    return shlex.join(words).replace(" --known-bounds ", " \\\n  --known-bounds ").replace(" --json ", " \\\n  --json ")


def figures(contest: Contest, group: str) -> Iterator[str]:
    """A group's row for each planner."""
    rival, _ = contest.rival
    ratios = (f"to {rival}", "middle", "to bound", "middle")
    header = ("planner", "runs", *ratios, "optimal", "failed", "found after", "longest")
    yield from table(header, map(_cells, contest.rows_by_group[group]))


def _cells(row: Row) -> list[str]:
    ratios = (row.to_rival, row.to_rival_middle, row.to_bound, row.to_bound_middle)
    shares = [NOTHING if share is None else f"{100 * share:.0f} %" for share in (row.optimal, row.failed)]
    times = [NOTHING if seconds is None else f"{wall(seconds)} s" for seconds in (row.found_after, row.longest)]
    return [row.name, f"{row.programs} x {row.seeds}", *map(figure, ratios), *shares, *times]


def profile(contest: Contest) -> Iterator[str]:
    """The table of the picture."""
    yield "Share of the runs whose plan takes at most so many times the time of the fastest plan:"
    yield ""
    excesses = contest.excesses(list(contest.cases))
    yield from table(
        ("planner", *(f"{factor:g}" for factor in PROFILE)),
        (
            [name, *(f"{100 * np.mean(values <= factor * (1.0 + WORSE) - 1.0):.0f} %" for factor in PROFILE)]
            for name, values in excesses.items()
        ),
    )


def every_program(contest: Contest) -> Iterator[str]:
    """Mean times over seeds."""
    yield "Microseconds, means over seeds."
    yield ""
    plans = {name: contest.plans(name) for name in contest.planners}
    header = ("program", "target", "all-slow", "recorded", "bound", *plans)
    rows = []
    for label, case in contest.cases.items():
        known = (case.all_slow_seconds, case.recorded_seconds, case.bound_seconds)
        means = [_mean(plan.seconds for plan in found if plan.program == label) for found in plans.values()]
        rows.append([case.name, case.group, *map(micros, known), *means])
    yield from table(header, rows, words=2)


def _mean(seconds: Iterable[float | None]) -> str:
    found = list(seconds)
    known = [value for value in found if value is not None]
    return micros(sum(known) / len(known)) if len(known) == len(found) else "**failed**"


def each(values: Iterable[str]) -> str:
    """Different values, once each."""
    return "; ".join(dict.fromkeys(values)) or NOTHING


def _plain(text: str) -> str:
    return " ".join(text.replace("<", "&lt;").split())
