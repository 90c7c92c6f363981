"""Readers: what a network makes of a program before the game begins, one embedding a decision."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .chunks import Chunks
from .config import NetworkConfig
from .gating import Gate
from .local_attention import LocalAttention


class Reader(nn.Module):
    """Base of the readers."""

    def forward(self, programs: Sequence[Tensor]) -> Tensor:
        """Programs [(D_k, P)] -> embeddings of all decisions, one program after another: (sum of D_k, E)."""
        raise NotImplementedError


class MlpReader(Reader):
    """Reads each decision by itself."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width = config.reader_width
        layers: list[nn.Module] = [nn.Linear(config.program_features, width), nn.ReLU()]
        for _ in range(config.reader_layers - 1):
            layers += [nn.Linear(width, width), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(width, config.embedding))

    def forward(self, programs: Sequence[Tensor]) -> Tensor:
        """See :class:`Reader`."""
        embeddings: Tensor = self.layers(torch.cat(list(programs)))
        return embeddings


class GatedLayer(nn.Module):
    """One layer of a GTrXL (arXiv 1910.06764): norms on the sub-layers' inputs, gates in the place of residual sums.

    Attention is local; what is far away comes through a summary, the mean over the program. Both go through one gate.
    """

    def __init__(self, width: int, heads: int, chunk: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = LocalAttention(width, heads, chunk)
        self.summary = nn.Linear(width, width)
        self.attention_gate = Gate(width)
        self.dense_norm = nn.LayerNorm(width)
        self.dense = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        self.dense_gate = Gate(width)

    def forward(self, x: Tensor, chunks: Chunks) -> Tensor:
        """(C, L, width) -> (C, L, width)."""
        normed = self.attention_norm(x)
        summary = chunks.spread(self.summary(chunks.mean(normed)))
        x = self.attention_gate(x, torch.relu(self.attention(normed, chunks) + summary))
        mixed: Tensor = self.dense_gate(x, torch.relu(self.dense(self.dense_norm(x))))
        return mixed


class GtrxlReader(Reader):
    """A gated transformer over all decisions of a program, in both directions: the program is known from the start."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width = config.reader_width
        self.chunk = config.chunk
        self.input = nn.Linear(config.program_features, width)
        self.layers = nn.ModuleList(
            GatedLayer(width, config.reader_heads, config.chunk) for _ in range(config.reader_layers)
        )
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, config.embedding)

    def forward(self, programs: Sequence[Tensor]) -> Tensor:
        """See :class:`Reader`."""
        lengths = [len(program) for program in programs]
        if not any(lengths):
            return programs[0].new_zeros((0, self.output.out_features))
        chunks = Chunks.of(lengths, self.chunk, programs[0].device)
        x = self.input(chunks.pack(programs))
        for layer in self.layers:
            x = layer(x, chunks)
        embeddings: Tensor = self.output(self.norm(chunks.unpack(x)))
        return embeddings


def build_reader(config: NetworkConfig) -> Reader:
    """The reader that a configuration names."""
    return GtrxlReader(config) if config.reader == "gtrxl" else MlpReader(config)
