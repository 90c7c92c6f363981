"""The tools' modules, which are scripts beside the package and no part of it."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parent.parent / "tools"


def load(name: str) -> ModuleType:
    """Import ``tools/NAME.py``."""
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
    return import_module(name)
