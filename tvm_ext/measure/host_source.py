"""The source ``host`` put together."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from tvm.target import Target

from ...cost_model.measurer import Measurer
from ...cost_model.sources.host import HostSource
from ..cpu_schedule import host_target
from .calibrate import calibrate
from .tvm_measurer import LocalMeasurer
from .zoo_kernels import ZooKernels


def host_source(
    *,
    models: Sequence[str] | None = None,
    sizes: Sequence[str] = ("tiny", "full"),
    measurer: Measurer | None = None,
    target: Target | str | None = None,
    cache_bytes: int | None = None,
) -> HostSource:
    """Kernels of the zoo, timed on one core.

    Args:
        models: names; left out, all.
        sizes: of them.
        measurer: runs the kernels; left out, this process.
        target: the machine behind the measurer; left out, one core of this one.
        cache_bytes: size of that machine's last-level cache; left out, this machine's.

    Raises:
        UnknownModelError: a name is not in the zoo.
    """
    measurer = measurer or LocalMeasurer()
    target = host_target(cores=1) if target is None else Target(target)
    return HostSource(
        supply=ZooKernels(models, sizes, target),
        measurer=measurer,
        calibrate=lambda: calibrate(measurer, target, cache_bytes),
        made_by={
            "machine": _processor(),
            "target": str(target),
            "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
            **{package: metadata.version(package) for package in ("memstow", "apache-tvm", "torch", "transformers")},
        },
    )


def _processor() -> str:
    """Of the machine that collects."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.processor() or platform.machine()
