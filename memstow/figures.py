"""Figures as people read them: bytes, seconds, counts and ratios as short texts."""

from __future__ import annotations

from collections.abc import Sequence

_BYTE_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_COUNT_UNITS = ("", "k", "M", "G", "T", "P")


def format_bytes(size: float, *, digits: int = 3, unit_of: float | None = None) -> str:
    """Bytes in binary units; in the unit that suits ``unit_of`` where that is given."""
    power = _power(size if unit_of is None else unit_of, 1024, _BYTE_UNITS)
    return f"{_digits(size / 1024**power, digits)} {_BYTE_UNITS[power]}"


def format_seconds(seconds: float) -> str:
    """A time in the unit that suits it, four digits."""
    factor, unit = time_unit(seconds)
    return f"{seconds * factor:.4g} {unit}"


def time_unit(seconds: float) -> tuple[float, str]:
    """The unit that suits a time: how many of it a second has, and its name."""
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "µs")):
        if abs(seconds) * factor >= 1 or seconds == 0:
            return factor, unit
    return 1e9, "ns"


def format_count(value: float) -> str:
    """A count in decimal units, three digits."""
    power = _power(value, 1000, _COUNT_UNITS)
    return f"{value:.0f}" if power == 0 else f"{_digits(value / 1000**power, 3)} {_COUNT_UNITS[power]}"


def format_percent(ratio: float) -> str:
    """A ratio in percent."""
    return f"{100 * ratio:.1f} %"


def _power(value: float, base: int, units: Sequence[str]) -> int:
    """The unit that suits a value: its place among all."""
    power = 0
    while abs(value) >= base ** (power + 1) and power < len(units) - 1:
        power += 1
    return power


def _digits(value: float, count: int) -> str:
    return f"{value:.0f}" if abs(value) >= 10 ** (count - 1) else f"{value:.{count}g}"
