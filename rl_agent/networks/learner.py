"""Learns a network from batches."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from ...errors import InvalidInputError, MemstowError
from ...schema import Document
from .batch import Batch
from .losses import LossWeights, muzero_loss
from .network import MemstowNetwork

Positive = Annotated[float, Field(gt=0.0)]
Weight = Annotated[float, Field(ge=0.0)]


class LearnerSettings(Document):
    """Of AdamW, and how the parts of the loss are weighted.

    The learning rate climbs over ``warmup_steps``; then it stays (``constant``) or falls along half a cosine to
    ``final_fraction`` of itself at ``total_steps`` (``cosine``). Gradients are scaled to a norm of at most
    ``gradient_norm``. Weight decay spares biases and norms.
    """

    learning_rate: Positive = 1e-3
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_steps: Annotated[int, Field(ge=0)] = 200
    total_steps: Annotated[int, Field(ge=1)] = 100_000
    final_fraction: Annotated[float, Field(ge=0.0, le=1.0)] = 0.05
    weight_decay: Weight = 1e-4
    gradient_norm: Positive = 5.0
    policy_weight: Weight = 1.0
    value_weight: Weight = 0.5
    reward_weight: Weight = 1.0
    consistency_weight: Weight = 1.0
    outlook_weight: Weight = 0.5

    def rate_at(self, step: int) -> float:
        """The learning rate of a step, which count from 0."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        if self.schedule == "constant":
            return self.learning_rate
        done = min(1.0, (step - self.warmup_steps) / max(1, self.total_steps - self.warmup_steps))
        return self.learning_rate * (
            self.final_fraction + (1.0 - self.final_fraction) * (1.0 + math.cos(math.pi * done)) / 2.0
        )


class Report(NamedTuple):
    """Of one step.

    ``losses``: ``loss`` and its parts ``policy``, ``value``, ``reward``, ``consistency`` and ``outlook``, the mean
    ``value_error``, ``gradient_norm`` before clipping and ``learning_rate``. ``value_errors`` (N,) of the windows, for
    their priorities.
    """

    losses: dict[str, float]
    value_errors: NDArray[np.float32]


class Learner:
    """A network with its optimiser; on a GPU where there is one."""

    def __init__(
        self, network: MemstowNetwork, settings: LearnerSettings, device: torch.device | str | None = None
    ) -> None:
        self.settings = settings
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.network = network.to(self.device)
        self.steps = 0
        self._weights = LossWeights(
            settings.policy_weight,
            settings.value_weight,
            settings.reward_weight,
            settings.consistency_weight,
            settings.outlook_weight,
        )
        decayed = [each for each in network.parameters() if each.ndim > 1]
        others = [each for each in network.parameters() if each.ndim <= 1]
        groups: list[dict[str, Any]] = [{"params": decayed}, {"params": others, "weight_decay": 0.0}]
        self._optimiser = torch.optim.AdamW(
            groups, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )

    def step(self, batch: Batch) -> Report:
        """Learn from a batch.

        Raises:
            MemstowError: the loss or its gradient is not finite; the network is left as it was.
        """
        self.network.train()
        rate = self.settings.rate_at(self.steps)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        parts = muzero_loss(self.network, batch.to(self.device), self._weights)
        self._optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(parts.total)
        loss = float(parts.total.detach())
        norm = float(nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.gradient_norm))
        if not math.isfinite(norm):
            raise MemstowError(
                f"learner: expected a finite gradient at step {self.steps}, found {norm} (loss {loss}); "
                "lower the learning rate or check the targets"
            )
        self._optimiser.step()
        self.steps += 1
        losses = {
            "loss": loss,
            "policy": float(parts.policy),
            "value": float(parts.value),
            "reward": float(parts.reward),
            "consistency": float(parts.consistency),
            "outlook": float(parts.outlook),
            "value_error": float(parts.value_errors.mean()),
            "gradient_norm": norm,
            "learning_rate": rate,
        }
        return Report(losses, parts.value_errors.cpu().numpy())

    def state_dict(self) -> dict[str, Any]:
        """A copy of all that later steps depend on: network, optimiser and count of steps; for ``torch.save``."""
        state = {
            "config": self.network.config.model_dump(),
            "network": self.network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "steps": self.steps,
        }
        return copy.deepcopy(state)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from where a learner with the same network was.

        Raises:
            InvalidInputError: the state is of a network with another configuration.
        """
        ours = self.network.config.model_dump()
        differing = sorted(name for name in ours if ours[name] != state["config"].get(name))
        if differing:
            name = differing[0]
            raise InvalidInputError(
                f"learner: expected a state of a network with {name} {ours[name]}, found "
                f"{state['config'].get(name)}; resume with the configuration of before"
            )
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(copy.deepcopy(dict(state["optimiser"])))
        self.steps = int(state["steps"])
