"""Whole games in which search decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...native import core_function
from ..game import Game, State
from ..game.action import NUM_ACTIONS
from .settings import SearchSettings


@dataclass(frozen=True)
class PlayedGame:
    """A game played from some state to its end by D decisions.

    ``end`` is its last state. ``legal`` (D) holds masks, ``actions`` (D) what was decided, ``visits``, ``q`` and
    ``policy`` (D, 3) and ``values`` (D) what was found out before (see :class:`SearchResult`), ``rewards`` (D) what it
    gave, in units of reward. ``best_history`` and ``best_seconds``: the best end that any rollout came to, of the whole
    game as :meth:`Game.restore` reads it; empty and infinite when nothing was evaluated.
    """

    end: State
    legal: NDArray[np.uint8]
    actions: NDArray[np.uint8]
    visits: NDArray[np.int32]
    q: NDArray[np.float64]
    policy: NDArray[np.float32]
    values: NDArray[np.float64]
    rewards: NDArray[np.float64]
    best_history: str
    best_seconds: float

    @property
    def best(self) -> State:
        """The best end of all: this game's or a rollout's."""
        return self.end if self.end.seconds <= self.best_seconds else self.end.game.restore(self.best_history)


def unit_seconds(game: Game) -> float:
    """Seconds of reward 1: those that all decisions in fast memory would save, on average over the decisions."""
    return float(core_function("memstow.gumbel.unit_seconds")(game.handle))


def play(game: Game, settings: SearchSettings, seed: int) -> State:
    """Play a game from its beginning, every decision as :func:`search` would make it; the best end of all.

    Raises:
        ValueError: a setting is out of range.
    """
    return play_games([game.new_state()], settings, [seed])[0].best


def play_games(
    states: Sequence[State], settings: SearchSettings, seeds: Sequence[int], *, threads: int = 1
) -> list[PlayedGame]:
    """Play on from each state, on several threads; the states are as before afterwards.

    A game depends on its state and seed alone, not on ``threads`` or the other games.

    Raises:
        ValueError: a setting is out of range, or there are fewer or more seeds than states.
    """
    if len(seeds) != len(states):
        raise ValueError(f"expected a seed for each of {len(states)} states, found {len(seeds)}")
    ends = [state.clone() for state in states]
    first = np.cumsum([0] + [state.game.num_decisions - state.num_decided for state in states])
    total = int(first[-1])
    legal, actions = np.empty(total, dtype=np.uint8), np.empty(total, dtype=np.uint8)
    visits = np.empty(NUM_ACTIONS * total, dtype=np.int32)
    q, policy = np.empty(NUM_ACTIONS * total), np.empty(NUM_ACTIONS * total, dtype=np.float32)
    values, rewards, best_seconds = np.empty(total), np.empty(total), np.empty(len(states))
    histories = core_function("memstow.gumbel.play")(
        [end.handle for end in ends],
        np.array(seeds, dtype=np.int64),
        settings.core_options(),
        settings.rollouts,
        threads,
        legal,
        actions,
        visits,
        q,
        policy,
        values,
        rewards,
        best_seconds,
    )
    by_action = (-1, NUM_ACTIONS)
    visits, q, policy = visits.reshape(by_action), q.reshape(by_action), policy.reshape(by_action)
    played = []
    for k, end in enumerate(ends):
        part = slice(int(first[k]), int(first[k + 1]))
        found = visits[part], q[part], policy[part], values[part], rewards[part]
        best = str(histories[k]), float(best_seconds[k])
        played.append(PlayedGame(end, legal[part], actions[part], *found, *best))
    return played
