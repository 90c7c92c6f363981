"""Axes of static pictures."""

from __future__ import annotations

import math


def ticks(low: float, high: float, count: int, *, binary: bool = False) -> list[float]:
    """About ``count`` round values in ``[low, high]``: steps of 1, 2 or 5 times a power of ten, or powers of two."""
    rough = (high - low) / max(1, count)
    if rough <= 0:
        return []
    if binary:
        step = 2.0 ** math.ceil(math.log2(rough))
    else:
        power = 10.0 ** math.floor(math.log10(rough))
        step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]
