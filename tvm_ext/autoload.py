"""What ``import tvm`` gains where memstow is installed (TVM's entry-point group ``tvm.backends``)."""

from __future__ import annotations

import tvm

from ..native import load_core

PIPELINE_NAME = "memstow"


def register() -> None:
    """Load the runtime's functions and register the pipeline ``relax_pipeline="memstow"``."""
    load_core()
    if tvm._RUNTIME_ONLY:
        return
    from tvm.relax.pipeline import PIPELINE_MAP, register_pipeline

    if PIPELINE_NAME not in PIPELINE_MAP:
        register_pipeline(PIPELINE_NAME)(_pipeline)


def _pipeline(**options: object) -> tvm.ir.transform.Pass:
    from .pipeline import pipeline

    return pipeline(**options)  # type: ignore[arg-type]  # checked by the callee
