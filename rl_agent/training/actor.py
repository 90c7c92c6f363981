"""Who plays: the protocol of a player, the tasks that it is given, and actors that do them in this process."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from .episode import Episode

if TYPE_CHECKING:
    from ..networks import FeatureNames


@dataclass(frozen=True, eq=False)
class Weights:
    """A network's state as arrays by name, taken after ``step`` steps of the learner; never changed in place.

    The arrays may be read-only. Within a run equal steps mean equal weights, so a player may keep what it has made of
    them.
    """

    step: int
    arrays: Mapping[str, NDArray[np.generic]]


class Player(Protocol):
    """Plays games and finds targets. What it returns depends on its arguments alone, whatever it did before."""

    @property
    def features(self) -> FeatureNames:
        """Names of the P features of a decision that no action changes, and of the F features of a state."""
        ...

    def program(self, key: str) -> NDArray[np.float32]:
        """(D, P) features of the decisions of a problem."""
        ...

    def demonstrate(self, key: str, seed: int) -> Episode:
        """The game of another planner's plan: its actions and what they gain as targets."""
        ...

    def play(self, key: str, weights: Weights, seed: int) -> Episode:
        """A game in which every decision is searched for."""
        ...

    def reanalyse(self, episode: Episode, weights: Weights, seed: int) -> Episode:
        """The same game with targets by a search from its states."""
        ...


class Kind(StrEnum):
    """What is to be done."""

    DEMONSTRATE = "demonstrate"
    PLAY = "play"
    REANALYSE = "reanalyse"


@dataclass(frozen=True)
class Task:
    """One game to be played, or one to be looked at again; ``serial`` is then its number in the replay."""

    kind: Kind
    key: str
    seed: int
    serial: int = -1
    episode: Episode | None = None

    def run(self, player: Player, weights: Weights) -> Episode:
        """Have it done."""
        if self.kind is Kind.DEMONSTRATE:
            return player.demonstrate(self.key, self.seed)
        if self.kind is Kind.PLAY:
            return player.play(self.key, weights, self.seed)
        assert self.episode is not None
        return player.reanalyse(self.episode, weights, self.seed)


class Actors(Protocol):
    """Do tasks, here or elsewhere, at once or later; what comes of them does not depend on where and when."""

    def submit(self, tasks: Sequence[Task], weights: Weights) -> None:
        """Have tasks done by these weights; those of the last time have all been collected."""
        ...

    def poll(self) -> None:
        """Hand out what can be handed out; called often and quick."""
        ...

    def collect(self) -> Episode:
        """What came of the next task, in the order of submission; waits for it."""
        ...

    def close(self) -> None:
        """Give everything up."""
        ...


class LocalActors:
    """Does each task when its result is asked for, in this process."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self._tasks: deque[Task] = deque()
        self._weights = Weights(0, {})

    def submit(self, tasks: Sequence[Task], weights: Weights) -> None:
        """See :class:`Actors`."""
        self._tasks.extend(tasks)
        self._weights = weights

    def poll(self) -> None:
        """See :class:`Actors`."""

    def collect(self) -> Episode:
        """See :class:`Actors`."""
        return self._tasks.popleft().run(self._player, self._weights)

    def close(self) -> None:
        """See :class:`Actors`."""
        self._tasks.clear()
