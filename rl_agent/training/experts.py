"""What other planners would play: their memory plans as actions of the game."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.stay import ABSENT
from ...plan import MemoryPlan
from ...planners.core_search import first_touches, rows_of
from ..game import Action, Game, State

Actions = NDArray[np.uint8]

#: What comes nearest to an action that is illegal, in order. To be in fast memory by other means comes first.
_NEAREST = {
    Action.DROP: (Action.NO_COPY, Action.COPY),
    Action.NO_COPY: (Action.COPY, Action.DROP),
    Action.COPY: (Action.NO_COPY, Action.DROP),
}


def wishes_of(game: Game, plan: MemoryPlan) -> Actions:
    """What each decision would be if all went as in the plan, legal or not: ``(D,)``.

    The first touch of a stay is copied where a prefetch begins the stay, the others stay; what is served from slow
    memory is dropped.
    """
    wishes = np.full(len(game.core.touches.time), Action.DROP, dtype=np.uint8)
    first_touch = first_touches(game.core)
    for storage, first, last, into, *_ in rows_of(game.core, plan).tolist():
        begin = first_touch[storage]
        wishes[begin + first : begin + last + 1] = Action.NO_COPY
        if into != ABSENT:
            wishes[begin + first] = Action.COPY
    return wishes[game.decisions]


def play_plan(game: Game, plan: MemoryPlan) -> State:
    """The end of the game in which every decision is the plan's, or the nearest legal one.

    The game times copies and finds offsets by itself, so the end may be slower than the plan, or faster.
    """
    state = game.new_state()
    for wish in wishes_of(game, plan).tolist():
        try:
            state.apply(wish)
        except ValueError:
            legal = state.legal_mask
            state.apply(next(action for action in _NEAREST[Action(wish)] if legal >> action & 1))
    return state


def actions_of(game: Game, plan: MemoryPlan) -> Actions:
    """The actions of :func:`play_plan`: ``(D,)``."""
    return actions_from(play_plan(game, plan).serialise())


def actions_from(history: str) -> Actions:
    """The actions of a history as :meth:`State.serialise` writes it: ``(D,)``."""
    digits: Actions = np.frombuffer(history.encode("ascii"), dtype=np.uint8)
    return digits - np.uint8(ord("0"))
