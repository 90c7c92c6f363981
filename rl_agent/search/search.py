"""The search of one decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...native import core_function
from ..game import Action, State
from ..game.action import NUM_ACTIONS
from .settings import SearchSettings

_LINKS, _NUMBERS = 4, 3


@dataclass(frozen=True)
class SearchResult:
    """What a search found out about a state; entries of illegal actions are 0.

    ``visits`` (3) counts the simulations of each action; ``q`` (3) is what follows it, in units of reward; ``policy``
    (3) the improved policy, which sums up to 1; ``value`` the mean over the evaluation and all simulations.
    """

    action: Action
    visits: NDArray[np.int32]
    q: NDArray[np.float64]
    policy: NDArray[np.float32]
    value: float


class Node(NamedTuple):
    """A state in the tree: ``action`` led here from node ``parent`` (-1 at the root) and gave ``reward``.

    ``legal``: bit ``a`` is set when action ``a`` is legal. ``evaluation``: the value before any further search;
    ``value``: the mean over it and the ``visits`` that went on.
    """

    parent: int
    action: Action
    visits: int
    legal: int
    reward: float
    evaluation: float
    value: float


def search(state: State, settings: SearchSettings, seed: int) -> SearchResult:
    """Search a state, which is as before afterwards; the same seed, the same result.

    Raises:
        ValueError: the game is over, or a setting is out of range.
    """
    return search_tree(state, settings, seed)[0]


def search_tree(state: State, settings: SearchSettings, seed: int) -> tuple[SearchResult, list[Node]]:
    """As :func:`search`, and the tree: its root, then the other nodes in the order in which they were added."""
    options = settings.core_options()
    visits = np.empty(NUM_ACTIONS, dtype=np.int32)
    q, policy = np.empty(NUM_ACTIONS), np.empty(NUM_ACTIONS, dtype=np.float32)
    action_and_value = np.empty(2)
    links = np.empty((1 + settings.simulations) * _LINKS, dtype=np.int32)
    numbers = np.empty((1 + settings.simulations) * _NUMBERS)
    count = core_function("memstow.gumbel.search")(
        state.handle, options, settings.rollouts, seed, visits, q, policy, action_and_value, links, numbers
    )
    found = SearchResult(Action(int(action_and_value[0])), visits, q, policy, float(action_and_value[1]))
    rows = zip(links.reshape(-1, _LINKS)[:count].tolist(), numbers.reshape(-1, _NUMBERS).tolist(), strict=False)
    return found, [Node(parent, Action(a), n, legal, *values) for (parent, a, n, legal), values in rows]
