from __future__ import annotations

import numpy as np
import pytest
import tvm
from tvm import relax
from tvm.ir import assert_structural_equal
from tvm.script import ir as I
from tvm.script import relax as R
from tvm.script import tirx as T

from memstow.tvm_ext.passes.fold_transpose import FoldTranspose


def fold(mod: tvm.IRModule) -> tvm.IRModule:
    return tvm.ir.transform.Sequential([FoldTranspose(), relax.transform.DeadCodeElimination()])(mod)


def test_a_transposed_weight_is_read_in_place():
    @I.ir_module
    class Before:
        @R.function
        def main(x: R.Tensor((4, 8), "float32"), w: R.Tensor((2, 8), "float32")) -> R.Tensor((4, 2), "float32"):
            with R.dataflow():
                lv = R.permute_dims(w, axes=[1, 0])
                gv = R.matmul(x, lv)
                R.output(gv)
            return gv

    @I.ir_module
    class Expected:
        @T.prim_func(private=True, s_tir=True)
        def NT_matmul(
            x: T.Buffer((T.int64(4), T.int64(8)), "float32"),
            w: T.Buffer((T.int64(2), T.int64(8)), "float32"),
            y: T.Buffer((T.int64(4), T.int64(2)), "float32"),
        ):
            T.func_attr({"tirx.noalias": True})
            for i0, i1, k in T.grid(T.int64(4), T.int64(2), T.int64(8)):
                with T.sblock("NT_matmul"):
                    v_i0, v_i1, v_k = T.axis.remap("SSR", [i0, i1, k])
                    with T.init():
                        y[v_i0, v_i1] = T.float32(0)
                    y[v_i0, v_i1] = y[v_i0, v_i1] + x[v_i0, v_k] * w[v_i1, v_k]

        @R.function
        def main(x: R.Tensor((4, 8), "float32"), w: R.Tensor((2, 8), "float32")) -> R.Tensor((4, 2), "float32"):
            cls = Expected
            with R.dataflow():
                gv = R.call_tir(cls.NT_matmul, (x, w), out_ty=R.Tensor((4, 2), dtype="float32"))
                R.output(gv)
            return gv

    assert_structural_equal(fold(Before), Expected)


def built(left_shape, right_shape, left_axes, right_axes) -> tvm.IRModule:
    builder = relax.BlockBuilder()
    x = relax.Var("x", relax.TensorType(left_shape, "float32"))
    w = relax.Var("w", relax.TensorType(right_shape, "float32"))
    with builder.function("main", [x, w]):
        with builder.dataflow():
            left = builder.emit(relax.op.permute_dims(x, left_axes)) if left_axes else x
            right = builder.emit(relax.op.permute_dims(w, right_axes)) if right_axes else w
            out = builder.emit_output(relax.op.matmul(left, right))
        builder.emit_func_output(out)
    return builder.get()


@pytest.mark.parametrize(
    ("left", "right", "left_axes", "right_axes", "kernel"),
    [
        ((5, 3), (5, 4), [1, 0], None, "TN_matmul"),
        ((5, 3), (4, 5), [1, 0], [1, 0], "TT_matmul"),
        ((2, 3, 5), (4, 5), None, [1, 0], "NT_matmul"),
        ((2, 1, 3, 5), (7, 4, 5), None, [0, 2, 1], "NT_matmul"),
        ((2, 5, 3), (1, 5, 4), [0, 2, 1], None, "TN_matmul"),
        ((2, 3, 5), (2, 4, 5), None, [0, 2, 1], "NT_matmul"),
    ],
)
def test_folded_matmuls_give_the_same_numbers(left, right, left_axes, right_axes, kernel):
    folded = fold(built(left, right, left_axes, right_axes))
    assert kernel in {gv.name_hint for gv in folded.get_global_vars()}
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape).astype(np.float32) for shape in (left, right))
    machine = relax.VirtualMachine(tvm.compile(folded, target="llvm"), tvm.cpu())
    result = machine["main"](tvm.runtime.tensor(x), tvm.runtime.tensor(w)).numpy()
    expected = (x.transpose(left_axes) if left_axes else x) @ (w.transpose(right_axes) if right_axes else w)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("left", "right", "right_axes"),
    [((4, 8), (8, 2), None), ((3, 4, 8), (8, 3, 2), [1, 0, 2]), ((8,), (2, 8), [1, 0]), (("n", 8), (2, 8), None)],
)
def test_other_matmuls_are_left_alone(left, right, right_axes):
    left = tuple(tvm.tirx.Var(dim, "int64") if isinstance(dim, str) else dim for dim in left)
    mod = (
        built(left, right, None, right_axes) if left[-1] == right[0] or right_axes else built(left, right, None, [1, 0])
    )
    assert_structural_equal(FoldTranspose()(mod), mod)


def test_a_matrix_times_its_own_transpose():
    builder = relax.BlockBuilder()
    x = relax.Var("x", relax.TensorType((3, 4), "float32"))
    with builder.function("main", [x]):
        with builder.dataflow():
            transposed = builder.emit(relax.op.permute_dims(x))
            out = builder.emit_output(relax.op.matmul(x, transposed))
        builder.emit_func_output(out)
    value = np.arange(12, dtype=np.float32).reshape(3, 4)
    machine = relax.VirtualMachine(tvm.compile(fold(builder.get()), target="llvm"), tvm.cpu())
    np.testing.assert_allclose(machine["main"](tvm.runtime.tensor(value)).numpy(), value @ value.T)
