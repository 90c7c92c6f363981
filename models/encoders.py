"""Transformer encoders of text, images and speech, from transformers' classes.

Weights are drawn with standard deviation `hidden ** -0.5`, so that every layer changes its input visibly and a
numerics comparison covers all of them; the classes' own 0.02 leaves narrow models almost at the identity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .registry import model

if TYPE_CHECKING:
    from .registry import Built


@model(
    "bert",
    "BERT-base encoder, 12 layers, 128 tokens",
    sizes={
        "tiny": {"layers": 2, "hidden": 64, "heads": 2, "intermediate": 256, "vocabulary": 512, "tokens": 32},
        "full": {"layers": 12, "hidden": 768, "heads": 12, "intermediate": 3072, "vocabulary": 30522, "tokens": 128},
    },
)
def bert(layers: int, hidden: int, heads: int, intermediate: int, vocabulary: int, tokens: int) -> Built:
    """Ids (1, tokens) and mask (1, 1, 1, tokens) -> (1, tokens, hidden).

    Full: bert-base-uncased (arXiv 1810.04805, section 3). The last eighth of the tokens is padding.
    """
    import torch
    from transformers import BertConfig, BertModel

    from .modules.adapters import MaskedHiddenStates, padding_mask

    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=intermediate,
        initializer_range=hidden**-0.5,
        attn_implementation="eager",
    )
    module = MaskedHiddenStates(BertModel(config, add_pooling_layer=False))
    return module, (torch.randint(vocabulary, (1, tokens)), padding_mask(tokens, tokens // 8))


@model(
    "t5_encoder",
    "T5-base encoder with relative position biases, 12 layers, 128 tokens",
    sizes={
        "tiny": {"layers": 2, "hidden": 64, "heads": 2, "intermediate": 256, "vocabulary": 512, "tokens": 32},
        "full": {"layers": 12, "hidden": 768, "heads": 12, "intermediate": 3072, "vocabulary": 32128, "tokens": 128},
    },
)
def t5_encoder(layers: int, hidden: int, heads: int, intermediate: int, vocabulary: int, tokens: int) -> Built:
    """Ids (1, tokens) and mask (1, 1, 1, tokens) -> (1, tokens, hidden).

    Full: t5-base (arXiv 1910.10683, section 3.1.1). The last eighth of the tokens is padding.
    """
    import torch
    from transformers import T5Config, T5EncoderModel

    from .modules.adapters import MaskedHiddenStates, padding_mask

    config = T5Config(
        vocab_size=vocabulary,
        d_model=hidden,
        d_kv=hidden // heads,
        d_ff=intermediate,
        num_layers=layers,
        num_heads=heads,
        attn_implementation="eager",
    )
    module = MaskedHiddenStates(T5EncoderModel(config))
    return module, (torch.randint(vocabulary, (1, tokens)), padding_mask(tokens, tokens // 8))


@model(
    "vit",
    "Vision transformer ViT-B/16 on 224x224 pixels; deep: ViT-g/14, 40 layers",
    sizes={
        "tiny": {"layers": 2, "hidden": 64, "heads": 2, "intermediate": 256, "pixels": 32, "patch": 8},
        "full": {"layers": 12, "hidden": 768, "heads": 12, "intermediate": 3072, "pixels": 224, "patch": 16},
        "deep": {"layers": 40, "hidden": 1408, "heads": 16, "intermediate": 6144, "pixels": 224, "patch": 14},
    },
)
def vit(layers: int, hidden: int, heads: int, intermediate: int, pixels: int, patch: int) -> Built:
    """Pixels (1, 3, pixels, pixels) -> (1, patches + 1, hidden).

    Full: ViT-B/16 (arXiv 2010.11929, table 1). Deep: ViT-g/14 (arXiv 2106.04560, table 2).
    """
    import torch
    from transformers import ViTConfig, ViTModel

    from .modules.adapters import HiddenStates

    config = ViTConfig(
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=intermediate,
        image_size=pixels,
        patch_size=patch,
        initializer_range=hidden**-0.5,
        attn_implementation="eager",
    )
    module = HiddenStates(ViTModel(config, add_pooling_layer=False))
    return module, (torch.randn(1, 3, pixels, pixels),)


@model(
    "whisper_encoder",
    "Whisper-base speech encoder, 6 layers, 1500 positions",
    sizes={
        "tiny": {"layers": 2, "hidden": 64, "heads": 2, "intermediate": 256, "positions": 32},
        "full": {"layers": 6, "hidden": 512, "heads": 8, "intermediate": 2048, "positions": 1500},
    },
)
def whisper_encoder(layers: int, hidden: int, heads: int, intermediate: int, positions: int) -> Built:
    """Mel spectrogram (1, 80, 2 * positions) -> (1, positions, hidden).

    Full: whisper-base (arXiv 2212.04356, table 1), 30 seconds of sound.
    """
    import torch
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    from .modules.adapters import HiddenStates

    config = WhisperConfig(
        d_model=hidden,
        encoder_layers=layers,
        encoder_attention_heads=heads,
        encoder_ffn_dim=intermediate,
        max_source_positions=positions,
        init_std=hidden**-0.5,
        attn_implementation="eager",
    )
    return HiddenStates(WhisperEncoder(config)), (torch.randn(1, config.num_mel_bins, 2 * positions),)
