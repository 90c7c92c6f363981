"""Kernels timed on a device, with chosen arguments in its fast memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInputError


@dataclass(frozen=True)
class KernelArgument:
    """A dense tensor that a kernel is called with: reals near 1, or integers in ``[0, integer_bound)``."""

    shape: tuple[int, ...]
    dtype: str
    size_bytes: int
    integer_bound: int = 2


@dataclass(frozen=True)
class BuiltKernel:
    """A kernel in machine code: a function of a shared library, and the tensors that it takes."""

    library: Path
    function: str
    arguments: tuple[KernelArgument, ...]


@dataclass(frozen=True)
class Runs:
    """How often to run in each placement: at least ``minimum``, then until ``maximum`` or ``seconds`` are reached.

    ``seconds`` is the time of all placements together, preparation included.
    """

    minimum: int
    maximum: int
    seconds: float


@dataclass(frozen=True)
class Timing:
    """Median seconds of the runs, and the distance of their quartiles over it."""

    seconds: float
    noise: float


class Measurer(Protocol):
    """A device that runs kernels."""

    def measure(self, kernel: BuiltKernel, placements: Sequence[tuple[bool, ...]], runs: Runs) -> list[Timing]:
        """Time a kernel in several placements, which take turns, so that a drift meets all of them alike.

        Args:
            kernel: what to run.
            placements: for each argument whether it is in fast memory when the kernel begins.
            runs: how often.

        Raises:
            InvalidInputError: a placement does not fit the kernel, or the device cannot run it.
        """
        ...


def timings(seconds: NDArray[np.float64]) -> list[Timing]:
    """Timings of the columns of ``seconds``, shape (runs, placements)."""
    low, median, high = np.percentile(seconds, (25, 50, 75), axis=0)
    return [Timing(float(m), float((h - x) / m) if m else 0.0) for x, m, h in zip(low, median, high, strict=True)]


def check_placements(kernel: BuiltKernel, placements: Sequence[tuple[bool, ...]]) -> None:
    """Raise if a placement does not have an entry for each argument, or there is none."""
    wrong = [placement for placement in placements if len(placement) != len(kernel.arguments)]
    if wrong or not placements:
        found = f"one of {len(wrong[0])} entries" if wrong else "none"
        raise InvalidInputError(
            f"kernel {kernel.function!r}: expected placements of its {len(kernel.arguments)} arguments, found {found}"
        )
