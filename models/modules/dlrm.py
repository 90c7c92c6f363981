"""Deep learning recommendation model (arXiv 1906.00091)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from .initialisation import initialise_for_relu


def _mlp(widths: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers)


class Dlrm(nn.Module):
    """Embedding tables with pooled look-ups, an MLP on dense features, pairwise dot products, an MLP on those."""

    pairs: Tensor

    def __init__(
        self,
        tables: int,
        rows: int,
        width: int,
        lookups: int,
        dense: int,
        bottom: tuple[int, ...],
        top: tuple[int, ...],
    ) -> None:
        super().__init__()
        vectors = tables + 1
        embeddings = [nn.Embedding(rows, width) for _ in range(tables)]
        self.tables = nn.ModuleList(embeddings)
        self.bottom = _mlp((dense, *bottom, width))
        self.top = _mlp((width + vectors * (vectors - 1) // 2, *top))
        self.head = nn.Linear(top[-1], 1)
        row, column = torch.tril_indices(vectors, vectors, offset=-1)
        self.register_buffer("pairs", row * vectors + column, persistent=False)
        initialise_for_relu(self)
        for table in embeddings:
            # Pooled vectors of unit length on average, so that dot products stay of order one.
            nn.init.normal_(table.weight, std=(width * lookups) ** -0.5)

    def forward(self, dense: Tensor, *ids: Tensor) -> Tensor:
        """Return click probabilities, (batch, 1), of dense features and, per table, ids (batch, lookups)."""
        bottom = self.bottom(dense)
        pooled = [table(rows).sum(dim=1) for table, rows in zip(self.tables, ids, strict=True)]
        vectors = torch.stack([bottom, *pooled], dim=1)
        products = torch.bmm(vectors, vectors.transpose(1, 2)).flatten(1)
        interactions = products.index_select(1, self.pairs)
        return torch.sigmoid(self.head(self.top(torch.cat([bottom, interactions], dim=1))))
