"""Training steps: forward, loss and backward as one graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .registry import model

if TYPE_CHECKING:
    from .registry import Built


@model(
    "gpt2_train",
    "one training step of GPT-2: cross-entropy loss and all gradients, 6 layers; deep: GPT-2 XL, 48 layers",
    sizes={
        "tiny": {"layers": 1, "hidden": 64, "heads": 2, "vocabulary": 256, "tokens": 16},
        "full": {"layers": 6, "hidden": 768, "heads": 12, "vocabulary": 50257, "tokens": 128},
        "deep": {"layers": 48, "hidden": 1600, "heads": 25, "vocabulary": 50257, "tokens": 1024},
    },
)
def gpt2_train(layers: int, hidden: int, heads: int, vocabulary: int, tokens: int) -> Built:
    """Ids and labels (1, tokens) -> loss (), one gradient per parameter, in the order of `parameters()`.

    Full: distilgpt2's dimensions (https://huggingface.co/distilbert/distilgpt2), which are GPT-2's with 6 layers;
    only as many positions as tokens. Deep: GPT-2 XL (Radford et al. 2019, table 2). No dropout; the optimiser is left
    out.
    """
    import torch

    from .language_models import gpt2_model
    from .modules.train_step import trace_train_step

    network = gpt2_model(layers, hidden, heads, vocabulary, positions=tokens)
    inputs = (torch.randint(vocabulary, (1, tokens)), torch.randint(vocabulary, (1, tokens)))
    return trace_train_step(network, inputs), inputs
