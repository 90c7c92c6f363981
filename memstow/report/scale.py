"""Axes and figures of static pictures."""

from __future__ import annotations

import math

_BYTE_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def ticks(low: float, high: float, count: int, *, binary: bool = False) -> list[float]:
    """About ``count`` round values in ``[low, high]``: steps of 1, 2 or 5 times a power of ten, or powers of two."""
    rough = (high - low) / max(1, count)
    if rough <= 0:
        return []
    if binary:
        step = 2.0 ** math.ceil(math.log2(rough))
    else:
        power = 10.0 ** math.floor(math.log10(rough))
        step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def format_bytes(size: float, unit_of: float | None = None) -> str:
    """Bytes in binary units, three digits; in the unit that suits ``unit_of`` where that is given."""
    reference = size if unit_of is None else unit_of
    power = min(len(_BYTE_UNITS) - 1, int(math.log2(reference)) // 10) if reference >= 1 else 0
    return f"{size / 1024**power:.4g} {_BYTE_UNITS[power]}"


def time_unit(seconds: float) -> tuple[float, str]:
    """The unit that suits a time: how many of it a second has, and its name."""
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1 or seconds == 0:
            return factor, unit
    return 1e9, "ns"
