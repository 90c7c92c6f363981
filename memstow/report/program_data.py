"""What all plans of a page share: instructions, tensors and the accesses between them, as compact columns."""

from __future__ import annotations

from typing import Any

from ..program import Program
from ..summary import storage_kind
from .interner import Interner
from .names import clip, shared_lengths, tensor_names

Columns = dict[str, list[Any]]


def microseconds(seconds: float) -> float:
    """Microseconds to a tenth of a nanosecond."""
    return round(seconds * 1e6, 4)


def program_data(program: Program) -> dict[str, Any]:
    """Columns of instructions, tensors (alias groups, in the order of ``program.storages``) and accesses."""
    opcodes = Interner()
    kinds = Interner(("parameter", "constant", "input", "intermediate", "output"))
    return {
        "instructions": _instruction_columns(program, opcodes),
        "tensors": _tensor_columns(program, kinds),
        "aliases": _aliases(program),
        "uses": _use_columns(program),
        "opcodes": opcodes.strings,
        "kinds": kinds.strings,
    }


def _instruction_columns(program: Program, opcodes: Interner) -> Columns:
    steps = program.instructions
    return {
        "name": [clip(step.name) for step in steps],
        "opcode": [opcodes.add(step.opcode) for step in steps],
        "compute": [microseconds(step.compute_seconds * step.trip_count) for step in steps],
    }


def _tensor_columns(program: Program, kinds: Interner) -> Columns:
    storages = program.storages
    return {
        "name": tensor_names(program),
        "shared": shared_lengths(program),
        "kind": [kinds.add(storage_kind(storage)) for storage in storages],
        "size": [storage.size_bytes for storage in storages],
        "from": [storage.definition_time for storage in storages],
        "to": [storage.last_time for storage in storages],
        "output": [int(storage.is_output) for storage in storages],
    }


def _aliases(program: Program) -> dict[int, list[str]]:
    """The other names of tensors that have several."""
    return {
        storage.index: [clip(member.name) for member in storage.members if member is not storage.representative]
        for storage in program.storages
        if len(storage.members) > 1
    }


def _use_columns(program: Program) -> Columns:
    """Accesses that move bytes: reads before writes of each instruction, by tensor, then by time."""
    rows = [
        (storage.index, t, write, size)
        for storage in program.storages
        for t, write, _, size in access_order(storage.reads, storage.writes)
    ]
    return {key: list(column) for key, column in zip(("tensor", "time", "write", "bytes"), _columns(rows), strict=True)}


def access_order(
    reads: tuple[tuple[int, int, int], ...], writes: tuple[tuple[int, int, int], ...]
) -> list[tuple[int, int, int, int]]:
    """One tensor's accesses with bytes as ``(time, is write, entry, bytes)``, in the order of the page's columns."""
    entries = [(t, 0, k, size) for t, k, size in reads if size] + [(t, 1, k, size) for t, k, size in writes if size]
    return sorted(entries)


def _columns(rows: list[tuple[int, int, int, int]]) -> list[tuple[int, ...]]:
    return list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
