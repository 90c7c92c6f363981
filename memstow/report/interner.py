"""Strings by index."""

from __future__ import annotations

from collections.abc import Iterable


class Interner:
    """Strings by index, each stored once."""

    def __init__(self, strings: Iterable[str] = ()) -> None:
        self.strings: list[str] = []
        self._index: dict[str, int] = {}
        for text in strings:
            self.add(text)

    def add(self, text: str) -> int:
        """The index of ``text``."""
        if text not in self._index:
            self._index[text] = len(self.strings)
            self.strings.append(text)
        return self._index[text]
