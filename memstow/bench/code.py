"""Which code made a measurement; the version alone stays the same while planners change."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

from ..native import library_path

PACKAGE = Path(__file__).parents[1]
#: Parts of the package that no measurement depends on.
_OUTER = frozenset({"cli", "doctor", "launch.py", "report", "schemas"})
#: Parts that lie beside the package in an editable installation.
_BESIDE = ("cost_model", "rl_agent", "tvm_ext")


def code_digest() -> str:
    """Twelve hexadecimal digits over the package's Python files, command line left out, and its C++ core.

    Planners of other packages are not covered.
    """
    digest = hashlib.sha256()
    for path in sorted({*_sources(), *_sources_beside()}):
        digest.update(path.read_bytes())
    digest.update(library_path().read_bytes())
    return digest.hexdigest()[:12]


def _sources() -> list[Path]:
    return [path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in _OUTER]


def _sources_beside() -> list[Path]:
    specs = [find_spec(f"{__package__.partition('.')[0]}.{name}") for name in _BESIDE]
    folders = [folder for spec in specs if spec for folder in spec.submodule_search_locations or ()]
    return [path for folder in folders for path in Path(folder).rglob("*.py")]
