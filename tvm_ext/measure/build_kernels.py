"""Scheduled kernels in a shared library, and what they must be called with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tvm
import tvm_ffi
from tvm import tirx
from tvm.ir import Var
from tvm.ir.expr import TensorLoad
from tvm.ir.transform import Sequential
from tvm.target import Target

from ...cost_model.measurer import BuiltKernel, KernelArgument
from ..cpu_schedule import CpuTarget, ScheduleForCPU
from ..expressions import loads
from ..kernel import tensor_bytes

NO_INDEX_BOUND = 2


def build_kernels(kernels: Mapping[str, tirx.PrimFunc], target: Target, library: Path) -> dict[str, BuiltKernel]:
    """Schedule kernels as the compiler does, build them into one library and say what each takes.

    Args:
        kernels: unscheduled, with static shapes, by name.
        target: the machine; with one core for kernels of one thread.
        library: the file to write.
    """
    public = {name: func.with_attr("global_symbol", name) for name, func in kernels.items()}
    if CpuTarget.of(target).cores == 1:
        public = {name: serial(func) for name, func in public.items()}
    module = Sequential([ScheduleForCPU(target)])(tvm.IRModule(public))
    tvm.compile(module, target=target).export_library(str(library))
    return {name: BuiltKernel(library, name, _arguments(func)) for name, func in kernels.items()}


def serial(func: tirx.PrimFunc) -> tirx.PrimFunc:
    """The kernel without parallel loops: TVM's own scatters come with some, whatever the target."""

    def on_loop(loop: tirx.For) -> tirx.For:
        if int(loop.kind) != int(tirx.ForKind.PARALLEL):
            return loop
        return tirx.For(
            loop.loop_var, loop.min, loop.extent, tirx.ForKind.SERIAL, loop.body, loop.thread_binding, loop.annotations
        )

    return tvm_ffi.structural_map(func, [(tirx.For, on_loop)])


def is_buildable(func: tirx.PrimFunc) -> bool:
    """Whether a kernel takes tensors alone."""
    return all(isinstance(param.ty, tirx.BufferType) for param in func.params)


def _arguments(func: tirx.PrimFunc) -> tuple[KernelArgument, ...]:
    bounds = index_bounds(func)
    return tuple(
        KernelArgument(
            shape=tuple(int(extent) for extent in param.ty.shape),
            dtype=str(param.ty.dtype),
            size_bytes=tensor_bytes(param.ty.shape, param.ty.dtype),
            integer_bound=bounds.get(param, NO_INDEX_BOUND),
        )
        for param in func.params
    )


def index_bounds(func: tirx.PrimFunc) -> dict[Var, int]:
    """For parameters whose values index other tensors, the smallest extent that they index.

    An index that was computed in the kernel may come from any of its integer parameters: the bound holds for all.
    """
    bounds: dict[Var, int] = {}
    integers = [param for param in func.params if "int" in str(param.ty.dtype)]

    def on_access(shape: Any, indices: Any) -> None:
        for index, extent in zip(indices, shape, strict=True):
            for load in loads(index):
                direct = [param for param in integers if param.same_as(load.source)]
                for param in direct or integers:
                    bounds[param] = min(int(extent), bounds.get(param, int(extent)))

    def on_load(load: TensorLoad) -> None:
        on_access(load.source.shape, load.indices)

    def on_store(store: tirx.BufferStore) -> None:
        on_access(store.buffer.shape, store.indices)

    tvm_ffi.structural_walk(func.body, [(TensorLoad, on_load), (tirx.BufferStore, on_store)])
    return bounds
