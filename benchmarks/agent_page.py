"""``docs/agent.md``: every table from the runs that there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from agent_contests import (
    AGENT,
    BRIEF,
    FINETUNE,
    GREEDY,
    HARD,
    HEURISTICS,
    MINUTE,
    ONE_THREAD,
    SEARCHES,
    TEN,
    TUNING,
    WITH,
    WITHOUT,
)
from agent_curves import record_lines
from agent_page_parts import ablations, cost, evaluations, rates
from agent_runs import Run, Store
from agent_statistics import (
    CONFIDENCE,
    Sample,
    better_and_worse,
    common,
    compared,
    improvement,
    mean_ratio,
    middle_ratio,
)
from agent_subjects import LONG, SUITE
from agent_targets import rows
from agent_text import NOTHING, figure, seconds, table
from agent_view import View

INTRODUCTION = """\
Written by `make bench-agent` (`python benchmarks/agent.py`); do not edit. All seeds count alike; how many there were
stands beside each figure. Every plan is checked by the validator and priced by the simulator: times are simulated, no
accelerator was used. Ratios are times over others', so less is better; means are geometric, over programs and seeds;
*middle* is the interquartile mean of the ratios. Brackets hold {confidence:.0%} by rliable's stratified bootstrap,
which draws each program's seeds anew; none where one seed was run or no seed makes a difference. There is no
cross-program prefetch, and those of the recorded solutions are charged. Searches on production programs end where the
proven bound is met."""
#: Who is shown on the suite, in this order, with nominal budgets.
ENTRANTS = (
    *((name, TEN) for name in (*HEURISTICS, GREEDY)),
    *((name, TEN) for name in (*SEARCHES, ONE_THREAD, AGENT)),
    *((WITHOUT, budget) for budget in (BRIEF, TEN, MINUTE)),
    *((WITH, budget) for budget in (BRIEF, MINUTE)),
)
#: Planners that do not search: their budget says nothing.
UNLIMITED = frozenset((*HEURISTICS, GREEDY))
#: Pairs that are compared on the suite's test families, with the first's and the second's budget.
PAIRS = (
    *((GREEDY, TEN, name, TEN) for name in HEURISTICS),
    (GREEDY, TEN, WITHOUT, MINUTE),
    *((AGENT, TEN, name, TEN) for name in (*SEARCHES, WITHOUT)),
    *((ONE_THREAD, TEN, name, TEN) for name in SEARCHES),
    (WITH, BRIEF, WITHOUT, BRIEF),
    (WITH, MINUTE, WITHOUT, MINUTE),
)

#: Cases that are named where they are counted.
_SHOWN = 8


@dataclass(frozen=True)
class Page:
    """What the page is made of.

    ``folder`` is the agent's; ``variants`` the weights' digests of the ablations' networks by what is different;
    ``head`` the commit; ``hard`` the programs of ``agent-finetune``.
    """

    store: Store
    agent: str
    scale: float
    folder: Path
    figure: Path | None
    variants: Mapping[str, str]
    head: str
    hard: tuple[str, ...] = HARD

    def text(self) -> str:
        """The whole page."""
        view = View(self.store, self.scale, self.agent, self.variants)
        return "\n".join(self._lines(view)) + "\n"

    def _lines(self, view: View) -> Iterator[str]:
        sections: tuple[tuple[str, Callable[[View], Iterator[str]]], ...] = (
            ("Targets", lambda view: table(("what", "target", "found", "", "on"), _cells(view, self.hard), words=5)),
            ("Production programs of families that were not trained on", _tests),
            ("All production programs, families that were trained on among them", _suite),
            ("Program by program", _programs),
            ("One against another", _pairs),
            ("Equal evaluations", evaluations),
            ("Long programs", _long),
            ("Hard programs, ten minutes", lambda view: _finetune(view, self.hard)),
            ("Ablations", ablations),
            ("Learned cost against roofline", cost),
            ("Decisions a second", rates),
            ("Training", lambda view: record_lines(self.folder, self.figure)),
        )
        yield "# The agent, measured"
        yield ""
        yield from _introduction(view, self.head)
        for title, section in sections:
            yield ""
            yield f"## {title}"
            yield ""
            yield from section(view)


def _introduction(view: View, head: str) -> Iterator[str]:
    runs = view.runs
    machines = sorted({run.machine for run in runs}) or [NOTHING]
    dates = sorted({run.date for run in runs}) or [NOTHING]
    codes = sorted({run.code for run in runs}) or [NOTHING]
    failed = [run for run in runs if run.failure]
    late = [run for run in runs if run.overran]
    yield from INTRODUCTION.format(confidence=CONFIDENCE).splitlines()
    yield ""
    yield f"- Machine: {'; '.join(machines)}"
    days = " to ".join(dict.fromkeys((dates[0], dates[-1])))
    yield f"- Date: {days}; page made at commit `{head}`; code {', '.join(codes)}"
    yield f"- Weights: `{view.agent or 'none'}`; budgets times {view.scale:g}; {len(runs)} runs"
    yield "- `agent`, `agent-finetune` and `portfolio` search on all cores, the single searches and heuristics on one"
    yield f"- Failed or invalid: {_some(f'{run.program}, {run.planner}: {run.failure}' for run in failed)}"
    yield f"- Overran their budget by a second and a tenth: {_some(_late(run) for run in late)}"


def _some(cases: Iterable[str]) -> str:
    found = list(cases)
    return "; ".join([str(len(found)), *found[:_SHOWN], *(["..."] if len(found) > _SHOWN else [])])


def _late(run: Run) -> str:
    return f"{run.program}, {run.planner}: {run.wall_seconds:.1f} s of {run.budget_seconds:g} s"


def _cells(view: View, hard: tuple[str, ...]) -> Iterator[list[str]]:
    for row in rows(view, hard):
        yield row.cells()


def _tests(view: View) -> Iterator[str]:
    names = view.programs(SUITE, tests_only=True)
    yield f"{len(names)} files: {', '.join(sorted(names)) or NOTHING}."
    yield ""
    yield from _standings(view, view.tests)


def _suite(view: View) -> Iterator[str]:
    seen = view.programs(SUITE, tests_only=False) - view.programs(SUITE, tests_only=True)
    if not any(run.program in seen for run in view.runs):
        yield "Not measured."
        return
    yield "Families that the agent was trained on are among these, so nothing here says how it does on programs unseen:"
    yield f"{', '.join(sorted(seen))}."
    yield ""
    yield from _standings(view, view.suite)


def _standings(view: View, samples: Callable[[str, float], Sample | None]) -> Iterator[str]:
    recorded, bounds = view.recorded(), view.bounds()
    lines = []
    for label, budget in ENTRANTS:
        found = samples(label, budget)
        if found is None:
            continue
        priced, bounded = found.within(recorded), found.within(bounds)
        walls = [run.wall_seconds for run in view.select(label, budget, found.programs)]
        lines.append(
            (
                label,
                NOTHING if label in UNLIMITED else seconds(view.scale * budget),
                f"{len(found.programs)} x {len(found.seeds)}",
                figure(mean_ratio(priced, recorded) if priced else None),
                figure(middle_ratio(priced, recorded) if priced else None),
                figure(mean_ratio(bounded, bounds) if bounded else None),
                f"{float((priced.seconds.mean(axis=0) / [recorded[p] for p in priced.programs]).max()):.4f}"
                if priced
                else NOTHING,
                f"{max(walls):.2f} s",
            )
        )
    header = ("planner", "budget", "programs x seeds", "to recorded", "middle", "to bound", "worst to recorded")
    yield from table((*header, "longest"), lines)
    widest = max((found for entrant in ENTRANTS if (found := samples(*entrant))), key=_width, default=None)
    both = widest.within(recorded.keys() & bounds.keys()) if widest else None
    if both is not None:
        proven = Sample(both.programs, (0,), both.seconds[:1] * 0 + [[bounds[name] for name in both.programs]])
        yield ""
        yield f"The proven bound, which no planner can beat: {figure(mean_ratio(proven, recorded))} to recorded."


def _width(found: Sample) -> int:
    return len(found.programs)


def _programs(view: View) -> Iterator[str]:
    columns = [entry for entry in ENTRANTS if view.tests(*entry) is not None]
    recorded, bounds = view.recorded(), view.bounds()
    lines = []
    for name in sorted(view.programs(SUITE, tests_only=True)):
        cells = [NOTHING if name not in recorded else f"{1e6 * recorded[name]:.1f}", NOTHING]
        if name in bounds and name in recorded:
            cells[1] = f"{bounds[name] / recorded[name]:.4f}"
        for label, budget in columns:
            found = view.on(label, budget, [name])
            cells.append(f"{found.seconds.mean() / recorded[name]:.4f}" if found and name in recorded else NOTHING)
        lines.append((name, *cells))
    heads = [label if label in UNLIMITED else f"{label}, {seconds(view.scale * budget)}" for label, budget in columns]
    yield "Mean times over seeds to recorded; recorded in microseconds."
    yield ""
    yield from table(("program", "recorded", "bound", *heads), lines)


def _pairs(view: View) -> Iterator[str]:
    yield "The first's time over the second's, and the probability that a run of the first is faster than one of the"
    yield "second (a tie counts half), on families that were not trained on."
    yield ""
    yield from _comparisons(view, PAIRS, view.tests)


def _comparisons(
    view: View,
    pairs: tuple[tuple[str, float, str, float], ...],
    samples: Callable[[str, float], Sample | None],
) -> Iterator[str]:
    lines = []
    for label, budget, other_label, other_budget in pairs:
        one, other = samples(label, budget), samples(other_label, other_budget)
        if one is None or other is None or not common(one, other):
            continue
        better, worse = better_and_worse(one, other)
        lines.append(
            (
                _named(view, label, budget),
                _named(view, other_label, other_budget),
                f"{len(common(one, other))} x {len(one.seeds)}",
                figure(compared(one, other)),
                figure(improvement(one, other), 3),
                f"{better} / {worse}",
            )
        )
    header = ("planner", "against", "programs x seeds", "ratio", "probability of improvement", "better / worse")
    yield from table(header, lines, words=2)


def _named(view: View, label: str, budget: float) -> str:
    return label if label in UNLIMITED else f"{label}, {seconds(view.scale * budget)}"


def _long(view: View) -> Iterator[str]:
    yield "Training steps by the generator with seeds that training never draws, accelerators drawn with them, and deep"
    yield "models of the zoo where they were exported; those marked with a star are of families that were trained on."
    yield ""
    columns = ((GREEDY, TEN), (AGENT, TEN), (WITHOUT, TEN), (WITH, TEN))
    lines = []
    for name in sorted(view.programs(LONG, tests_only=False), key=lambda name: (view.facts(name).instructions, name)):
        facts = view.facts(name)
        found = [view.on(label, budget, [name]) for label, budget in columns]
        if any(found):
            cells = [f"{one.seconds.mean() / facts.all_slow_seconds:.4f}" if one else NOTHING for one in found]
            seeds = max(len(one.seeds) for one in found if one)
            lines.append((name + ("" if facts.is_test else " *"), str(facts.instructions), str(seeds), *cells))
    yield from _comparisons(
        view,
        ((AGENT, TEN, WITHOUT, TEN), (GREEDY, TEN, WITHOUT, TEN), (WITH, TEN, WITHOUT, TEN)),
        view.long,
    )
    walls = {
        _named(view, *column): [run.wall_seconds for run in view.select(*column, view.programs(LONG, tests_only=False))]
        for column in columns
    }
    yield ""
    longest = ", ".join(f"{name}: {max(found):.1f} s" for name, found in walls.items() if found)
    yield f"Longest wall-clock times: {longest or NOTHING}."
    yield ""
    yield "Mean times over seeds to everything in slow memory:"
    yield ""
    heads = [_named(view, label, budget) for label, budget in columns]
    yield from table(("program", "instructions", "seeds", *heads), lines)


def _finetune(view: View, hard: tuple[str, ...]) -> Iterator[str]:
    yield "The test files with the largest gaps that the portfolio without agent leaves after a minute; mean times over"
    yield "seeds to the proven bound."
    yield ""
    bounds = view.bounds()
    columns = [(name, TUNING) for name in (FINETUNE, AGENT, WITHOUT, WITH, *SEARCHES)]
    lines = []
    for name in hard:
        found = [view.on(label, budget, [name]) for label, budget in columns]
        if any(found) and name in bounds:
            cells = [f"{one.seconds.mean() / bounds[name]:.4f}" if one else NOTHING for one in found]
            lines.append((name, str(max(len(one.seeds) for one in found if one)), *cells))
    yield from table(("program", "seeds", *(_named(view, *column) for column in columns)), lines)
    yield ""
    yield from _comparisons(
        view,
        tuple((FINETUNE, TUNING, label, budget) for label, budget in columns[1:]),
        lambda label, budget: view.on(label, budget, hard),
    )
