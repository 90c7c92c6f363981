"""Training: games of other planners first, then rounds of own games, each while the learner takes its steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from ...errors import InvalidInputError
from ..networks import FeatureNames, Learner, LearnerSettings, MemstowNetwork, NetworkConfig, save_network
from ..observation import FIRST_OUTLOOK
from .actor import Actors, Kind, LocalActors, Player, Task, Weights
from .batches import ProgramCache, to_batch
from .checkpoint import Checkpoints, PendingTask, RunState
from .config import TrainingConfig, check_resumable
from .curves import Curves
from .replay import Replay

#: The network of a run, in its folder.
NETWORK_FOLDER = "network"
_CONFIG = "config.json"
_SEEDS = 1 << 63


class Problems(Protocol):
    """What is played on."""

    def draw_key(self, rng: np.random.Generator) -> str:
        """The key of a problem by chance."""
        ...


@dataclass(frozen=True)
class Progress:
    """How far a run is. ``figures`` are means of the current round so far, of the last one where there are none yet."""

    round: int
    rounds: int
    is_warm_start: bool
    waiting: int
    steps_left: int
    steps: int
    games: int
    positions: int
    seconds: float
    figures: Mapping[str, float]


@dataclass(frozen=True)
class TrainingResult:
    """What a run leaves: ``network`` is the folder of its network, which is done if ``is_finished``."""

    network: Path
    is_finished: bool
    rounds: int
    steps: int
    games: int
    seconds: float


def _nobody(progress: Progress) -> None:
    """Who is told where nobody asks."""


def train(
    config: TrainingConfig,
    player: Player,
    problems: Problems,
    out: Path,
    *,
    actors: Actors | None = None,
    resume: bool = False,
    on_progress: Callable[[Progress], None] = _nobody,
    should_stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> TrainingResult:
    """Train a network.

    On one thread and the CPU a run depends on ``config``, ``player`` and ``problems`` alone, however often it is
    stopped and resumed and however many actors there are.

    Args:
        config: of the run.
        player: tells of features and programs; it also plays, unless there are actors.
        problems: drawn from for each game.
        out: folder of checkpoints, ``curves.csv`` and the network.
        actors: who plays in the place of ``player``; closed by the caller.
        resume: go on from the last checkpoint in ``out``, if there is one.
        on_progress: told after each game and each step.
        should_stop: asked as often; once it says so there is a last checkpoint, and the run ends.
        clock: seconds.

    Raises:
        InvalidInputError: ``out`` has checkpoints and ``resume`` is off, or they are damaged or of another config; or
            the config has tables that others do not take.
    """
    run = _Run(config, player, problems, out, actors or LocalActors(player), resume=resume, clock=clock)
    with run.curves:
        while not run.is_finished and not should_stop():
            run.advance()
            on_progress(run.progress())
            if clock() - run.saved_at >= config.checkpoint_seconds:
                run.save()
        run.save()
    return run.result()


def network_config(config: TrainingConfig, features: FeatureNames) -> NetworkConfig:
    """The config's network with as many inputs as there are features."""
    own = {
        "program_features": len(features.program),
        "state_features": len(features.state),
        "first_outlook": features.state.index(FIRST_OUTLOOK),
    }
    taken = sorted(own.keys() & config.network.keys())
    if taken:
        raise InvalidInputError(f"network: {taken[0]} is not for the config to say; remove it")
    return NetworkConfig.parse({**config.network, **own}, where="network")


class _Run:
    """A run; its state is consistent between calls of :meth:`advance`."""

    def __init__(
        self,
        config: TrainingConfig,
        player: Player,
        problems: Problems,
        out: Path,
        actors: Actors,
        *,
        resume: bool,
        clock: Callable[[], float],
    ) -> None:
        self._config, self._player, self._problems, self._out, self._actors = config, player, problems, out, actors
        self._clock = clock
        self._checkpoints = Checkpoints(out)
        self._programs = ProgramCache(player.program, config.program_cache_bytes)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = MemstowNetwork(network_config(config, player.features))
        self._learner = Learner(network, LearnerSettings.parse(config.learner, where="learner"))
        self._tasks_rng, self._batches_rng = map(np.random.default_rng, np.random.SeedSequence(config.seed).spawn(2))
        self._replay, self._acting = Replay(config.replay), Weights(0, {})
        self._pending: list[Task] = []
        self._rounds_done = self._games = self._steps_left = 0
        self._is_open = self._collects_first = False
        self._seconds = 0.0
        self._sums: dict[str, tuple[float, int]] = {}
        self._last: dict[str, float] = {}
        if resume and self._checkpoints.numbers():
            self._load()
        else:
            self._begin()
        self._began = clock() - self._seconds
        self.saved_at = clock()
        steps = self._learner.steps
        self.curves = Curves(out, tensorboard=config.tensorboard, rounds=self._rounds_done, steps=steps)

    @property
    def is_finished(self) -> bool:
        """Whether all rounds are done; the warm start counts as one."""
        return not self._is_open and self._rounds_done > self._config.self_play.rounds

    def advance(self) -> None:
        """Collect a game, or take a step of the learner, or begin a round."""
        self._actors.poll()
        if not self._is_open:
            self._begin_round()
        elif self._pending and (self._collects_first or not self._steps_left):
            self._collect()
        elif self._steps_left:
            self._learn()
        if not self._pending and not self._steps_left:
            self._end_round()

    def progress(self) -> Progress:
        """How far the run is."""
        return Progress(
            round=self._rounds_done,
            rounds=1 + self._config.self_play.rounds,
            is_warm_start=self._rounds_done == 0,
            waiting=len(self._pending),
            steps_left=self._steps_left,
            steps=self._learner.steps,
            games=self._games,
            positions=self._replay.positions,
            seconds=self._clock() - self._began,
            figures={**self._last, **self._means()},
        )

    def result(self) -> TrainingResult:
        """What the run leaves."""
        return TrainingResult(
            network=self._out / NETWORK_FOLDER,
            is_finished=self.is_finished,
            rounds=self._rounds_done,
            steps=self._learner.steps,
            games=self._games,
            seconds=self._clock() - self._began,
        )

    def save(self) -> None:
        """Write a checkpoint, and the network."""
        self._seconds = self._clock() - self._began
        state = RunState(
            rounds_done=self._rounds_done,
            is_open=self._is_open,
            games=self._games,
            seconds=self._seconds,
            pending=tuple(PendingTask(kind=t.kind, key=t.key, seed=t.seed, serial=t.serial) for t in self._pending),
            steps_left=self._steps_left,
            collects_first=self._collects_first,
            acting_step=self._acting.step,
            task_rng=dict(self._tasks_rng.bit_generator.state),
            batch_rng=dict(self._batches_rng.bit_generator.state),
            sums=self._sums,
        )
        self._checkpoints.save(state, self._learner.state_dict(), self._acting, self._replay)
        made_by = {"steps": str(self._learner.steps), "games": str(self._games), "seed": str(self._config.seed)}
        save_network(self._learner.network, self._player.features, self._out / NETWORK_FOLDER, made_by=made_by)
        self.saved_at = self._clock()

    def _begin(self) -> None:
        if self._checkpoints.numbers():
            raise InvalidInputError(
                f"{self._checkpoints.folder}: has checkpoints of a run; resume it (--resume) or name another folder"
            )
        try:
            self._out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInputError(f"{self._out}: cannot be made ({error.strerror}); choose another folder") from None
        self._checkpoints.clean()
        self._config.save(self._out / _CONFIG)

    def _load(self) -> None:
        check_resumable(TrainingConfig.load(self._out / _CONFIG), self._config, self._out)
        self._config.save(self._out / _CONFIG)
        self._checkpoints.clean()
        found = self._checkpoints.load(self._config.replay)
        state = found.state
        self._learner.load_state_dict(found.learner)
        self._replay, self._acting = found.replay, found.acting
        self._rounds_done, self._games, self._seconds = state.rounds_done, state.games, state.seconds
        self._is_open, self._steps_left, self._collects_first = state.is_open, state.steps_left, state.collects_first
        self._tasks_rng.bit_generator.state = state.task_rng
        self._batches_rng.bit_generator.state = state.batch_rng
        self._sums = dict(state.sums)
        kept = [t for t in state.pending if t.kind is not Kind.REANALYSE or t.serial in self._replay.entries]
        self._submit([self._task(t.kind, t.key, t.seed, t.serial) for t in kept])

    def _begin_round(self) -> None:
        config, rng = self._config, self._tasks_rng
        self._is_open = True
        self._acting = _weights(self._learner)
        self._collects_first = len(self._replay) == 0
        if self._rounds_done == 0:
            kind, games, old = Kind.DEMONSTRATE, config.warm_start.games, []
            self._steps_left = config.warm_start.steps if games else 0
        else:
            kind, games = Kind.PLAY, config.self_play.games
            old = self._replay.stalest(config.self_play.reanalysed)
            self._steps_left = config.self_play.steps
        tasks = [Task(kind, self._problems.draw_key(rng), int(rng.integers(_SEEDS))) for _ in range(games)]
        keys = [self._replay.entries[serial].episode.key for serial in old]
        again = [
            self._task(Kind.REANALYSE, key, int(rng.integers(_SEEDS)), serial)
            for key, serial in zip(keys, old, strict=True)
        ]
        self._submit([*tasks, *again])

    def _task(self, kind: Kind, key: str, seed: int, serial: int) -> Task:
        entry = self._replay.entries.get(serial)
        return Task(kind, key, seed, serial, entry.episode if entry is not None else None)

    def _submit(self, tasks: list[Task]) -> None:
        self._pending = tasks
        self._actors.submit(tasks, self._acting)

    def _collect(self) -> None:
        episode = self._actors.collect()
        task = self._pending.pop(0)
        step = self._acting.step
        if task.kind is Kind.REANALYSE:
            self._replay.retarget(task.serial, episode, step)
        else:
            self._games += 1
            is_fixed = task.kind is Kind.DEMONSTRATE and self._config.warm_start.is_fixed
            self._replay.add(episode, step, is_fixed=is_fixed)
            self._note({f"score_{task.kind}": episode.score, "decisions": float(len(episode))})

    def _learn(self) -> None:
        batch = self._config.batch
        windows = self._replay.draw(self._batches_rng, batch.size, batch.games, batch.unroll)
        report = self._learner.step(to_batch(windows, self._programs))
        self._replay.update(windows, report.value_errors)
        self._steps_left -= 1
        self._note(report.losses)

    def _note(self, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            total, count = self._sums.get(name, (0.0, 0))
            self._sums[name] = total + value, count + 1

    def _means(self) -> dict[str, float]:
        return {name: total / count for name, (total, count) in self._sums.items()}

    def _end_round(self) -> None:
        counts = {
            "round": self._rounds_done,
            "step": self._learner.steps,
            "games": self._games,
            "replay_games": len(self._replay),
            "replay_positions": self._replay.positions,
            "seconds": self._clock() - self._began,
        }
        self._last = self._means()
        self.curves.add({**counts, **self._last})
        self._rounds_done += 1
        self._is_open = False
        self._sums = {}


def _weights(learner: Learner) -> Weights:
    state = learner.network.state_dict()
    return Weights(learner.steps, {name: tensor.detach().cpu().numpy().copy() for name, tensor in state.items()})
