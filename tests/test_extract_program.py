from __future__ import annotations

import pytest
import tvm
from relax_modules import Diamond
from test_apply_memory_plan import in_place_lowered
from tvm.script import ir as I
from tvm.script import relax as R
from tvm.script import tirx as T

from memstow.accelerator import load_accelerator
from memstow.errors import InvalidInputError, UnsupportedModelError
from memstow.program import Operand
from memstow.tvm_ext.extract_program import extract_program
from memstow.tvm_ext.kernel import analyse_kernel

UNIT = load_accelerator("unit")


def test_instructions_buffers_and_kinds():
    program = extract_program(Diamond, UNIT, name="diamond")
    assert [step.opcode for step in program.instructions] == ["double", "add", "double", "add"]
    kinds = {buffer.name: (buffer.kind, buffer.definition_time, buffer.use_times) for buffer in program.buffers}
    assert kinds == {
        "x": ("input", -1, (0,)),
        "w": ("parameter", -1, (1,)),
        "double#0": ("intermediate", 0, (1, 3)),
        "add#1": ("intermediate", 1, (2,)),
        "double#2": ("intermediate", 2, (3,)),
        "add#3": ("output", 3, ()),
    }
    # 64 floats are 256 bytes; the unit accelerator does 1 FLOP/s, so 64 additions take 64 s.
    add = program.instructions[1]
    assert add.operands == (Operand(buffer=2, bytes_accessed=256), Operand(buffer=1, bytes_accessed=256))
    assert add.results == (Operand(buffer=3, bytes_accessed=256),)
    assert (add.flops, add.compute_seconds) == (64.0, 64.0)


def test_views_share_one_storage():
    @I.ir_module
    class Module:
        @T.prim_func(private=True, s_tir=True)
        def fill(y: T.Buffer((8, 8), "float32")):
            for i, j in T.grid(8, 8):
                with T.sblock("fill"):
                    v, u = T.axis.remap("SS", [i, j])
                    y[v, u] = T.float32(1)

        @T.prim_func(private=True, s_tir=True)
        def double(x: T.Buffer((64,), "float32"), y: T.Buffer((64,), "float32")):
            for i in range(64):
                with T.sblock("double"):
                    v = T.axis.spatial(64, i)
                    y[v] = x[v] * T.float32(2)

        @R.function(pure=False)
        def main() -> R.Tensor((64,), "float32"):
            cls = Module
            a = R.builtin.alloc_tensor(R.shape([8, 8]), R.dtype("float32"), R.prim_value(0))
            cls.fill(a)
            flat = R.reshape(a, R.shape([64]))
            out = R.builtin.alloc_tensor(R.shape([64]), R.dtype("float32"), R.prim_value(0))
            cls.double(flat, out)
            return out

    program = extract_program(Module, UNIT)
    a, flat, out = program.buffers
    assert (a.alias_group, out.alias_group) == (flat.alias_group, None)
    assert a.alias_group is not None
    assert len(program.storages) == 2


def test_in_place_results_are_buffers_of_the_same_storage():
    program = extract_program(in_place_lowered(), UNIT)
    increment = program.instructions[1]
    (read,), (written,) = increment.operands, increment.results
    assert read.buffer != written.buffer
    assert program.storage_of[read.buffer] == program.storage_of[written.buffer]


def test_a_gather_counts_the_rows_that_it_takes():
    @T.prim_func(private=True, s_tir=True)
    def take(table: T.Buffer((1000, 16), "float32"), ids: T.Buffer((4,), "int64"), out: T.Buffer((4, 16), "float32")):
        for i, j in T.grid(4, 16):
            with T.sblock("take"):
                v, u = T.axis.remap("SS", [i, j])
                out[v, u] = table[ids[v], u]

    footprint = analyse_kernel(take)
    # 4 rows of 16 floats, 4 indices of 8 bytes, and a result of 4 x 16 floats.
    assert footprint.read_bytes == (256, 32, 0)
    assert footprint.written_bytes == (0, 0, 256)


def test_a_contraction_counts_as_work_of_the_matrix_unit():
    @T.prim_func(private=True, s_tir=True)
    def matmul(a: T.Buffer((4, 8), "float32"), b: T.Buffer((8, 2), "float32"), c: T.Buffer((4, 2), "float32")):
        for i, j, k in T.grid(4, 2, 8):
            with T.sblock("matmul"):
                v, u, r = T.axis.remap("SSR", [i, j, k])
                with T.init():
                    c[v, u] = T.float32(0)
                c[v, u] = c[v, u] + a[v, r] * b[r, u]

    footprint = analyse_kernel(matmul)
    assert footprint.matrix_flops == 2 * 4 * 2 * 8
    assert footprint.dtype == "f32"


def test_a_sum_of_squares_is_no_work_of_the_matrix_unit():
    @T.prim_func(private=True, s_tir=True)
    def norm(a: T.Buffer((4, 8), "float32"), c: T.Buffer((4,), "float32")):
        for i, k in T.grid(4, 8):
            with T.sblock("norm"):
                v, r = T.axis.remap("SR", [i, k])
                with T.init():
                    c[v] = T.float32(0)
                c[v] = c[v] + a[v, r] * a[v, r]

    footprint = analyse_kernel(norm)
    assert footprint.matrix_flops == 0
    assert footprint.vector_flops == 2 * 4 * 8


def test_symbolic_shapes_say_what_to_do():
    @I.ir_module
    class Module:
        @R.function(pure=False)
        def main(x: R.Tensor(("n", 4), "float32")) -> R.Tensor(("n", 4), "float32"):
            return x

    with pytest.raises(UnsupportedModelError, match=r"tensor 'x' has the symbolic dimension n; .*BindSymbolicVars"):
        extract_program(Module, UNIT)


def test_binding_the_symbol_as_the_message_says_helps():
    @I.ir_module
    class Module:
        @T.prim_func(private=True, s_tir=True)
        def fill(y: T.Buffer((4,), "float32")):
            for i in range(4):
                with T.sblock("fill"):
                    v = T.axis.spatial(4, i)
                    y[v] = T.float32(1)

        @R.function(pure=False)
        def main(x: R.Tensor(("n", 4), "float32")) -> R.Tensor((4,), "float32"):
            cls = Module
            a = R.builtin.alloc_tensor(R.shape([4]), R.dtype("float32"), R.prim_value(0))
            cls.fill(a)
            return a

    bound = tvm.relax.transform.BindSymbolicVars({"n": 8}, "main")(Module)
    assert extract_program(bound, UNIT).buffers[0].size_bytes == 8 * 4 * 4


def test_an_empty_function_is_refused():
    @I.ir_module
    class Module:
        @R.function(pure=False)
        def main(x: R.Tensor((4,), "float32")) -> R.Tensor((4,), "float32"):
            return x

    with pytest.raises(InvalidInputError, match="calls no kernel"):
        extract_program(Module, UNIT)
