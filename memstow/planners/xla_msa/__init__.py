"""OpenXLA's memory-space assignment as a planner, one module per part of the algorithm (see ``docs/xla_msa.md``)."""

from .options import Options
from .planner import XlaMsa

__all__ = ["Options", "XlaMsa"]
