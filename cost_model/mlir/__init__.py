"""Kernels from MLIR text: StableHLO, and linalg on tensors; no MLIR package is needed.

``lexer`` -> ``parser`` (any dialect's operations as the same pieces) -> ``reader`` (what an operation is to a machine,
by ``stablehlo``, ``linalg`` and ``tensor_ops``) -> :class:`MlirKernel` -> :func:`to_program`.
"""

from .kernels import MlirBuffer, MlirKernel
from .reader import read_mlir
from .to_program import to_program

__all__ = ["MlirBuffer", "MlirKernel", "read_mlir", "to_program"]
