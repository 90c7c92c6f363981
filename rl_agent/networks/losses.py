"""MuZero's loss over unrolled windows (arXiv 1911.08265), with EfficientZero's consistency (arXiv 2111.00210)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from ..game.action import NUM_ACTIONS
from .batch import Batch
from .hl_gauss import symlog
from .network import MemstowNetwork

#: In the place of the logits of illegal actions: their probability is 0, and no gradient reaches them.
_ILLEGAL = -1e9


@dataclass(frozen=True)
class LossWeights:
    """How much each part counts in the total."""

    policy: float = 1.0
    value: float = 0.5
    reward: float = 1.0
    consistency: float = 1.0
    outlook: float = 0.5


class LossParts(NamedTuple):
    """``total`` () to be minimised; its parts () before weighting; ``value_errors`` (N,) at the windows' first states.

    A value error is ``|predicted - target|`` in parts of the potential. All but ``total`` are detached.
    """

    total: Tensor
    policy: Tensor
    value: Tensor
    reward: Tensor
    consistency: Tensor
    outlook: Tensor
    value_errors: Tensor


class Unrolled(NamedTuple):
    """``latents`` (N, K+1, S): the first represented, the others imagined one from another; ``rewards`` (N, K, bins).

    ``represented`` (N, K, S), without gradient, are what the imagined latents should be like.
    """

    latents: Tensor
    rewards: Tensor
    represented: Tensor


def muzero_loss(network: MemstowNetwork, batch: Batch, weights: LossWeights | None = None) -> LossParts:
    """The loss of a network on a batch.

    A window's loss is that of its first state plus the mean over the K moves; the batch's is the mean over windows,
    each times its importance. Gradients are halved at every imagined move, as in MuZero.
    """
    weights = weights or LossWeights()
    unrolled = unroll(network, batch)
    outlooks = network.outlooks(batch.states)
    policy_logits, value_logits, predicted = network.predict(unrolled.latents, outlooks)
    log_policy = functional.log_softmax(mask_logits(policy_logits, batch.legal), dim=-1)
    similarity = functional.cosine_similarity(unrolled.latents[:, 1:], unrolled.represented, dim=-1)
    by_step = {
        "policy": -(batch.policy * log_policy).sum(dim=-1),
        "value": network.value.loss(value_logits, batch.values),
        "reward": network.reward.loss(unrolled.rewards, symlog(batch.rewards)),
        "consistency": 1.0 - similarity,
        "outlook": (functional.smooth_l1_loss(predicted, outlooks, reduction="none") * batch.legal).sum(dim=-1),
    }
    known = {"reward": batch.mask[:, :-1], "consistency": batch.mask[:, 1:]}
    parts = {name: _mean(loss, known.get(name, batch.mask), batch) for name, loss in by_step.items()}
    total = sum(
        (getattr(weights, name) * part for name, part in parts.items()), torch.zeros((), device=log_policy.device)
    )
    with torch.no_grad():
        errors = (network.value.expectation(value_logits[:, 0]) - batch.values[:, 0]).abs()
    return LossParts(total, **{name: part.detach() for name, part in parts.items()}, value_errors=errors)


def unroll(network: MemstowNetwork, batch: Batch) -> Unrolled:
    """Represent the windows' first states and imagine the moves from there."""
    embeddings = window_embeddings(network, batch)
    latent = network.represent(embeddings[:, 0], batch.states[:, 0])
    with torch.no_grad():
        represented = network.represent(embeddings[:, 1:], batch.states[:, 1:])
    actions = functional.one_hot(batch.actions, NUM_ACTIONS).to(latent.dtype)
    latents, rewards = [latent], []
    for k in range(batch.moves):
        latent, reward = network.dynamics(_halved_gradient(latent), actions[:, k], embeddings[:, k + 1])
        latents.append(latent)
        rewards.append(reward)
    return Unrolled(torch.stack(latents, dim=1), torch.stack(rewards, dim=1), represented)


def window_embeddings(network: MemstowNetwork, batch: Batch) -> Tensor:
    """Of the decisions of each window (N, K+1, E); zeros past the end of the program."""
    embeddings = network.read_many(batch.programs)
    lengths = torch.tensor([len(program) for program in batch.programs], device=embeddings.device)
    starts = torch.cumsum(lengths, 0) - lengths
    decision = batch.decision[:, None] + torch.arange(batch.moves + 1, device=embeddings.device)
    inside = decision < lengths[batch.program, None]
    rows = torch.where(inside, starts[batch.program, None] + decision, len(embeddings))
    return functional.embedding(rows, functional.pad(embeddings, (0, 0, 0, 1)))


def mask_logits(logits: Tensor, legal: Tensor) -> Tensor:
    """Logits of legal actions; hugely negative ones for the others."""
    return logits.masked_fill(~legal, _ILLEGAL)


def _mean(loss: Tensor, mask: Tensor, batch: Batch) -> Tensor:
    """A part's mean over windows; ``loss`` and ``mask`` are (N, K+1), first state and moves, or (N, K), moves."""
    scale = torch.full_like(loss[0], 1.0 / batch.moves)
    if loss.shape[1] > batch.moves:
        scale[0] = 1.0
    return (torch.where(mask, loss, 0.0) @ scale * batch.weights).mean()


def _halved_gradient(x: Tensor) -> Tensor:
    return 0.5 * x + 0.5 * x.detach()
