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

#: Weight of an action's outlook in its logit, as in the core.
OUTLOOK_WEIGHT = 2.0
#: Part of the usual first weights that an output begins with: nearly uniform, so that no action is preferred by chance.
_OUTPUT_SCALE = 0.1


class Prediction(NamedTuple):
    """Of states: ``policy_logits`` (..., 3) before masking, ``value_logits`` (..., outputs of the value).

    ``outlooks`` (..., 3) of the actions, as predicted.
    """

    policy_logits: Tensor
    value_logits: Tensor
    outlooks: Tensor


class MemstowNetwork(nn.Module):
    """Reader, representation, prediction and dynamics (MuZero, arXiv 1911.08265).

    Outside of the reader there are only dense layers, ReLU and tanh: the core evaluates them for single states, from
    :func:`~memstow.rl_agent.networks.weights.core_arrays`. ``value`` and ``reward`` turn outputs into numbers: of the
    value in parts of the decision's potential, of the reward in symlog units.

    The policy corrects what the prices' relaxation says of the actions: those of the state's features that are their
    outlooks, in the place of which imagined states have predictions.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.value, self.reward = value_output(config), reward_output(config)
        self.reader = build_reader(config)
        self.represent_hidden = nn.Linear(config.embedding + config.state_features, config.hidden)
        self.represent_latent = nn.Linear(config.hidden, config.latent)
        self.trunk = nn.Linear(config.latent, config.trunk)
        self.correction_head = nn.Linear(config.trunk, NUM_ACTIONS)
        self.outlook_head = nn.Linear(config.trunk, NUM_ACTIONS)
        self.value_head = nn.Linear(config.trunk, self.value.outputs)
        self.dynamics_hidden = nn.Linear(config.latent + NUM_ACTIONS + config.embedding, config.hidden)
        self.dynamics_latent = nn.Linear(config.hidden, config.latent)
        self.reward_head = nn.Linear(config.hidden, self.reward.outputs)
        with torch.no_grad():
            for head in (self.correction_head, self.outlook_head, self.value_head, self.reward_head):
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

    def outlooks(self, state: Tensor) -> Tensor:
        """Of the actions at states with these features: (..., F) -> (..., 3)."""
        first = self.config.first_outlook
        return state[..., first : first + NUM_ACTIONS]

    def predict(self, latent: Tensor, outlooks: Tensor | None = None) -> Prediction:
        """Policy and value of latents (..., S) with these outlooks (..., 3); left out, the predicted ones."""
        trunk = torch.relu(self.trunk(latent))
        predicted = self.outlook_head(trunk)
        policy = self.correction_head(trunk) + OUTLOOK_WEIGHT * (predicted if outlooks is None else outlooks)
        return Prediction(policy, self.value_head(trunk), predicted)

    def dynamics(self, latent: Tensor, action: Tensor, embedding: Tensor) -> tuple[Tensor, Tensor]:
        """The next latents and the logits of the rewards on the way.

        ``latent`` (..., S), ``action`` (..., 3) one-hot, ``embedding`` (..., E) of the next decision, zeros after the
        last one -> (..., S) within (-1, 1), (..., reward_bins).
        """
        hidden = torch.relu(self.dynamics_hidden(torch.cat([latent, action, embedding], dim=-1)))
        return torch.tanh(self.dynamics_latent(hidden)), self.reward_head(hidden)
