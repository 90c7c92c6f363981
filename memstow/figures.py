"""Figures as people read them: bytes, seconds, counts and ratios as short texts."""

from __future__ import annotations

_BYTE_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_COUNT_UNITS = ("", "k", "M", "G", "T", "P")


def format_bytes(size: float) -> str:
    """Bytes in binary units, three digits."""
    power = 0
    while abs(size) >= 1024 and power < len(_BYTE_UNITS) - 1:
        size /= 1024
        power += 1
    return f"{size:.0f} B" if power == 0 else f"{_digits(size)} {_BYTE_UNITS[power]}"


def format_seconds(seconds: float) -> str:
    """A time in the unit that suits it, four digits."""
    for scale, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if abs(seconds) >= scale:
            return f"{seconds / scale:.4g} {unit}"
    return "0 s" if seconds == 0 else f"{seconds * 1e9:.4g} ns"


def format_count(value: float) -> str:
    """A count in decimal units, three digits."""
    power = 0
    while abs(value) >= 1000 and power < len(_COUNT_UNITS) - 1:
        value /= 1000
        power += 1
    return f"{value:.0f}" if power == 0 else f"{_digits(value)} {_COUNT_UNITS[power]}"


def format_percent(ratio: float) -> str:
    """A ratio in percent."""
    return f"{100 * ratio:.1f} %"


def _digits(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
