"""``memstow bench``: planners side by side on all programs of a folder, under the same wall-clock budget."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import planners as registry
from ..defaults import DEFAULT_BUDGET_SECONDS, DEFAULT_TIME_LIMIT_SECONDS, ROOFLINE
from ..errors import InvalidInputError
from ..formats import find_problems
from ..planners.base import check_seconds, checked_effort
from ..schema import write_text
from .bench_progress import BenchProgress
from .bench_tables import print_results
from .console import notice, print_lines, results_only_on_stdout
from .failures import EXIT_FAILED_CHECK
from .interrupt import Interrupted, InterruptWatch
from .options import (
    BudgetOption,
    CostModelOption,
    CrossProgramOption,
    IterationsOption,
    RecordedAccelerator,
    SeedOption,
)
from .output import check_file_target
from .sizes import parse_sizes
from .targets import CostModelChoice, check_planner, resolve_problem

# memstow.bench needs numpy, so it is imported where it is used: `memstow --help` stays quick.
if TYPE_CHECKING:
    from ..bench import BenchResults, Case, Settings, Store


def bench_command(
    programs: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Folder of programs and xla_suite files, or one file.", show_default=False),
    ],
    planners: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Planners to compare; the ones that search unless given.", show_default=False),
    ] = None,
    budget: BudgetOption = DEFAULT_BUDGET_SECONDS,
    iterations: IterationsOption = None,
    seed: SeedOption = 0,
    accelerator: RecordedAccelerator = None,
    capacity: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BYTES", help="Every program also with this much fast memory: 8MiB,1MiB.", show_default=False
        ),
    ] = None,
    max_cross_program_prefetches: CrossProgramOption = None,
    cost_model: CostModelOption = ROOFLINE,
    bound_time: Annotated[
        float, typer.Option("--bound-time", metavar="SECONDS", help="Time to prove a program's bound in, beside.")
    ] = DEFAULT_TIME_LIMIT_SECONDS,
    known_bounds: Annotated[
        Path | None,
        typer.Option(
            metavar="OLD", help="A results file; what it proved of the same programs counts too.", show_default=False
        ),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="OUT", help="Results file; NAME.bench.json here unless given.", show_default=False
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Keep what OUT has; measure what it lacks.")] = False,
    page: Annotated[
        Path | None,
        typer.Option(metavar="OUT.md", help="Markdown page with the tables, as well.", show_default=False),
    ] = None,
) -> None:
    """Compare planners on many programs; exit code 1 if one fails or gives an invalid plan.

    Each runs alone, with all cores. Results are written after every program.
    """
    from ..bench import DEFAULT_PLANNERS, Settings, Store

    checked_effort(budget, iterations, prefix="--")
    check_seconds("--bound-time", bound_time)
    settings = Settings(
        planners=DEFAULT_PLANNERS if planners is None else _planner_names(planners),
        budget_seconds=budget,
        iterations=iterations,
        seed=seed,
        accelerator=accelerator,
        capacities_bytes=parse_sizes(capacity or (), "--capacity"),
        max_cross_program_prefetches=max_cross_program_prefetches,
        cost_model=cost_model,
        bound_seconds=bound_time,
        known_bounds=None if known_bounds is None else str(known_bounds),
    )
    chosen = {name: registry.get(name) for name in settings.run_planners}
    target = json or Path(f"{programs.resolve().name.removesuffix('.json').removesuffix('.program')}.bench.json")
    cases = _cases(programs, settings)
    _check_targets(target, page, programs)
    store = Store(target, _empty_results(programs, settings))
    if resume:
        store.resume(cases)
    todo = [case for case in cases if not store.has(case)]
    try:
        if todo:
            _measure(todo, len(cases), chosen, store)
    finally:
        if page is not None and store.results.cases:
            write_text(page, _page(store.results))
    print_results(store.results)
    print_lines("Files", [str(path) for path in (target, page) if path is not None])
    if store.results.failures:
        raise typer.Exit(EXIT_FAILED_CHECK)


def _planner_names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise InvalidInputError(f"--planners: expected names with commas between them, found {text!r}")
    for name in names:
        check_planner(name)
    return names


def _cases(programs: Path, settings: Settings) -> list[Case]:
    """All cases, so that a bad file is found before anything runs."""
    from ..bench import cases_of

    found = find_problems(programs)
    for path in found.skipped:
        notice(f"{path}: no program, skipped")
    names = _names(list(found.problems))
    choice = CostModelChoice(settings.cost_model)
    cases: list[Case] = []
    for path, loaded in found.problems.items():
        problem = resolve_problem(
            path,
            loaded,
            settings.accelerator,
            cross_program_prefetches=settings.max_cross_program_prefetches,
            cost_model=choice,
        )
        recorded = loaded.recorded_price if (settings.accelerator, settings.cost_model) == (None, ROOFLINE) else None
        pricing = choice.pricing(problem.accelerator)
        cases += cases_of(names[path], problem, settings.capacities_bytes, recorded, pricing=pricing)
    return cases


def _names(paths: Sequence[Path]) -> dict[Path, str]:
    """Short names of files, in full where two would share one."""
    short = {path: path.name.removesuffix(".json").removesuffix(".program") for path in paths}
    shared = {name for name, count in Counter(short.values()).items() if count > 1}
    return {path: path.name if name in shared else name for path, name in short.items()}


def _check_targets(target: Path, page: Path | None, programs: Path) -> None:
    inputs = {path.resolve() for path in (programs.glob("*.json") if programs.is_dir() else [programs])}
    if target.suffix != ".json":
        raise InvalidInputError(f"--json {target}: expected a name that ends with .json; it is the results file")
    if page is not None and page.suffix != ".md":
        raise InvalidInputError(f"--page {page}: expected a name that ends with .md; it is the Markdown page")
    if target.resolve() in inputs and not target.name.endswith(".bench.json"):
        raise InvalidInputError(f"--json {target}: is one of the files in {programs}; name another file")
    check_file_target(target)
    if page is not None:
        check_file_target(page)


def _empty_results(programs: Path, settings: Settings) -> BenchResults:
    from ..bench import BenchResults, code_digest, describe_machine

    return BenchResults(
        memstow_version=metadata.version("memstow"),
        code=code_digest(),
        date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        machine=describe_machine(),
        source=str(programs),
        settings=settings,
    )


def _measure(todo: Sequence[Case], total: int, planners: dict[str, registry.Planner], store: Store) -> None:
    """Measure the cases that are left of ``total``."""
    from ..bench import BenchResults, known_bounds, measure_all

    settings = store.results.settings
    bounds = known_bounds(BenchResults.load(settings.known_bounds)) if settings.known_bounds else {}
    if len(todo) < total:
        notice(f"{store.path}: has {total - len(todo)} of {total} programs")
    watch = InterruptWatch()
    try:
        with watch, results_only_on_stdout(), BenchProgress(len(todo) * len(planners), watch) as progress:
            for result in measure_all(todo, settings, planners, progress, bounds=bounds):
                with watch.held():
                    store.add(result)
                progress.report(result)
    except BaseException as error:
        if watch.seen or isinstance(error, KeyboardInterrupt):
            done = len(store.results.cases)
            kept = f"{store.path} has {done} of {total} programs; --resume goes on"
            raise Interrupted(kept if done else f"no program was done; {store.path} is as before") from error
        raise


def _page(results: BenchResults) -> str:
    from ..bench import Section, page

    return page(f"Planners on {results.source}", "", [Section("", results)])
