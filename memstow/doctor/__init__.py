"""What memstow finds on this machine: packages, hardware, its own parts, and what is missing.

Runs by the standard library alone and imports other packages in processes of their own, so that it works where they
are broken. ``python -m memstow.doctor`` does what ``memstow doctor`` does.
"""

from __future__ import annotations

from .examine import Report, examine
from .text import run_doctor

__all__ = ["Report", "examine", "run_doctor"]
