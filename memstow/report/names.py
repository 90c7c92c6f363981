"""Names that fit: clipped in their middle, or without the beginning that most tensors share."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from ..program import Program
from ..summary import storage_kind

MAX_NAME = 80
#: A beginning counts as shared by this part of the names, and at least by so many.
_SHARED_PART, _SHARED_NAMES = 0.6, 4
_WORD_END = re.compile(r"[_./]")


def clip(name: str) -> str:
    """A name of bounded length; the middle is left out."""
    if len(name) <= MAX_NAME:
        return name
    half = (MAX_NAME - 1) // 2
    return f"{name[:half]}…{name[-half:]}"


def tensor_names(program: Program) -> list[str]:
    """One clipped name for each of ``program.storages``."""
    return [clip(storage.representative.name) for storage in program.storages]


def shared_lengths(program: Program) -> list[int]:
    """Per storage, how many letters of its clipped name are the beginning that most tensors of its kind share.

    Labels with little room leave them out.
    """
    names = tensor_names(program)
    by_kind: dict[str, list[int]] = defaultdict(list)
    for storage in program.storages:
        by_kind[storage_kind(storage)].append(storage.index)
    lengths = [0] * len(names)
    for indices in by_kind.values():
        prefix = shared_beginning([names[index] for index in indices])
        for index in indices:
            if names[index].startswith(prefix):
                lengths[index] = len(prefix)
    return lengths


def shared_beginning(names: Sequence[str]) -> str:
    """The beginning in whole words that most of the names have in common; empty for a few names."""
    prefix = ""
    while True:
        longer = Counter(
            name[: found.end()]
            for name in names
            if name.startswith(prefix) and (found := _WORD_END.search(name, len(prefix)))
        )
        if not longer:
            return prefix
        best, count = longer.most_common(1)[0]
        if count < max(_SHARED_NAMES, _SHARED_PART * len(names)):
            return prefix
        prefix = best
