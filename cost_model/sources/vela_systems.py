"""The systems that Vela is asked about: a part, a system configuration of ``vela.ini``, and what is varied of it."""

from __future__ import annotations

import configparser
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ...accelerator import Accelerator, MatrixUnit, load_accelerator
from ...errors import MissingPackageError

VELA_VERSION = "5.2.0"


@dataclass(frozen=True)
class Part:
    """A part by Vela's figures: MACs per cycle, matrix unit, elements per cycle of a plain operation by their type."""

    family: str
    macs: int
    unit: MatrixUnit | None
    elements: Mapping[str, float]


def _part(family: str, macs: int, elements: float, *, columns: int = 0, wide: float = 1.0) -> Part:
    unit = MatrixUnit(depth=8, columns=columns) if columns else None
    return Part(family, macs, unit, {"int8": elements, "int16": elements * wide})


#: architecture_features.py has the first six (dot products of 8; the micro-block's depth times the cores; entry 7 of
#: output_cycles_per_elem). The U85 chooses its micro-block for every operation; its output rate is that of its
#: priced additions.
PARTS: Mapping[str, Part] = {
    "ethos-u55-32": _part("ethos_u55", 32, 0.5, columns=4),
    "ethos-u55-64": _part("ethos_u55", 64, 1.0, columns=8),
    "ethos-u55-128": _part("ethos_u55", 128, 2.0, columns=8),
    "ethos-u55-256": _part("ethos_u55", 256, 4.0, columns=8),
    "ethos-u65-256": _part("ethos_u65", 256, 4.0, columns=8),
    "ethos-u65-512": _part("ethos_u65", 512, 8.0, columns=16),
    **{f"ethos-u85-{macs}": _part("ethos_u85", macs, macs / 64, wide=0.5) for macs in (128, 256, 512, 1024, 2048)},
}
_SECTIONS = {
    "ethos_u55": ("Ethos_U55_Deep_Embedded", "Ethos_U55_High_End_Embedded"),
    "ethos_u65": (
        "Ethos_U65_Embedded",
        "Ethos_U65_Mid_End",
        "Ethos_U65_High_End",
        "Ethos_U65_Client_Server",
    ),
    "ethos_u85": (
        "Ethos_U85_SYS_Flash_Low",
        "Ethos_U85_SYS_Flash_High",
        "Ethos_U85_SYS_DRAM_Low",
        "Ethos_U85_SYS_DRAM_Mid",
        "Ethos_U85_SYS_DRAM_High",
    ),
}
_PORT_BYTES = {"ethos_u55": 8, "ethos_u65": 16, "ethos_u85": 16}
#: Factors on the slow memory's bandwidth, with the fast memory's capacity that goes with each. Capacity changes no
#: price: it says what fits, and a planner asks about many capacities. A slow memory that would be as fast as the fast
#: one is left out.
_VARIANTS = ((1.0, 384 << 10), (0.5, 1 << 20), (2.0, 4 << 20))


@dataclass(frozen=True)
class Memory:
    """Vela's figures of one memory: bytes per cycle, burst in bytes, latencies in cycles."""

    bytes_per_cycle: float
    burst: int
    read_latency: int
    write_latency: int


@dataclass(frozen=True)
class System:
    """One system; ``section`` names the system configuration that it is derived from."""

    name: str
    part: str
    section: str
    clock: float
    fast: Memory
    slow: Memory
    capacity: int
    slow_factor: float

    def accelerator(self) -> Accelerator:
        """The built-in description of the part's family with this system's numbers."""
        part = PARTS[self.part]
        base = load_accelerator(part.family)
        latency = self.slow.read_latency / self.clock
        data = base.model_dump(exclude={"sources"}) | {
            "name": self.name,
            "description": f"{self.part} in Vela's {self.section}, derived by memstow",
            "flops_per_second": {"int8": 2.0 * part.macs * self.clock, "int16": part.macs * self.clock},
            "vector_flops_per_second": {name: rate * self.clock for name, rate in part.elements.items()},
            "matrix_unit": part.unit,
            "launch_overhead_seconds": latency,
            "fast_memory": self._memory(base.fast_memory.model_dump(), self.fast) | {"capacity_bytes": self.capacity},
            "slow_memory": self._memory(base.slow_memory.model_dump(), self.slow),
            "dma": base.dma.model_dump()
            | {"bytes_per_second": self.slow.bytes_per_cycle * self.clock, "latency_seconds": latency},
        }
        return Accelerator.parse(data, where=self.name)

    def _memory(self, data: dict[str, object], memory: Memory) -> dict[str, object]:
        rate = memory.bytes_per_cycle * self.clock
        return data | {
            "read_bytes_per_second": rate,
            "write_bytes_per_second": rate,
            "latency_seconds": memory.read_latency / self.clock,
        }


def package_path() -> Path:
    """Where Vela is installed.

    Raises:
        MissingPackageError: it is not.
    """
    found = importlib.util.find_spec("ethosu")
    if found is None or not found.submodule_search_locations or importlib.util.find_spec("ethosu.vela") is None:
        raise MissingPackageError("samples of the source 'vela'", "ethos-u-vela", "vela")
    return Path(next(iter(found.submodule_search_locations)))


def config_path() -> Path:
    """Vela's own file of system configurations and memory modes."""
    return package_path() / "config_files" / "Arm" / "vela.ini"


@cache
def systems() -> tuple[System, ...]:
    """Every part in every system configuration of its family, as in the file and varied."""
    config = configparser.ConfigParser()
    config.read(config_path())
    varied = (
        _system(config, part, section, factor, capacity)
        for part, figures in PARTS.items()
        for section in _SECTIONS[figures.family]
        for factor, capacity in _VARIANTS
    )
    return tuple(system for system in varied if system.slow.bytes_per_cycle < system.fast.bytes_per_cycle)


def _system(config: configparser.ConfigParser, part: str, section: str, factor: float, capacity: int) -> System:
    values = config[f"System_Config.{section}"]
    fast, slow = (_memory(values, values[f"{port}_port"], _PORT_BYTES[PARTS[part].family]) for port in ("axi0", "axi1"))
    rate = slow.bytes_per_cycle * factor
    varied = "" if factor == 1.0 else f"-slow-x{factor:g}"
    return System(
        name=f"{part}-{section.split('_', 2)[2].lower()}{varied}",
        part=part,
        section=section,
        clock=float(values["core_clock"]),
        fast=fast,
        slow=Memory(rate, slow.burst, slow.read_latency, slow.write_latency),
        capacity=capacity,
        slow_factor=factor,
    )


def _memory(values: configparser.SectionProxy, area: str, port_bytes: int) -> Memory:
    ports = int(values.get(f"{area}_ports_used", "1"))
    read = int(values[f"{area}_read_latency"])
    return Memory(
        bytes_per_cycle=port_bytes * ports * float(values[f"{area}_clock_scale"]),
        burst=int(values[f"{area}_burst_length"]),
        read_latency=read,
        # Flash has none, for nothing writes to it; what does here is RAM of the same speed.
        write_latency=int(values[f"{area}_write_latency"]) or read,
    )
