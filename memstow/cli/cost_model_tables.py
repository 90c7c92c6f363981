"""Tables of ``memstow cost-model``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .console import format_percent, format_seconds, print_lines, print_table

if TYPE_CHECKING:
    from ..cost_model.evaluation import KernelPrices
    from ..cost_model.learned import Metrics, ModelCard

_HEADER = (
    "samples",
    "rows",
    "median error",
    "mean error",
    "roofline's",
    "linear fit's",
    "Kendall tau",
    "regret",
    "of choice",
)


def print_metrics(found: Sequence[Metrics]) -> None:
    """Errors, order and regret of each group of samples."""
    rows = [
        (
            metrics.name,
            str(metrics.rows),
            format_percent(metrics.median_ape),
            format_percent(metrics.mean_ape),
            format_percent(metrics.roofline_median_ape),
            _percent(metrics.linear_median_ape),
            "" if metrics.kendall_tau is None else f"{metrics.kendall_tau:.3f}",
            _percent(metrics.top1_regret),
            _percent(metrics.choice_regret),
        )
        for metrics in found
    ]
    print_table("Errors of predicted seconds", _HEADER, rows, right=range(1, len(_HEADER)))


def print_model(card: ModelCard, folder: Path) -> None:
    """A model that was just trained."""
    print_metrics(card.held_out)
    print_lines(
        "",
        [
            f"judged on {', '.join(card.test_programs)}; then trained on all {card.rows} samples",
            f"{folder}: the model; pass its path to --cost-model",
        ],
    )


def print_kernels(program: str, accelerator: str, kernels: Sequence[KernelPrices]) -> None:
    """Prices of single kernels."""
    header = ("kernel", "class", "all slow", "all fast", "within", "roofline, slow", "roofline, fast", "")
    rows = [
        (
            kernel.name,
            kernel.op_class,
            format_seconds(kernel.slow_seconds),
            format_seconds(kernel.fast_seconds),
            _percent(kernel.uncertainty),
            format_seconds(kernel.roofline_slow_seconds),
            format_seconds(kernel.roofline_fast_seconds),
            kernel.remark and f"roofline: {kernel.remark}",
        )
        for kernel in kernels
    ]
    print_table(f"{program} on {accelerator}", header, rows, right=range(2, 7))


def _percent(value: float | None) -> str:
    return "" if value is None else format_percent(value)
