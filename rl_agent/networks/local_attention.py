"""Attention of each chunk of decisions to itself and its two neighbours: the cost grows with the program's length."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from .chunks import Chunks, with_neighbours

#: Chunks whose scores are computed at once; bounds the memory of a long program.
_AT_ONCE = 16


class LocalAttention(nn.Module):
    """Several heads, and a learned bias by head and distance.

    The bias begins as ALiBi's (arXiv 2108.12409): less the farther away, by another slope in each head.
    """

    distance: Tensor

    def __init__(self, width: int, heads: int, chunk: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.output = nn.Linear(width, width)
        slopes = 2.0 ** (-8.0 * torch.arange(1, heads + 1) / heads)
        away = torch.arange(-(2 * chunk - 1), 2 * chunk).abs()
        self.bias = nn.Parameter(-slopes[:, None] * away)
        keys = torch.arange(-chunk, 2 * chunk)
        index = keys - torch.arange(chunk)[:, None] + (2 * chunk - 1)
        self.register_buffer("distance", index, persistent=False)

    def forward(self, x: Tensor, chunks: Chunks) -> Tensor:
        """(C, L, width) -> (C, L, width)."""
        query = self._by_head(self.query(x))
        key, value = (self._by_head(part) for part in with_neighbours(self.key_value(x)).chunk(2, dim=-1))
        unseen = torch.where(chunks.visible(), 0.0, -math.inf)[:, None, None]
        bias = self.bias[:, self.distance]
        attended = [
            functional.scaled_dot_product_attention(
                query[i : i + _AT_ONCE], key[i : i + _AT_ONCE], value[i : i + _AT_ONCE], bias + unseen[i : i + _AT_ONCE]
            )
            for i in range(0, len(x), _AT_ONCE)
        ]
        together: Tensor = self.output(torch.cat(attended).transpose(1, 2).flatten(2))
        return together

    def _by_head(self, x: Tensor) -> Tensor:
        """(C, places, width) -> (C, heads, places, width / heads)."""
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)
