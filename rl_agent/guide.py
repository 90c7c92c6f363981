"""Advice on every decision of a game, games played by it, and the search over games: the core's, seen from Python."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from ..native import core_function
from .game.action import NUM_ACTIONS
from .observation import Features, Observer, state_features
from .search import DISCOUNT, SearchSettings

#: In the place of an action: the search decides.
OPEN = 255
Actions = NDArray[np.uint8]
Reals = NDArray[np.float64]

#: Seconds and iterations after which the core comes back, so that signals are handled and clocks looked at.
SLICE_SECONDS, SLICE_ITERATIONS = 0.05, 50


_SEARCH = SearchSettings(simulations=4, gumbel_scale=0.0, value_range="siblings", least_range=0.2)


@dataclass(frozen=True)
class GuidedSearch:
    """A tree search by advice.

    Attributes:
        search: Gumbel MuZero's; differences of less than a part of a reward unit should not count in full
            (``least_range``), and without noise (``gumbel_scale`` 0) the best known action is taken.
        horizon: decisions that a leaf is played on by the best advice before the network's value counts; 0: none,
            below 0: to the end of the game. With ``learned_model`` there is nothing to play on.
        learned_model: search in the network's dynamics rather than in the true game.
    """

    search: SearchSettings = _SEARCH
    horizon: int = 128
    learned_model: bool = False

    def games(self, decisions: int) -> float:
        """How long a searched game of so many decisions takes, in games by the best advice: at most about so many."""
        played_on = self.horizon if self.horizon >= 0 else decisions
        return (self.search.simulations + 1.0) * (played_on + 1.0)


@dataclass(frozen=True, eq=False)
class GameRecord:
    """A game of D decisions.

    ``states`` (D, F), ``legal`` (D) masks, ``actions`` (D), ``rewards`` (D) in reward units; where there was a search
    its ``policy`` (D, 3), completed values ``q`` (D, 3) and ``values`` (D) in reward units, else zeros. ``seconds`` of
    the program at the end.
    """

    states: Features
    legal: Actions
    actions: Actions
    rewards: Reals
    policy: Features
    q: Reals
    values: Reals
    seconds: float

    def returns(self) -> Reals:
        """Discounted sums of the rewards from each decision on (D), in reward units."""
        found = np.empty(len(self.rewards))
        later = 0.0
        for i in range(len(found) - 1, -1, -1):
            later = self.rewards[i] + DISCOUNT * later
            found[i] = later
        return found


class CoreNetwork:
    """A network's layers in the core; ``arrays`` are those of :func:`memstow.rl_agent.networks.core_arrays`."""

    def __init__(self, arrays: list[Features]) -> None:
        import tvm_ffi

        self.handle = core_function("memstow.agent.network")(
            [tvm_ffi.from_dlpack(np.ascontiguousarray(array).reshape(-1)) for array in arrays]
        )


class Guide:
    """Advice for one game: a network's, or by the prices of the relaxation where there is none.

    Never changes and may be shared between threads. ``embeddings`` (D, E) are what the network's reader made of
    ``observer.program``.
    """

    def __init__(
        self, observer: Observer, network: CoreNetwork | None = None, embeddings: Features | None = None
    ) -> None:
        self.observer = observer
        if network is None:
            self.handle = core_function("memstow.agent.priced_guide")(observer.handle)
        else:
            assert embeddings is not None, "a network's advice needs the reader's embeddings"
            flat = np.ascontiguousarray(embeddings, dtype=np.float32).reshape(-1)
            self.handle = core_function("memstow.agent.guide")(observer.handle, network.handle, flat)

    def play(
        self,
        how: GuidedSearch,
        seed: int,
        *,
        given: Actions | None = None,
        searched: NDArray[np.bool_] | None = None,
    ) -> GameRecord:
        """Play a whole game.

        Args:
            how: to decide where nothing is given.
            seed: of the search.
            given: (D) action or :data:`OPEN`; an illegal one gives way to the best advice. Left out, all are open.
            searched: (D) where to search although an action is given.
        """
        count = len(self.observer.game.decisions)
        # Copies: the core takes no read-only arrays, such as Ray's.
        given = np.full(count, OPEN, dtype=np.uint8) if given is None else np.array(given, dtype=np.uint8)
        searched = np.zeros(count, dtype=np.bool_) if searched is None else searched
        states = np.empty(count * len(state_features()), dtype=np.float32)
        legal, actions = np.empty(count, dtype=np.uint8), np.empty(count, dtype=np.uint8)
        visits = np.empty(NUM_ACTIONS * count, dtype=np.int32)
        policy, q = np.empty(NUM_ACTIONS * count, dtype=np.float32), np.empty(NUM_ACTIONS * count)
        values, rewards = np.empty(count), np.empty(count)
        seconds = core_function("memstow.agent.play_game")(
            self.handle,
            how.search.core_options(),
            how.learned_model,
            how.horizon,
            seed,
            given,
            searched.astype(np.uint8),
            *(states, legal, actions, visits, q, policy, values, rewards),
        )
        return GameRecord(
            states.reshape(count, len(state_features())),
            legal,
            actions,
            rewards,
            policy.reshape(count, NUM_ACTIONS),
            q.reshape(count, NUM_ACTIONS),
            values,
            float(seconds),
        )


class Trajectories:
    """Many games on one problem, each from the middle of a good one; see the core's ``trajectory_search.h``.

    One thread at a time; the core runs without the interpreter's lock, so several may search at once.
    """

    def __init__(self, guide: Guide, seed: int) -> None:
        self.guide = guide
        self._handle = core_function("memstow.agent.trajectories")(guide.handle, seed)

    def play(self, temperature: float = 0.0) -> None:
        """Play a game by the advice: the best at temperature 0, else drawn."""
        core_function("memstow.agent.play")(self._handle, temperature)

    def adopt(self, actions: Actions) -> None:
        """Begin from a game; illegal actions give way to the best advice."""
        core_function("memstow.agent.adopt")(self._handle, np.array(actions, dtype=np.uint8))

    def improve(self, *, seconds: float = 0.0, iterations: int = 0, progress: tuple[float, float]) -> int:
        """One slice of search by time or, where it is 0, by iterations; how many iterations it took.

        ``progress`` says between which parts of the whole search (0 to 1) the slice lies.
        """
        return int(core_function("memstow.agent.improve")(self._handle, iterations, seconds, *progress))

    def slices(self, *, deadline_in: float, iterations: int | None) -> Iterator[int]:
        """Search to the end in slices; yields the iterations so far after each.

        A long game is finished however the search ends, which takes microseconds a decision.
        """
        try:
            yield from self._slices(deadline_in, iterations)
        finally:
            core_function("memstow.agent.finish")(self._handle)

    def _slices(self, deadline_in: float, iterations: int | None) -> Iterator[int]:
        begin, done = monotonic(), 0
        while True:
            if iterations is not None:
                if done >= iterations:
                    return
                step = min(SLICE_ITERATIONS, iterations - done)
                made = self.improve(iterations=step, progress=(done / iterations, (done + step) / iterations))
                if not made:
                    return  # there is nothing to decide
                done += made
            else:
                spent = monotonic() - begin
                if spent >= deadline_in:
                    return
                step_seconds = min(SLICE_SECONDS, deadline_in - spent)
                ends = (spent / deadline_in, (spent + step_seconds) / deadline_in)
                done += self.improve(seconds=step_seconds, progress=ends)
            yield done

    @property
    def best_seconds(self) -> float:
        """Seconds of the program at the end of the best game."""
        return float(core_function("memstow.agent.best_seconds")(self._handle))

    @property
    def best(self) -> Actions:
        """Actions of the best game (D)."""
        history = str(core_function("memstow.agent.best")(self._handle))
        return np.frombuffer(history.encode("ascii"), dtype=np.uint8) - np.uint8(ord("0"))

    @property
    def num_decisions(self) -> int:
        """Decisions made so far."""
        return int(core_function("memstow.agent.num_decisions")(self._handle))

    @property
    def num_asked(self) -> int:
        """Decisions made on advice."""
        return int(core_function("memstow.agent.num_asked")(self._handle))
