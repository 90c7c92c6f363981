"""TVM side of memstow: the C++ core, Relax passes, the compilation pipeline and the runtime.

Errors that Python code raises under a C++ caller (TVM's pass manager, above all) keep their class only if it is
registered with the FFI.
"""

from __future__ import annotations

import tvm_ffi

from ..errors import EmptyProgramError, InfeasiblePlanError, InvalidInputError, UnsupportedModelError

for _error in (EmptyProgramError, InfeasiblePlanError, InvalidInputError, UnsupportedModelError):
    tvm_ffi.register_error(_error.__name__, _error)
