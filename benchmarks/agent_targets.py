"""What issue 5 of 5 asks to be shown, beside what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import geometric_mean

import numpy as np
from agent_contests import (
    AGENT,
    BRIEF,
    FINETUNE,
    GREEDY,
    HEURISTICS,
    MINUTE,
    SEARCHES,
    TEN,
    TUNING,
    WITH,
    WITHOUT,
)
from agent_statistics import Sample, better_and_worse, common, compared, improvement, mean_ratio
from agent_text import change, changes, figure, seconds
from agent_view import View


@dataclass(frozen=True)
class Row:
    """One target: what, how much, what was found, by how many programs and seeds."""

    what: str
    target: str
    found: str
    verdict: str
    basis: str = ""

    def cells(self) -> list[str]:
        """As a row of the table."""
        return [self.what, self.target, self.found, self.verdict, self.basis]


def rows(view: View, hard: tuple[str, ...]) -> Iterator[Row]:
    """All targets, in the issue's order."""
    yield from _against_recorded(view, GREEDY, TEN, 12.0, "agent-greedy")
    yield _wall(view)
    yield _heuristics(view)
    yield _portfolio_minute(view)
    yield from _against_recorded(view, AGENT, TEN, 18.0, f"agent, {seconds(view.scale * TEN)},")
    yield _long(view)
    yield _searches(view)
    for budget in (BRIEF, MINUTE):
        yield _pair(view, WITH, WITHOUT, budget)
    yield _finetune(view, hard)


def reached(is_reached: bool, by: str = "") -> str:
    """A verdict."""
    return "reached" if is_reached else f"missed{' by ' + by if by else ''}"


def _against_recorded(view: View, label: str, budget: float, target: float, what: str) -> Iterator[Row]:
    found, recorded, bounds = view.tests(label, budget), view.recorded(), view.bounds()
    found = found and found.within(recorded)
    name, goal = f"{what} against the recorded XLA solution", f"at least {target:g} % less time"
    if found is None:
        yield _missing(name, goal)
        return
    ratio = mean_ratio(found, recorded)
    short = 100 * (ratio.value - 1.0) + target
    verdict = reached(short <= 0.0, f"{short:.2f} points")
    proven = [bounds.get(name, 0.0) / recorded[name] for name in found.programs]
    bound = geometric_mean(proven) if all(proven) else 0.0
    if 100 * (1.0 - bound) < target:
        verdict += f"; the proven bound is {change(bound)}"
    yield Row(name, goal, changes(ratio), verdict, _basis(found))


def _wall(view: View) -> Row:
    runs = view.test_runs(GREEDY, TEN)
    if not runs:
        return _missing("agent-greedy, wall-clock seconds", "under 1 s a program")
    worst = max(runs, key=lambda run: run.wall_seconds)
    found = f"largest {worst.wall_seconds:.2f} s ({worst.program})"
    return Row(
        "agent-greedy, wall-clock seconds",
        "under 1 s a program",
        found,
        reached(worst.wall_seconds < 1.0, f"{worst.wall_seconds - 1.0:.2f} s"),
        f"{len(runs)} programs",
    )


def _heuristics(view: View) -> Row:
    what, target = "agent-greedy against the best heuristic planner (no search)", "at least 5 % less time"
    own = view.tests(GREEDY, TEN)
    rivals = {name: found for name in HEURISTICS if (found := view.tests(name, TEN)) is not None}
    if own is None or not rivals:
        return _missing(what, target)
    ratios = {name: compared(own, other) for name, other in rivals.items()}
    best = max(ratios, key=lambda name: ratios[name].value)
    programs = common(own, *rivals.values())
    each = np.min([found.on(programs).mean(axis=0) for found in rivals.values()], axis=0)
    to_each = mean_ratio(Sample(tuple(programs), own.seeds, own.on(programs)), dict(zip(programs, each, strict=True)))
    short = 100 * (ratios[best].value - 1.0) + 5.0
    told = f"{changes(ratios[best])} than {best}; {changes(to_each)} than the best of them on each program"
    return Row(what, target, told, reached(short <= 0.0, f"{short:.2f} points"), _basis(own))


def _portfolio_minute(view: View) -> Row:
    what = f"agent-greedy against the portfolio without agent, {seconds(view.scale * MINUTE)}"
    own, other = view.tests(GREEDY, TEN), view.tests(WITHOUT, MINUTE)
    if own is None or other is None:
        return _missing(what, "at most 6 % more time")
    ratio = compared(own, other)
    over = 100 * (ratio.value - 1.0) - 6.0
    return Row(what, "at most 6 % more time", changes(ratio), reached(over <= 0.0, f"{over:.2f} points"), _basis(other))


def _long(view: View) -> Row:
    what = f"programs of 2,000-20,000 instructions, {seconds(view.scale * TEN)}: agent against portfolio without agent"
    own, other = view.long(AGENT, TEN), view.long(WITHOUT, TEN)
    if own is None or other is None:
        return _missing(what, "better on most")
    better, worse = better_and_worse(own, other)
    count = len(common(own, other))
    found = f"{changes(compared(own, other))}; better on {better}, worse on {worse} of {count}"
    return Row(what, "better on most", found, reached(2 * better > count), _basis(own))


def _searches(view: View) -> Row:
    what = f"agent against the best single search planner, {seconds(view.scale * TEN)} each"
    target = "probability of improvement over 0.5, interval above it"
    own = view.tests(AGENT, TEN)
    rivals = {name: found for name in SEARCHES if (found := view.tests(name, TEN)) is not None}
    if own is None or not rivals:
        return _missing(what, target)
    best = max(rivals, key=lambda name: compared(own, rivals[name]).value)
    chance = improvement(own, rivals[best])
    low = chance.value if chance.low is None else chance.low
    return Row(what, target, f"{figure(chance, 3)} against {best}", reached(low > 0.5), _basis(own))


def _pair(view: View, label: str, other_label: str, budget: float) -> Row:
    what = f"portfolio with agent against without, {seconds(view.scale * budget)}"
    own, other = view.tests(label, budget), view.tests(other_label, budget)
    if own is None or other is None:
        return _missing(what, "less time")
    ratio, chance = compared(own, other), improvement(own, other)
    found = f"{changes(ratio)}; probability of improvement {figure(chance, 3)}"
    return Row(what, "less time", found, reached(ratio.value < 1.0), _basis(own))


def _finetune(view: View, hard: tuple[str, ...]) -> Row:
    what = f"agent-finetune, {seconds(view.scale * TUNING)}, on five hard programs"
    target = "less time than every other planner"
    own = view.on(FINETUNE, TUNING, hard)
    rivals: Mapping[str, Sample] = {
        name: found for name in (AGENT, *SEARCHES, WITHOUT, WITH) if (found := view.on(name, TUNING, hard)) is not None
    }
    if own is None or not rivals:
        return _missing(what, target)
    best = max(rivals, key=lambda name: compared(own, rivals[name]).value)
    ratio = compared(own, rivals[best])
    better, worse = better_and_worse(own, rivals[best])
    told = f"{changes(ratio)} than {best}; better on {better}, worse on {worse}"
    return Row(what, target, told, reached(ratio.value < 1.0), _basis(own))


def _missing(what: str, target: str) -> Row:
    return Row(what, target, "not measured", "")


def _basis(found: Sample) -> str:
    return f"{len(found.programs)} programs, {len(found.seeds)} seed{'s' if len(found.seeds) > 1 else ''}"
