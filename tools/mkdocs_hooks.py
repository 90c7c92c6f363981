"""What MkDocs calls: the package as one folder, for the API reference, which is read and never imported.

The package's folders lie side by side in the repository (``rl_agent/`` is ``memstow.rl_agent``).
"""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import Any

from mkdocs.plugins import event_priority

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "build" / "docs_package"


@event_priority(100)  # before mkdocstrings looks for the folder
def on_config(config: Any) -> Any:
    """Copy the Python sources of every folder to where Python has it."""
    shutil.rmtree(PACKAGE, ignore_errors=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for name, folder in project["tool"]["scikit-build"]["wheel"]["packages"].items():
        for source in (ROOT / folder).rglob("*.py"):
            target = PACKAGE / name / source.relative_to(ROOT / folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    return config
