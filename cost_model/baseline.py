"""The simplest model that learns: for each class of kernels a time linear in arithmetic, traffic and a constant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .dataset import Dataset, Reals
from .features import NAMES, ROLES, Rows

_LEAST_ROWS = 10


@dataclass(frozen=True)
class LinearModel:
    """Coefficients of the columns of :func:`terms` by class; ``everything`` for classes that were not there."""

    by_class: Mapping[str, Reals]
    everything: Reals

    def predict(self, data: Dataset) -> Reals:
        """Seconds of each row (N,)."""
        coefficients = np.stack([self.by_class.get(name, self.everything) for name in data.op_class.tolist()])
        return np.asarray(np.maximum((terms(data.rows) * coefficients).sum(axis=1), 1e-12))


def fit_linear(data: Dataset) -> LinearModel:
    """Non-negative least squares on relative errors, so that short kernels count as much as long ones."""
    classes = sorted(set(data.op_class.tolist()))
    by_class = {name: data.op_class == name for name in classes}
    fitted = {name: _fit(data.where(rows)) for name, rows in by_class.items() if rows.sum() >= _LEAST_ROWS}
    return LinearModel(fitted, _fit(data))


def terms(rows: Rows) -> Reals:
    """Seconds of arithmetic at the peaks, of traffic in slow and in fast memory, the launch overhead, a microsecond."""
    compute = _amount(rows, "compute_time") * 1e-9
    slow = sum(_amount(rows, f"{role}_slow") for role in ROLES)
    every = sum(_amount(rows, f"{role}_bytes") for role in ROLES)
    slow_seconds = slow / _amount(rows, "slow_bandwidth") * 1e-6
    fast_seconds = np.maximum(every - slow, 0.0) / _amount(rows, "fast_bandwidth") * 1e-6
    overhead = _amount(rows, "overhead") * 1e-9
    return np.stack([compute, slow_seconds, fast_seconds, overhead, np.full(len(rows), 1e-6)], axis=1)


def _amount(rows: Rows, name: str) -> Reals:
    """A feature before its logarithm."""
    return np.asarray(np.exp2(rows[:, NAMES.index(name)].astype(np.float64)) - 1.0)


def _fit(data: Dataset) -> Reals:
    from scipy.optimize import nnls

    scaled = terms(data.rows) / data.seconds[:, None]
    return np.asarray(nnls(scaled, np.ones(len(data)))[0], dtype=np.float64)
