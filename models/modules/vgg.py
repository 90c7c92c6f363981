"""VGG-16 (arXiv 1409.1556)."""

from __future__ import annotations

from torch import Tensor, nn

from .initialisation import initialise_for_relu

_STAGES = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))
"""Channels, as a multiple of the width, and number of convolutions of each stage."""


class Vgg16(nn.Module):
    """Thirteen 3x3 convolutions in five stages, each halving the image, and three fully connected layers."""

    def __init__(self, width: int, pixels: int, features: int, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for multiple, repeats in _STAGES:
            for _ in range(repeats):
                layers += [nn.Conv2d(channels, multiple * width, 3, padding=1), nn.ReLU()]
                channels = multiple * width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        side = pixels // 2 ** len(_STAGES)
        self.classifier = nn.Sequential(
            nn.Linear(channels * side * side, features),
            nn.ReLU(),
            nn.Linear(features, features),
            nn.ReLU(),
            nn.Linear(features, classes),
        )
        initialise_for_relu(self)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return logits, (batch, classes), of pixels (batch, 3, height, width)."""
        logits: Tensor = self.classifier(self.features(pixels).flatten(1))
        return logits
