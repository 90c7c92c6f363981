"""``memstow agent``: training of the agent that plays MallocGame, and how good its plans are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import planners as registry
from ..defaults import DEFAULT_BUDGET_SECONDS
from ..errors import InvalidInputError
from ..formats import find_problems
from ..planners.base import checked_effort
from ..schema import write_text
from .agent_progress import EvaluationBar, StopRequest, TrainingBar
from .agent_tables import print_evaluation, print_training
from .console import as_json, notice, print_json, results_only_on_stdout
from .failures import EXIT_FAILED_CHECK
from .interrupt import Interrupted
from .options import BudgetOption, IterationsOption, JsonOption, RecordedAccelerator
from .targets import check_planner, resolve_problem

if TYPE_CHECKING:
    from ..bench import Case
    from ..rl_agent.training.actor import Actors
    from ..rl_agent.training.config import TrainingConfig

app = typer.Typer(no_args_is_help=True, help="The agent that plays MallocGame: train, evaluate.")
AGENT, REFERENCE = "agent", "xla-msa"


@app.command("train")
def train_command(
    config: Annotated[
        Path, typer.Option("--config", metavar="FILE.toml", help="What is trained, and how.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Checkpoints, curves and the network.")] = Path(
        "memstow-out/agent"
    ),
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in FOLDER.")] = False,
    actors: Annotated[
        int | None,
        typer.Option(metavar="N", help="Play in so many processes, by Ray; left out, in this one.", show_default=False),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Play on a Ray cluster: HOST:PORT, or auto.", show_default=False),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="In the place of the config's.", show_default=False)
    ] = None,
    json: JsonOption = False,
) -> None:
    """Train a network by games against itself and, to begin with, by other planners' plans.

    Ctrl-C ends it with a checkpoint; --resume then goes on as if nothing had been.
    """
    from ..rl_agent.training.assembly import make_player, make_problems
    from ..rl_agent.training.config import load_config
    from ..rl_agent.training.trainer import train

    settings = load_config(config)
    if seed is not None:
        settings = settings.model_copy(update={"seed": seed})
    problems = make_problems(settings)
    player = make_player(settings)
    rounds = 1 + settings.self_play.rounds
    stop = StopRequest()
    try:
        with (
            results_only_on_stdout(),
            _ray_actors(settings, actors, cluster) as group,
            stop,
            TrainingBar(rounds) as bar,
        ):
            result = train(
                settings,
                player,
                problems,
                out,
                actors=group,
                resume=resume,
                on_progress=bar.on_progress,
                should_stop=lambda: stop.seen,
            )
    except KeyboardInterrupt:
        raise Interrupted(f"--resume goes on from the last checkpoint in {out}, if there is one") from None
    write_text(out / "programs.txt", problems.describe())
    if not result.is_finished:
        raise Interrupted(f"after step {result.steps} and {result.games} games; --resume goes on from there")
    if json:
        print_json({"network": str(result.network), "steps": result.steps, "games": result.games})
    else:
        print_training(result)


@contextmanager
def _ray_actors(config: TrainingConfig, count: int | None, address: str | None) -> Iterator[Actors | None]:
    """Actors in processes of their own, where they are asked for."""
    if count is None and address is None:
        yield None
        return
    from ..rl_agent.training.assembly import make_player
    from ..rl_agent.training.ray_actors import RayActors

    found = RayActors(partial(make_player, config), count, address=address)
    try:
        yield found
    finally:
        found.close()


@app.command("evaluate")
def evaluate_command(
    programs: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE|DIR...", help="Programs and xla_suite files, or their folders.", show_default=False
        ),
    ],
    planners: Annotated[str, typer.Option("--planners", metavar="A,B", help="Planners to judge.")] = AGENT,
    reference: Annotated[
        str, typer.Option("--reference", metavar="P", help="The planner that they are compared with.")
    ] = REFERENCE,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", help="Run each by seeds 0 to N-1.")] = 3,
    budget: BudgetOption = DEFAULT_BUDGET_SECONDS,
    iterations: IterationsOption = None,
    accelerator: RecordedAccelerator = None,
    json: JsonOption = False,
) -> None:
    """Judge the agent's plans by several seeds against another planner's and the solutions in the files.

    Exit code 1 if a planner fails or gives an invalid plan.
    """
    from ..bench import Settings
    from ..rl_agent.evaluation import Contest, evaluate

    checked_effort(budget, iterations, prefix="--")
    if seeds < 1:
        raise InvalidInputError(f"--seeds: expected 1 or more, found {seeds}")
    names = list(dict.fromkeys([reference, *(name.strip() for name in planners.split(",") if name.strip())]))
    for name in names:
        check_planner(name)
    cases = _cases(programs, accelerator)
    settings = Settings(planners=tuple(names), budget_seconds=budget, iterations=iterations)
    contest = Contest({name: registry.get(name) for name in names}, reference, tuple(range(seeds)), settings)
    with results_only_on_stdout(), EvaluationBar(len(cases) * len(names) * seeds) as bar:
        found = evaluate(cases, contest, bar.on_run)
    if json:
        print_json(as_json(found))
    else:
        print_evaluation(found)
    if found.failures:
        raise typer.Exit(EXIT_FAILED_CHECK)


def _cases(paths: list[Path], accelerator: str | None) -> list[Case]:
    """All programs, so that a bad file is found before anything runs."""
    from ..bench import Case

    cases = []
    for path in paths:
        found = find_problems(path)
        for skipped in found.skipped:
            notice(f"{skipped}: no program, skipped")
        for file, loaded in found.problems.items():
            problem = resolve_problem(file, loaded, accelerator)
            recorded = loaded.recorded_price if accelerator is None else None
            cases.append(Case(file.name.removesuffix(".json").removesuffix(".program"), problem, recorded))
    return cases
