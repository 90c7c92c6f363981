"""The results of ``learned_plans.py``: plans of three cost models, all with the times that Vela's prices give them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from memstow.schema import Document

#: A plan counts as slower beyond this part of the time: less is rounding and luck of the search.
TOLERANCE = 0.01


class CaseResult(Document):
    """One program on one system, planned by one planner with each cost model in turn.

    Attributes:
        instructions: of the program.
        left_out: instructions that Vela does not price on the part, left to the host.
        fallbacks: instructions that the learned model prices as the roofline does.
        all_slow_seconds: time without fast memory.
        roofline_seconds, learned_seconds, vela_seconds: time of the plan made with that cost model.
        roofline_error, learned_error: median relative error of that model's prices over all placements.
    """

    model: str
    size: str
    system: str
    capacity_bytes: int
    share: float
    planner: str
    instructions: int
    left_out: int
    fallbacks: int
    all_slow_seconds: float
    roofline_seconds: float
    learned_seconds: float
    vela_seconds: float
    roofline_error: float
    learned_error: float

    @property
    def ratio(self) -> float:
        """Time of the learned model's plan over that of the roofline's."""
        return self.learned_seconds / self.roofline_seconds

    @property
    def perfect_ratio(self) -> float:
        """Time of the plan made with Vela's own prices over that of the roofline's."""
        return self.vela_seconds / self.roofline_seconds

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.model}-{self.size} on {self.system}, {self.capacity_bytes} bytes, {self.planner}"


class Results(Document):
    """``build/learned_plans.json``."""

    machine: Mapping[str, str]
    date: str
    commit: str
    cost_model: str
    trained_on: tuple[str, ...]
    iterations: int
    seed: int
    shares: tuple[float, ...]
    cases: tuple[CaseResult, ...] = ()

    @property
    def total(self) -> Total:
        """Over all cases."""
        return Total(self.cases)


class Total:
    """Figures over some cases, at least one; ratios are those of :class:`CaseResult`."""

    def __init__(self, cases: Sequence[CaseResult]) -> None:
        self.cases = cases
        self.geometric_mean = _geometric_mean([case.ratio for case in cases])
        self.perfect_mean = _geometric_mean([case.perfect_ratio for case in cases])
        self.best = min(cases, key=lambda case: case.ratio)
        self.worst = max(cases, key=lambda case: case.ratio)
        self.faster = sum(case.ratio < 1.0 - TOLERANCE for case in cases)
        self.slower = sum(case.ratio > 1.0 + TOLERANCE for case in cases)


def markdown(results: Results) -> list[str]:
    """Lines of Markdown: what was compared, then totals by model, system, capacity and planner."""
    groupings: tuple[tuple[str, Callable[[CaseResult], str]], ...] = (
        ("program", lambda case: f"{case.model}-{case.size}"),
        ("system", lambda case: case.system),
        ("fast memory", lambda case: f"1/{1 / case.share:.0f} of the peak"),
        ("planner", lambda case: case.planner),
    )
    lines = [
        f"{len(results.cases)} cases, {results.iterations} iterations of a search, seed {results.seed}, cost model "
        f"`{results.cost_model}`, commit `{results.commit}`, {results.date}, "
        + ", ".join(f"{key} {value}" for key, value in results.machine.items()),
    ]
    for title, key in groupings:
        lines += ["", *table(title, results.cases, key)]
    worst = results.total.worst
    return [*lines, "", f"Worst: {worst.ratio:.4f}, {worst.name}."]


def table(title: str, cases: Sequence[CaseResult], key: Callable[[CaseResult], str]) -> Iterator[str]:
    """A Markdown table with a row for every group of cases, then one for all."""
    yield f"| {title} | cases | learned / roofline | best | worst | faster | slower | Vela's prices / roofline |"
    yield "| --- |" + " ---: |" * 7
    groups: dict[str, list[CaseResult]] = {}
    for case in cases:
        groups.setdefault(key(case), []).append(case)
    for name, members in (*groups.items(), ("all", list(cases))):
        yield "| " + " | ".join((name, *cells(Total(members)))) + " |"


def cells(total: Total) -> tuple[str, ...]:
    """The figures of a row, after its name."""
    ratios = (total.geometric_mean, total.best.ratio, total.worst.ratio)
    return (
        str(len(total.cases)),
        *(f"{ratio:.4f}" for ratio in ratios),
        str(total.faster),
        str(total.slower),
        f"{total.perfect_mean:.4f}",
    )


def _geometric_mean(values: Sequence[float]) -> float:
    return math.exp(sum(math.log(value) for value in values) / len(values))
