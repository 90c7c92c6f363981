"""The C++ core, ``libmemstow_core.so``: its global functions ``memstow.*`` exist once :func:`load_core` has run.

The core needs tvm_ffi, not tvm.
"""

from __future__ import annotations

import functools
from importlib import resources
from pathlib import Path
from typing import Any

LIBRARY = "libmemstow_core.so"


def library_path() -> Path:
    """Where the shared library lies in the installed package."""
    return Path(str(resources.files("memstow.tvm_ext").joinpath(LIBRARY)))


@functools.cache
def load_core() -> Any:
    """Load the library once per process; loading it registers its functions and objects."""
    import tvm_ffi

    return tvm_ffi.load_module(str(library_path()))


@functools.cache
def core_function(name: str) -> Any:
    """The core's global function of that name, callable with tensors, numbers and strings."""
    import tvm_ffi

    load_core()
    return tvm_ffi.get_global_func(name)
