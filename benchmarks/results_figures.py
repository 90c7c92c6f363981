"""The figures of ``results.py``: one part's results by all seeds, as samples, ratios with intervals and profiles."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from agent_statistics import Estimate, Sample, mean_ratio, middle_ratio, sample
from numpy.typing import NDArray
from results_parts import Part

from memstow.bench import REFERENCE, BenchResults, CaseResult, PlannerResult
from memstow.defaults import OPTIMALITY_GAP
from memstow.errors import InvalidInputError

RECORDED, BOUND = "recorded solution", "proven bound"
#: What all seeds of a part must share, of their settings.
_SHARED = ("budget_seconds", "iterations", "capacities_bytes", "max_cross_program_prefetches", "cost_model")


@dataclass(frozen=True)
class Plan:
    """What a planner made of a program by a seed; ``program`` is the case's label, ``seconds`` None without a plan."""

    program: str
    seed: int
    result: PlannerResult

    @property
    def seconds(self) -> float | None:
        """Time of the plan."""
        return self.result.seconds


@dataclass(frozen=True)
class Row:
    """A planner's figures on a group of programs: ratios of times, geometric and interquartile means.

    ``optimal`` and ``failed`` are parts of its runs; ``found_after`` is the mean, ``longest`` the largest of its wall
    seconds.
    """

    name: str
    programs: int
    seeds: int
    to_rival: Estimate | None
    to_rival_middle: Estimate | None
    to_bound: Estimate | None
    to_bound_middle: Estimate | None
    optimal: float | None = None
    failed: float | None = None
    found_after: float | None = None
    longest: float | None = None


@dataclass(frozen=True)
class Contest:
    """One part's results: ``runs`` by seed, the first with all planners and with all programs; their files."""

    part: Part
    runs: tuple[BenchResults, ...]
    paths: tuple[Path, ...]

    @property
    def first(self) -> BenchResults:
        """The first seed's."""
        return self.runs[0]

    @property
    def planners(self) -> tuple[str, ...]:
        """Names in the order in which they ran."""
        return self.first.settings.run_planners

    @cached_property
    def cases(self) -> dict[str, CaseResult]:
        """The programs by label."""
        return {case.label: case for case in self.first.cases}

    @cached_property
    def groups(self) -> dict[str, list[str]]:
        """Labels of the programs by target, all of them first where there are several."""
        names = dict.fromkeys(case.group for case in self.cases.values())
        found = {name: [label for label, case in self.cases.items() if case.group == name] for name in names}
        return {"all": list(self.cases), **found} if len(found) > 1 else found

    def plans(self, planner: str, labels: Collection[str] | None = None) -> list[Plan]:
        """A planner's plans by every seed that it ran with."""
        runs = [run for run in self.runs if planner in run.settings.planners] or [self.first]
        return [
            Plan(case.label, run.settings.seed, case.by_planner(planner))
            for run in runs
            for case in run.cases
            if case.label in self.cases and (labels is None or case.label in labels)
        ]

    def sample(self, planner: str, labels: Collection[str] | None = None) -> Sample | None:
        """The same as a table of seconds."""
        return sample(self.plans(planner, labels))

    @cached_property
    def recorded(self) -> dict[str, float]:
        """Seconds of the recorded solutions that there are."""
        return {label: case.recorded_seconds for label, case in self.cases.items() if case.recorded_seconds}

    @cached_property
    def bounds(self) -> dict[str, float]:
        """Proven bounds that are not 0."""
        return {label: case.bound_seconds for label, case in self.cases.items() if case.bound_seconds > 0}

    @cached_property
    def reference(self) -> dict[str, float]:
        """Seconds of the plans by ``xla-msa``."""
        return {plan.program: plan.seconds for plan in self.plans(REFERENCE) if plan.seconds}

    @property
    def rival(self) -> tuple[str, dict[str, float]]:
        """Whom the tables' ratios are to: the recorded solutions where all programs have one, else ``xla-msa``."""
        if len(self.recorded) == len(self.cases):
            return "recorded", self.recorded
        return REFERENCE, self.reference

    @cached_property
    def best(self) -> dict[str, float]:
        """Seconds of the fastest plan of each program by any planner and seed, the recorded solution included."""
        found = dict(self.recorded)
        for planner in self.planners:
            for plan in self.plans(planner):
                found[plan.program] = min(found.get(plan.program, math.inf), plan.seconds or math.inf)
        return found

    @property
    def wall_seconds(self) -> float:
        """What all planners and bounds took."""
        cases = [case for run in self.runs for case in run.cases]
        return sum(case.bound_wall_seconds + sum(r.wall_seconds for r in case.planners) for case in cases)

    @cached_property
    def rows_by_group(self) -> dict[str, list[Row]]:
        """:meth:`rows` of every group."""
        return {group: list(self.rows(labels)) for group, labels in self.groups.items()}

    def rows(self, labels: Collection[str]) -> Iterator[Row]:
        """Figures of the recorded solutions, of every planner and of the bound on some of the programs."""
        if fixed := one_row(self.recorded, labels):
            yield self._row(RECORDED, fixed)
        for planner in self.planners:
            plans = self.plans(planner, labels)
            found = sample(plans)
            yield self._planned(planner, plans, found)
        if fixed := one_row(self.bounds, labels):
            yield self._row(BOUND, fixed)

    def _planned(self, name: str, plans: list[Plan], found: Sample | None) -> Row:
        results = [plan.result for plan in plans]
        gaps = [result.gap for result in results]
        waits = [result.best_after_seconds for result in results if result.best_after_seconds is not None]
        row = Row(name, 0, 0, None, None, None, None) if found is None else self._row(name, found)
        return replace(
            row,
            optimal=sum(gap is not None and gap <= OPTIMALITY_GAP for gap in gaps) / len(gaps),
            failed=sum(bool(result.failure) for result in results) / len(results),
            found_after=sum(waits) / len(waits) if waits else None,
            longest=max(result.wall_seconds for result in results),
        )

    def _row(self, name: str, found: Sample) -> Row:
        _, rival = self.rival
        to_rival, to_bound = found.within(rival), found.within(self.bounds)
        return Row(
            name,
            len(found.programs),
            len(found.seeds),
            mean_ratio(to_rival, rival) if to_rival else None,
            middle_ratio(to_rival, rival) if to_rival else None,
            mean_ratio(to_bound, self.bounds) if to_bound else None,
            middle_ratio(to_bound, self.bounds) if to_bound else None,
        )

    def excesses(self, labels: Collection[str]) -> dict[str, NDArray[np.float64]]:
        """By name, sorted: time over the best plan's, less 1, of every program and seed; infinite without a plan."""
        found: dict[str, Iterable[tuple[str, float | None]]] = {}
        if all(label in self.recorded for label in labels):
            found[RECORDED] = [(label, self.recorded[label]) for label in labels]
        for planner in self.planners:
            found[planner] = [(plan.program, plan.seconds) for plan in self.plans(planner, labels)]
        return {
            name: np.sort([(seconds or math.inf) / self.best[label] - 1.0 for label, seconds in rows])
            for name, rows in found.items()
        }


def one_row(seconds: Mapping[str, float], labels: Collection[str]) -> Sample | None:
    """Times that no seed changes as a sample; None unless every one of the programs has one."""
    names = [label for label in labels if label in seconds]
    if not names or len(names) < len(labels):
        return None
    return Sample(tuple(names), (0,), np.array([[seconds[name] for name in names]]))


def load(part: Part, folder: Path) -> Contest | None:
    """A part's results; None where there are none.

    Raises:
        InvalidInputError: a file is not one of results, or two seeds were run under different conditions.
    """
    paths = part.results_paths(folder)
    runs = [BenchResults.load(path) for path in paths]
    if not runs or not runs[0].cases:
        return None
    for path, run in zip(paths, runs, strict=True):
        for name, was, now in [
            *((name, getattr(runs[0].settings, name), getattr(run.settings, name)) for name in _SHARED),
            ("code", runs[0].code, run.code),
            ("machine", str(runs[0].machine), str(run.machine)),
        ]:
            if was != now:
                raise InvalidInputError(
                    f"{path}: expected the conditions of {paths[0]}, {name} {was}, found {now}; delete one of them"
                )
    return Contest(part, tuple(runs), tuple(paths))
