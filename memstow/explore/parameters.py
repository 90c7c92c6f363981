"""The numbers of an accelerator's description that can be varied, by the names that ``--vary`` takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..accelerator import Accelerator
from ..errors import InvalidInputError, UnknownNameError
from ..units import BANDWIDTH, BYTES, COUNT, FLOPS, SECONDS, Quantity


@dataclass(frozen=True)
class Parameter:
    """One or more numbers of a description that are varied together, their ratios kept.

    ``keys`` are their paths, a table's path standing for all of its entries. The parameter's value is the least of the
    numbers, or the largest with ``is_peak``. ``more_is_dearer`` says in which direction a part costs more.
    """

    name: str
    meaning: str
    quantity: Quantity
    keys: tuple[str, ...]
    is_peak: bool = False
    more_is_dearer: bool = True

    def value(self, accelerator: Accelerator) -> float | None:
        """What the description says; None if it says nothing (no limit, say)."""
        numbers = [table[key] for table, key in self._places(accelerator.model_dump()) if table[key] is not None]
        if not numbers:
            return None
        return float(max(numbers) if self.is_peak else min(numbers))

    def rounded(self, value: float, accelerator: Accelerator) -> float:
        """The nearest value that the part can have: whole, and for the capacity a multiple of the alignment."""
        if self.quantity is BYTES:
            return int(value + 0.5) // accelerator.alignment * accelerator.alignment
        return int(value + 0.5) if self.quantity.is_whole else value

    def apply(self, accelerator: Accelerator, value: float) -> Accelerator:
        """The same part with another value.

        Raises:
            InvalidInputError: the description has no such number, or may not have this value.
        """
        where = f"{accelerator.name} with {self.name} = {self.quantity.show(value)}"
        data = accelerator.model_dump()
        places = list(self._places(data))
        if not places:
            raise InvalidInputError(f"{where}: expected {', '.join(self.keys)} in the description, found none; add it")
        now = self.value(accelerator)
        for table, key in places:
            table[key] = value if len(places) == 1 or not now else table[key] * (value / now)
        return Accelerator.parse(data, where=where)

    def _places(self, data: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
        """Where the numbers are in a description's data: a table and a key in it."""
        for path in self.keys:
            *folders, last = path.split(".")
            table = data
            for folder in folders:
                table = table[folder]
            if isinstance(table[last], dict):
                yield from ((table[last], key) for key in table[last])
            else:
                yield table, last


_ALL = (
    Parameter("capacity", "fast memory", BYTES, ("fast_memory.capacity_bytes",)),
    Parameter(
        "slow_bandwidth",
        "slow memory's bandwidth",
        BANDWIDTH,
        ("slow_memory.read_bytes_per_second", "slow_memory.write_bytes_per_second"),
    ),
    Parameter(
        "fast_bandwidth",
        "fast memory's bandwidth",
        BANDWIDTH,
        ("fast_memory.read_bytes_per_second", "fast_memory.write_bytes_per_second"),
    ),
    Parameter("copy_bandwidth", "rate of the DMA engine", BANDWIDTH, ("dma.bytes_per_second",)),
    Parameter(
        "copy_latency", "fixed time of a background copy", SECONDS, ("dma.latency_seconds",), more_is_dearer=False
    ),
    Parameter("peak_flops", "peak of the matrix unit", FLOPS, ("flops_per_second",), is_peak=True),
    Parameter("vector_flops", "peak of all other arithmetic", FLOPS, ("vector_flops_per_second",), is_peak=True),
    Parameter("launch_overhead", "fixed time of a kernel", SECONDS, ("launch_overhead_seconds",), more_is_dearer=False),
    Parameter("outstanding_prefetches", "prefetches open at a time", COUNT, ("dma.max_outstanding_prefetches",)),
    Parameter("outstanding_evictions", "evictions open at a time", COUNT, ("dma.max_outstanding_evictions",)),
    Parameter("cross_program_prefetches", "prefetches before the program", COUNT, ("max_cross_program_prefetches",)),
)
#: Every parameter by its name.
PARAMETERS = {parameter.name: parameter for parameter in _ALL}


def describe_values(values: Mapping[str, float]) -> str:
    """Values of parameters by name, in words."""
    return ", ".join(f"{name} {PARAMETERS[name].quantity.show(value)}" for name, value in values.items())


def find_parameter(name: str) -> Parameter:
    """The parameter of that name.

    Raises:
        UnknownNameError: there is none; suggests the nearest.
    """
    if name not in PARAMETERS:
        raise UnknownNameError("parameter of --vary", name, PARAMETERS)
    return PARAMETERS[name]
