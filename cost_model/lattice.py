"""All placements of a kernel's tensors, and prices over them that fall, or stay, as more is in fast memory.

Trees are not monotone by themselves, and constraining each of them costs accuracy: the lattice of the placements is
projected instead. With U the least monotone function above the trees' and L the greatest below, the answer is their
mean, which is monotone and is the trees' own word wherever that is. Two tensors a and b, logarithms of seconds::

    fast       -      a      b      a b
    trees      3.0    2.0    3.2    1.0
    U          3.2    2.0    3.2    1.0
    L          3.0    2.0    3.0    1.0
    answer     3.1    2.0    3.1    1.0
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from .features import Placements

Reals = NDArray[np.float64]
#: A kernel with more tensors keeps the trees' word for the placements that are asked.
MAX_TENSORS = 8


@cache
def every_placement(tensors: int) -> Placements:
    """All placements (2^tensors, tensors); that of row i has bit k of i for tensor k in fast memory."""
    bits: Placements = (np.arange(1 << tensors)[:, None] >> np.arange(tensors) & 1).astype(bool)
    return bits


def asked_placements(fast: Placements) -> Placements:
    """What the trees are asked where these placements (rows, tensors) are wanted."""
    return every_placement(fast.shape[1]) if fast.shape[1] <= MAX_TENSORS else fast


def answers(fast: Placements, found: Reals) -> Reals:
    """The answers to placements (rows, tensors) from what the trees said of :func:`asked_placements`."""
    return found if fast.shape[1] > MAX_TENSORS else of_placements(fast, monotone(found))


def of_placements(fast: Placements, found: Reals) -> Reals:
    """What was found of placements (rows, tensors) among those of :func:`asked_placements`."""
    return found if fast.shape[1] > MAX_TENSORS else found[fast @ (1 << np.arange(fast.shape[1]))]


def monotone(found: Reals) -> Reals:
    """Values by mask of fast tensors (2^tensors), made to fall, or stay, with every tensor that becomes fast."""
    tensors = len(found).bit_length() - 1
    upper, lower = (found.reshape((2,) * tensors).copy() for _ in range(2))
    for axis in range(tensors):
        slow, fast = ((slice(None),) * axis + (bit,) for bit in (0, 1))
        upper[slow] = np.maximum(upper[slow], upper[fast])
        lower[fast] = np.minimum(lower[slow], lower[fast])
    return np.asarray((upper + lower).reshape(-1) / 2.0)
