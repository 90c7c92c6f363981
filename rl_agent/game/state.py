"""A game in play."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...core.stay import ABSENT
from ...native import core_function
from ...plan import MemoryPlan
from ...planners.residency import Residency, Transfer, build_plan
from .action import NUM_ACTIONS, Action
from .game import Game


class Decision(NamedTuple):
    """What is decided next: the touch of a storage at an instruction time; ``writes`` when it gets a new version."""

    storage: int
    touch: int
    time: int
    writes: bool


class State:
    """Decisions made so far; one thread at a time. What a history of actions leads to depends on it alone."""

    def __init__(self, game: Game, handle: Any = None) -> None:
        self.game = game
        self._handle = core_function("memstow.game.state")(game.handle) if handle is None else handle

    def clone(self) -> State:
        """A state of its own that begins as this one."""
        return State(self.game, core_function("memstow.game.state_clone")(self._handle))

    @property
    def handle(self) -> Any:
        """The core's state, for functions of the core that take one."""
        return self._handle

    @property
    def num_decided(self) -> int:
        """Decisions made so far."""
        return int(core_function("memstow.game.state_decided")(self._handle))

    @property
    def is_terminal(self) -> bool:
        """Whether every decision is made."""
        return self.num_decided == len(self.game.decisions)

    @property
    def current(self) -> Decision:
        """What is decided next.

        Raises:
            ValueError: the game is over.
        """
        if self.is_terminal:
            raise ValueError(f"the game is over after {self.num_decided} decisions; ask is_terminal first")
        touch, touches = int(self.game.decisions[self.num_decided]), self.game.core.touches
        return Decision(int(touches.storage[touch]), touch, int(touches.time[touch]), bool(touches.writes[touch]))

    @property
    def legal_mask(self) -> int:
        """Bit ``a`` is set when action ``a`` is legal: at least one until the game is over, none then."""
        return int(core_function("memstow.game.state_legal")(self._handle))

    @property
    def legal_actions(self) -> list[Action]:
        """The legal actions, ascending."""
        mask = self.legal_mask
        return [Action(number) for number in range(NUM_ACTIONS) if mask >> number & 1]

    def apply(self, action: int) -> float:
        """Decide; the seconds saved by it, less than 0 when it costs time.

        Raises:
            ValueError: the action is illegal or the game is over. Nothing has changed then.
        """
        return float(core_function("memstow.game.state_apply")(self._handle, int(action)))

    def apply_all(self, actions: Sequence[int]) -> None:
        """Decide several times.

        Raises:
            ValueError: as :meth:`apply`; the actions before the illegal one have been applied.
        """
        numbers = np.array([action if 0 <= action < NUM_ACTIONS else NUM_ACTIONS for action in actions], dtype=np.uint8)
        core_function("memstow.game.state_apply_all")(self._handle, numbers)

    def undo(self) -> None:
        """Take the last decision back.

        Raises:
            ValueError: there is none.
        """
        core_function("memstow.game.state_undo")(self._handle)

    def play_randomly(self, seed: int) -> None:
        """Draw evenly from the legal actions until the game is over."""
        core_function("memstow.game.state_play_randomly")(self._handle, seed)

    @property
    def seconds(self) -> float:
        """Seconds of the program as decided so far, what is undecided being in slow memory."""
        return float(core_function("memstow.game.state_seconds")(self._handle))

    @property
    def returns(self) -> float:
        """Seconds saved so far: the sum of all rewards."""
        return self.game.slow_seconds - self.seconds

    @property
    def num_backups(self) -> int:
        """Decisions made by Drop-backup: nothing was legal until the storage had left fast memory from its entry on."""
        return int(core_function("memstow.game.state_backups")(self._handle))

    def serialise(self) -> str:
        """The actions so far, a digit each; :meth:`Game.restore` reads it."""
        return str(core_function("memstow.game.state_history")(self._handle))

    @property
    def residencies(self) -> list[Residency]:
        """What is in fast memory by the decisions so far, in the order in which it entered."""
        storages = self.game.problem.program.storages
        touches, first = self.game.core.touches, _first_touches(self.game, len(storages))
        found = []
        for row in core_function("memstow.game.state_residencies")(self._handle):
            storage, begin, last, start, end, offset, *copies = map(int, row)
            served = touches.time[first[storage] + begin], touches.time[first[storage] + last]
            copied_in, copied_out = _transfer(*copies[:2]), _transfer(*copies[2:])
            found.append(Residency(storage, offset, start, end, int(served[0]), int(served[1]), copied_in, copied_out))
        return found

    def to_plan(self, *, planner: str, seed: int) -> MemoryPlan:
        """The plan of the decisions so far.

        It is valid once the game is over. Before that it may lack the eviction that a decision still to come adds.
        """
        return build_plan(self.game.problem, self.residencies, planner=planner, seed=seed)


def _transfer(start: int, done: int) -> Transfer | None:
    return None if start == ABSENT else Transfer(start, done)


def _first_touches(game: Game, num_storages: int) -> list[int]:
    return [int(k) for k in np.searchsorted(game.core.touches.storage, np.arange(num_storages))]
