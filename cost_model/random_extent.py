"""Extents as those of real models, for generated operators and models."""

from __future__ import annotations

import random
from collections.abc import Sequence


def random_extent(rng: random.Random, low: int, high: int, steps: Sequence[int]) -> int:
    """Log-uniform in ``[low, high]``, a multiple of one of ``steps`` where it is no less than that."""
    value: float = low * (high / low) ** rng.random()
    step = rng.choice(steps)
    return min(high, max(low, round(value) if value < step else round(value / step) * step))
