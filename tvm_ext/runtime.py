"""What a planned program calls: importing this module registers ``memstow.runtime.*`` with TVM."""

from __future__ import annotations

import tvm  # noqa: F401  (brings TVM's own libraries)
import tvm_ffi

from ..native import load_core

load_core()


@tvm_ffi.register_object("memstow.ExecutionContext")
class ExecutionContext(tvm_ffi.Object):  # type: ignore[misc]  # tvm_ffi is untyped
    """Arenas and copy queue of one call of a planned program."""
