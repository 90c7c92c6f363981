"""The gate of the gated transformer: a GRU cell in the place of the residual sum (GTrXL, arXiv 1910.06764)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

#: How far a new gate leans towards passing on what came in; the paper's best.
IDENTITY_BIAS = 2.0


class Gate(nn.Module):
    """Mixes the stream ``x`` with the output ``y`` of a sub-layer, both ``(..., width)``.

    ``r = sigmoid(Wr y + Ur x)``, ``z = sigmoid(Wz y + Uz x - bias)``, ``h = tanh(Wh y + Uh (r * x))``; the result is
    ``(1 - z) * x + z * h``.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.of_output = nn.Linear(width, 3 * width, bias=False)
        self.of_stream = nn.Linear(width, 2 * width, bias=False)
        self.of_reset = nn.Linear(width, width, bias=False)
        self.bias = nn.Parameter(torch.full((width,), IDENTITY_BIAS))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The mixed stream (..., width)."""
        reset_y, update_y, new_y = self.of_output(y).chunk(3, dim=-1)
        reset_x, update_x = self.of_stream(x).chunk(2, dim=-1)
        reset = torch.sigmoid(reset_y + reset_x)
        update = torch.sigmoid(update_y + update_x - self.bias)
        new = torch.tanh(new_y + self.of_reset(reset * x))
        return torch.lerp(x, new, update)
