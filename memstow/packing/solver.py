"""Packing methods: a thin layer over the C++ core."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInputError, UnknownNameError
from ..native import core_function
from .buffers import MAX_TOTAL, Buffers

Outcome = Literal["solved", "infeasible", "unknown"]
Method = Literal["complete", "best-fit", "first-fit"]

METHODS: tuple[Method, ...] = get_args(Method)
#: By the numbers of the C++ enumeration.
_OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
_LARGEST_SIZE_FIRST = 0


@dataclass(frozen=True)
class PackingResult:
    """What a method found.

    Attributes:
        offsets: one per buffer, or None unless solved.
        outcome: ``infeasible`` is proven; ``unknown``: the time, or a greedy method, ended without an answer.
        seconds: wall-clock time.
        nodes: placements that the search tried after the greedy methods, or that the greedy method made.
    """

    offsets: tuple[int, ...] | None
    outcome: Outcome
    seconds: float
    nodes: int


@dataclass(frozen=True)
class HeightResult:
    """The lowest packing found.

    Attributes:
        offsets: one per buffer.
        height: the end of the highest buffer.
        lower_bound: no packing is lower than this; equal to ``height`` where that is proven optimal.
        seconds: wall-clock time.
        nodes: placements tried.
    """

    offsets: tuple[int, ...]
    height: int
    lower_bound: int
    seconds: float
    nodes: int


def pack(
    buffers: Buffers, capacity: int, *, time_limit_seconds: float = 60.0, method: str = "complete"
) -> PackingResult:
    """Offsets for all buffers within ``[0, capacity)``.

    ``complete`` finds a packing or proves that there is none, given time (``math.inf`` for all that it takes);
    ``first-fit`` and ``best-fit`` place the largest buffer first, in the lowest or the smallest hole, and may miss
    one. Runs without the interpreter's lock; Ctrl-C ends it with KeyboardInterrupt.

    Raises:
        InvalidInputError: a negative capacity or time limit, or an unknown method.
    """
    if not 0 <= capacity <= MAX_TOTAL:
        raise InvalidInputError(f"capacity: expected 0 to 2^61, found {capacity}")
    _check_time_limit(time_limit_seconds)
    rows, offsets = _arrays(buffers)
    arguments: dict[str, tuple[Any, ...]] = {
        "complete": ("solve", float(time_limit_seconds)),
        "best-fit": ("best_fit",),
        "first-fit": ("first_fit", _LARGEST_SIZE_FIRST),
    }
    if method not in arguments:
        raise UnknownNameError("packing method", method, METHODS)
    function, *options = arguments[method]
    number, seconds, nodes = core_function(f"memstow.packing.{function}")(rows, capacity, *options, offsets)
    outcome = _OUTCOMES[number]
    found = _tuple(offsets, len(buffers)) if outcome == "solved" else None
    return PackingResult(found, outcome, float(seconds), int(nodes))


def minimise_height(buffers: Buffers, *, time_limit_seconds: float = 60.0) -> HeightResult:
    """The lowest packing found within the time: at first the best greedy one, then lower ones by complete search.

    Raises:
        InvalidInputError: a negative time limit.
    """
    _check_time_limit(time_limit_seconds)
    rows, offsets = _arrays(buffers)
    function = core_function("memstow.packing.minimise_height")
    height, lower_bound, seconds, nodes = function(rows, float(time_limit_seconds), offsets)
    return HeightResult(_tuple(offsets, len(buffers)), int(height), int(lower_bound), float(seconds), int(nodes))


def _check_time_limit(seconds: float) -> None:
    if math.isnan(seconds) or seconds < 0:
        raise InvalidInputError(f"time limit: expected a number of seconds, 0 or more, found {seconds}")


def _arrays(buffers: Buffers) -> tuple[Any, Any]:
    """The problem, and room for offsets, as tensors that share memory with numpy arrays."""
    return _tensor(buffers.rows()), _tensor(np.zeros((1, len(buffers)), dtype=np.int64))


def _tensor(array: NDArray[np.int64]) -> Any:
    import tvm_ffi

    return tvm_ffi.from_dlpack(array)


def _tuple(offsets: Any, count: int) -> tuple[int, ...]:
    return tuple(np.from_dlpack(offsets)[0, :count].tolist())
