"""Folders that memstow uses outside of its package."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Where machine code is kept between compilations: ``$MEMSTOW_CACHE``, else ``memstow`` in the user's caches."""
    own = os.environ.get("MEMSTOW_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(own) if own else base / "memstow"
