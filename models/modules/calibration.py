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
    module.eval()
    for norm in norms:
        norm.momentum = None  # cumulative average: one batch sets the statistics
        norm.reset_running_stats()
        norm.train()
    module(batch)
    module.eval()
