"""U-Net (arXiv 1505.04597) with padded convolutions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .initialisation import initialise_for_relu


def _double_convolution(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(channels_out, channels_out, 3, padding=1),
        nn.ReLU(),
    )


class UNet(nn.Module):
    """A contracting path, whose every level is kept for the expanding path that mirrors it."""

    def __init__(self, width: int, levels: int, channels: int, classes: int) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(levels + 1)]
        self.down = nn.ModuleList(
            _double_convolution(before, after)
            for before, after in zip([channels, *widths[:-2]], widths[:-1], strict=True)
        )
        self.pool = nn.MaxPool2d(2)
        self.bottom = _double_convolution(widths[-2], widths[-1])
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * after, after, 2, stride=2) for after in widths[-2::-1])
        self.merge = nn.ModuleList(_double_convolution(2 * after, after) for after in widths[-2::-1])
        self.head = nn.Conv2d(width, classes, 1)
        initialise_for_relu(self)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return logits, (batch, classes, height, width), of pixels (batch, channels, height, width)."""
        skips: list[Tensor] = []
        features = pixels
        for down in self.down:
            features = down(features)
            skips.append(features)
            features = self.pool(features)
        features = self.bottom(features)
        for up, merge in zip(self.up, self.merge, strict=True):
            features = merge(torch.cat([skips.pop(), up(features)], dim=1))
        logits: Tensor = self.head(features)
        return logits
