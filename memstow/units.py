"""Quantities as people write them: ``8MiB``, ``819GB/s``, ``1.5us``; a bare number is in the base unit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from .errors import InvalidInputError

_NUMBER = re.compile(r"(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)\s*(\D*)")


@dataclass(frozen=True)
class Quantity:
    """A kind of number, 0 or more.

    ``expected`` is what an error message asks for, ``factors`` each unit's size in the base unit, ``shown`` the units
    in which values are written, ascending. ``is_whole`` allows multiples of the base unit alone.
    """

    expected: str
    factors: Mapping[str, str]
    shown: tuple[str, ...]
    is_whole: bool = False

    def parse(self, text: str, where: str) -> float:
        """The value in the base unit; an ``int``, however large, where only whole ones are allowed.

        Raises:
            InvalidInputError: no number, an unknown unit, or a fraction where a whole number is needed; the message
                begins with ``where``.
        """
        match = _NUMBER.fullmatch(text.strip())
        if match and match[2].strip() in self.factors:
            value = Decimal(match[1]) * Decimal(self.factors[match[2].strip()])
            if not self.is_whole:
                return float(value)
            if value == value.to_integral_value():
                return int(value)
        raise InvalidInputError(f"{where}: expected {self.expected}, found {text!r}")

    def show(self, value: float) -> str:
        """A value with four digits, in the largest unit that it reaches."""
        sizes = [(unit, float(self.factors[unit])) for unit in self.shown]
        unit, size = next((pair for pair in reversed(sizes) if abs(value) >= pair[1] * (1 - 1e-9)), sizes[0])
        return f"{value / size:.4g} {unit}".rstrip()


def _scaled(prefixes: Mapping[str, str], unit: str) -> dict[str, str]:
    return {f"{prefix}{unit}": factor for prefix, factor in prefixes.items()}


_BINARY = {"": "1", "Ki": str(2**10), "Mi": str(2**20), "Gi": str(2**30), "Ti": str(2**40)}
_DECIMAL = {"": "1", "k": "1e3", "K": "1e3", "M": "1e6", "G": "1e9", "T": "1e12", "P": "1e15"}
_BARE = {"": "1"}

BYTES = Quantity(
    "bytes, or a number with KiB, MiB or GiB (8MiB)",
    {**_BARE, **_scaled(_BINARY, "B")},
    ("B", "KiB", "MiB", "GiB", "TiB"),
    is_whole=True,
)
BANDWIDTH = Quantity(
    "bytes per second, or a number with MB/s, GB/s or TB/s (819GB/s)",
    {**_BARE, **_scaled(_DECIMAL, "B/s"), **_scaled(_BINARY, "B/s")},
    ("B/s", "kB/s", "MB/s", "GB/s", "TB/s"),
)
SECONDS = Quantity(
    "seconds, or a number with ms, us or ns (500ns)",
    {**_BARE, "s": "1", "ms": "1e-3", "us": "1e-6", "µs": "1e-6", "ns": "1e-9"},
    ("ns", "µs", "ms", "s"),
)
FLOPS = Quantity(
    "FLOP per second, or a number with GFLOP/s or TFLOP/s (197TFLOP/s)",
    {**_BARE, **_scaled(_DECIMAL, "FLOP/s")},
    ("FLOP/s", "kFLOP/s", "MFLOP/s", "GFLOP/s", "TFLOP/s", "PFLOP/s"),
)
COUNT = Quantity("a whole number (4)", _BARE, ("",), is_whole=True)
