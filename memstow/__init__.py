"""memstow: plans where every tensor of a compiled PyTorch model lives in a two-level accelerator memory.

>>> import memstow  # doctest: +SKIP
>>> compiled = memstow.compile(model, example_inputs, accelerator="tpu_v5e", planner="greedy")  # doctest: +SKIP
>>> outputs = compiled(*example_inputs)  # doctest: +SKIP
>>> compiled.report("report.html")  # doctest: +SKIP

Importing the package loads neither torch nor tvm.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .tvm_ext.compiled_model import CompiledModel
    from .tvm_ext.facade import compile, load
    from .tvm_ext.pipeline import pipeline

__all__ = ["CompiledModel", "compile", "load", "pipeline"]

_HOMES = {
    "CompiledModel": "compiled_model",
    "compile": "facade",
    "load": "facade",
    "pipeline": "pipeline",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f".tvm_ext.{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
