"""Which code made a measurement; the version alone stays the same while planners change."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..native import library_path

PACKAGE = Path(__file__).parents[1]
#: Parts of the package that no measurement depends on.
_OUTER = frozenset({"cli", "doctor", "launch.py", "report", "schemas"})


def code_digest() -> str:
    """Twelve hexadecimal digits over the package's Python files, command line left out, and its C++ core.

    Planners of other packages are not covered.
    """
    digest = hashlib.sha256()
    files = [path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in _OUTER]
    for path in sorted(files):
        digest.update(path.read_bytes())
    digest.update(library_path().read_bytes())
    return digest.hexdigest()[:12]
