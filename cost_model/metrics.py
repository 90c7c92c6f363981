"""How good predictions are: errors, order, and what a choice by them costs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .dataset import Dataset, Integers, Reals
from .learned import Metrics

#: Fewer kernels have no meaningful order.
_LEAST_FOR_ORDER = 5


def judge(name: str, source: str, data: Dataset, predicted: Reals, linear: Reals | None = None) -> Metrics:
    """Metrics of predicted seconds (N,); ``linear`` are those of the per-class linear fit."""
    return Metrics(
        name=name,
        source=source,
        rows=len(data),
        median_ape=float(np.median(relative_errors(data, predicted))),
        mean_ape=float(np.mean(relative_errors(data, predicted))),
        kendall_tau=kendall_tau(data, predicted),
        top1_regret=top1_regret(data, predicted),
        choice_regret=top1_regret(data, predicted, equally_many=True),
        roofline_median_ape=float(np.median(relative_errors(data, data.roofline))),
        linear_median_ape=None if linear is None else float(np.median(relative_errors(data, linear))),
        noise=float(np.median(data.noise)),
    )


def relative_errors(data: Dataset, predicted: Reals) -> Reals:
    """Absolute errors as fractions of the labels."""
    return np.asarray(np.abs(predicted - data.seconds) / data.seconds)


def kendall_tau(data: Dataset, predicted: Reals) -> float | None:
    """Rank correlation (tau-b) within each program on each accelerator, averaged over the rows of those."""
    from scipy.stats import kendalltau

    found, weights = [], []
    for rows in _groups(np.unique(np.char.add(data.program + "|", data.accelerator), return_inverse=True)[1]):
        if len(rows) >= _LEAST_FOR_ORDER:
            tau = float(kendalltau(predicted[rows], data.seconds[rows]).statistic)
            if np.isfinite(tau):
                found.append(tau)
                weights.append(len(rows))
    return float(np.average(found, weights=weights)) if found else None


def top1_regret(data: Dataset, predicted: Reals, *, equally_many: bool = False) -> float | None:
    """Time lost by taking, for each kernel, the placement with the least predicted seconds: the mean over kernels.

    More in fast memory is nearly always better, so of placements with equal predictions the one with most is taken.
    ``equally_many`` asks the harder question: only placements with equally many tensors there are alternatives.
    """
    keys = data.case * (1 + int(data.fast.max(initial=0))) + data.fast if equally_many else data.case
    losses = [
        data.seconds[_liked_best(data, predicted, rows)] / data.seconds[rows].min() - 1.0
        for rows in _groups(keys)
        if len(rows) > 1
    ]
    return float(np.mean(losses)) if losses else None


def _liked_best(data: Dataset, predicted: Reals, rows: Integers) -> int:
    tied = rows[predicted[rows] <= predicted[rows].min() * (1.0 + 1e-9)]
    return int(tied[np.argmax(data.fast[tied])])


def _groups(keys: Integers) -> Iterator[Integers]:
    """Row numbers of equal keys."""
    order = np.argsort(keys, kind="stable")
    bounds = np.flatnonzero(np.diff(keys[order])) + 1
    yield from np.split(order, bounds) if len(order) else []
