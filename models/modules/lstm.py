"""A recurrent network without loops: every time step is its own set of operators."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LstmCell(nn.Module):
    """The cell of torch.nn.LSTM: gates in the order input, forget, cell, output."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.hidden_size = hidden
        self.from_input = nn.Linear(features, 4 * hidden)
        self.from_hidden = nn.Linear(hidden, 4 * hidden)

    def forward(self, features: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """Map features (batch, features) and the state (batch, hidden) twice to the next hidden and cell state."""
        gates = self.from_input(features) + self.from_hidden(hidden)
        accept, forget, update, output = gates.chunk(4, dim=-1)
        cell = torch.sigmoid(forget) * cell + torch.sigmoid(accept) * torch.tanh(update)
        return torch.sigmoid(output) * torch.tanh(cell), cell


class UnrolledLstm(nn.Module):
    """Stacked cells, unrolled over the time steps of the example input."""

    def __init__(self, layers: int, features: int, hidden: int) -> None:
        super().__init__()
        self.cells = nn.ModuleList(LstmCell(hidden if layer else features, hidden) for layer in range(layers))
        self.hidden_size = hidden

    def forward(self, features: Tensor) -> Tensor:
        """Return the last layer's hidden states, (steps, batch, hidden), of features (steps, batch, features)."""
        zero = features.new_zeros(features.shape[1], self.hidden_size)
        states = [(zero, zero)] * len(self.cells)
        outputs: list[Tensor] = []
        for step in range(features.shape[0]):
            signal = features[step]
            for layer, cell in enumerate(self.cells):
                states[layer] = cell(signal, *states[layer])
                signal = states[layer][0]
            outputs.append(signal)
        return torch.stack(outputs)
