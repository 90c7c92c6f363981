"""The C++ core: importing this module registers ``memstow.runtime.*`` with TVM."""

from __future__ import annotations

import functools
from importlib import resources
from pathlib import Path

import tvm  # noqa: F401  (TVM's own libraries must be loaded before the core)
import tvm_ffi


def library_path() -> Path:
    """Where the core's shared library lies."""
    return Path(str(resources.files(__package__).joinpath("libmemstow_core.so")))


@functools.cache
def load_core() -> tvm_ffi.Module:
    """Load the core once per process; its functions and objects are registered by loading it."""
    return tvm_ffi.load_module(str(library_path()))


load_core()


@tvm_ffi.register_object("memstow.ExecutionContext")
class ExecutionContext(tvm_ffi.Object):  # type: ignore[misc]  # tvm_ffi is untyped
    """Arenas and copy queue of one call of a planned program."""
