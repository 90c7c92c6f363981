"""What a learner learns from in one step."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from ...errors import InvalidInputError
from ..game.action import NUM_ACTIONS


@dataclass(frozen=True)
class Batch:
    """N windows of K moves out of played games, on decisions ``i`` to ``i + K``.

    Attributes:
        programs: features of every decision of each program, [(D_k, P)] float32.
        program: which of ``programs`` each window is of (N,) int64.
        decision: the window's first decision ``i`` (N,) int64.
        states: features of the state at each decision (N, K+1, F) float32.
        legal: which actions are legal (N, K+1, 3) bool.
        actions: the actions taken (N, K) int64.
        rewards: what they brought, in reward units (N, K) float32.
        policy: targets of the policy, 0 for illegal actions (N, K+1, 3) float32.
        values: targets of the value, in parts of the decision's potential (N, K+1) float32.
        mask: whether there is such a decision: false past the end of the game (N, K+1) bool.
        weights: importance of each window (N,) float32.

    What stands behind the mask is not looked at, but must be finite.

    Raises:
        InvalidInputError: an array has another shape or type than the others ask for, or a target wants an illegal
            action.
    """

    programs: tuple[Tensor, ...]
    program: Tensor
    decision: Tensor
    states: Tensor
    legal: Tensor
    actions: Tensor
    rewards: Tensor
    policy: Tensor
    values: Tensor
    mask: Tensor
    weights: Tensor

    def __post_init__(self) -> None:
        if self.actions.ndim != 2 or not self.actions.shape[0] or not self.actions.shape[1]:
            raise InvalidInputError(f"batch: expected actions (N, K) of one move or more, found {_shape(self.actions)}")
        n, k = self.actions.shape
        expected = {
            "program": (n,),
            "decision": (n,),
            "states": (n, k + 1, self.states.shape[-1]),
            "legal": (n, k + 1, NUM_ACTIONS),
            "actions": (n, k),
            "rewards": (n, k),
            "policy": (n, k + 1, NUM_ACTIONS),
            "values": (n, k + 1),
            "mask": (n, k + 1),
            "weights": (n,),
        }
        for name, shape in expected.items():
            found: Tensor = getattr(self, name)
            if found.shape != shape or found.dtype != _TYPES.get(name, torch.float32):
                wanted = f"{shape} {_TYPES.get(name, torch.float32)}"
                raise InvalidInputError(f"batch: expected {name} {wanted}, found {_shape(found)} {found.dtype}")
        if bool((self.policy * (self.mask[..., None] & ~self.legal)).any()):
            raise InvalidInputError("batch: expected policy targets of 0 for illegal actions; mask them before")

    @property
    def moves(self) -> int:
        """K."""
        return self.actions.shape[1]

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        if self.actions.device == device:
            return self
        moved = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "programs"}
        return Batch(
            programs=tuple(program.to(device) for program in self.programs),
            **{name: tensor.to(device) for name, tensor in moved.items()},
        )


_TYPES = {
    "program": torch.int64,
    "decision": torch.int64,
    "actions": torch.int64,
    "legal": torch.bool,
    "mask": torch.bool,
}


def _shape(tensor: Tensor) -> tuple[int, ...]:
    return tuple(tensor.shape)
