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
        torch.ops.aten.native_layer_norm.default: _layer_norm,
    }
    traced = make_fx(step, decomposition_table=table, tracing_mode="fake")(list(network.parameters()), mask, *inputs)
    return TrainStep(network, mask, traced)


def _layer_norm(
    features: Tensor, shape: list[int], weight: Tensor, bias: Tensor, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the layer norm, its mean and its reciprocal standard deviation.

    The importer keeps only the first of these three results and reads a row of it where the backward pass wants the
    other two.
    """
    dimensions = list(range(-len(shape), 0))
    mean = features.mean(dimensions, keepdim=True)
    centred = features - mean
    rstd = torch.rsqrt((centred * centred).mean(dimensions, keepdim=True) + epsilon)
    return centred * rstd * weight + bias, mean, rstd


def _embedding_gradient(gradient: Tensor, ids: Tensor, rows: int, padding_index: int, scale: bool) -> Tensor:
    """Return the gradient of an embedding table, (rows, width), without an accumulating scatter.

    The importer knows accumulation only as index_put, whose CPU kernel adds from several threads without atomics.
    Here each token first gets the sum over all tokens of the same id, so that the scatter writes equal values twice.
    """
    if padding_index >= 0 or scale:
        raise NotImplementedError("embeddings with a padding index or with gradients scaled by frequency")
    flat = gradient.reshape(-1, gradient.shape[-1])
    token = ids.reshape(-1)
    same = (token.unsqueeze(1) == token.unsqueeze(0)).to(flat.dtype)
    index = token.unsqueeze(1).expand(flat.shape)
    return flat.new_zeros(rows, flat.shape[1]).scatter(0, index, same @ flat)
