"""The machine that a measurement was made on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

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
    return Machine(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        system=f"{platform.system()} {platform.machine()}",
    )


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
