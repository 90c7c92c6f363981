"""Weights that keep the scale of activations through any depth."""

from __future__ import annotations

import torch
from torch import nn

_WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d)


@torch.no_grad()
def initialise_for_relu(module: nn.Module) -> None:
    """Draw all linear and convolution weights as He et al. (arXiv 1502.01852) do, and small random biases."""
    for layer in module.modules():
        if not isinstance(layer, _WEIGHTED):
            continue
        # A transposed convolution of stride = kernel size sums over its input channels only: its first dimension.
        fan_in = layer.weight.shape[0] if isinstance(layer, nn.ConvTranspose2d) else layer.weight[0].numel()
        layer.weight.normal_(std=(2 / fan_in) ** 0.5)
        if layer.bias is not None:
            layer.bias.normal_(std=0.1)
