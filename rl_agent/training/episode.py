"""One game as the learner sees it: what was known, done, wished and gained at every decision."""

from __future__ import annotations

import io
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidInputError
from ...schema import write_bytes
from ..game import Action

_NUM_ACTIONS = len(Action)


@dataclass(frozen=True, eq=False)
class Episode:
    """A game of D decisions that was played to its end; never changed in place.

    Attributes:
        key: of the problem.
        states: (D, F) float32, features of the state at each decision.
        legal: (D,) uint8, bit ``a`` set where action ``a`` was legal.
        actions: (D,) uint8, the action taken.
        policy: (D, 3) float32, the target of the policy; sums to 1, nothing on illegal actions.
        rewards: (D,) float32, seconds saved by the decision in the game's unit.
        values: (D,) float32, the target of the value in parts of the decision's potential.
        seconds: of the program by the finished plan.
    """

    key: str
    states: NDArray[np.float32]
    legal: NDArray[np.uint8]
    actions: NDArray[np.uint8]
    policy: NDArray[np.float32]
    rewards: NDArray[np.float32]
    values: NDArray[np.float32]
    seconds: float

    def __post_init__(self) -> None:
        count = len(self.actions)
        _check(count > 0, self.key, "at least one decision", "none")
        _check(self.states.ndim == 2, self.key, "states of shape (D, F)", self.states.shape)
        for name, tail, kind in _ARRAYS:
            array = getattr(self, name)
            shape = (count, *(tail if name != "states" else self.states.shape[1:]))
            found = f"{array.dtype} {array.shape}"
            _check((array.shape, array.dtype) == (shape, kind), self.key, f"{name} {np.dtype(kind)} {shape}", found)
        bad = np.flatnonzero((self.actions >= _NUM_ACTIONS) | (self.legal >> self.actions & 1 == 0))
        if bad.size:
            i = int(bad[0])
            _check(False, self.key, f"a legal action at decision {i} (mask {self.legal[i]:#05b})", self.actions[i])
        for name in ("states", "policy", "rewards", "values"):
            _check(bool(np.isfinite(getattr(self, name)).all()), self.key, f"finite {name}", "others")
        allowed = legal_actions(self.legal)
        _check(not self.policy[~allowed].any(), self.key, "a policy of 0 for illegal actions", "another")
        sums = self.policy.sum(axis=1)
        _check(np.allclose(sums, 1.0, atol=1e-3), self.key, "a policy that sums to 1", f"sums from {sums.min():.4g}")

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return sum(int(getattr(self, name).nbytes) for name, _, _ in _ARRAYS)

    @property
    def score(self) -> float:
        """Share of what fast memory without limits would save: 0 for everything in slow memory, 1 for all in fast."""
        return float(self.rewards.sum(dtype=np.float64)) / len(self)

    def with_targets(self, policy: NDArray[np.float32], values: NDArray[np.float32]) -> Episode:
        """The same game with other targets."""
        return replace(self, policy=policy, values=values)

    def same_game(self, other: Episode) -> bool:
        """Whether both are the same decisions of the same problem."""
        return self.key == other.key and bool(np.array_equal(self.actions, other.actions))

    def save(self, path: Path) -> None:
        """Write the episode as ``.npz``; the file appears whole or not at all."""
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **{field.name: np.asarray(getattr(self, field.name)) for field in _FIELDS})
        write_bytes(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> Episode:
        """Read what :meth:`save` wrote.

        Raises:
            InvalidInputError: the file is absent, truncated, or no episode.
        """
        try:
            with np.load(path, allow_pickle=False) as found:
                arrays: dict[str, Any] = {field.name: found[field.name] for field in _FIELDS}
        except Exception as error:  # zipfile, zlib and numpy each have errors of their own
            raise InvalidInputError(
                f"{path}: expected an episode, found none that can be read ({type(error).__name__}: {error}); "
                "the run's folder is damaged, begin anew"
            ) from None
        return cls(**{**arrays, "key": str(arrays["key"]), "seconds": float(arrays["seconds"])})


_FIELDS = fields(Episode)
#: Name, shape after the first axis, type.
_ARRAYS: tuple[tuple[str, tuple[int, ...], type[np.generic]], ...] = (
    ("states", (), np.float32),
    ("legal", (), np.uint8),
    ("actions", (), np.uint8),
    ("policy", (_NUM_ACTIONS,), np.float32),
    ("rewards", (), np.float32),
    ("values", (), np.float32),
)


def legal_actions(legal: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Masks (...) of bits as (..., 3) bool."""
    masks = np.left_shift(1, np.arange(_NUM_ACTIONS)).astype(np.uint8)
    allowed: NDArray[np.bool_] = np.bitwise_and(legal[..., None], masks).astype(np.bool_)
    return allowed


def _check(holds: bool, key: str, expected: str, found: object) -> None:
    if not holds:
        raise InvalidInputError(f"episode of {key!r}: expected {expected}, found {found}; the player is wrong")
