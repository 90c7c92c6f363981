"""memstow: plans where every tensor of a compiled PyTorch model lives in a two-level accelerator memory.

>>> import memstow, tvm  # doctest: +SKIP
>>> planned = memstow.pipeline(accelerator="tpu_v5e", planner="greedy")  # doctest: +SKIP
>>> executable = tvm.compile(module, target="llvm", relax_pipeline=planned)  # doctest: +SKIP

Importing the package loads neither torch nor tvm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .tvm_ext.pipeline import pipeline

__all__ = ["pipeline"]


def __getattr__(name: str) -> object:
    if name == "pipeline":
        from .tvm_ext.pipeline import pipeline

        return pipeline
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
