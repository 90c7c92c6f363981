"""The operands and results of a program as flat arrays, and the touches that they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..program import Program

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Flags = NDArray[np.uint8]
Bools = NDArray[np.bool_]
Seconds = NDArray[np.float64]


@dataclass(frozen=True)
class Entries:
    """Every operand and result, instruction by instruction, operands first: E entries of N instructions.

    ``first`` (N + 1) is where the entries of each instruction begin, ``operands`` (N) how many of them are operands.
    ``touch`` (E) is the touch of the entry's storage at its instruction, -1 where the storage moves no bytes there: an
    entry without bytes goes with the others of its storage.
    """

    first: Longs
    operands: Longs
    touch: Ints


@dataclass(frozen=True)
class Touches:
    """All accesses with bytes of one storage at one instruction, sorted by storage, then time: M of each."""

    storage: Ints
    time: Ints
    bytes: Longs
    writes: Flags


def flatten(program: Program) -> tuple[Entries, Touches]:
    """Entries and touches of a program."""
    times, storages, sizes, results = _columns(program)
    counts = [len(step.operands) + len(step.results) for step in program.instructions]
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    keys = storages * max(1, len(counts)) + times
    touched = np.unique(keys[sizes > 0])
    position = np.searchsorted(touched, keys)
    found = position < len(touched)
    found[found] = touched[position[found]] == keys[found]
    touch = np.where(found, position, -1).astype(np.int32)
    moved = sizes > 0
    total = np.zeros(len(touched), dtype=np.int64)
    np.add.at(total, touch[moved], sizes[moved])
    writes = np.zeros(len(touched), dtype=np.uint8)
    writes[touch[moved & results]] = 1
    touches = Touches(
        storage=(touched // max(1, len(counts))).astype(np.int32),
        time=(touched % max(1, len(counts))).astype(np.int32),
        bytes=total,
        writes=writes,
    )
    operands = np.array([len(step.operands) for step in program.instructions], dtype=np.int64)
    return Entries(first, operands, touch), touches


def _columns(program: Program) -> tuple[Longs, Longs, Longs, Bools]:
    """Time, storage, bytes and whether it is a result, of every entry."""
    place = program.storage_of
    rows: list[Any] = []
    for t, step in enumerate(program.instructions):
        rows += [(t, place[entry.buffer], entry.bytes_accessed, False) for entry in step.operands]
        rows += [(t, place[entry.buffer], entry.bytes_accessed, True) for entry in step.results]
    table = np.array(rows, dtype=np.int64).reshape(len(rows), 4)
    return table[:, 0], table[:, 1], table[:, 2], table[:, 3].astype(np.bool_)
