"""Storages as XLA's allocation values: one value per version of the data, with its uses in time order.

A storage that is written in place has several values; the instruction that makes the next one is the last use of the
one before, and both must be in the same memory at the same offset::

    time      0     3     5     8     9
    accesses  w     r     rw    r     (end of the program)
    value 0   def   use   use
    value 1               def   use   use    if it is an output
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from ...program import Program, Storage


@dataclass(frozen=True)
class Use:
    """A time at which a value is needed.

    ``operand_bytes`` are those that the first operand of the storage reads there, ``read_bytes`` those of all.
    ``makes_next`` says that the instruction updates the data in place. ``time`` is N for the end of the program.
    """

    time: int
    operand_bytes: int
    read_bytes: int
    makes_next: bool = False


@dataclass(frozen=True)
class Value:
    """One version of a storage's data. ``defined`` is -1 for what exists before the program."""

    defined: int
    written_bytes: int
    uses: tuple[Use, ...]


@dataclass(frozen=True)
class Tenant:
    """A storage that may be placed: its size and its values in time order.

    ``starts_slow``: the first value is in slow memory when it is defined. ``ends_slow``: the last one must be there
    after the last instruction.
    """

    storage: int
    size: int
    values: tuple[Value, ...]
    starts_slow: bool
    ends_slow: bool

    @property
    def use_times(self) -> list[int]:
        """Times of all uses of all values, ascending."""
        return [use.time for value in self.values for use in value.uses]


def tenants(program: Program, capacity: int) -> dict[int, Tenant]:
    """Tenants by storage index; left out: pinned, empty, untouched and too large storages."""
    found = {}
    for storage in program.storages:
        if not storage.pinned_slow and 0 < storage.size_bytes <= capacity:
            tenant = _tenant(storage, len(program.instructions))
            if tenant is not None:
                found[storage.index] = tenant
    return found


def _tenant(storage: Storage, length: int) -> Tenant | None:
    reads: dict[int, list[int]] = defaultdict(list)
    writes: dict[int, int] = defaultdict(int)
    for t, _, count in storage.reads:
        if count:
            reads[t].append(count)
    for t, _, count in storage.writes:
        if count:
            writes[t] += count
    times = sorted(reads.keys() | writes.keys())
    if not times:
        return None
    starts_slow = storage.born_slow or times[0] not in writes
    defined, written = (storage.definition_time, 0) if starts_slow else (times[0], writes[times[0]])
    uses: list[Use] = []
    values: list[Value] = []
    for t in times if starts_slow else times[1:]:
        operands = reads.get(t, [])
        uses.append(Use(t, operands[0] if operands else 0, sum(operands), makes_next=t in writes))
        if t in writes:
            values.append(Value(defined, written, tuple(uses)))
            defined, written, uses = t, writes[t], []
    if storage.is_output:
        uses.append(Use(length, 0, 0))
    values.append(Value(defined, written, tuple(uses)))
    return Tenant(storage.index, storage.size_bytes, tuple(values), starts_slow, storage.is_output)
