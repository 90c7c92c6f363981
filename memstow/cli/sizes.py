"""Amounts of memory on the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..errors import InvalidInputError

_UNITS = {"": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")


def parse_bytes(text: str, option: str) -> int:
    """Bytes of ``4096``, ``8MiB`` or ``0.5KiB``.

    Raises:
        InvalidInputError: no such amount, or no whole number of bytes; names the option.
    """
    match = _AMOUNT.fullmatch(text.strip())
    size = float(match[1]) * _UNITS[match[2]] if match and match[2] in _UNITS else -1.0
    if match and match[2] in _UNITS and match[1].isdigit():
        return int(match[1]) * _UNITS[match[2]]  # exact, however large
    if size < 0 or size != int(size):
        raise InvalidInputError(f"{option}: expected bytes, or a number with KiB, MiB or GiB (8MiB), found {text!r}")
    return int(size)


def parse_sizes(texts: Iterable[str], option: str) -> tuple[int, ...]:
    """Amounts of an option that may be repeated and may have several with commas between them; each once."""
    words = [word for text in texts for word in text.split(",")]
    return tuple(dict.fromkeys(parse_bytes(word, option) for word in words))
