"""Facts of kernels worked out by hand, and of every kernel of the tiny zoo."""

from __future__ import annotations

import math

import pytest
from tvm import te, tirx, topi
from tvm.tirx import PrimFunc

from memstow import models
from memstow.accelerator import load_accelerator
from memstow.cost_model.kernel import KernelFacts
from memstow.tvm_ext.compiler import lower
from memstow.tvm_ext.cpu_schedule import host_target
from memstow.tvm_ext.extract_program import program_of
from memstow.tvm_ext.frontend import export_model, import_exported
from memstow.tvm_ext.kernel import analyse_kernel
from memstow.tvm_ext.kernel_facts import kernel_work
from memstow.tvm_ext.lowered_function import read_function


def tensor(*shape: int, dtype: str = "float32", name: str = "x") -> te.Tensor:
    return te.placeholder([tirx.IntImm("int64", extent) for extent in shape], dtype=dtype, name=name)


def work(*tensors: te.Tensor) -> KernelFacts:
    func: PrimFunc = te.create_prim_func(list(tensors))
    return kernel_work(func, analyse_kernel(func))


def extents(facts: KernelFacts) -> tuple[int, int, int, int]:
    return facts.batch, facts.m, facts.n, facts.k


def test_matmul():
    a, b = tensor(4, 8, name="a"), tensor(8, 2, name="b")
    facts = work(a, b, topi.matmul(a, b))
    assert (facts.op_class, extents(facts)) == ("matmul", (1, 4, 2, 8))
    assert (facts.matrix_flops, facts.vector_operations, facts.moved) == (2 * 4 * 2 * 8, 0, 0)


def test_batched_matmul():
    a, b = tensor(3, 4, 8, name="a"), tensor(3, 2, 8, name="b")
    facts = work(a, b, topi.nn.batch_matmul(a, b))
    assert (facts.op_class, extents(facts)) == ("matmul", (3, 4, 2, 8))


def test_matmul_with_bias_and_gelu():
    a, w, bias = tensor(4, 8, name="a"), tensor(2, 8, name="w"), tensor(2, name="bias")
    x = topi.add(topi.matmul(a, w, transp_b=True), bias)
    half = topi.multiply(x, 0.5)
    facts = work(a, w, bias, topi.multiply(half, topi.add(topi.erf(topi.multiply(x, 0.7)), 1.0)))
    # Of each of the 8 results: + bias, * 0.5, * 0.7, + 1, the last product; one erf.
    assert (facts.op_class, extents(facts)) == ("matmul", (1, 4, 2, 8))
    assert (facts.matrix_flops, facts.elementwise, facts.transcendental) == (128, 5 * 8, 8)


def test_strided_convolution():
    x, w = tensor(2, 3, 9, 9), tensor(5, 3, 3, 3, name="w")
    facts = work(x, w, topi.nn.conv2d_nchw(x, w, stride=2, padding=1, dilation=1))
    # 2 images of 5 x 5 pixels, 5 output channels, 3 channels of 3 x 3 pixels. Padding is no work.
    assert (facts.op_class, extents(facts)) == ("convolution", (1, 50, 5, 27))
    window = facts.kernel_height, facts.kernel_width, facts.stride_height, facts.stride_width
    assert window == (3, 3, 2, 2)
    assert (facts.matrix_flops, facts.vector_operations, facts.moved) == (2 * 50 * 5 * 27, 0, 0)


def test_convolution_in_one_dimension_is_one_pixel_high():
    x, w = tensor(1, 3, 16), tensor(5, 3, 4, name="w")
    facts = work(x, w, topi.nn.conv1d_ncw(x, w, strides=2, padding=0, dilation=1))
    window = facts.kernel_height, facts.kernel_width, facts.stride_height, facts.stride_width
    assert (facts.op_class, extents(facts), window) == ("convolution", (1, 7, 5, 12), (1, 4, 1, 2))


def test_grouped_convolution():
    x, w = tensor(1, 6, 8, 8), tensor(4, 3, 3, 3, name="w")
    facts = work(x, w, topi.nn.group_conv2d_nchw(x, w, stride=1, padding=1, dilation=1, groups=2))
    assert (facts.op_class, extents(facts)) == ("convolution", (2, 64, 2, 27))


@pytest.mark.parametrize("multiplier", [1, 2])
def test_depthwise_convolution(multiplier):
    x, w = tensor(1, 4, 8, 8), tensor(4 * multiplier, 1, 3, 3, name="w")
    facts = work(x, w, topi.nn.group_conv2d_nchw(x, w, stride=1, padding=1, dilation=1, groups=4))
    assert (facts.op_class, extents(facts)) == ("depthwise", (4, 64, multiplier, 9))
    assert facts.matrix_flops == 2 * 4 * multiplier * 64 * 9


def test_max_pooling():
    x = tensor(1, 4, 8, 8)
    facts = work(x, topi.nn.pool2d(x, (3, 2), (2, 1), (1, 1), (0, 0, 0, 0), "max"))
    # Of 3 x 7 results a channel each reads 6 pixels.
    assert (facts.op_class, facts.reduced, facts.elementwise) == ("pooling", 4 * 3 * 7 * 6, 0)
    assert (facts.kernel_height, facts.kernel_width, facts.stride_height, facts.stride_width) == (3, 2, 2, 1)


def test_softmax():
    x = tensor(4, 8)
    facts = work(x, topi.nn.softmax(x, axis=1))
    # Maximum and sum of 32 elements; x - max, exp, quotient of each.
    assert (facts.op_class, facts.reduced) == ("reduction", 64)
    assert (facts.elementwise, facts.transcendental, facts.divide) == (32, 32, 32)


def test_a_sum_of_squares_is_a_reduction_with_a_product():
    x = tensor(4, 8)
    facts = work(x, topi.sum(topi.multiply(x, x), axis=1))
    assert (facts.op_class, facts.reduced, facts.elementwise, facts.matrix_flops) == ("reduction", 32, 32, 0)


def test_gather():
    table, ids = tensor(100, 16), tensor(4, dtype="int64", name="ids")
    facts = work(table, ids, topi.take(table, ids, axis=0, mode="fast"))
    assert (facts.op_class, facts.moved, facts.vector_operations) == ("gather", 64, 0)


@pytest.mark.parametrize("axes", [(1, 0, 2), (0, 2, 1), (2, 1, 0)])
def test_transpose(axes):
    x = tensor(4, 8, 3)
    facts = work(x, topi.transpose(x, axes))
    assert (facts.op_class, facts.moved) == ("transpose", 96)


def test_a_transpose_between_reshapes_is_seen_through_them():
    x = tensor(4, 6)
    heads = topi.transpose(topi.reshape(x, (4, 2, 3)), (1, 0, 2))
    assert work(x, topi.reshape(heads, (8, 3))).op_class == "transpose"
    back = topi.reshape(topi.transpose(heads, (1, 0, 2)), (4, 6))
    assert work(x, back).op_class == "copy"


def test_a_transpose_in_an_elementwise_kernel_moves():
    x = tensor(4, 8)
    facts = work(x, topi.exp(topi.transpose(x)))
    assert (facts.op_class, facts.transcendental, facts.moved) == ("elementwise", 32, 32)


def test_copies_keep_the_order():
    x, y = tensor(2, 6, 4), tensor(2, 3, 4, name="y")
    grouped = topi.reshape(topi.broadcast_to(topi.reshape(x, (2, 6, 1, 4)), (2, 6, 3, 4)), (2, 18, 4))
    for tensors in (
        (x, topi.reshape(x, (12, 4))),
        (x, y, topi.concatenate([x, y], axis=1)),
        (x, topi.nn.pad(x, (0, 1, 2), (0, 1, 2))),
        (y, topi.broadcast_to(topi.reshape(y, (2, 1, 3, 4)), (2, 5, 3, 4))),
        (x, topi.strided_slice(x, [0, 1, 1], [2, 5, 3], [1, 2, 1])),
        (x, grouped),
    ):
        facts = work(*tensors)
        result = tensors[-1]
        count = 1
        for extent in result.shape:
            count *= int(extent)
        assert (facts.op_class, facts.moved, facts.vector_operations) == ("copy", count, 0)


def test_powers_and_conversions():
    x = tensor(8)
    assert work(x, topi.power(x, 2.0)).elementwise == 8
    assert work(x, topi.power(x, 2.5)).transcendental == 8
    assert work(x, topi.cast(x, "int32")).convert == 8


def test_a_kernel_that_hands_out_addresses_is_other():
    x = tensor(8)
    y = te.extern([(8,)], [x], lambda ins, outs: tirx.call_packed("some.routine", ins[0], outs[0]), dtype="float32")
    assert work(x, y).op_class == "other"


@pytest.mark.parametrize("name", models.names())
def test_every_kernel_of_the_zoo_agrees_with_its_footprint(name):
    module, inputs = models.build(name, "tiny")
    imported = import_exported(export_model(module, inputs, name=name), name=name)
    lowered = read_function(lower(imported, host_target(1)), "main")
    program = program_of(lowered, load_accelerator("unit"), name=name, source="test")
    sizes = {buffer.id: buffer.size_bytes for buffer in program.buffers}
    for step, instruction in zip(lowered.steps, program.instructions, strict=True):
        facts = KernelFacts.from_instruction(instruction, sizes)
        assert facts is not None
        assert step.footprint is not None
        check_facts(facts, step.callee)
        assert facts.matrix_flops == step.footprint.matrix_flops
        assert facts.dtype == step.footprint.dtype
        assert [t.bytes_accessed for t in facts.operands] == [o.bytes_accessed for o in instruction.operands]
        assert [t.bytes_accessed for t in facts.results] == [r.bytes_accessed for r in instruction.results]
        # TVM's estimate counts neither function calls (a small power is one) nor conversions, choices and comparisons.
        cheap = facts.elementwise + facts.divide + facts.reduced
        estimate = step.footprint.vector_flops
        assert 0.95 * estimate - 2 <= cheap <= 1.05 * estimate + 4 * largest_tensor(facts), step.callee
    assert len(program.model_dump_json(indent=1)) < 3300 * len(program.instructions)


def largest_tensor(facts: KernelFacts) -> int:
    """Elements of it."""
    return max(math.prod(tensor.shape) for tensor in facts.operands + facts.results)


def check_facts(facts: KernelFacts, where: str) -> None:
    """What holds for any kernel; ``where`` names it in failures."""
    tensors = facts.operands + facts.results
    assert facts.results, where
    assert all(tensor.dtype in ("f32", "int32", "int64", "bool") for tensor in tensors), where
    flops = 2.0 * facts.batch * facts.m * facts.n * facts.k
    contracts = facts.op_class in ("matmul", "convolution", "depthwise")
    assert (flops == facts.matrix_flops) if contracts else facts.matrix_flops == 0, where
    if facts.op_class in ("copy", "transpose", "gather"):
        assert facts.moved > 0 or not facts.operands, where
    if facts.op_class in ("copy", "transpose"):
        assert facts.vector_operations == 0, where
