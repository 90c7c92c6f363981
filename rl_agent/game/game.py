"""The static facts of a game: what is decided, in which order, and what no decision can change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core import CoreProblem
from ...native import core_function
from ...planners import Problem

if TYPE_CHECKING:
    from .state import State


class Game:
    """A problem played as a game; it never changes and may be shared between threads.

    ``decisions`` (D) holds the touch of every decision in order, an index into ``core.touches``. ``slow_seconds`` is
    the program's time with everything in slow memory, from which returns count.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        cross_program: Sequence[int] = (),
        node_limit: int = 200,
        block_limit: int = 512,
        move_limit: int = 200,
    ) -> None:
        """A game on ``problem``.

        Storages in ``cross_program`` are prefetched before the program, free of cost, when their first touch is
        copied and there is room. A decision that finds no offsets moves up to ``move_limit`` single blocks out of the
        way, then packs up to ``block_limit`` blocks anew, at last by a search of up to ``node_limit`` placements (0: no
        search), before it counts as illegal.

        Raises:
            ValueError: ``cross_program`` names too many storages, or one that does not exist before the program.
        """
        self.problem = problem
        self.core = CoreProblem(problem.program, problem.accelerator, problem.cost)
        storages = np.array(cross_program, dtype=np.int32)
        self.handle = core_function("memstow.game.game")(
            self.core.handle, node_limit, block_limit, move_limit, storages
        )
        self.decisions: NDArray[np.int32] = np.empty(self.num_decisions, dtype=np.int32)
        core_function("memstow.game.decisions")(self.handle, self.decisions)

    @property
    def num_decisions(self) -> int:
        """Decisions of a whole game, D: every touch of every storage that may be placed."""
        return int(core_function("memstow.game.num_decisions")(self.handle))

    @property
    def slow_seconds(self) -> float:
        """Seconds of the program with everything in slow memory."""
        return float(core_function("memstow.game.slow_seconds")(self.handle))

    def new_state(self) -> State:
        """The game at its beginning."""
        from .state import State

        return State(self)

    def restore(self, history: str) -> State:
        """The state after the actions of a history, as :meth:`State.serialise` writes it.

        Raises:
            ValueError: an action is not one, is illegal where it stands, or comes after the end.
        """
        state = self.new_state()
        state.apply_all([int(digit) if digit.isdecimal() else -1 for digit in history])
        return state

    def random_playouts(self, count: int, seed: int) -> NDArray[np.float64]:
        """Seconds of the program at the end of each of ``count`` games of evenly drawn legal actions, played in C++."""
        seconds = np.empty(count)
        core_function("memstow.game.random_playouts")(self.handle, seed, seconds)
        return seconds
