"""From windows of the replay to what the learner takes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..networks import Batch
from .replay import Windows


class ProgramCache:
    """Features of programs by key, those last asked for up to a number of bytes; others are made anew."""

    def __init__(self, make: Callable[[str], NDArray[np.float32]], capacity_bytes: int) -> None:
        self._make = make
        self._capacity = capacity_bytes
        self._kept: OrderedDict[str, Tensor] = OrderedDict()
        self._nbytes = 0

    def get(self, key: str) -> Tensor:
        """(D, P) features of a problem's decisions."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        found = torch.from_numpy(self._make(key))
        self._kept[key] = found
        self._nbytes += found.nbytes
        while self._nbytes > self._capacity and len(self._kept) > 1:
            self._nbytes -= self._kept.popitem(last=False)[1].nbytes
        return found


def to_batch(windows: Windows, programs: ProgramCache) -> Batch:
    """A batch of windows."""
    return Batch(
        programs=tuple(programs.get(key) for key in windows.keys),
        program=torch.from_numpy(windows.program),
        decision=torch.from_numpy(windows.decision),
        states=torch.from_numpy(windows.states),
        legal=torch.from_numpy(windows.legal),
        actions=torch.from_numpy(windows.actions),
        rewards=torch.from_numpy(windows.rewards),
        policy=torch.from_numpy(windows.policy),
        values=torch.from_numpy(windows.values),
        mask=torch.from_numpy(windows.mask),
        weights=torch.from_numpy(windows.weights),
    )
