"""Batch-norm statistics for networks with random weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn


@torch.no_grad()
def calibrate_batch_norm(module: nn.Module, batch: Tensor) -> None:
    """Set all running statistics of batch norms to those of one batch.

    With the initial statistics (mean 0, variance 1) activations of a random network vanish or explode with depth:
    MobileNetV2 ends near 1e-24. On the meta device there is nothing to measure and the forward only checks shapes.
    """
    norms = [layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    module.eval()
    for norm in norms:
        # The weight of the new batch. Not None, torch's cumulative average: it reads a counter, which meta has not.
        norm.momentum = 1.0
        norm.train()
    module(batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    module.eval()
