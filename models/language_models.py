"""Causal language models from transformers' classes: prefill, one decoding step, mixture of experts.

Weights are drawn with standard deviation `hidden ** -0.5`; see `encoders`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .registry import model

if TYPE_CHECKING:
    from torch import nn

    from .registry import Built

TINY_LLAMA = {
    "layers": 2,
    "hidden": 64,
    "heads": 4,
    "key_value_heads": 2,
    "intermediate": 176,
    "vocabulary": 512,
}
# https://huggingface.co/HuggingFaceTB/SmolLM2-360M/blob/main/config.json
SMOLLM2_360M = {
    "layers": 32,
    "hidden": 960,
    "heads": 15,
    "key_value_heads": 5,
    "intermediate": 2560,
    "vocabulary": 49152,
    "rope_theta": 100000.0,
    "tied": True,
}
# Llama 2 70B: arXiv 2307.09288, table 1 and section 2.2; https://huggingface.co/meta-llama/Llama-2-70b-hf
LLAMA_2_70B = {
    "layers": 80,
    "hidden": 8192,
    "heads": 64,
    "key_value_heads": 8,
    "intermediate": 28672,
    "vocabulary": 32000,
}


def gpt2_model(layers: int, hidden: int, heads: int, vocabulary: int, positions: int) -> nn.Module:
    """Return a GPT-2 with tied embeddings and without dropout."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=vocabulary,
        n_embd=hidden,
        n_layer=layers,
        n_head=heads,
        n_positions=positions,
        bos_token_id=0,
        eos_token_id=0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        resid_pdrop=0.0,
        initializer_range=hidden**-0.5,
        attn_implementation="eager",
    )
    module: nn.Module = GPT2LMHeadModel(config)
    return module


@model(
    "gpt2",
    "GPT-2 (124 M parameters) prefill, 12 layers, 128 tokens",
    sizes={
        "tiny": {"layers": 2, "hidden": 64, "heads": 2, "vocabulary": 512, "positions": 64, "tokens": 32},
        "full": {"layers": 12, "hidden": 768, "heads": 12, "vocabulary": 50257, "positions": 1024, "tokens": 128},
    },
)
def gpt2(layers: int, hidden: int, heads: int, vocabulary: int, positions: int, tokens: int) -> Built:
    """Ids (1, tokens) -> logits (1, tokens, vocabulary).

    Full: the smallest model of "Language Models are Unsupervised Multitask Learners" (Radford et al. 2019), table 2.
    """
    import torch

    from .modules.adapters import CausalLogits

    module = CausalLogits(gpt2_model(layers, hidden, heads, vocabulary, positions), tokens)
    return module, (torch.randint(vocabulary, (1, tokens)),)


def llama_model(
    layers: int,
    hidden: int,
    heads: int,
    key_value_heads: int,
    intermediate: int,
    vocabulary: int,
    rope_theta: float = 10000.0,
    tied: bool = False,
) -> Any:
    """Return a Llama with grouped-query attention."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=key_value_heads,
        tie_word_embeddings=tied,
        rope_parameters={"rope_type": "default", "rope_theta": rope_theta},
        initializer_range=hidden**-0.5,
        attn_implementation="eager",
    )
    return LlamaForCausalLM(config)


@model(
    "llama",
    "Llama prefill with grouped-query attention, SmolLM2-360M dimensions, 128 tokens; deep: Llama-2-70B, 512 tokens",
    sizes={
        "tiny": {**TINY_LLAMA, "tokens": 32},
        "full": {**SMOLLM2_360M, "tokens": 128},
        "deep": {**LLAMA_2_70B, "tokens": 512},
    },
)
def llama(tokens: int, vocabulary: int, **config: Any) -> Built:
    """Ids (1, tokens) -> logits (1, tokens, vocabulary)."""
    import torch

    from .modules.adapters import CausalLogits

    module = CausalLogits(llama_model(vocabulary=vocabulary, **config), tokens)
    return module, (torch.randint(vocabulary, (1, tokens)),)


@model(
    "llama_decode",
    "one decoding step of llama after 256 tokens; the KV cache is input and output",
    sizes={
        "tiny": {**TINY_LLAMA, "past_tokens": 31},
        "full": {**SMOLLM2_360M, "past_tokens": 256},
    },
)
def llama_decode(past_tokens: int, vocabulary: int, **config: Any) -> Built:
    """Id (1, 1), keys and values per layer -> logits (1, 1, vocabulary), keys and values grown by one token.

    A key or value is (1, key_value_heads, past_tokens, hidden / heads); they alternate: key 0, value 0, key 1, ...
    """
    import torch

    from .modules.adapters import DecodeStep

    module = DecodeStep(llama_model(vocabulary=vocabulary, **config), past_tokens)
    shape = (1, config["key_value_heads"], past_tokens, config["hidden"] // config["heads"])
    cache = [torch.randn(shape) for _ in range(2 * config["layers"])]
    return module, (torch.randint(vocabulary, (1, 1)), *cache)


@model(
    "moe",
    "Mixtral-like decoder, 8 experts, top 2, dense dispatch, 2 layers, 64 tokens",
    sizes={
        "tiny": {
            "layers": 1, "hidden": 64, "heads": 4, "key_value_heads": 2, "intermediate": 128, "experts": 4,
            "vocabulary": 512, "tokens": 32,
        },
        "full": {
            "layers": 2, "hidden": 1024, "heads": 16, "key_value_heads": 4, "intermediate": 3584, "experts": 8,
            "vocabulary": 32000, "tokens": 64,
        },
    },
)  # fmt: skip
def moe(
    layers: int,
    hidden: int,
    heads: int,
    key_value_heads: int,
    intermediate: int,
    experts: int,
    vocabulary: int,
    tokens: int,
) -> Built:
    """Ids (1, tokens) -> last hidden state (1, tokens, hidden).

    Full: Mixtral 8x7B (arXiv 2401.04088, table 1) with its width, heads and intermediate size divided by four or two
    and 2 of its 32 layers, so that float32 weights fit a small machine. Every expert sees every token, as on
    accelerators with static shapes; the router's weight is zero for the experts that a token did not choose.
    """
    import torch
    from transformers import MixtralConfig, MixtralModel

    from .modules.mixture_of_experts import CausalHiddenStates, dispatch_densely

    config = MixtralConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=key_value_heads,
        num_local_experts=experts,
        num_experts_per_tok=2,
        sliding_window=None,
        initializer_range=hidden**-0.5,
        attn_implementation="eager",
    )
    module = CausalHiddenStates(dispatch_densely(MixtralModel(config)), tokens)
    return module, (torch.randint(vocabulary, (1, tokens)),)
