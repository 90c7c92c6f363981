"""Tables of ``docs/agent.md`` about parts of the agent: ablations, prices, rates."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import geometric_mean

from agent_contests import (
    AGENT,
    EVALUATED,
    EVALUATIONS,
    GREEDY,
    LEARNED_DYNAMICS,
    NO_FIRST_TREE,
    PRICED,
    PRICED_GREEDY,
    ROOFLINE_AGENT,
    ROOFLINE_GREEDY,
    TEN,
    TREE_LEARNED,
    TREE_ONLY,
    TREE_PRICED,
    VARIANT,
)
from agent_rates import KINDS
from agent_statistics import Sample, better_and_worse, common, compared, improvement, mean_ratio
from agent_text import NOTHING, figure, seconds, table
from agent_view import View

from memstow.rl_agent.guide import GuidedSearch


def ablations(view: View) -> Iterator[str]:
    """What each part buys, on families that were not trained on."""
    yield f"Each has {seconds(view.scale * TEN)}, unless it is one game. *ratio*: its time over that of the planner"
    yield "beside it; above 1 what was taken away is worth something. A tree search alone plays one game to its end,"
    yield "however long that takes, and is set against the greedy game: there, below 1 the search is worth something."
    yield ""
    whole, greedy = view.tests(AGENT, TEN), view.tests(GREEDY, TEN)
    rows: list[tuple[str, str, Sample | None, Sample | None]] = [
        ("nothing", AGENT, whole, None),
        ("search", GREEDY, greedy, whole),
        ("network", PRICED, view.tests(PRICED, TEN), whole),
        ("network, search", PRICED_GREEDY, view.tests(PRICED_GREEDY, TEN), greedy),
        ("true game in the tree search", LEARNED_DYNAMICS, view.tests(LEARNED_DYNAMICS, TEN), whole),
        ("tree search of the first game", NO_FIRST_TREE, view.tests(NO_FIRST_TREE, TEN), whole),
        ("games from the middle", TREE_ONLY, view.tests(TREE_ONLY, 0.0, 0), greedy),
        ("games from the middle, true game", TREE_LEARNED, view.tests(TREE_LEARNED, 0.0, 0), greedy),
        ("games from the middle, network", TREE_PRICED, view.tests(TREE_PRICED, 0.0, 0), greedy),
    ]
    for name in view.variants:
        for label, rival in ((GREEDY, greedy), (AGENT, whole)):
            named = VARIANT.format(planner=label, variant=name)
            rows.append((f"other training: {name}", named, view.tests(named, TEN), rival))
    yield from table(
        ("taken away", "planner", "programs x seeds", "to recorded", "ratio", "over that of", "better / worse"),
        (_ablation(view, *row, greedy) for row in rows if row[2] is not None),
        words=2,
    )
    yield ""
    yield "Drop-backup cannot be switched off as a whole: often nothing else is legal where it acts, a game without it"
    yield "would end there without a plan. The rates below say how many decisions it makes."


def _ablation(
    view: View, what: str, label: str, own: Sample | None, rival: Sample | None, greedy: Sample | None
) -> tuple[str, ...]:
    assert own is not None
    recorded = view.recorded()
    priced = own.within(recorded)
    better, worse = better_and_worse(own, rival) if rival is not None else (0, 0)
    return (
        what,
        label,
        f"{len(own.programs)} x {len(own.seeds)}",
        figure(mean_ratio(priced, recorded) if priced else None),
        figure(compared(own, rival)) if rival is not None else NOTHING,
        NOTHING if rival is None else GREEDY if rival is greedy else AGENT,
        NOTHING if rival is None else f"{better} / {worse}",
    )


def evaluations(view: View) -> Iterator[str]:
    """As many schedules priced by each, whatever the time."""
    count = round(view.scale * EVALUATIONS)
    yield f"{count} schedules priced by each: games from the middle of the best one, changes of local search, orders of"
    yield "random keys. `lns` solves integer programs and `portfolio` mixes all, so they have no such count."
    yield ""
    recorded = view.recorded()
    own = view.tests(EVALUATED, 0.0, count)
    lines = []
    for label in (EVALUATED, "local-search", "random-keys"):
        found = view.tests(label, 0.0, count)
        priced = found.within(recorded) if found else None
        if found is None or priced is None:
            continue
        walls = [run.wall_seconds for run in view.select(label, 0.0, found.programs, count)]
        is_rival = own is not None and label != EVALUATED
        lines.append(
            (
                label,
                f"{len(found.programs)} x {len(found.seeds)}",
                figure(mean_ratio(priced, recorded)),
                figure(compared(own, found)) if own is not None and is_rival else NOTHING,
                figure(improvement(own, found), 3) if own is not None and is_rival else NOTHING,
                f"{sum(walls) / len(walls):.2f} s",
            )
        )
    header = ("planner", "programs x seeds", "to recorded", "agent's over its", "agent's improvement", "mean wall")
    yield from table(header, lines)


def cost(view: View) -> Iterator[str]:
    """Plans that were made with the roofline, timed by the learned cost model."""
    yield "Test models of the zoo, planned with the learned cost model and with the roofline; the learned cost model"
    yield "times both. *ratio* is the time of the plan made with the learned one over that made with the roofline."
    yield ""
    rows = []
    for label, other_label in ((GREEDY, ROOFLINE_GREEDY), (AGENT, ROOFLINE_AGENT)):
        own, other = view.zoo(label, TEN), view.zoo(other_label, TEN)
        if own is None or other is None or not common(own, other):
            continue
        better, worse = better_and_worse(own, other)
        programs = common(own, other)
        worst = max(programs, key=lambda name: float(own.on([name]).mean() / other.on([name]).mean()))
        rows.append(
            (
                label,
                f"{len(programs)} x {len(own.seeds)}",
                figure(compared(own, other)),
                figure(improvement(own, other), 3),
                f"{better} / {worse}",
                f"{float(own.on([worst]).mean() / other.on([worst]).mean()):.4f} {worst}",
            )
        )
    header = ("planner", "programs x seeds", "ratio", "probability of improvement", "better / worse", "worst")
    yield from table(header, rows)


def rates(view: View) -> Iterator[str]:
    """Decisions a second, one core."""
    search = GuidedSearch()
    numbers = {"simulations": search.search.simulations, "horizon": search.horizon}
    rows = []
    for kind, what in KINDS.items():
        found = [rate for rate in view.store.rates.values() if rate.kind == kind and rate.agent in ("", view.agent)]
        if not found:
            continue
        speeds = [rate.decisions_per_second for rate in found]
        slowest = min(found, key=lambda rate: rate.decisions_per_second)
        backups = [rate.share_backups for rate in found if rate.share_backups is not None]
        rows.append(
            (
                kind,
                what.format(**numbers),
                str(len(found)),
                f"{geometric_mean(speeds):,.0f}",
                f"{slowest.decisions_per_second:,.0f} ({slowest.program})",
                f"{100 * sum(backups) / len(backups):.2f} %" if backups else NOTHING,
            )
        )
    yield "CPU time of one core; means are geometric, over production programs of test families and long programs."
    yield ""
    header = ("what", "what counts", "programs", "mean", "lowest", "by Drop-backup")
    yield from table(header, rows, words=2)
