"""Mixtral's sparse layer in a form with static shapes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .adapters import causal_mask


class DenseDispatch(nn.Module):
    """A mixture-of-experts layer in which every expert computes every token; same parameters as transformers' layer.

    The sparse original selects each expert's tokens by their number at run time, which has no static shape.
    """

    def __init__(self, sparse: Any) -> None:
        super().__init__()
        self.gate: nn.Module = sparse.gate
        self.gate_up_proj: nn.Parameter = sparse.experts.gate_up_proj
        self.down_proj: nn.Parameter = sparse.experts.down_proj

    def forward(self, hidden: Tensor) -> Tensor:
        """Map (batch, tokens, width) to the same shape."""
        tokens = hidden.flatten(0, 1)
        _, scores, chosen = self.gate(tokens)
        experts = self.gate_up_proj.shape[0]
        one_hot = (chosen.unsqueeze(-1) == torch.arange(experts, device=chosen.device)).to(scores.dtype)
        weights = (scores.unsqueeze(-1) * one_hot).sum(1)

        batched = tokens.unsqueeze(0).expand(experts, -1, -1)
        gate, up = torch.bmm(batched, self.gate_up_proj.transpose(1, 2)).chunk(2, dim=-1)
        outputs = torch.bmm(nn.functional.silu(gate) * up, self.down_proj.transpose(1, 2))
        mixed: Tensor = (outputs * weights.t().unsqueeze(-1)).sum(0)
        return mixed.view_as(hidden)


def dispatch_densely(model: Any) -> Any:
    """Replace the sparse layers of a Mixtral by dense ones that hold the same parameters; return the model."""
    for layer in model.layers:
        layer.mlp = DenseDispatch(layer.mlp)
    return model


class CausalHiddenStates(nn.Module):
    """A causal model over a fixed number of tokens, reduced to its last hidden state."""

    mask: Tensor

    def __init__(self, model: nn.Module, tokens: int) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("mask", causal_mask(tokens), persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the last hidden state, (batch, tokens, hidden), of ids (batch, tokens)."""
        output: Tensor = self.model(input_ids=ids, attention_mask=self.mask, use_cache=False).last_hidden_state
        return output
