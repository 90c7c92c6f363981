"""Prioritised replay of games (Schaul et al., arXiv 1511.05952) from which windows of few games are drawn at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .config import ReplaySettings
from .episode import Episode, legal_actions
from .sum_tree import SumTree

#: Least priority of a position, so that each stays within reach.
_EPSILON = 1e-3


@dataclass(frozen=True)
class Windows:
    """N positions of a few games, each with the K decisions after it; past the end of a game there are zeros.

    Attributes:
        keys: (G,) problems, each once.
        program: (N,) int64, index into ``keys``.
        decision: (N,) int64, i.
        states: (N, K+1, F) float32, of the states at decisions i to i+K.
        legal: (N, K+1, 3) bool.
        actions: (N, K) int64, at decisions i to i+K-1.
        rewards: (N, K) float32, of those actions.
        policy: (N, K+1, 3) float32, targets.
        values: (N, K+1) float32, targets.
        mask: (N, K+1) bool, whether there is such a decision. The action, and its reward, of the k-th step are real
            where ``mask[:, k]``.
        weights: (N,) float32, of the losses; the largest is 1.
        serials: (N,) int64, of the games in the replay.
    """

    keys: tuple[str, ...]
    program: NDArray[np.int64]
    decision: NDArray[np.int64]
    states: NDArray[np.float32]
    legal: NDArray[np.bool_]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float32]
    policy: NDArray[np.float32]
    values: NDArray[np.float32]
    mask: NDArray[np.bool_]
    weights: NDArray[np.float32]
    serials: NDArray[np.int64]


@dataclass
class Stored:
    """A game in the replay.

    ``powers`` (D,) float32 are priorities to the power alpha. ``revision`` counts its targets, ``targets_of`` is the
    learner's step at which the network that made them was taken; they stay if ``is_fixed``.
    """

    serial: int
    slot: int
    episode: Episode
    powers: NDArray[np.float32]
    revision: int
    targets_of: int
    is_fixed: bool = False
    is_best: bool = False

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return self.episode.nbytes + int(self.powers.nbytes)


class Replay:
    """Games up to a number of bytes; when they are exceeded the oldest go first, the best of each problem last.

    A game is drawn in proportion to ``D**(size_exponent - 1) * sum(priority**alpha)``, then a position of it in
    proportion to ``priority**alpha``; the weights ``priority**(-alpha * beta)`` make up for the priorities.

    ``entries`` are the games by serial number, oldest first; ``positions`` counts their decisions.
    """

    def __init__(self, settings: ReplaySettings) -> None:
        self._settings = settings
        self.entries: dict[int, Stored] = {}
        self.nbytes = 0
        self.positions = 0
        self.next_serial = 0
        self.largest_power = 1.0
        self._best: dict[str, int] = {}
        self._tree = SumTree()
        self._slots: dict[int, int] = {}

    def __len__(self) -> int:
        """Number of games."""
        return len(self.entries)

    def add(self, episode: Episode, targets_of: int, *, is_fixed: bool = False) -> int:
        """Take a game in, with the largest priority that was ever given; its serial number.

        Other games are given up to make room, never the new one.
        """
        powers = np.full(len(episode), self.largest_power, dtype=np.float32)
        slot = next(k for k in range(len(self._slots) + 1) if k not in self._slots)
        entry = Stored(self.next_serial, slot, episode, powers, 0, targets_of, is_fixed)
        self.next_serial += 1
        self.put(entry)
        while self.nbytes > self._settings.capacity_bytes and len(self.entries) > 1:
            self._give_up(self._least_wanted(entry.serial))
        return entry.serial

    def put(self, entry: Stored) -> None:
        """Take in a game that has its serial number and slot, after all that came before it."""
        self.entries[entry.serial] = entry
        self._slots[entry.slot] = entry.serial
        self.nbytes += entry.nbytes
        self.positions += len(entry.episode)
        rival = self._best.get(entry.episode.key)
        entry.is_best = rival is None or entry.episode.seconds < self.entries[rival].episode.seconds
        if entry.is_best:
            self._best[entry.episode.key] = entry.serial
            if rival is not None:
                self.entries[rival].is_best = False
                self._weigh(self.entries[rival])
        self._weigh(entry)

    def retarget(self, serial: int, episode: Episode, targets_of: int) -> bool:
        """Put new targets in the place of a game's; whether the game was still there.

        Raises:
            ValueError: it is another game.
        """
        entry = self.entries.get(serial)
        if entry is None:
            return False
        if not entry.episode.same_game(episode):
            raise ValueError(f"reanalysed episode of {episode.key!r}: expected the game {serial} of the replay")
        entry.episode = entry.episode.with_targets(episode.policy, episode.values)
        entry.revision += 1
        entry.targets_of = targets_of
        return True

    def stalest(self, count: int) -> list[int]:
        """Serial numbers of the games with the oldest targets, the oldest first; fixed ones are left out."""
        order = sorted((entry.targets_of, serial) for serial, entry in self.entries.items() if not entry.is_fixed)
        return [serial for _, serial in order[:count]]

    def draw(self, rng: np.random.Generator, size: int, games: int, unroll: int) -> Windows:
        """Draw ``size`` windows of up to ``games`` games.

        Raises:
            ValueError: the replay is empty.
        """
        if not self.entries:
            raise ValueError("the replay has no game to draw from")
        games = min(games, size)
        shares = [size // games + (k < size % games) for k in range(games)]
        picked: list[tuple[Stored, NDArray[np.int64]]] = []
        for share, mass in zip(shares, rng.random(games) * self._tree.total, strict=True):
            entry = self.entries[self._slots[self._tree.find(float(mass))]]
            ends = np.cumsum(entry.powers, dtype=np.float64)
            found = np.searchsorted(ends, rng.random(share) * ends[-1], side="right")
            picked.append((entry, np.minimum(found, len(ends) - 1).astype(np.int64)))
        return _windows(picked, unroll, self._settings.beta)

    def update(self, windows: Windows, errors: NDArray[np.float32]) -> None:
        """Set the priorities of drawn positions from the (N,) sizes of their value errors."""
        powers = (np.abs(errors.astype(np.float64)) + _EPSILON) ** self._settings.alpha
        self.largest_power = max(self.largest_power, float(powers.max()))
        for serial in dict.fromkeys(windows.serials.tolist()):
            entry = self.entries.get(serial)
            if entry is not None:
                rows = windows.serials == serial
                entry.powers[windows.decision[rows]] = powers[rows]
                self._weigh(entry)

    def _weigh(self, entry: Stored) -> None:
        settings, count = self._settings, len(entry.episode)
        boost = settings.best_boost if entry.is_best else 1.0
        mass = float(entry.powers.sum(dtype=np.float64)) * count ** (settings.size_exponent - 1.0)
        self._tree[entry.slot] = boost * mass

    def _least_wanted(self, newest: int) -> int:
        """The oldest game that is not its problem's best, else the oldest."""
        old = [serial for serial in self.entries if serial != newest]
        return next((serial for serial in old if not self.entries[serial].is_best), old[0])

    def _give_up(self, serial: int) -> None:
        entry = self.entries.pop(serial)
        self.nbytes -= entry.nbytes
        self.positions -= len(entry.episode)
        self._tree[entry.slot] = 0.0
        del self._slots[entry.slot]
        if entry.is_best:
            del self._best[entry.episode.key]
            rivals = [other for other in self.entries.values() if other.episode.key == entry.episode.key]
            if rivals:
                heir = min(rivals, key=lambda other: (other.episode.seconds, other.serial))
                heir.is_best = True
                self._best[heir.episode.key] = heir.serial
                self._weigh(heir)


def _windows(picked: Sequence[tuple[Stored, NDArray[np.int64]]], unroll: int, beta: float) -> Windows:
    keys = tuple(dict.fromkeys(entry.episode.key for entry, _ in picked))
    parts = [_cut(entry.episode, starts, unroll) for entry, starts in picked]
    powers = np.concatenate([entry.powers[starts] for entry, starts in picked]).astype(np.float64)
    weights = powers**-beta
    counts = [len(starts) for _, starts in picked]
    return Windows(
        keys=keys,
        program=np.repeat([keys.index(entry.episode.key) for entry, _ in picked], counts).astype(np.int64),
        decision=np.concatenate([starts for _, starts in picked]),
        states=np.concatenate([part.states for part in parts]),
        legal=np.concatenate([part.legal for part in parts]),
        actions=np.concatenate([part.actions for part in parts]),
        rewards=np.concatenate([part.rewards for part in parts]),
        policy=np.concatenate([part.policy for part in parts]),
        values=np.concatenate([part.values for part in parts]),
        mask=np.concatenate([part.mask for part in parts]),
        weights=(weights / weights.max()).astype(np.float32),
        serials=np.repeat([entry.serial for entry, _ in picked], counts).astype(np.int64),
    )


@dataclass(frozen=True)
class _Cut:
    """Windows of one game; the arrays are those of :class:`Windows`."""

    states: NDArray[np.float32]
    legal: NDArray[np.bool_]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float32]
    policy: NDArray[np.float32]
    values: NDArray[np.float32]
    mask: NDArray[np.bool_]


def _cut(episode: Episode, starts: NDArray[np.int64], unroll: int) -> _Cut:
    at = starts[:, None] + np.arange(unroll + 1)
    mask = at < len(episode)
    at = np.where(mask, at, 0)
    real = mask[..., None]
    return _Cut(
        states=np.where(real, episode.states[at], np.float32(0)),
        legal=real & legal_actions(episode.legal[at]),
        actions=np.where(mask, episode.actions[at], 0).astype(np.int64)[:, :-1],
        rewards=np.where(mask, episode.rewards[at], np.float32(0))[:, :-1],
        policy=np.where(real, episode.policy[at], np.float32(0)),
        values=np.where(mask, episode.values[at], np.float32(0)),
        mask=mask,
    )
