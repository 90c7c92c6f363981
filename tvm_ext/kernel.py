"""What one TIR kernel reads, writes and computes: the numbers that an instruction of a program carries."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import tvm
import tvm_ffi
from tvm import tirx
from tvm.ir import Var
from tvm.ir.expr import TensorLoad
from tvm.s_tir.stmt import SBlock

from .contraction import find_contraction
from .expressions import static, variables

#: TVM's names of data types -> the keys of an accelerator's ``flops_per_second``.
DTYPE_KEYS = {"float64": "f64", "float32": "f32", "float16": "f16", "bfloat16": "bf16"}
#: Calls that hand out a buffer's address.
ADDRESS_OPS = frozenset({"tirx.buffer_data", "tirx.address_of"})


@dataclass(frozen=True)
class KernelFootprint:
    """Per parameter of a kernel the bytes it reads and writes, and the work it does.

    A parameter's bytes are the distinct elements that its index expressions can reach, times the element size: the
    product of the extents of the loop variables in the indices, at most the whole tensor. A gather therefore counts
    the rows it takes, not the table. A tensor whose address is handed to an external routine is in ``opaque`` and
    counts whole in both directions; whether it is read or written is the caller's convention.
    """

    read_bytes: tuple[int, ...]
    written_bytes: tuple[int, ...]
    opaque: frozenset[int]
    matrix_flops: float
    vector_flops: float
    dtype: str

    @property
    def flops(self) -> float:
        """All floating-point and integer operations."""
        return self.matrix_flops + self.vector_flops


@dataclass
class _Accesses:
    """Index expressions by buffer, with the extents of the variables they use."""

    extents: dict[Var, int] = field(default_factory=dict)
    loads: dict[Var, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))
    stores: dict[Var, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))
    addressed: set[Var] = field(default_factory=set)
    matrix_flops: float = 0.0
    matrix_dtype: str | None = None

    def count_contraction(self, block: SBlock) -> None:
        contraction = find_contraction(block)
        if contraction is not None:
            self.matrix_flops += contraction.flops
            self.matrix_dtype = str(contraction.first.source.ty.dtype)


def dtype_key(dtype: object) -> str:
    """The key of an accelerator's ``flops_per_second`` for TVM's name of a data type."""
    return DTYPE_KEYS.get(str(dtype), str(dtype))


def tensor_bytes(shape: Iterable[Any], dtype: object) -> int:
    """Bytes of a dense tensor of static shape; sub-byte types round up per element."""
    return math.prod(int(dim) for dim in shape) * item_bytes(dtype)


def item_bytes(dtype: object) -> int:
    """Bytes of one element."""
    kind = tvm.DataType(str(dtype))
    return max(1, (int(kind.bits) * int(kind.lanes) + 7) // 8)


def analyse_kernel(func: tirx.PrimFunc) -> KernelFootprint:
    """Footprint and operations of an unscheduled kernel with static shapes."""
    accesses = _Accesses()
    _visit(func.body, accesses)
    opaque = frozenset(k for k, param in enumerate(func.params) if param in accesses.addressed)
    reads = [_accessed_bytes(param, accesses.loads.get(param, []), accesses.extents) for param in func.params]
    writes = [_accessed_bytes(param, accesses.stores.get(param, []), accesses.extents) for param in func.params]
    for k in opaque:
        reads[k] = writes[k] = tensor_bytes(func.params[k].ty.shape, func.params[k].ty.dtype)
    total = float(tvm.s_tir.analysis.estimate_tir_flops(tvm.IRModule({"main": func})))
    dtype = accesses.matrix_dtype or str(func.params[-1].ty.dtype)
    return KernelFootprint(
        read_bytes=tuple(reads),
        written_bytes=tuple(writes),
        opaque=opaque,
        matrix_flops=accesses.matrix_flops,
        vector_flops=max(0.0, total - accesses.matrix_flops),
        dtype=dtype_key(dtype),
    )


def _visit(root: Any, accesses: _Accesses) -> None:
    def on_loop(loop: tirx.For) -> None:
        accesses.extents[loop.loop_var] = static(loop.extent)

    def on_load(load: TensorLoad) -> None:
        accesses.loads[load.source].append(tuple(load.indices))

    def on_store(store: tirx.BufferStore) -> None:
        accesses.stores[store.buffer].append(tuple(store.indices))

    def on_call(call: tvm.ir.Call) -> None:
        if isinstance(call.op, tvm.ir.Op) and call.op.name in ADDRESS_OPS:
            tvm_ffi.structural_walk(call.args[0], [(Var, accesses.addressed.add)])

    def on_block(block: SBlock) -> tvm_ffi.WalkResult:
        for iter_var in block.iter_vars:
            accesses.extents[iter_var.var] = static(iter_var.dom.extent)
        accesses.count_contraction(block)
        # The declared read and write regions repeat the body's accesses: only the body is walked.
        _visit(block.body, accesses)
        if block.init is not None:
            _visit(block.init, accesses)
        return tvm_ffi.WalkResult.SKIP

    leaves = [(TensorLoad, on_load), (tirx.BufferStore, on_store), (tvm.ir.Call, on_call)]
    tvm_ffi.structural_walk(root, [(SBlock, on_block), (tirx.For, on_loop), *leaves], order="pre")


def _accessed_bytes(param: Var, indices: list[tuple[Any, ...]], extents: dict[Var, int]) -> int:
    if not indices or not isinstance(param.ty, tirx.BufferType):
        return 0
    elements = sum(_reach(index, extents) for index in _distinct(indices))
    whole = math.prod(int(dim) for dim in param.ty.shape)
    return min(elements, whole) * item_bytes(param.ty.dtype)


def _distinct(indices: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    kept: list[tuple[Any, ...]] = []
    for index in indices:
        if not any(tvm_ffi.structural_equal(list(index), list(other)) for other in kept):
            kept.append(index)
    return kept


def _reach(index: tuple[Any, ...], extents: dict[Var, int]) -> int:
    return math.prod(extents.get(var, 1) for var in variables(index))
