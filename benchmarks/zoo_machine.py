"""What a measurement depends on: the machine, the versions, the commit."""

from __future__ import annotations

import platform
import subprocess
from importlib import metadata
from pathlib import Path

from memstow import bench

ROOT = Path(__file__).parent.parent
PACKAGES = ("memstow", "apache-tvm", "apache-tvm-ffi", "torch", "transformers", "numpy")


def describe_machine() -> dict[str, str]:
    """CPU, cores that this process may use, memory, operating system, in words."""
    machine = bench.describe_machine()
    memory = f"{machine.memory_bytes / 2**30:.1f} GiB"
    return {"CPU": machine.cpu, "cores": str(machine.cores), "memory": memory, "system": machine.system}


def versions() -> dict[str, str]:
    """Python's and the packages' versions."""
    return {"python": platform.python_version(), **{package: metadata.version(package) for package in PACKAGES}}


def commit(*, ignore: Path) -> str:
    """The commit checked out, with ``-dirty`` where files other than ``ignore`` differ from it."""
    head = _git("rev-parse", "--short=12", "HEAD")
    if not head:
        return "no git repository"
    changed = [line[3:] for line in _git("status", "--porcelain").splitlines()]
    return head + ("-dirty" if any((ROOT / path).resolve() != ignore.resolve() for path in changed) else "")


def _git(*arguments: str) -> str:
    found = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.rstrip() if found.returncode == 0 else ""
