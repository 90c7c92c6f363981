"""A training step as an ordinary module, so that torch.export sees forward and backward in one graph.

torch.export cannot trace torch.func.grad itself (it looks for storage that functorch's wrappers lack), so the step is
traced once with make_fx, on fake tensors, down to operators that the TVM importer knows.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch._decomp import core_aten_decompositions
from torch.fx.experimental.proxy_tensor import make_fx

from .adapters import causal_mask


class TrainStep(nn.Module):
    """The traced step of `network`: (ids, labels) -> (loss, *gradients)."""

    mask: Tensor

    def __init__(self, network: nn.Module, mask: Tensor, step: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.step = step
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, ids: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
        """Return the mean cross-entropy and the gradient of each parameter, in the order of `network.parameters()`."""
        outputs: list[Tensor] = self.step(list(self.network.parameters()), self.mask, ids, labels)
        return tuple(outputs)


def trace_train_step(network: nn.Module, inputs: tuple[Tensor, Tensor]) -> TrainStep:
    """Trace loss and gradients of a causal language model for example ids and labels, both (batch, tokens)."""
    network.eval().requires_grad_(False)
    names = [name for name, _ in network.named_parameters()]

    def step(parameters: list[Tensor], mask: Tensor, ids: Tensor, labels: Tensor) -> list[Tensor]:
        def loss(parameters: list[Tensor]) -> Tensor:
            named = dict(zip(names, parameters, strict=True))
            arguments = {"input_ids": ids, "attention_mask": mask, "use_cache": False}
            logits = torch.func.functional_call(network, named, (), arguments).logits
            return nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())

        gradients, value = torch.func.grad_and_value(loss)(parameters)
        return [value, *gradients]

    mask = causal_mask(inputs[0].shape[1])
    table: dict[Any, Any] = {
        **core_aten_decompositions(),
        torch.ops.aten.embedding_dense_backward.default: _embedding_gradient,
    }
    traced = make_fx(step, decomposition_table=table, tracing_mode="fake")(list(network.parameters()), mask, *inputs)
    return TrainStep(network, mask, traced)


def _embedding_gradient(gradient: Tensor, ids: Tensor, rows: int, padding_index: int, scale: bool) -> Tensor:
    """Scatter-add the gradients of looked-up rows, with one index per element: the importer takes no other form."""
    if padding_index >= 0 or scale:
        raise NotImplementedError("embeddings with a padding index or with gradients scaled by frequency")
    width = gradient.shape[-1]
    flat = gradient.reshape(-1, width)
    row = ids.reshape(-1, 1).expand(flat.shape)
    column = torch.arange(width, device=flat.device).expand(flat.shape)
    return flat.new_zeros(rows, width).index_put((row, column), flat, accumulate=True)
