"""Adapters that give transformers' models positional tensor inputs and plain tensor outputs.

All attention runs in eager mode with additive four-dimensional masks: transformers builds a mask by a boolean
cumulative sum when it gets none, and that sum miscompiles in TVM 0.27.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

MASKED = -1e9
"""Added to the attention score of a position that must not be attended to."""


def causal_mask(tokens: int) -> Tensor:
    """Return the additive causal mask, of shape (1, 1, tokens, tokens)."""
    return torch.full((1, 1, tokens, tokens), MASKED).triu(1)


def padding_mask(tokens: int, padding: int) -> Tensor:
    """Return the additive mask, of shape (1, 1, 1, tokens), that hides the last `padding` positions."""
    mask = torch.zeros(1, 1, 1, tokens)
    mask[..., tokens - padding :] = MASKED
    return mask


class HiddenStates(nn.Module):
    """A model on one dense input (image or spectrogram), reduced to its last hidden state."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: Tensor) -> Tensor:
        """Return the last hidden state, of shape (batch, positions, hidden)."""
        output: Tensor = self.model(features).last_hidden_state
        return output


class MaskedHiddenStates(nn.Module):
    """A text encoder reduced to its last hidden state."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the last hidden state, (batch, tokens, hidden), of ids (batch, tokens) and an additive mask."""
        output: Tensor = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        return output


class Logits(nn.Module):
    """An image classifier reduced to its logits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        """Return logits, (batch, classes), of pixels (batch, channels, height, width)."""
        output: Tensor = self.model(pixel_values=pixels).logits
        return output


class CausalLogits(nn.Module):
    """A causal language model over a fixed number of tokens (prefill), reduced to its logits."""

    mask: Tensor

    def __init__(self, model: nn.Module, tokens: int) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("mask", causal_mask(tokens), persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Return logits, (batch, tokens, vocabulary), of ids (batch, tokens)."""
        output: Tensor = self.model(input_ids=ids, attention_mask=self.mask, use_cache=False).logits
        return output


class DecodeStep(nn.Module):
    """One decoding step of a causal language model: the cache comes in and leaves as tensors, grown by one token."""

    position: Tensor
    mask: Tensor

    def __init__(self, model: nn.Module, past_tokens: int) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("position", torch.full((1, 1), past_tokens), persistent=False)
        self.register_buffer("mask", torch.zeros(1, 1, 1, past_tokens + 1), persistent=False)

    def forward(self, ids: Tensor, *cache: Tensor) -> tuple[Tensor, ...]:
        """Return logits (batch, 1, vocabulary) and the grown cache.

        `cache` holds key and value of each layer in turn, each (batch, key-value heads, past tokens, head size);
        the result holds the same with one token more.
        """
        from transformers.cache_utils import Cache

        past: Any = Cache(layers=[_filled(key, value) for key, value in zip(cache[::2], cache[1::2], strict=True)])
        output = self.model(
            input_ids=ids,
            attention_mask=self.mask,
            position_ids=self.position,
            past_key_values=past,
            use_cache=True,
        )
        grown = [tensor for layer in past.layers for tensor in (layer.keys, layer.values)]
        return (output.logits, *grown)


def _filled(key: Tensor, value: Tensor) -> Any:
    """Return a cache layer that holds the past; its own constructor would concatenate it to an empty 1-D tensor."""
    from transformers.cache_utils import DynamicLayer

    layer = DynamicLayer()
    layer.dtype, layer.device = key.dtype, key.device
    layer.keys, layer.values = key, value
    layer.is_initialized = True
    return layer
