"""Memstow's own parts: the C++ core, the trained agent, the trained cost models, the cache of machine code."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ..places import cache_folder
from .packages import pip_install
from .probe import Found, probe

_CORE = """
import hashlib
import tvm_ffi
from memstow.native import library_path, load_core
load_core()
names = [str(name) for name in tvm_ffi.registry.list_global_func_names()]
facts["path"] = str(library_path())
facts["bytes"] = library_path().stat().st_size
facts["build"] = hashlib.sha256(library_path().read_bytes()).hexdigest()[:12]
facts["functions"] = sum(name.startswith("memstow.") for name in names)
"""
_AGENTS = """
from memstow.rl_agent.agent import agent_names, load_agent
facts["names"] = agent_names()
for name in facts["names"]:
    load_agent(name)
assert facts["names"], "none is there"
"""
_COST_MODELS = """
from memstow.cost_model.registry import trained_model, trained_names
facts["names"] = trained_names()
for name in facts["names"]:
    trained_model(name)
assert facts["names"], "none is there"
"""
_GPU = """
import torch
facts["built_for"] = torch.version.cuda or torch.version.hip or "the CPU"
facts["names"] = [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())]
"""


@dataclass(frozen=True)
class Part:
    """A part of memstow: fine with what was found of it, or not, with the reason and the command that mends it."""

    name: str
    is_fine: bool
    found: str
    install: str = ""


@dataclass(frozen=True)
class Cache:
    """A folder of memstow's. ``problem`` says why it cannot be used."""

    path: str
    files: int
    bytes: int
    problem: str = ""


def core() -> Part:
    """The C++ core, loaded; its build is told by a digest of the library."""
    answer = probe(_CORE)
    facts = answer.facts
    text = (
        f"build {facts['build']}, {facts['functions']} functions, {facts['bytes'] / 2**20:.1f} MiB, {facts['path']}"
        if facts
        else ""
    )
    return _part("C++ core", answer, text)


def agents() -> Part:
    """The agents that come with memstow, read."""
    answer = probe(_AGENTS)
    return _part("trained agent", answer, ", ".join(answer.facts.get("names", ())))


def cost_models(can_read: bool) -> Part:
    """The cost models that come with memstow, read; without XGBoost they are left alone."""
    if not can_read:
        found = "not read: needs XGBoost, which is not installed"
        return Part("trained cost models", True, found, pip_install("'memstow[learned]'"))
    answer = probe(_COST_MODELS)
    return _part("trained cost models", answer, ", ".join(answer.facts.get("names", ())))


def gpu() -> str:
    """The GPUs that torch sees, in words; memstow itself needs none."""
    answer = probe(_GPU)
    if answer.failure:
        return f"unknown: torch says {answer.failure}"
    names = answer.facts["names"]
    return ", ".join(names) if names else f"none that torch sees (built for {answer.facts['built_for']})"


def cache() -> Cache:
    """The cache of machine code, with the bytes in it."""
    folder = cache_folder()
    sizes = [path.stat().st_size for path in folder.glob("*") if path.is_file()] if folder.is_dir() else []
    return Cache(str(folder), len(sizes), sum(sizes), _problem(folder))


def _problem(folder: Path) -> str:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir():
        return f"{existing} is no folder; set MEMSTOW_CACHE to one"
    try:
        probe_file = existing / ".memstow-doctor"
        probe_file.touch()
        probe_file.unlink()
    except OSError as error:
        return f"cannot be written to ({error.strerror}); set MEMSTOW_CACHE to another folder"
    return ""


def _part(name: str, answer: Found, found: str) -> Part:
    if answer.failure:
        return Part(name, False, answer.failure, _install_anew())
    return Part(name, True, found)


def _install_anew() -> str:
    """The command that installs memstow from where it came; none if that is not on record."""
    try:
        text = metadata.distribution("memstow").read_text("direct_url.json")
        record = json.loads(text) if text else {}
    except (metadata.PackageNotFoundError, json.JSONDecodeError):
        record = {}
    if "url" not in record:
        return ""
    option = "--editable " if record.get("dir_info", {}).get("editable") else ""
    return pip_install(f"--force-reinstall --no-deps {option}{shlex.quote(record['url'].removeprefix('file://'))}")
