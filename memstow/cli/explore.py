"""``memstow explore``: how fast programs become on variants of an accelerator, for those who design its memory."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..accelerator import load_accelerator
from ..defaults import DEFAULT_ACCELERATOR, DEFAULT_BUDGET_SECONDS, DEFAULT_PLANNER
from ..errors import InvalidInputError, MissingPackageError
from ..output_folder import make_folder
from ..planners.base import check_seconds, checked_effort
from ..schema import write_text
from .console import as_json, notice, print_json, print_lines, results_only_on_stdout
from .explore_progress import ExploreBar
from .explore_tables import print_results
from .failures import EXIT_FAILED_CHECK
from .interrupt import Interrupted, InterruptWatch
from .options import BudgetOption, IterationsOption, JsonOption, PlannerOption, SeedOption
from .programs import read_programs
from .targets import check_planner

# memstow.explore needs numpy, so it is imported where it is used.
if TYPE_CHECKING:
    from ..explore import ExploreResults, Grid, Journal, Point, Task
    from ..program import Program

JOURNAL, RESULTS, TABLE, PICTURES = "points.jsonl", "explore.json", "points.csv", ("explore.svg", "explore.png")
#: A gap's bound within 2 s is good enough to tell variants apart, and there are many.
EXPLORE_BOUND_SECONDS = 2.0


def explore_command(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Models of the zoo, FILE.py:FUNCTION of your own, programs and xla_suite files, or their folders.",
            show_default=False,
        ),
    ],
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUES",
            help="A parameter of the accelerator: capacity=1MiB..128MiB, slow_bandwidth=x0.5|x1|x2, "
            "copy_latency=0..2us:5:linear; several with commas, or several times.",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(metavar="tiny|full|deep", help="Size of zoo models; tiny unless given.", show_default=False),
    ] = None,
    accelerator: Annotated[
        str, typer.Option(metavar="BASE", help="Name or FILE.toml of what is varied.")
    ] = DEFAULT_ACCELERATOR,
    planner: PlannerOption = DEFAULT_PLANNER,
    budget: BudgetOption = DEFAULT_BUDGET_SECONDS,
    iterations: IterationsOption = None,
    seed: SeedOption = 0,
    bound_time: Annotated[
        float, typer.Option("--bound-time", metavar="SECONDS", help="Time to prove a bound in, at every point.")
    ] = EXPLORE_BOUND_SECONDS,
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Points, table, picture.")] = Path(
        "memstow-out/explore"
    ),
    resume: Annotated[bool, typer.Option("--resume", help="Keep the points in FOLDER; plan those it lacks.")] = False,
    actors: Annotated[
        int | None,
        typer.Option(metavar="N", help="Plan in so many processes, by Ray; left out, in this one.", show_default=False),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Plan on a Ray cluster: HOST:PORT, or auto.", show_default=False),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Plan models on a grid of accelerators: times, gaps, and the variants that no other beats.

    These are the Pareto front of time against capacity, bandwidth and whatever else is varied.

    Every finished point is kept; after Ctrl-C --resume goes on, also with a larger grid. Exit code 1 if a point failed.
    """
    from ..bench import code_digest
    from ..explore import ExploreSettings, Grid, Journal, parse_axes

    checked_effort(budget, iterations, prefix="--")
    check_seconds("--bound-time", bound_time)
    check_planner(planner)
    if actors is not None and actors < 1:
        raise InvalidInputError(f"--actors: expected 1 or more, found {actors}")
    base = load_accelerator(accelerator)
    grid = Grid(base, parse_axes(vary or [], base))
    settings = ExploreSettings(
        memstow_version=metadata.version("memstow"),
        code=code_digest(),
        base=base,
        planner=planner,
        budget_seconds=budget,
        iterations=iterations,
        seed=seed,
        bound_seconds=bound_time,
    )
    points = len(grid.variants)  # every variant is checked here, before the long work begins
    make_folder(out)
    journal = Journal(out / JOURNAL, settings)
    if resume:
        journal.resume()
    with results_only_on_stdout():
        programs = read_programs(models, size, base, seed)
    notice(f"{points} variants of {base.name}, {points * len(programs)} points")
    if not resume:
        journal.begin()
    wanted = _tasks(grid, programs)
    _measure(wanted, programs, journal, actors, cluster)
    results = _collect(grid, programs, journal, wanted)
    files = _write(out, results)
    if json:
        print_json({"results": as_json(results), "files": [str(path) for path in files]})
    else:
        print_results(results, grid)
        print_lines("Files", [str(path) for path in files])
    if results.failures:
        raise typer.Exit(EXIT_FAILED_CHECK)


def _tasks(grid: Grid, programs: dict[str, Program]) -> list[Task]:
    """All points; model by model at each variant, so that what is there after an interrupt is whole variants."""
    from ..explore import Task

    fingerprints = {model: program.fingerprint for model, program in programs.items()}
    return [Task(model, fingerprints[model], variant) for variant in grid.variants for model in programs]


def _measure(
    wanted: Sequence[Task], programs: dict[str, Program], journal: Journal, actors: int | None, cluster: str | None
) -> None:
    """Measure and keep the points that the journal lacks."""
    done = {point.key for point in journal.points}
    todo = [task for task in wanted if task.key not in done]
    kept = len(wanted) - len(todo)
    if kept:
        notice(f"{journal.path}: has {kept} of {len(wanted)} points")
    if not todo:
        return
    watch = InterruptWatch()
    try:
        with watch, results_only_on_stdout(), ExploreBar(len(wanted), kept) as bar:
            for point in _points(todo, programs, journal, actors, cluster):
                watch.check()  # a search that Ctrl-C has cut short is no point
                with watch.held():
                    journal.add(point)
                bar.report(point)
    except BaseException as error:
        if watch.seen or isinstance(error, KeyboardInterrupt):
            there = {point.key for point in journal.points}
            found = f"{journal.path} has {sum(task.key in there for task in wanted)} of {len(wanted)} points"
            raise Interrupted(f"{found}; the same command with --resume goes on") from error
        raise


def _points(
    todo: Sequence[Task], programs: dict[str, Program], journal: Journal, actors: int | None, cluster: str | None
) -> Iterator[Point]:
    from ..explore import measure_here

    if actors is None and cluster is None:
        return measure_here(todo, programs, journal.settings)
    from ..explore.ray_workers import measure_by_ray

    return measure_by_ray(todo, programs, journal.settings, count=actors, address=cluster)


def _collect(grid: Grid, programs: dict[str, Program], journal: Journal, wanted: Sequence[Task]) -> ExploreResults:
    from ..bench import describe_machine
    from ..explore import collect

    keys = {task.key for task in wanted}
    points = [point for point in journal.points if point.key in keys]
    date = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    return collect(journal.settings, grid, list(programs), points, describe_machine(), date)


def _write(out: Path, results: ExploreResults) -> list[Path]:
    """Results, table and, where matplotlib is installed, the picture."""
    from ..explore import points_csv

    results.save(out / RESULTS)
    write_text(out / TABLE, points_csv(results))
    files = [out / RESULTS, out / TABLE]
    try:
        from ..explore.picture import draw

        draw(results, [out / name for name in PICTURES])
    except MissingPackageError as error:
        notice(f"no picture: {error}")
        return files
    return [*files, *(out / name for name in PICTURES)]
