"""The grid of variants: axes as the command line spells them, and the accelerators at their crossings.

::

    capacity=1MiB..128MiB                  every doubling from one end to the other: 8 values
    capacity=1MiB..128MiB:5                5 values at equal ratios
    copy_latency=0..2us:5:linear           5 values at equal distances
    slow_bandwidth=400GB/s|819GB/s         these values
    slow_bandwidth=x0.5..x2                in multiples of the base's value; lists may have them too
    capacity=1MiB..8MiB,slow_bandwidth=x1|x2     two axes
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ..accelerator import Accelerator
from ..errors import InvalidInputError
from .parameters import Parameter, find_parameter

MAX_VALUES = 1000
LINEAR = "linear"


@dataclass(frozen=True)
class Axis:
    """A parameter and its values, ascending."""

    parameter: Parameter
    values: tuple[float, ...]

    def show(self, value: float) -> str:
        """A value with its unit."""
        return self.parameter.quantity.show(value)


@dataclass(frozen=True)
class Variant:
    """The accelerator at one crossing of the axes; ``values`` has the parameters by name."""

    values: dict[str, float]
    accelerator: Accelerator


@dataclass(frozen=True)
class Grid:
    """Every combination of the axes' values on the base accelerator."""

    base: Accelerator
    axes: tuple[Axis, ...]

    @cached_property
    def variants(self) -> tuple[Variant, ...]:
        """All of them; the last axis varies fastest.

        Raises:
            InvalidInputError: a description may not have such a value.
        """
        return tuple(self._variant(values) for values in itertools.product(*(axis.values for axis in self.axes)))

    def _variant(self, values: Sequence[float]) -> Variant:
        part = self.base
        for axis, value in zip(self.axes, values, strict=True):
            part = axis.parameter.apply(part, value)
        return Variant({axis.parameter.name: value for axis, value in zip(self.axes, values, strict=True)}, part)


def parse_axes(texts: Sequence[str], base: Accelerator) -> tuple[Axis, ...]:
    """The axes of ``--vary``, which may be given several times and have several parameters with commas between them.

    Raises:
        InvalidInputError: there is none, one is misspelt or is there twice; the message shows how it is spelt.
    """
    words = [word.strip() for text in texts for word in text.split(",") if word.strip()]
    if not words:
        raise InvalidInputError("--vary: expected a parameter and its values (capacity=1MiB..128MiB), found none")
    axes = tuple(parse_axis(word, base) for word in words)
    names = [axis.parameter.name for axis in axes]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise InvalidInputError(
            f"--vary: expected each parameter once, found {repeated} {names.count(repeated)} times; "
            f"put all its values into one, with | between them"
        )
    return axes


def parse_axis(text: str, base: Accelerator) -> Axis:
    """One parameter with its values.

    Raises:
        UnknownNameError: no such parameter.
        InvalidInputError: the values are misspelt, or cannot be had on the base accelerator.
    """
    name, equals, spelt = text.partition("=")
    parameter = find_parameter(name.strip())
    where = f"--vary {text}"
    if not equals or not spelt.strip():
        raise InvalidInputError(
            f"{where}: expected values after {name.strip()}=, as A..B, A..B:COUNT, A|B|C or x0.5..x2, found none"
        )
    values = _range(spelt, parameter, base, where) if ".." in spelt else _list(spelt, parameter, base, where)
    found = tuple(sorted({parameter.rounded(value, base) for value in values}))
    return Axis(parameter, found)


def _list(spelt: str, parameter: Parameter, base: Accelerator, where: str) -> list[float]:
    return [_value(word, parameter, base, where) for word in spelt.split("|")]


def _range(spelt: str, parameter: Parameter, base: Accelerator, where: str) -> list[float]:
    ends, *options = spelt.split(":")
    first, _, last = ends.partition("..")
    low, high = _value(first, parameter, base, where), _value(last, parameter, base, where)
    if low >= high:
        raise InvalidInputError(f"{where}: expected a range from less to more, found {first.strip()} to {last.strip()}")
    linear = LINEAR in options
    counts = [option for option in options if option != LINEAR]
    if len(counts) > 1 or (linear and not counts):
        raise InvalidInputError(f"{where}: expected A..B, A..B:COUNT or A..B:COUNT:{LINEAR}, found {spelt!r}")
    if not linear and low <= 0:
        raise InvalidInputError(
            f"{where}: a range at equal ratios cannot begin at 0; begin above it, or add :COUNT:{LINEAR}"
        )
    count = _count(counts[0], where) if counts else max(2, round(math.log2(high / low)) + 1)
    steps = [k / (count - 1) for k in range(count)]
    inner = [low + (high - low) * s if linear else low * (high / low) ** s for s in steps[1:-1]]
    return [low, *inner, high]


def _count(text: str, where: str) -> int:
    count = int(text) if text.strip().isdigit() else 0
    if not 2 <= count <= MAX_VALUES:
        raise InvalidInputError(f"{where}: expected a number of values from 2 to {MAX_VALUES}, found {text!r}")
    return count


def _value(text: str, parameter: Parameter, base: Accelerator, where: str) -> float:
    word = text.strip()
    if not word.startswith("x"):
        return parameter.quantity.parse(word, where)
    try:
        factor = float(word[1:])
    except ValueError:
        factor = -1.0
    if not math.isfinite(factor) or factor < 0:
        raise InvalidInputError(f"{where}: expected a multiple of the base's value (x0.5), found {text!r}")
    value = parameter.value(base)
    if value is None:
        raise InvalidInputError(
            f"{where}: {base.name} gives no {parameter.name} to multiply ({', '.join(parameter.keys)}); "
            "pass values with their units"
        )
    return factor * value
