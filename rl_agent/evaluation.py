"""Planners judged on many programs by several seeds: ratios of times, their interquartile means and intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from ..bench import Case, Settings
from ..bench.measure import measure
from ..planners import Planner
from ..schema import Document

#: Bootstrap samples of an interval, and the part that it holds.
SAMPLES, CONFIDENCE = 2000, 0.95


class Runs(Document):
    """A planner on one program, once for each seed.

    Attributes:
        seconds: of the plans; absent where there is no valid one.
        failures: why not, in words.
        to_reference: mean time over the mean of the reference's, where all plans are valid.
        to_recorded: over the recorded solution's.
    """

    planner: str
    seconds: tuple[float | None, ...]
    failures: tuple[str, ...] = ()
    to_reference: float | None = None
    to_recorded: float | None = None

    @property
    def mean_seconds(self) -> float | None:
        """Of all seeds; None unless all plans are valid."""
        known = [seconds for seconds in self.seconds if seconds is not None]
        return fmean(known) if len(known) == len(self.seconds) else None


class CaseRuns(Document):
    """All planners on one program; the reference comes first."""

    name: str
    group: str
    recorded_seconds: float | None = None
    planners: tuple[Runs, ...]


class Interval(Document):
    """An interquartile mean over programs and seeds and the interval that holds it (``CONFIDENCE``)."""

    middle: float
    low: float
    high: float
    cases: int


class Judgement(Document):
    """A planner over all programs. Ratios are its times over others', so less is better.

    ``better``, ``worse``: programs on which its mean is below or above the reference's, by more than rounding.
    """

    planner: str
    to_reference: Interval | None = None
    to_recorded: Interval | None = None
    better: int
    worse: int
    failures: int


class Evaluation(Document):
    """A whole evaluation: planners by budget or iterations, the same seeds for all."""

    reference: str
    seeds: tuple[int, ...]
    budget_seconds: float
    iterations: int | None = None
    cases: tuple[CaseRuns, ...] = ()
    planners: tuple[Judgement, ...] = ()

    @property
    def failures(self) -> list[str]:
        """Plans that are missing or invalid, in words."""
        return [
            f"{case.name} ({case.group}), {runs.planner}: {failure}"
            for case in self.cases
            for runs in case.planners
            for failure in runs.failures
        ]


@dataclass(frozen=True)
class Contest:
    """What is compared: planners by name, ``reference`` among them, on the same terms.

    ``settings`` has budget and iterations; the seeds are ``seeds``.
    """

    planners: Mapping[str, Planner]
    reference: str
    seeds: tuple[int, ...]
    settings: Settings


def evaluate(cases: Iterable[Case], contest: Contest, on_run: Callable[[str, str, int], None]) -> Evaluation:
    """Run every planner on every program by every seed.

    Args:
        cases: the programs.
        contest: the planners and their terms.
        on_run: told of the program, the planner and the seed before each run.
    """
    done = tuple(_run_case(case, contest, on_run) for case in cases)
    settings = contest.settings
    return Evaluation(
        reference=contest.reference,
        seeds=contest.seeds,
        budget_seconds=settings.budget_seconds,
        iterations=settings.iterations,
        cases=done,
        planners=tuple(judge(name, done, contest.reference) for name in _order(contest)),
    )


def _order(contest: Contest) -> list[str]:
    return [contest.reference, *(name for name in contest.planners if name != contest.reference)]


def _run_case(case: Case, contest: Contest, on_run: Callable[[str, str, int], None]) -> CaseRuns:
    found: list[Runs] = []
    for name in _order(contest):
        runs = _run(case, name, contest, on_run)
        mean = runs.mean_seconds
        reference = found[0].mean_seconds if found else mean
        ratios = {"to_reference": _over(mean, reference), "to_recorded": _over(mean, case.recorded_seconds)}
        found.append(runs.model_copy(update=ratios))
    return CaseRuns(name=case.name, group=case.group, recorded_seconds=case.recorded_seconds, planners=tuple(found))


def _run(case: Case, name: str, contest: Contest, on_run: Callable[[str, str, int], None]) -> Runs:
    results = []
    for seed in contest.seeds:
        on_run(case.label, name, seed)
        settings = contest.settings.model_copy(update={"seed": seed})
        results.append(measure(case, contest.planners[name], name, settings, _Nobody()))
    failures = tuple(
        f"seed {seed}: {result.failure}" for seed, result in zip(contest.seeds, results, strict=True) if result.failure
    )
    return Runs(planner=name, seconds=tuple(result.seconds for result in results), failures=failures)


def judge(name: str, cases: Sequence[CaseRuns], reference: str) -> Judgement:
    """A planner over all programs on which it and what it is compared with have valid plans for all seeds."""
    own = [_by_planner(case, name) for case in cases]
    rivals = [_by_planner(case, reference).mean_seconds for case in cases]
    means = [runs.to_reference for runs in own if runs.to_reference is not None]
    return Judgement(
        planner=name,
        to_reference=_interval(zip(own, rivals, strict=True)),
        to_recorded=_interval(zip(own, (case.recorded_seconds for case in cases), strict=True)),
        better=sum(ratio < 1.0 - 1e-6 for ratio in means),
        worse=sum(ratio > 1.0 + 1e-6 for ratio in means),
        failures=sum(len(runs.failures) for runs in own),
    )


def _by_planner(case: CaseRuns, name: str) -> Runs:
    return next(runs for runs in case.planners if runs.planner == name)


def _over(seconds: float | None, other: float | None) -> float | None:
    return seconds / other if seconds is not None and other else None


def _interval(pairs: Iterable[tuple[Runs, float | None]]) -> Interval | None:
    rows = list(_ratios(pairs))
    if not rows:
        return None
    table = np.array(rows).T
    low, high = stratified_interval(table)
    return Interval(middle=interquartile_mean(table), low=low, high=high, cases=len(rows))


def _ratios(pairs: Iterable[tuple[Runs, float | None]]) -> Iterator[list[float]]:
    for runs, other in pairs:
        if other and runs.mean_seconds is not None:
            yield [seconds / other for seconds in runs.seconds if seconds is not None]


def interquartile_mean(scores: NDArray[np.float64]) -> float:
    """Mean of the middle half of (seeds, programs) scores taken together (Agarwal et al., arXiv 2108.13264)."""
    ordered = np.sort(scores, axis=None)
    cut = len(ordered) // 4
    return float(ordered[cut : len(ordered) - cut].mean())


def stratified_interval(scores: NDArray[np.float64]) -> tuple[float, float]:
    """Bootstrap interval of the interquartile mean of (seeds, programs): each program's seeds are drawn anew."""
    rng = np.random.default_rng(0)
    seeds, programs = scores.shape
    found = [
        interquartile_mean(scores[rng.integers(seeds, size=(seeds, programs)), np.arange(programs)])
        for _ in range(SAMPLES)
    ]
    low, high = np.quantile(found, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


class _Nobody:
    """Hears nothing of a run."""

    def begin(self, case: Case) -> None:
        """See :class:`memstow.bench.Listener`."""

    def step(self, what: str) -> None:
        """See :class:`memstow.bench.Listener`."""

    def improved(self, seconds: float) -> None:
        """See :class:`memstow.bench.Listener`."""

    def end(self) -> None:
        """See :class:`memstow.bench.Listener`."""
