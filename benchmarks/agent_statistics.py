"""Figures over programs and seeds, by rliable (Agarwal et al., arXiv 2108.13264): every seed counts, never the best.

Tables are (seeds, programs), seconds of plans or ratios of them. A planner that no seed changes has one row. Intervals
hold ``CONFIDENCE`` and come of a stratified bootstrap: each program's seeds are drawn anew, the programs stay.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]

SAMPLES, CONFIDENCE = 2000, 0.95
#: Digits of a logarithm below which times are alike: what is left is rounding.
DIGITS = 9


class Run(Protocol):
    """One plan of a contestant: ``seconds`` by a seed on a program, None where the plan is not valid."""

    @property
    def program(self) -> str:
        """The program's name."""
        ...

    @property
    def seed(self) -> int:
        """The seed."""
        ...

    @property
    def seconds(self) -> float | None:
        """Time of the plan."""
        ...


@dataclass(frozen=True)
class Estimate:
    """A figure, and its interval where there were several seeds."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Sample:
    """One contestant's seconds (seeds, programs) on ``programs``, by the same ``seeds`` on each."""

    programs: tuple[str, ...]
    seeds: tuple[int, ...]
    seconds: Table

    def on(self, programs: Sequence[str]) -> Table:
        """The columns of some of the programs."""
        return self.seconds[:, [self.programs.index(name) for name in programs]]

    def within(self, programs: Container[str]) -> Sample | None:
        """The part that is on some of the programs."""
        kept = tuple(name for name in self.programs if name in programs)
        return Sample(kept, self.seeds, self.on(kept)) if kept else None


def sample(runs: Iterable[Run]) -> Sample | None:
    """One contestant's runs as a table: programs with a valid plan by every seed that all of them have.

    A program that has no valid plan by one of the seeds is left out; failures are told of elsewhere.
    """
    by_program: dict[str, dict[int, float | None]] = {}
    for run in runs:
        by_program.setdefault(run.program, {})[run.seed] = run.seconds
    if not by_program:
        return None
    seeds = tuple(sorted(set.intersection(*(set(found) for found in by_program.values()))))
    whole = {
        name: [found[seed] for seed in seeds]
        for name, found in sorted(by_program.items())
        if all(found[seed] is not None for seed in seeds)
    }
    if not seeds or not whole:
        return None
    return Sample(tuple(whole), seeds, np.array(list(whole.values()), dtype=np.float64).T)


def common(*samples: Sample) -> list[str]:
    """Programs that all have."""
    return [name for name in samples[0].programs if all(name in other.programs for other in samples[1:])]


def mean_ratio(sample: Sample, others: Mapping[str, float]) -> Estimate:
    """Geometric mean of times over other times of the same programs, all of which are there."""
    ratios = sample.seconds / np.array([others[name] for name in sample.programs])
    return _estimate(_geometric_mean, ratios)


def middle_ratio(sample: Sample, others: Mapping[str, float]) -> Estimate:
    """Interquartile mean of the same."""
    ratios = sample.seconds / np.array([others[name] for name in sample.programs])
    return _estimate(interquartile_mean, ratios)


def compared(one: Sample, other: Sample) -> Estimate:
    """Geometric mean of the first's times over the second's, on the programs that both have."""
    programs = common(one, other)
    return _estimate(lambda a, b: _geometric_mean(a) / _geometric_mean(b), one.on(programs), other.on(programs))


def improvement(one: Sample, other: Sample) -> Estimate:
    """Probability that a run of the first is faster than one of the second, on a program drawn evenly; ties: half."""
    programs = common(one, other)
    # rliable wants scores of which more is better.
    tables: list[Table] = [-np.log(sample.on(programs)).round(DIGITS) for sample in (one, other)]
    return _estimate(probability_of_improvement, *tables)


def better_and_worse(one: Sample, other: Sample) -> tuple[int, int]:
    """On how many programs the first's mean is below, and above, the second's by more than rounding."""
    programs = common(one, other)
    ratios = one.on(programs).mean(axis=0) / other.on(programs).mean(axis=0)
    return int((ratios < 1.0 - 1e-6).sum()), int((ratios > 1.0 + 1e-6).sum())


def probability_of_improvement(ones: Table, others: Table) -> float:
    """``rliable.metrics.probability_of_improvement``, on all programs at once: some thousand times as fast."""
    above = (ones[:, None, :] > others[None, :, :]).mean(axis=(0, 1))
    alike = (ones[:, None, :] == others[None, :, :]).mean(axis=(0, 1))
    return float((above + 0.5 * alike).mean())


def interquartile_mean(scores: Table) -> float:
    """Mean of the middle half of all scores."""
    from rliable import metrics  # type: ignore[import-untyped]

    return float(metrics.aggregate_iqm(scores))


def _geometric_mean(values: Table) -> float:
    return float(np.exp(np.log(values).mean()))


def _estimate(figure: Callable[..., float], *tables: Table) -> Estimate:
    value = figure(*tables)
    if all(len(table) < 2 for table in tables):
        return Estimate(value)
    from rliable import library

    scores = tables[0] if len(tables) == 1 else list(tables)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # rliable's own name for the generator
        _, found = library.get_interval_estimates(
            {"": scores},
            lambda *drawn: np.array([figure(*drawn)]),
            reps=SAMPLES,
            confidence_interval_size=CONFIDENCE,
            random_state=np.random.RandomState(0),
        )
    low, high = found[""][:, 0]
    return Estimate(value, float(low), float(high))
