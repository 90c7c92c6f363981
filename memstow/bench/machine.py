"""The machine that a measurement was made on."""

from __future__ import annotations

from ..hardware import core_count, cpu_name, memory_bytes, system_name
from ..schema import Document


class Machine(Document):
    """``cores`` are those that the process may use; ``system`` is the operating system and the architecture."""

    cpu: str
    cores: int
    memory_bytes: int
    system: str

    def __str__(self) -> str:
        return f"{self.cpu}, {self.cores} cores, {self.memory_bytes / 2**30:.1f} GiB, {self.system}"


def describe_machine() -> Machine:
    """This machine."""
    return Machine(cpu=cpu_name(), cores=core_count(), memory_bytes=memory_bytes(), system=system_name())
