"""The whole examination."""

from __future__ import annotations

import platform
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from ..hardware import core_count, cpu_name, memory_bytes, system_name
from .own import Cache, Part, agents, cache, core, cost_models, gpu
from .packages import OK, Package, examined, required_packages


@dataclass(frozen=True)
class Report:
    """What was found; ``gpu`` is in words."""

    memstow: str
    place: str
    python: str
    executable: str
    system: str
    cpu: str
    cores: int
    memory_bytes: int
    gpu: str
    packages: tuple[Package, ...]
    parts: tuple[Part, ...]
    cache: Cache

    @property
    def problems(self) -> list[str]:
        """What is needed and broken, each with its reason."""
        bad = [package for package in self.packages if package.is_needed and package.state != OK]
        return [
            *(["memstow: not installed as a package; run `pip install .` in its folder"] if not self.memstow else []),
            *(f"{package.name}: {package.state}{f' ({package.note})' if package.note else ''}" for package in bad),
            *(f"{part.name}: {part.found}" for part in self.parts if not part.is_fine),
            *([f"cache {self.cache.path}: {self.cache.problem}"] if self.cache.problem else []),
        ]

    @property
    def commands(self) -> list[str]:
        """The commands that put right what is needed and broken."""
        bad = [package.install for package in self.packages if package.is_needed and package.state != OK]
        return list(dict.fromkeys([*bad, *(part.install for part in self.parts if not part.is_fine and part.install)]))

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "problems": self.problems, "commands": self.commands}


def examine() -> Report:
    """Look at everything; takes seconds, for every package is imported in a process of its own."""
    with ThreadPoolExecutor(max_workers=core_count()) as pool:
        found_gpu, found_core, found_agents = pool.submit(gpu), pool.submit(core), pool.submit(agents)
        packages = tuple(pool.map(examined, required_packages(_requirements())))
        can_read = any(package.name == "xgboost-cpu" and package.state == OK for package in packages)
        found_models = pool.submit(cost_models, can_read)
        parts = (found_core.result(), found_agents.result(), found_models.result())
    return Report(
        memstow=_version(),
        place=str(Path(__file__).parents[1]),
        python=platform.python_version(),
        executable=sys.executable,
        system=system_name(),
        cpu=cpu_name(),
        cores=core_count(),
        memory_bytes=memory_bytes(),
        gpu=found_gpu.result(),
        packages=packages,
        parts=parts,
        cache=cache(),
    )


def _version() -> str:
    try:
        return metadata.version("memstow")
    except metadata.PackageNotFoundError:
        return ""


def _requirements() -> list[str]:
    try:
        return metadata.requires("memstow") or []
    except metadata.PackageNotFoundError:
        return []
