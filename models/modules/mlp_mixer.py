"""MLP-Mixer (arXiv 2105.01601)."""

from __future__ import annotations

from torch import Tensor, nn


def _mlp(width: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))


class MixerBlock(nn.Module):
    """One MLP across patches, then one across channels, each after a layer norm and with a residual connection."""

    def __init__(self, hidden: int, patches: int, token_mlp: int, channel_mlp: int) -> None:
        super().__init__()
        self.token_norm = nn.LayerNorm(hidden)
        self.token_mlp = _mlp(patches, token_mlp)
        self.channel_norm = nn.LayerNorm(hidden)
        self.channel_mlp = _mlp(hidden, channel_mlp)

    def forward(self, features: Tensor) -> Tensor:
        """Map (batch, patches, hidden) to the same shape."""
        features = features + self.token_mlp(self.token_norm(features).transpose(1, 2)).transpose(1, 2)
        mixed: Tensor = features + self.channel_mlp(self.channel_norm(features))
        return mixed


class MlpMixer(nn.Module):
    """Patch embedding, mixer blocks, mean over patches, linear classifier."""

    def __init__(
        self, layers: int, hidden: int, token_mlp: int, channel_mlp: int, patches: int, patch: int, classes: int
    ) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, hidden, patch, stride=patch)
        self.blocks = nn.Sequential(*(MixerBlock(hidden, patches, token_mlp, channel_mlp) for _ in range(layers)))
        self.norm = nn.LayerNorm(hidden)
        self.head = nn.Linear(hidden, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return logits, (batch, classes), of pixels (batch, 3, height, width)."""
        patches = self.stem(pixels).flatten(2).transpose(1, 2)
        logits: Tensor = self.head(self.norm(self.blocks(patches)).mean(dim=1))
        return logits
