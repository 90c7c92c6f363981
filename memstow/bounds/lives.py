"""Storages as bounds see them: accesses that move bytes, merged per instruction, and where the data comes from."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

from ..accelerator import Accelerator
from ..program import Program, Storage


@dataclass(frozen=True)
class Touch:
    """All accesses with bytes of one storage at one instruction. ``bytes`` counts one execution."""

    time: int
    bytes: int
    writes: bool


@dataclass(frozen=True)
class Life:
    """A storage that some valid plan may have in fast memory.

    ``cells`` are the units of alignment that a block of it takes. ``source_time`` is the first instruction time at
    which a copy of the data in slow memory may start before any touch has written it: 0 for what exists before the
    program, ``None`` for data that the first touch makes. ``given`` marks a life cut out of a longer one: its data
    may be in fast memory at the beginning for nothing. ``deadline``: the instruction time by which the last version of
    an output must be back in slow memory; left out: the end.
    """

    storage: int
    size: int
    cells: int
    touches: tuple[Touch, ...]
    source_time: int | None
    born_slow: bool
    is_output: bool
    given: bool = False
    deadline: int | None = None


def cells_of(size: int, accelerator: Accelerator) -> int:
    """Units of alignment that ``size`` bytes from an aligned offset reach into.

    Blocks begin at aligned offsets, so no two share a unit, and the units of a capacity (rounded up: only the last
    block may end inside one) are never exceeded. This is tighter than counting bytes and as valid.
    """
    return -(-size // accelerator.alignment)


def lives(program: Program, accelerator: Accelerator) -> tuple[Life, ...]:
    """Every storage that may be in fast memory; left out: pinned, untouched and too large ones."""
    found = []
    for storage in program.storages:
        touches = _touches(storage)
        if storage.pinned_slow or storage.size_bytes > accelerator.capacity or not touches:
            continue
        found.append(
            Life(
                storage.index,
                storage.size_bytes,
                cells_of(storage.size_bytes, accelerator),
                touches,
                _source_time(storage, touches),
                storage.born_slow,
                storage.is_output,
            )
        )
    return tuple(found)


def cut(life: Life, window: range, count: int) -> Life | None:
    """A life in a window of the schedule of ``count`` instructions, times counted from its start; ``None`` outside.

    Before the window anything may have happened for nothing; what has to happen after it is left out.
    """
    touches = tuple(Touch(t.time - window.start, t.bytes, t.writes) for t in life.touches if t.time in window)
    if not touches:
        return None
    made_here = life.source_time is None and life.touches[0].time in window
    return replace(
        life,
        touches=touches,
        source_time=None if made_here else max(0, (life.source_time or 0) - window.start),
        is_output=life.is_output and window.stop == count,
        given=window.start > 0 and not made_here,
    )


def _touches(storage: Storage) -> tuple[Touch, ...]:
    moved: dict[int, int] = defaultdict(int)
    written: set[int] = set()
    for t, _, count in storage.reads:
        if count:
            moved[t] += count
    for t, _, count in storage.writes:
        if count:
            moved[t] += count
            written.add(t)
    return tuple(Touch(t, moved[t], t in written) for t in sorted(moved))


def _source_time(storage: Storage, touches: tuple[Touch, ...]) -> int | None:
    if storage.born_slow:
        return 0
    # Data that is read before any byte of it is written exists in slow memory from its definition on.
    return None if touches[0].writes else max(storage.definition_time, 0)
