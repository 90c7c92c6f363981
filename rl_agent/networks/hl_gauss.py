"""Predicted numbers: as a histogram with smoothed targets (HL-Gauss, arXiv 2403.03950), or as they are."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .config import NetworkConfig

#: Width of a target's bell, in bins; the paper's.
SIGMA = 0.75


class Output(nn.Module):
    """How numbers (...) are read from and taught to ``outputs`` outputs of a network (..., outputs).

    ``support`` are the numbers that the outputs stand for (outputs,); empty where the output is the number itself.
    """

    outputs: int
    support: Tensor

    def expectation(self, logits: Tensor) -> Tensor:
        """(..., outputs) -> (...)."""
        raise NotImplementedError

    def loss(self, logits: Tensor, numbers: Tensor) -> Tensor:
        """(..., outputs), (...) -> (...)."""
        raise NotImplementedError


class HlGauss(Output):
    """Bins of one width from ``low`` to ``high``; a number's target is a bell around it, cut off at the ends.

    Numbers outside count as the nearest end. Within two bins of an end the expectation of a target leans inwards.
    """

    edges: Tensor

    def __init__(self, low: float, high: float, bins: int) -> None:
        super().__init__()
        self.outputs = bins
        edges = torch.linspace(low, high, bins + 1, dtype=torch.float64)
        self.register_buffer("edges", edges.float(), persistent=False)
        self.register_buffer("support", ((edges[1:] + edges[:-1]) / 2).float(), persistent=False)
        self._scale = math.sqrt(2) * SIGMA * (high - low) / bins

    def targets(self, numbers: Tensor) -> Tensor:
        """Probabilities of the bins: (...) -> (..., bins)."""
        inside = numbers.clamp(self.edges[0], self.edges[-1])
        cumulative = torch.erf((self.edges - inside[..., None]) / self._scale)
        return cumulative.diff(dim=-1) / (cumulative[..., -1:] - cumulative[..., :1])

    def expectation(self, logits: Tensor) -> Tensor:
        """See :class:`Output`."""
        return torch.softmax(logits, dim=-1) @ self.support

    def loss(self, logits: Tensor, numbers: Tensor) -> Tensor:
        """Cross-entropy: (..., bins), (...) -> (...)."""
        return -(self.targets(numbers) * torch.log_softmax(logits, dim=-1)).sum(dim=-1)


class Scalar(Output):
    """One output, taught by squared errors."""

    outputs = 1

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("support", torch.empty(0), persistent=False)

    def expectation(self, logits: Tensor) -> Tensor:
        """See :class:`Output`."""
        return logits[..., 0]

    def loss(self, logits: Tensor, numbers: Tensor) -> Tensor:
        """Squared error: (..., 1), (...) -> (...)."""
        return (logits[..., 0] - numbers).square()


def value_output(config: NetworkConfig) -> Output:
    """How values are predicted."""
    return Scalar() if config.value == "scalar" else HlGauss(*config.value_range, config.value_bins)


def reward_output(config: NetworkConfig) -> HlGauss:
    """How rewards are predicted, in symlog units."""
    return HlGauss(*config.reward_range, config.reward_bins)


def symlog(x: Tensor) -> Tensor:
    """``sign(x) log(1 + |x|)``: the identity near 0, a logarithm far from it (arXiv 2301.04104)."""
    return torch.sign(x) * torch.log1p(x.abs())


def symexp(x: Tensor) -> Tensor:
    """Inverse of :func:`symlog`."""
    return torch.sign(x) * torch.expm1(x.abs())
