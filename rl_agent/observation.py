"""What the agent sees of a game; the features are the core's (``observer.h``), which lists and explains them."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..native import core_function
from .game import Game

#: Raise it when a feature changes its meaning: weights of another version are refused.
OBSERVATION_VERSION = 2

#: The first of three state features that say of each action what it saves at once and, by the prices, leads to.
FIRST_OUTLOOK = "drop_outlook"

Features = NDArray[np.float32]


@cache
def program_features() -> tuple[str, ...]:
    """Names of the static features of a decision, in order: P of them."""
    return tuple(str(name) for name in core_function("memstow.agent.program_feature_names")())


@cache
def state_features() -> tuple[str, ...]:
    """Names of the features of a state, in order: F of them."""
    return tuple(str(name) for name in core_function("memstow.agent.state_feature_names")())


class Observer:
    """Sees the states of one game; never changes and may be shared between threads.

    ``program`` (D, P) holds the static features of every decision, ``potential`` (D) the discounted sum of what the
    decisions from each on can save, in reward units of ``unit_seconds``.
    """

    def __init__(self, game: Game) -> None:
        self.game = game
        self.handle = core_function("memstow.agent.observer")(game.handle)
        self.unit_seconds = float(core_function("memstow.agent.unit_seconds")(self.handle))
        count = len(game.decisions)
        flat = np.empty(count * len(program_features()), dtype=np.float32)
        core_function("memstow.agent.program_features")(self.handle, flat)
        self.program: Features = flat.reshape(count, len(program_features()))
        self.potential = np.empty(count)
        core_function("memstow.agent.potentials")(self.handle, self.potential)
