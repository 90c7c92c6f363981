"""The runs that a page is about: those of one agent at one scale of budgets, on the programs as they are now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from agent_runs import Facts, Run, Store
from agent_statistics import Sample, sample
from agent_subjects import LONG, SUITE, ZOO


@dataclass(frozen=True)
class View:
    """Samples by contestant, nominal budget and group of programs.

    ``agent`` is the digest of its weights, ``variants`` those of the ablations' networks by what is different.
    """

    store: Store
    scale: float
    agent: str
    variants: Mapping[str, str]

    @cached_property
    def runs(self) -> list[Run]:
        """All runs that count."""
        return [run for run in self.store.current_runs() if run.agent in ("", self._agent_of(run.planner))]

    def _agent_of(self, label: str) -> str:
        own = [digest for name, digest in self.variants.items() if label.endswith(f", network {name}")]
        return own[0] if own else self.agent

    @cached_property
    def _facts(self) -> dict[str, Facts]:
        return self.store.facts

    def programs(self, group: str, *, tests_only: bool) -> set[str]:
        """Names of a group's programs."""
        facts = self._facts.values()
        return {one.program for one in facts if one.group == group and (one.is_test or not tests_only)}

    def select(self, label: str, budget: float, programs: Collection[str], iterations: int | None = None) -> list[Run]:
        """Runs of a contestant; ``budget`` is the nominal one."""
        seconds = self.scale * budget
        return [
            run
            for run in self.runs
            if run.planner == label
            and run.program in programs
            and abs(run.budget_seconds - seconds) <= 1e-9 * seconds
            and run.iterations == iterations
        ]

    def on(self, label: str, budget: float, programs: Collection[str], iterations: int | None = None) -> Sample | None:
        """The same as a table."""
        return sample(self.select(label, budget, programs, iterations))

    def test_runs(self, label: str, budget: float) -> list[Run]:
        """Runs on the suite's test families."""
        return self.select(label, budget, self.programs(SUITE, tests_only=True))

    def tests(self, label: str, budget: float, iterations: int | None = None) -> Sample | None:
        """On the suite's test families."""
        return self.on(label, budget, self.programs(SUITE, tests_only=True), iterations)

    def suite(self, label: str, budget: float) -> Sample | None:
        """On all of the suite, once files that were trained on have been run."""
        return self.on(label, budget, self.programs(SUITE, tests_only=False))

    def long(self, label: str, budget: float) -> Sample | None:
        """On long programs."""
        return self.on(label, budget, self.programs(LONG, tests_only=False))

    def zoo(self, label: str, budget: float) -> Sample | None:
        """On the zoo's test models, priced by the learned cost models."""
        return self.on(label, budget, self.programs(ZOO, tests_only=False))

    def recorded(self) -> dict[str, float]:
        """Seconds of recorded solutions by program."""
        return {one.program: one.recorded_seconds for one in self._facts.values() if one.recorded_seconds}

    def bounds(self) -> dict[str, float]:
        """Proven bounds by program."""
        return {one.program: one.bound_seconds for one in self._facts.values() if one.bound_seconds}

    def facts(self, program: str) -> Facts:
        """Facts of a program."""
        return self._facts[program]
