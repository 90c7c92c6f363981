"""WaveNet (arXiv 1609.03499)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class GatedLayer(nn.Module):
    """A dilated causal convolution with a gated activation, a residual and a skip output."""

    def __init__(self, residual: int, skip: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.filter_and_gate = nn.Conv1d(residual, 2 * residual, 2, dilation=dilation)
        self.to_residual = nn.Conv1d(residual, residual, 1)
        self.to_skip = nn.Conv1d(residual, skip, 1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Map (batch, residual, samples) to the next layer's input, of the same shape, and (batch, skip, samples)."""
        padded = nn.functional.pad(features, (self.dilation, 0))
        filtered, gate = self.filter_and_gate(padded).chunk(2, dim=1)
        activated = torch.tanh(filtered) * torch.sigmoid(gate)
        return features + self.to_residual(activated), self.to_skip(activated)


class WaveNet(nn.Module):
    """An embedding of codes (the paper's one-hot convolution), gated layers, two 1x1 convolutions on the skip sum."""

    def __init__(self, cycles: int, dilations: int, residual: int, skip: int, codes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(codes, residual)
        self.layers = nn.ModuleList(
            GatedLayer(residual, skip, 2**exponent) for _ in range(cycles) for exponent in range(dilations)
        )
        self.hidden = nn.Conv1d(skip, skip, 1)
        self.head = nn.Conv1d(skip, codes, 1)

    def forward(self, codes: Tensor) -> Tensor:
        """Return logits of the next code, (batch, codes, samples), of codes (batch, samples)."""
        features = self.embedding(codes).transpose(1, 2)
        features, total = self.layers[0](features)
        for layer in self.layers[1:]:
            features, skip = layer(features)
            total = total + skip
        logits: Tensor = self.head(torch.relu(self.hidden(torch.relu(total))))
        return logits
