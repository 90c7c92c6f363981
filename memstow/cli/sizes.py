"""Amounts of memory on the command line."""

from __future__ import annotations

from collections.abc import Iterable

from ..units import BYTES


def parse_bytes(text: str, option: str) -> int:
    """Bytes of ``4096``, ``8MiB`` or ``0.5KiB``.

    Raises:
        InvalidInputError: no such amount, or no whole number of bytes; names the option.
    """
    return int(BYTES.parse(text, option))


def parse_sizes(texts: Iterable[str], option: str) -> tuple[int, ...]:
    """Amounts of an option that may be repeated and may have several with commas between them; each once."""
    words = [word for text in texts for word in text.split(",")]
    return tuple(dict.fromkeys(parse_bytes(word, option) for word in words))
