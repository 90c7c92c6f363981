"""The player of training: games in the core, searched with the true game or the network's model of it."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Annotated, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from ...schema import Document
from ..agent import Agent, agent_game, feature_names
from ..game import Action
from ..guide import OPEN, GameRecord, Guide, GuidedSearch, Trajectories
from ..networks import FeatureNames, MemstowNetwork, NetworkConfig
from ..observation import Observer
from ..search import SearchSettings
from .actor import Weights
from .episode import Episode
from .experts import ExpertSettings, expert_history
from .programs import NamedProblem

Share = Annotated[float, Field(ge=0.0, le=1.0)]
#: Games whose static facts are kept.
_KEPT_GAMES = 32
#: Values are cut to this range, in parts of the potential.
_VALUES = (-0.5, 1.5)


class PlayerSettings(Document):
    """How games of training are played.

    Attributes:
        simulations, horizon, value_scale, least_range: of the search, see :class:`GuidedSearch`.
        gumbel_scale: of a searched game is drawn from 0 to this.
        learned_model: search in the network's dynamics.
        from_middle: part of the games that begin somewhere in a good one ("Snapshot RL"), which a search over games
            finds in ``snapshot_iterations``.
        priced: part of the demonstrations that are searched games by the prices' advice; the others are experts'.
        experts: who else demonstrates; ``expert_folder`` keeps their games.
    """

    simulations: Annotated[int, Field(ge=1)] = 6
    horizon: int = 32
    gumbel_scale: Annotated[float, Field(ge=0.0)] = 0.5
    value_scale: Annotated[float, Field(gt=0.0)] = 0.1
    least_range: Annotated[float, Field(gt=0.0)] = 0.5
    learned_model: bool = False
    from_middle: Share = 0.3
    snapshot_iterations: Annotated[int, Field(ge=0)] = 200
    priced: Share = 0.5
    experts: ExpertSettings = ExpertSettings()
    expert_folder: Path | None = None


class KeyedProblems(Protocol):
    """Problems by key."""

    def by_key(self, key: str) -> NamedProblem:
        """The problem of a key; the same every time."""
        ...


class CorePlayer:
    """See :class:`~memstow.rl_agent.training.actor.Player`."""

    def __init__(self, problems: KeyedProblems, network: NetworkConfig, settings: PlayerSettings) -> None:
        self._problems, self._config, self._settings = problems, network, settings
        self._observers: OrderedDict[str, Observer] = OrderedDict()
        self._agent: tuple[int, Agent] | None = None

    @property
    def features(self) -> FeatureNames:
        """What networks see."""
        return feature_names()

    def program(self, key: str) -> NDArray[np.float32]:
        """(D, P) features of the decisions of a problem."""
        return self._observer(key).program

    def demonstrate(self, key: str, seed: int) -> Episode:
        """A game by the prices' advice and search, or the best game that another planner led to."""
        observer = self._observer(key)
        if np.random.default_rng(seed).random() < self._settings.priced:
            found = Guide(observer).play(self._search(0.0), seed)
            return episode_of(key, observer, found, found.policy)
        found = Guide(observer).play(GuidedSearch(), seed, given=self._expert_actions(observer))
        return episode_of(key, observer, found, np.eye(len(Action), dtype=np.float32)[found.actions])

    def play(self, key: str, weights: Weights, seed: int) -> Episode:
        """A searched game, from the beginning or from the middle of a good one."""
        observer = self._observer(key)
        rng = np.random.default_rng(seed)
        guide = self._guide(observer, weights)
        given = None
        if rng.random() < self._settings.from_middle:
            given = self._best_known(guide, seed)
            given[int(rng.integers(len(given))) :] = OPEN
        search = self._search(float(rng.uniform(0.0, self._settings.gumbel_scale)))
        searched = np.ones(len(observer.game.decisions), dtype=np.bool_)
        found = guide.play(search, seed, given=given, searched=searched)
        return episode_of(key, observer, found, found.policy)

    def reanalyse(self, episode: Episode, weights: Weights, seed: int) -> Episode:
        """The same game with the policy of a search from each of its states; values stay what the game returned."""
        observer = self._observer(episode.key)
        searched = np.ones(len(episode), dtype=np.bool_)
        guide = self._guide(observer, weights)
        found = guide.play(self._search(0.0), seed, given=episode.actions, searched=searched)
        return episode.with_targets(_whole_policy(found, found.policy), episode.values)

    def _search(self, gumbel_scale: float) -> GuidedSearch:
        own = self._settings
        search = SearchSettings(
            simulations=own.simulations,
            gumbel_scale=gumbel_scale,
            value_scale=own.value_scale,
            least_range=own.least_range,
        )
        return GuidedSearch(search, own.horizon, own.learned_model)

    def _guide(self, observer: Observer, weights: Weights) -> Guide:
        if self._agent is None or self._agent[0] != weights.step:
            network = MemstowNetwork(self._config)
            network.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in weights.arrays.items()})
            self._agent = weights.step, Agent(network)
        return self._agent[1].guide_of(observer)

    def _observer(self, key: str) -> Observer:
        if key in self._observers:
            self._observers.move_to_end(key)
            return self._observers[key]
        found = self._observers[key] = Observer(agent_game(self._problems.by_key(key).problem))
        if len(self._observers) > _KEPT_GAMES:
            self._observers.popitem(last=False)
        return found

    def _best_known(self, guide: Guide, seed: int) -> NDArray[np.uint8]:
        games = Trajectories(guide, seed)
        games.play()
        for _ in games.slices(deadline_in=0.0, iterations=self._settings.snapshot_iterations):
            pass
        return games.best

    def _expert_actions(self, observer: Observer) -> NDArray[np.uint8]:
        return expert_history(observer.game, self._settings.experts, self._settings.expert_folder).actions


def episode_of(key: str, observer: Observer, found: GameRecord, policy: NDArray[np.float32]) -> Episode:
    """What is learned from a game: ``policy`` (D, 3) and the rewards that came."""
    return Episode(
        key=key,
        states=found.states,
        legal=found.legal,
        actions=found.actions,
        policy=_whole_policy(found, policy),
        rewards=found.rewards.astype(np.float32),
        values=np.clip(found.returns() / observer.potential, *_VALUES).astype(np.float32),
        seconds=found.seconds,
    )


def _whole_policy(found: GameRecord, policy: NDArray[np.float32]) -> NDArray[np.float32]:
    """The policy's rows made to sum to 1; the action taken where the search has nothing to say."""
    sums = policy.sum(axis=1, keepdims=True)
    taken = np.eye(len(Action), dtype=np.float32)[found.actions]
    return np.where(sums > 0.5, policy / np.maximum(sums, 0.5), taken).astype(np.float32)
