"""A player of made-up games, quick and exact: what is right at a decision stands in the features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memstow.rl_agent.training.actor import Weights
from memstow.rl_agent.training.episode import Episode

if TYPE_CHECKING:
    from memstow.rl_agent.networks import FeatureNames


class FakeProblems:
    """Keys ``game-0`` to ``game-(count - 1)``."""

    def __init__(self, count: int = 6) -> None:
        self._count = count

    def describe(self) -> str:
        return "".join(f"file: game-{k}\n" for k in range(self._count))

    def draw_key(self, rng: np.random.Generator) -> str:
        return f"game-{rng.integers(self._count)}"


class FakePlayer:
    """Games of 5 to 14 decisions. Action ``i % 3`` is right and gains 1, the others nothing; action 2 is illegal at 0.

    A game that is played has mistakes by seed and by the network, so that it tells whose weights were used.
    """

    @property
    def features(self) -> FeatureNames:
        from memstow.rl_agent.networks import FeatureNames  # torch is slow to load in actors that do without

        return FeatureNames(version=1, program=("hue", "size"), state=("drop_outlook", "luck", "last"))

    def program(self, key: str) -> np.ndarray:
        count = _decisions(key)
        return np.stack([np.arange(count) % 3 - 1, np.full(count, count / 14)], axis=1).astype(np.float32)

    def demonstrate(self, key: str, seed: int) -> Episode:
        return self._episode(key, np.arange(_decisions(key)) % 3, np.random.default_rng(seed))

    def play(self, key: str, weights: Weights, seed: int) -> Episode:
        rng = np.random.default_rng([seed, *_digest(weights)])
        right = np.arange(_decisions(key)) % 3
        actions = np.where(rng.random(len(right)) < 0.7, right, rng.integers(2, size=len(right)))
        return self._episode(key, actions, rng)

    def reanalyse(self, episode: Episode, weights: Weights, seed: int) -> Episode:
        rng = np.random.default_rng([seed, *_digest(weights)])
        values = rng.random(len(episode)).astype(np.float32)
        return episode.with_targets(_policy(np.arange(len(episode)) % 3), values)

    def _episode(self, key: str, actions: np.ndarray, rng: np.random.Generator) -> Episode:
        count = _decisions(key)
        right = np.arange(count) % 3
        rewards = (actions == right).astype(np.float32)
        last = np.concatenate([[0], actions[:-1]])
        states = np.stack([right - 1, rng.random(count), last], axis=1).astype(np.float32)
        legal = np.full(count, 0b111, dtype=np.uint8)
        legal[0] = 0b011
        rest = np.cumsum(rewards[::-1])[::-1] / (count - np.arange(count))
        return Episode(
            key=key,
            states=states,
            legal=legal,
            actions=actions.astype(np.uint8),
            policy=_policy(right),
            rewards=rewards,
            values=rest.astype(np.float32),
            seconds=float(2 * count - rewards.sum()),
        )


def _decisions(key: str) -> int:
    return 5 + int(key.removeprefix("game-")) * 7 % 10


def _policy(actions: np.ndarray) -> np.ndarray:
    return np.eye(3, dtype=np.float32)[actions]


def _digest(weights: Weights) -> list[int]:
    return [weights.step, *(int(abs(float(array.sum())) * 1e6) for array in weights.arrays.values())]
