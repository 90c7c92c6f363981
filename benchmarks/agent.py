"""Measures the agent and writes ``docs/agent.md``: against heuristics, searches and the portfolio, and part by part.

``python benchmarks/agent.py`` takes most of a day; what was measured is in ``build/agent_bench/results.jsonl``, a line
each, and is not measured again while program, limits and weights stay the same. All parts go by seeds first, so that
a run that is ended early has whole seeds. ``--list`` says what is left and how long it takes, ``--page-only`` makes
the page from what there is. Parts: greedy, brief (5 s), ten, minute, long, evaluations, ablations, cost, finetune,
rates; the page is written at the end of each run, the figure of the training curves with it. Exits with 1 if a run
failed.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent_contests import HARD, TEN, Contestant, Part, parts
from agent_curves import draw_curves, read_curves
from agent_page import Page
from agent_planners import agent_digest, agent_folder
from agent_rates import rates, stamp
from agent_runs import Run, Store
from agent_subjects import LONG, SUITE, Subject, facts_of, long_subjects, suite_subjects, zoo_subjects
from zoo_machine import commit

from memstow.bench import Case, Settings
from memstow.bench.measure import ROUNDING, measure
from memstow.errors import MemstowError
from memstow.native import load_core
from memstow.rl_agent.agent import DEFAULT_AGENT, load_agent
from memstow.schema import write_text

RATES = "rates"
#: Folders of networks that differ from the shipped one, by what is different; those that are there take part.
VARIANTS = Path("build/agents")


@dataclass(frozen=True)
class Task:
    """One run that is not done yet."""

    part: Part
    contestant: Contestant
    subject: Subject
    seed: int

    @property
    def seconds(self) -> float:
        """How long it takes at most, about."""
        return (self.contestant.budget_seconds or TEN) if self.contestant.is_seeded else 1.0


class Bench:
    """Programs, contestants and the store of one call."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.store = Store(options.results)
        groups = (suite_subjects(options.suite), long_subjects(options.deep), zoo_subjects(options.zoo))
        self.subjects = [subject for group in groups for subject in group if self._is_wanted(subject)]
        self._stamp = stamp()
        self._case: tuple[str, Case] | None = None
        self._seen: set[str] = set()

    def _is_wanted(self, subject: Subject) -> bool:
        names = self.options.programs
        return not names or any(subject.name.startswith(name) for name in names)

    def tasks(self, part: Part) -> Iterator[Task]:
        """What a part still has to run, seed by seed."""
        for seed in range(self.options.seeds):
            for subject in self.subjects:
                for contestant in part.contestants if part.takes(subject, all_files=self.options.all_files) else ():
                    task = Task(part, contestant.scaled(self.options.budget_scale), subject, seed)
                    if (seed == 0 or contestant.is_seeded) and not self._is_done(task) and can_run(contestant):
                        yield task

    def _is_done(self, task: Task) -> bool:
        facts = self.store.facts.get(task.subject.name)
        run = self.store.runs.get(self._key(task, facts.fingerprint)) if facts is not None else None
        if run is None:
            return False
        return not (self.options.redo and task.contestant.agent is not None and run.code != self._stamp["code"])

    def look_at(self, part: Part) -> None:
        """Make sure that the facts of a part's programs are those of the programs as they are now."""
        for subject in self.subjects:
            if part.takes(subject, all_files=self.options.all_files) and subject.name not in self._seen:
                self.case(subject, with_bound=False)
                self._seen.add(subject.name)

    def _key(self, task: Task, fingerprint: str) -> tuple[str, float, int | None, str, str, str, int]:
        contestant = task.contestant
        digest = agent_digest(contestant.agent) if contestant.agent else ""
        limits = contestant.budget_seconds, contestant.iterations
        return (contestant.label, *limits, digest, task.subject.name, fingerprint, task.seed)

    def case(self, subject: Subject, *, with_bound: bool) -> Case:
        """The case of a program, its facts being in the store afterwards."""
        if self._case is None or self._case[0] != subject.name:
            self._case = subject.name, subject.make()
        case = self._case[1]
        known = self.store.facts.get(subject.name)
        is_known = known is not None and known.fingerprint == case.fingerprint
        if not is_known or (with_bound and known is not None and known.bound_seconds is None):
            self.store.add(facts_of(subject, case, self.options.bound_time if with_bound else None))
        return case

    def run(self, task: Task) -> Run:
        """One run, kept."""
        contestant, subject = task.contestant, task.subject
        case = self.case(subject, with_bound=task.part.has_bounds)
        key = self._key(task, case.fingerprint)
        planner = contestant.make()
        assert planner is not None, f"{contestant.label} cannot run"
        if contestant.agent is not None and agent_digest(contestant.agent):
            load_agent(contestant.agent)  # once a process; no planner's time
        settings = Settings(
            planners=(contestant.label,),
            budget_seconds=contestant.budget_seconds,
            iterations=contestant.iterations,
            seed=task.seed,
        )
        gc.collect()
        bound = self.store.facts[subject.name].bound_seconds if task.part.has_bounds else None
        found = measure(case, planner, contestant.label, settings, _Nobody(), bound=bound or 0.0)
        below = bound is not None and found.seconds is not None and found.seconds < bound * (1.0 - ROUNDING)
        run = Run(
            planner=contestant.label,
            budget_seconds=contestant.budget_seconds,
            iterations=contestant.iterations,
            agent=key[3],
            program=subject.name,
            fingerprint=case.fingerprint,
            seed=task.seed,
            is_seeded=contestant.is_seeded,
            seconds=found.seconds,
            wall_seconds=found.wall_seconds,
            failure="faster than the proven bound: one of them is wrong" if below else found.failure,
            **self._stamp,
        )
        self.store.add(run)
        return run

    def measure_rates(self) -> None:
        """Rates on the test files of the suite and the long programs."""
        agent = self.options.agent
        digest = agent_digest(agent)
        for subject in self.subjects:
            if subject.is_test and subject.group in (SUITE, LONG):
                done = {kind for kind, program, used in self.store.rates if program == subject.name and used == digest}
                if not done:
                    for rate in rates(self.case(subject, with_bound=False), agent, self.options.rate_seconds):
                        self.store.add(rate)
                    print(f"rates: {subject.name}", file=sys.stderr, flush=True)


def can_run(contestant: Contestant) -> bool:
    """Whether the agent that it asks is there, and the portfolio can ask one."""
    if contestant.agent is None:
        return True
    return bool(agent_digest(contestant.agent)) and contestant.make() is not None


def measure_parts(bench: Bench, chosen: Sequence[Part]) -> int:
    """Run what is left of the parts; how many runs failed."""
    failures = 0
    load_core()
    for part in chosen:
        bench.look_at(part)
        tasks = list(bench.tasks(part))
        for number, task in enumerate(tasks, start=1):
            run = bench.run(task)
            told = f"{run.seconds * 1e6:.1f} us" if run.seconds is not None else run.failure
            where = f"{part.name} {number}/{len(tasks)}: {run.program}, {run.planner}, seed {run.seed}"
            print(f"{where}: {told} after {run.wall_seconds:.2f} s", file=sys.stderr, flush=True)
            failures += bool(run.failure)
    return failures


def list_tasks(bench: Bench, chosen: Sequence[Part]) -> None:
    """What is left of each part, and its seconds at most; proven optima end runs earlier."""
    for part in chosen:
        tasks = list(bench.tasks(part))
        missing = sorted({one.label for one in part.contestants if not can_run(one)})
        note = f"; cannot run yet: {', '.join(missing)}" if missing else ""
        hours = sum(task.seconds for task in tasks) / 3600
        print(f"{part.name:12} {len(tasks):6} runs, at most {hours:6.2f} h{note}")


def write_page(bench: Bench, chosen: Sequence[Part]) -> None:
    """The page and the figure of the curves."""
    options = bench.options
    folder = agent_folder(options.agent)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    figure = None
    if (folder / "curves.csv").is_file():
        figure = options.out.parent / "agent_curves.svg"
        draw_curves(read_curves(folder / "curves.csv"), figure)
    page = Page(
        store=bench.store,
        agent=agent_digest(options.agent),
        scale=options.budget_scale,
        folder=folder,
        figure=figure,
        variants={name: agent_digest(path) for name, path in options.variant.items()},
        head=commit(ignore=options.out),
        hard=tuple(options.hard),
    )
    write_text(options.out, page.text())
    print(f"{options.out}: {len(bench.store.runs)} runs", file=sys.stderr)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options, with names checked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=_list, metavar="A,B", help="left out: all")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="seeds 0 to N-1")
    parser.add_argument("--programs", type=_list, metavar="A,B", help="only programs whose names begin so")
    parser.add_argument("--all-files", action="store_true", help="files of xla_suite that were trained on, too")
    parser.add_argument("--budget-scale", type=float, default=1.0, metavar="X", help="all budgets times X")
    parser.add_argument("--agent", default=DEFAULT_AGENT, metavar="NAME|DIR")
    parser.add_argument("--variant", action="append", default=[], metavar="NAME=DIR", help="an ablation's network")
    parser.add_argument("--hard", type=_list, default=list(HARD), metavar="A,B", help="programs of finetune")
    parser.add_argument("--suite", type=Path, default=Path("../shared/xla_suite"), metavar="DIR")
    parser.add_argument("--deep", type=Path, default=Path("build/deep_programs"), metavar="DIR", help="ACCELERATOR/*")
    parser.add_argument("--zoo", type=Path, default=Path("build/zoo_programs"), metavar="DIR", help="ACCELERATOR/*")
    parser.add_argument("--bound-time", type=float, default=20.0, metavar="SECONDS", help="per program, once")
    parser.add_argument("--rate-seconds", type=float, default=0.5, metavar="SECONDS", help="for each rate")
    parser.add_argument("--results", type=Path, default=Path("build/agent_bench/results.jsonl"), metavar="FILE")
    parser.add_argument("--out", type=Path, default=Path("docs/agent.md"), metavar="FILE", help="the page")
    parser.add_argument("--redo", action="store_true", help="also runs of agents that other code made")
    parser.add_argument("--list", action="store_true", help="say what is left to run, and run nothing")
    parser.add_argument("--page-only", action="store_true", help="run nothing, write the page")
    options = parser.parse_args(arguments)
    if options.seeds < 1 or options.budget_scale <= 0:
        parser.error("--seeds, --budget-scale: expected 1 or more and above 0")
    options.variant = _variants(parser, options.variant)
    known = [part.name for part in parts(options.agent, options.variant)] + [RATES]
    unknown = sorted(set(options.parts or ()) - set(known))
    if unknown:
        parser.error(f"--parts: expected some of {', '.join(known)}, found {unknown[0]!r}")
    options.parts = options.parts or known
    return options


def _variants(parser: argparse.ArgumentParser, given: Sequence[str]) -> dict[str, str]:
    """Folders by name: those of ``build/agents``, then those given."""
    found = {path.parent.name: str(path.parent) for path in sorted(VARIANTS.glob("*/network.json"))}
    for text in given:
        name, _, folder = text.partition("=")
        if not name or not (Path(folder) / "network.json").is_file():
            parser.error(f"--variant: expected NAME=DIR, DIR with a network.json, found {text!r}")
        found[name] = folder if "/" in folder else f"./{folder}"
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        bench = Bench(options)
        known = parts(options.agent, options.variant, tuple(options.hard))
        chosen = [part for part in known if part.name in options.parts]
        failures = 0
        if options.list:
            list_tasks(bench, chosen)
            return 0
        if not options.page_only:
            try:
                failures = measure_parts(bench, chosen)
                if RATES in options.parts:
                    bench.measure_rates()
            except KeyboardInterrupt:
                print("interrupted; the same command goes on", file=sys.stderr)
        write_page(bench, known)
    except MemstowError as error:
        print(error, file=sys.stderr)
        return 2
    return 1 if failures else 0


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


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


if __name__ == "__main__":
    raise SystemExit(main())
