"""Small questions about TIR expressions that several readers of kernels ask."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tvm_ffi
from tvm import tirx
from tvm.ir import Var
from tvm.ir.expr import TensorLoad

REDUCTION = 2  # tirx.IterVar.CommReduce


def static(extent: Any) -> int:
    """A constant extent; 1 for one that is not known."""
    return int(extent) if isinstance(extent, int | tirx.IntImm) else 1


def variables(expressions: Iterable[Any]) -> set[Var]:
    """Variables in any of the expressions."""
    found: set[Var] = set()
    for expression in expressions:
        tvm_ffi.structural_walk(expression, [(Var, found.add)])
    return found


def loads(expression: Any) -> list[TensorLoad]:
    """Loads in an expression, those in the indices of others included."""
    found: list[TensorLoad] = []
    tvm_ffi.structural_walk(expression, [(TensorLoad, found.append)])
    return found
