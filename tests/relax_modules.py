"""Small Relax modules in destination-passing style, and how the tests run them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tvm
from numpy.typing import NDArray
from tvm import relax
from tvm.ir.transform import Sequential
from tvm.script import ir as I
from tvm.script import relax as R
from tvm.script import tirx as T

from memstow.tvm_ext import runtime  # noqa: F401
from memstow.tvm_ext.pipeline import finish_passes

X = np.linspace(-1, 1, 64, dtype=np.float32)
W = np.linspace(3, 5, 64, dtype=np.float32)


@I.ir_module
class Diamond:
    """``out = (2 * (2 * x + w)) + 2 * x``: the first product is needed again at the end. 64 floats, 256 bytes each."""

    @T.prim_func(private=True, s_tir=True)
    def double(x: T.Buffer((64,), "float32"), y: T.Buffer((64,), "float32")):
        for i in range(64):
            with T.sblock("double"):
                v = T.axis.spatial(64, i)
                y[v] = x[v] * T.float32(2)

    @T.prim_func(private=True, s_tir=True)
    def add(x: T.Buffer((64,), "float32"), y: T.Buffer((64,), "float32"), z: T.Buffer((64,), "float32")):
        for i in range(64):
            with T.sblock("add"):
                v = T.axis.spatial(64, i)
                z[v] = x[v] + y[v]

    @R.function(pure=False)
    def main(x: R.Tensor((64,), "float32"), w: R.Tensor((64,), "float32")) -> R.Tensor((64,), "float32"):
        R.func_attr({"num_input": 1})
        cls = Diamond
        a = R.builtin.alloc_tensor(R.shape([64]), R.dtype("float32"), R.prim_value(0))
        cls.double(x, a)
        b = R.builtin.alloc_tensor(R.shape([64]), R.dtype("float32"), R.prim_value(0))
        cls.add(a, w, b)
        c = R.builtin.alloc_tensor(R.shape([64]), R.dtype("float32"), R.prim_value(0))
        cls.double(b, c)
        out = R.builtin.alloc_tensor(R.shape([64]), R.dtype("float32"), R.prim_value(0))
        cls.add(c, a, out)
        return out


def diamond_of(x: NDArray[np.float32], w: NDArray[np.float32]) -> NDArray[np.float32]:
    """What :class:`Diamond` computes."""
    return 2 * (2 * x + w) + 2 * x


def run(
    mod: tvm.IRModule, arguments: Sequence[NDArray[np.generic]], function: str = "main"
) -> list[NDArray[np.generic]]:
    """Finish, build and run a planned module; its results, flat."""
    executable = tvm.compile(mod, target="llvm", relax_pipeline=Sequential(finish_passes()))
    machine = relax.VirtualMachine(executable, tvm.cpu())
    result = machine[function](*(tvm.runtime.tensor(argument) for argument in arguments))
    return [result.numpy()] if isinstance(result, tvm.runtime.Tensor) else [tensor.numpy() for tensor in result]
