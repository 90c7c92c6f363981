"""Checkpoints of a run: each a folder that appears whole or not at all, the last two are kept.

::

    OUT/config.json                 what the run was begun with
    OUT/replay/00000012-1.npz       a game and the revision of its targets, shared by the checkpoints that have it
    OUT/checkpoints/00000003/       state.json, learner.pt, acting.npz, powers.npy
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...errors import InvalidInputError
from ...schema import Document
from .actor import Kind, Weights
from .config import ReplaySettings
from .episode import Episode
from .replay import Replay, Stored

_KEPT = 2
_FORMAT = 1


class PendingTask(Document):
    """A task that is not collected yet; ``serial`` is that of the game to look at again."""

    kind: Kind
    key: str
    seed: int
    serial: int = -1


class SavedGame(Document):
    """A game of the replay: where it lies and whose targets it has; its priorities are in ``powers.npy``."""

    serial: int
    slot: int
    revision: int
    targets_of: int
    is_fixed: bool

    @property
    def file(self) -> str:
        """Name in the folder of games."""
        return f"{self.serial:08d}-{self.revision}.npz"


class RunState(Document):
    """All of a run but its arrays; the rest of the run depends on this and them alone.

    Attributes:
        rounds_done: rounds that are over, the warm start among them.
        is_open: whether another round has begun.
        games: played so far.
        seconds: the run has taken.
        pending: tasks of the current round that are not collected, in order.
        steps_left: of the learner in the current round.
        collects_first: whether the learner waits for the round's games.
        acting_step: the learner's step at which the network was taken that plays the current round.
        task_rng, batch_rng: states of the generators of tasks and of batches.
        sums: figures of the current round so far: sum and count.
        replay: the games, oldest first.
    """

    format: int = _FORMAT
    rounds_done: int = 0
    is_open: bool = False
    games: int = 0
    seconds: float = 0.0
    pending: tuple[PendingTask, ...] = ()
    steps_left: int = 0
    collects_first: bool = False
    acting_step: int = 0
    task_rng: Mapping[str, Any]
    batch_rng: Mapping[str, Any]
    sums: Mapping[str, tuple[float, int]] = {}
    replay: tuple[SavedGame, ...] = ()
    next_serial: int = 0
    largest_power: float = 1.0


@dataclass(frozen=True)
class Loaded:
    """A checkpoint in memory."""

    state: RunState
    learner: dict[str, Any]
    acting: Weights
    replay: Replay


class Checkpoints:
    """The checkpoints of a run's folder."""

    def __init__(self, out: Path) -> None:
        self.folder = out / "checkpoints"
        self.games = out / "replay"

    def numbers(self) -> list[int]:
        """Of the checkpoints that there are, ascending."""
        return sorted(int(path.name) for path in self.folder.glob("[0-9]*") if path.is_dir())

    def save(self, state: RunState, learner: dict[str, Any], acting: Weights, replay: Replay) -> Path:
        """Write a checkpoint, then remove what only older ones need. Returns its folder.

        Raises:
            InvalidInputError: the folder cannot be written to; older checkpoints stay.
        """
        number = max(self.numbers(), default=0) + 1
        state = state.model_copy(
            update={
                "replay": tuple(map(_saved, replay.entries.values())),
                "next_serial": replay.next_serial,
                "largest_power": replay.largest_power,
            }
        )
        try:
            self.games.mkdir(parents=True, exist_ok=True)
            self.folder.mkdir(parents=True, exist_ok=True)
            for game, entry in zip(state.replay, replay.entries.values(), strict=True):
                if not (self.games / game.file).exists():
                    entry.episode.save(self.games / game.file)
            with tempfile.TemporaryDirectory(dir=self.folder, prefix=".new-", ignore_cleanup_errors=True) as name:
                staged = Path(name) / "checkpoint"
                staged.mkdir()
                torch.save(learner, staged / "learner.pt")
                np.savez(staged / "acting.npz", allow_pickle=False, **acting.arrays)
                powers = [entry.powers for entry in replay.entries.values()]
                np.save(staged / "powers.npy", np.concatenate([np.zeros(0, np.float32), *powers]), allow_pickle=False)
                state.save(staged / "state.json")
                target = staged.rename(self.folder / f"{number:08d}")
        except OSError as error:
            raise InvalidInputError(
                f"{self.folder}: cannot be written to ({error.strerror or error}); make room, then --resume"
            ) from error
        self.clean()
        return target

    def load(self, settings: ReplaySettings) -> Loaded:
        """Read the last checkpoint.

        Raises:
            InvalidInputError: there is none, it is damaged, or of another version of memstow.
        """
        numbers = self.numbers()
        if not numbers:
            raise InvalidInputError(f"{self.folder}: expected a checkpoint, found none; begin without --resume")
        folder = self.folder / f"{numbers[-1]:08d}"
        state = RunState.load(folder / "state.json")
        if state.format != _FORMAT:
            raise InvalidInputError(
                f"{folder}: expected a checkpoint of format {_FORMAT}, found {state.format}; begin in another folder"
            )
        try:
            learner = torch.load(folder / "learner.pt", map_location="cpu", weights_only=True)
            with np.load(folder / "acting.npz", allow_pickle=False) as found:
                acting = Weights(state.acting_step, {name: found[name] for name in found.files})
            replay = self._replay(settings, state, np.load(folder / "powers.npy", allow_pickle=False))
        except InvalidInputError:
            raise
        except Exception as error:  # torch, zipfile and numpy have errors of their own
            raise InvalidInputError(
                f"{folder}: cannot be read ({type(error).__name__}: {error}); remove it to go on from the one before"
            ) from error
        return Loaded(state, learner, acting, replay)

    def _replay(self, settings: ReplaySettings, state: RunState, powers: NDArray[np.float32]) -> Replay:
        replay = Replay(settings)
        for game in state.replay:
            episode = Episode.load(self.games / game.file)
            own, powers = powers[: len(episode)].copy(), powers[len(episode) :]
            replay.put(
                Stored(game.serial, game.slot, episode, own, game.revision, game.targets_of, is_fixed=game.is_fixed)
            )
        replay.next_serial, replay.largest_power = state.next_serial, state.largest_power
        return replay

    def clean(self) -> None:
        """Remove what no checkpoint needs: older ones, games given up, what a run that was cut off began to write."""
        numbers = self.numbers()
        for number in numbers[:-_KEPT]:
            shutil.rmtree(self.folder / f"{number:08d}", ignore_errors=True)
        for path in self.folder.glob(".new-*"):
            shutil.rmtree(path, ignore_errors=True)
        needed = {game.file for number in numbers[-_KEPT:] for game in self._games_of(number)}
        for path in self.games.glob("*.npz"):
            if path.name not in needed:
                path.unlink(missing_ok=True)

    def _games_of(self, number: int) -> Iterable[SavedGame]:
        return RunState.load(self.folder / f"{number:08d}" / "state.json").replay


def _saved(entry: Stored) -> SavedGame:
    return SavedGame(
        serial=entry.serial,
        slot=entry.slot,
        revision=entry.revision,
        targets_of=entry.targets_of,
        is_fixed=entry.is_fixed,
    )
