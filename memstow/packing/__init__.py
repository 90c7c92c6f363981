"""Packing: offsets for buffers with fixed lifetimes, none overlapping both in time and in space.

>>> from memstow.packing import Buffers, pack
>>> buffers = Buffers(lower=[0, 3, 0, 9, 0], upper=[3, 9, 9, 21, 21], size=[4, 4, 4, 4, 4])
>>> pack(buffers, 12).outcome
'solved'

The search is C++ (``tvm_ext/include/memstow/packing.h``). :func:`check` shares no code with it.
"""

from __future__ import annotations

from .buffers import Buffers, peak_load
from .checker import check
from .csv_file import PackingFile, read_csv, write_csv
from .solver import METHODS, HeightResult, Method, Outcome, PackingResult, minimise_height, pack

__all__ = [
    "METHODS",
    "Buffers",
    "HeightResult",
    "Method",
    "Outcome",
    "PackingFile",
    "PackingResult",
    "check",
    "minimise_height",
    "pack",
    "peak_load",
    "read_csv",
    "write_csv",
]
