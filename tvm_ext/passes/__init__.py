"""Relax passes, one file each.

Errors that a pass raises travel through TVM's C++ pass manager, which keeps the class of registered errors only.
"""

from __future__ import annotations

import tvm_ffi

from ...errors import InfeasiblePlanError, InvalidInputError, UnsupportedModelError

for _error in (InfeasiblePlanError, InvalidInputError, UnsupportedModelError):
    tvm_ffi.register_error(_error.__name__, _error)
