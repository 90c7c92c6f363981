"""The packages that memstow requires and those of its extras, by its own metadata."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass, replace
from importlib import metadata

from ..extras import PURPOSES
from .probe import probe

OK, MISSING, BROKEN, WRONG = "ok", "missing", "broken", "wrong version"
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*([^;]*)(?:;.*extra\s*==\s*['\"]([\w-]+)['\"])?")
#: Modules of packages that are not called like their module.
_MODULES = {
    "apache-tvm": "tvm",
    "apache-tvm-ffi": "tvm_ffi",
    "ethos-u-vela": "ethosu.vela",
    "xgboost-cpu": "xgboost",
}
#: The plain wheel for Linux brings gigabytes of CUDA.
_OPTIONS = {"torch": " --index-url https://download.pytorch.org/whl/cpu"}


@dataclass(frozen=True)
class Package:
    """One requirement. ``extra`` is empty for what memstow always needs; ``note`` says what is wrong.

    ``install`` is the command that puts a bad state right.
    """

    name: str
    wanted: str
    extra: str
    version: str = ""
    state: str = OK
    note: str = ""
    install: str = ""

    @property
    def is_needed(self) -> bool:
        """Whether memstow does not work without it."""
        return not self.extra


def required_packages(requirements: list[str]) -> list[Package]:
    """The requirements of memstow's metadata, each once, those of extras for users among them."""
    found: dict[tuple[str, str], Package] = {}
    for line in requirements:
        match = _REQUIREMENT.match(line)
        if match is None or (match[3] and match[3] not in PURPOSES):
            continue
        package = Package(match[1], match[2].strip(" ()"), match[3] or "")
        found[package.name, package.extra] = package
    return sorted(found.values(), key=lambda package: (package.extra != "", package.extra, package.name))


def examined(package: Package) -> Package:
    """The package with what is found of it: its version, whether that is wanted, whether it can be imported."""
    try:
        version = metadata.version(package.name)
    except metadata.PackageNotFoundError:
        return replace(package, state=MISSING, install=_install(package))
    found = replace(package, version=version)
    if not _is_wanted(version, package.wanted):
        note = f"expected {package.wanted}"
        return replace(found, state=WRONG, note=note, install=_install(package))
    answer = probe(f"import {module_of(package.name)}")
    if answer.failure:
        again = _pinned(package, f"=={version}" if "+" not in version else package.wanted)
        return replace(found, state=BROKEN, note=answer.failure, install=f"{again} --force-reinstall --no-deps")
    return found


def module_of(name: str) -> str:
    """The module that a package is imported by."""
    return _MODULES.get(name, name.replace("-", "_"))


def pip_install(arguments: str) -> str:
    """The command that installs something where this Python finds it."""
    return f"{shlex.quote(sys.executable)} -m pip install {arguments}"


def _install(package: Package) -> str:
    return _pinned(package, package.wanted) if package.is_needed else pip_install(f"'memstow[{package.extra}]'")


def _pinned(package: Package, wanted: str) -> str:
    return pip_install(f"'{package.name}{wanted}'{_OPTIONS.get(package.name, '')}")


def _is_wanted(version: str, wanted: str) -> bool:
    """Whether a version fits; what cannot be judged does."""
    try:
        from packaging.specifiers import SpecifierSet

        return SpecifierSet(wanted).contains(version, prereleases=True)
    except (ImportError, ValueError):
        return True
