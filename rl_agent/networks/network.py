"""The agent's network: reads a program once, then represents, predicts and imagines states of its game."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..game.action import NUM_ACTIONS
from .config import NetworkConfig
from .hl_gauss import reward_output, value_output
from .reader import build_reader

#: Part of the usual first weights that an output begins with: nearly uniform, so that no action is preferred by chance.
_OUTPUT_SCALE = 0.1


class Prediction(NamedTuple):
    """Of states: ``policy_logits`` (..., 3) before masking, ``value_logits`` (..., outputs of the value)."""

    policy_logits: Tensor
    value_logits: Tensor


class MemstowNetwork(nn.Module):
    """Reader, representation, prediction and dynamics (MuZero, arXiv 1911.08265).

    Outside of the reader there are only dense layers, ReLU and tanh: the core evaluates them for single states, from
    :func:`~memstow.rl_agent.networks.weights.core_arrays`. ``value`` and ``reward`` turn outputs into numbers: of the
    value in parts of the decision's potential, of the reward in symlog units.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.value, self.reward = value_output(config), reward_output(config)
        self.reader = build_reader(config)
        self.represent_hidden = nn.Linear(config.embedding + config.state_features, config.hidden)
        self.represent_latent = nn.Linear(config.hidden, config.latent)
        self.trunk = nn.Linear(config.latent, config.trunk)
        self.policy_head = nn.Linear(config.trunk, NUM_ACTIONS)
        self.value_head = nn.Linear(config.trunk, self.value.outputs)
        self.dynamics_hidden = nn.Linear(config.latent + NUM_ACTIONS + config.embedding, config.hidden)
        self.dynamics_latent = nn.Linear(config.hidden, config.latent)
        self.reward_head = nn.Linear(config.hidden, self.reward.outputs)
        with torch.no_grad():
            for head in (self.policy_head, self.value_head, self.reward_head):
                head.weight.mul_(_OUTPUT_SCALE)
                head.bias.zero_()

    def read(self, program: Tensor) -> Tensor:
        """The decisions of a program: (D, P) -> (D, E)."""
        return self.read_many([program])

    def read_many(self, programs: Sequence[Tensor]) -> Tensor:
        """The decisions of one or more programs, one program after another: [(D_k, P)] -> (sum of D_k, E)."""
        embeddings: Tensor = self.reader(programs)
        return embeddings

    def represent(self, embedding: Tensor, state: Tensor) -> Tensor:
        """States at decisions: (..., E), (..., F) -> latents (..., S) within (-1, 1)."""
        hidden = torch.relu(self.represent_hidden(torch.cat([embedding, state], dim=-1)))
        return torch.tanh(self.represent_latent(hidden))

    def predict(self, latent: Tensor) -> Prediction:
        """Policy and value of latents (..., S)."""
        trunk = torch.relu(self.trunk(latent))
        return Prediction(self.policy_head(trunk), self.value_head(trunk))

    def dynamics(self, latent: Tensor, action: Tensor, embedding: Tensor) -> tuple[Tensor, Tensor]:
        """The next latents and the logits of the rewards on the way.

        ``latent`` (..., S), ``action`` (..., 3) one-hot, ``embedding`` (..., E) of the next decision, zeros after the
        last one -> (..., S) within (-1, 1), (..., reward_bins).
        """
        hidden = torch.relu(self.dynamics_hidden(torch.cat([latent, action, embedding], dim=-1)))
        return torch.tanh(self.dynamics_latent(hidden)), self.reward_head(hidden)
