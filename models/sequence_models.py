"""Models of other shapes: recommendation by embedding tables, dilated convolutions over sound, a recurrent network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .registry import model

if TYPE_CHECKING:
    from .registry import Built


@model(
    "dlrm",
    "DLRM recommendation: 8 embedding tables of 200,000 x 64, 10 look-ups each, batch 128",
    sizes={
        "tiny": {
            "tables": 4, "rows": 500, "width": 16, "lookups": 4, "dense": 13, "bottom": (32,), "top": (32,),
            "batch": 16,
        },
        "full": {
            "tables": 8, "rows": 200_000, "width": 64, "lookups": 10, "dense": 13, "bottom": (512, 256),
            "top": (512, 256), "batch": 128,
        },
    },
)  # fmt: skip
def dlrm(
    tables: int,
    rows: int,
    width: int,
    lookups: int,
    dense: int,
    bottom: tuple[int, ...],
    top: tuple[int, ...],
    batch: int,
) -> Built:
    """Dense features (batch, dense) and row ids (batch, lookups) per table -> click probability (batch, 1).

    Full: the MLP widths of the Criteo benchmark script of DLRM (arXiv 1906.00091,
    https://github.com/facebookresearch/dlrm/blob/main/bench/dlrm_s_criteo_kaggle.sh) with 410 MB of tables, pooled
    over 10 look-ups, that script's default.
    """
    import torch

    from .modules.dlrm import Dlrm

    ids = [torch.randint(rows, (batch, lookups)) for _ in range(tables)]
    return Dlrm(tables, rows, width, lookups, dense, bottom, top), (torch.randn(batch, dense), *ids)


@model(
    "wavenet",
    "WaveNet: 30 dilated causal convolutions with gates and skip connections, 4096 samples",
    sizes={
        "tiny": {"cycles": 1, "dilations": 3, "residual": 16, "skip": 32, "codes": 64, "samples": 128},
        "full": {"cycles": 3, "dilations": 10, "residual": 64, "skip": 256, "codes": 256, "samples": 4096},
    },
)
def wavenet(cycles: int, dilations: int, residual: int, skip: int, codes: int, samples: int) -> Built:
    """Mu-law codes (1, samples) -> logits (1, codes, samples).

    Full: three cycles of the dilations 1 to 512 and 256 codes (arXiv 1609.03499, sections 2.1 to 2.4), which gives
    no widths: 64 residual and 256 skip channels are nv-wavenet's (https://github.com/NVIDIA/nv-wavenet).
    """
    import torch

    from .modules.wavenet import WaveNet

    return WaveNet(cycles, dilations, residual, skip, codes), (torch.randint(codes, (1, samples)),)


@model(
    "lstm",
    "two-layer LSTM, hidden size 1024, unrolled over 64 time steps, batch 16",
    sizes={
        "tiny": {"layers": 2, "features": 16, "hidden": 32, "steps": 3, "batch": 2},
        "full": {"layers": 2, "features": 1024, "hidden": 1024, "steps": 64, "batch": 16},
    },
)
def lstm(layers: int, features: int, hidden: int, steps: int, batch: int) -> Built:
    """Features (steps, batch, features) -> hidden states (steps, batch, hidden).

    The cell is torch.nn.LSTM's; width and depth are in the range of the "large" language model of arXiv 1409.2329
    (2 layers, 1500 units, 35 steps).
    """
    import torch

    from .modules.lstm import UnrolledLstm

    return UnrolledLstm(layers, features, hidden), (torch.randn(steps, batch, features),)
