from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memstow.cost_model.kernel import KernelFacts
from memstow.cost_model.mlir import read_mlir

from .mlir_text import DATA, accessed, function, kernels_of, one_operation


def contraction(facts: KernelFacts) -> tuple[int, int, int, int]:
    return facts.batch, facts.m, facts.n, facts.k


def dense(*shape: int, dtype: str = "f32") -> str:
    return f"tensor<{''.join(f'{extent}x' for extent in shape)}{dtype}>"


def test_a_network_in_both_forms_has_the_flops_counted_by_hand() -> None:
    # Convolution 3x3, 3 -> 16, stride 2, to 2x16x16; depthwise 3x3 on 16; dilated 3x3, 16 -> 32, to 2x8x8;
    # dense 32 -> 10.
    expected = [2 * 512 * 16 * 27, 2 * 16 * 512 * 9, 2 * 128 * 32 * 144, 2 * 2 * 32 * 10]
    for name in ("cnn.mlir", "cnn_generic.mlir"):
        contractions = [k.facts for k in read_mlir(DATA / name) if k.facts.matrix_flops]
        assert [facts.matrix_flops for facts in contractions] == expected
        assert [facts.op_class for facts in contractions] == ["convolution", "depthwise", "convolution", "matmul"]
        assert contraction(contractions[1]) == (16, 512, 1, 9)
        assert (contractions[0].stride_height, contractions[0].stride_width) == (2, 2)


def test_both_forms_give_the_same_kernels() -> None:
    pretty, generic = read_mlir(DATA / "cnn.mlir"), read_mlir(DATA / "cnn_generic.mlir")
    assert [(k.name, k.opcode, k.facts) for k in pretty] == [(k.name, k.opcode, k.facts) for k in generic]


def test_pooling_counts_its_window(tmp_path: Path) -> None:
    del tmp_path
    pooling = next(k.facts for k in read_mlir(DATA / "cnn.mlir") if k.facts.op_class == "pooling")
    assert pooling.reduced == 2 * 8 * 8 * 16 * 9
    assert (pooling.kernel_height, pooling.kernel_width, pooling.stride_height, pooling.stride_width) == (3, 3, 2, 2)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_dot_general_counts_as_numpy_multiplies(tmp_path: Path, data: st.DataObject) -> None:
    """The sum of a contraction of ones is its number of multiply-adds."""
    names = data.draw(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=6, unique=True))
    extents = {name: data.draw(st.integers(1, 5)) for name in names}
    role = {name: data.draw(st.sampled_from(["batch", "reduced", "left", "right"])) for name in names}
    left = data.draw(st.permutations([n for n in names if role[n] != "right"]))
    right = data.draw(st.permutations([n for n in names if role[n] != "left"]))
    batch = data.draw(st.permutations([n for n in names if role[n] == "batch"]))
    reduced = data.draw(st.permutations([n for n in names if role[n] == "reduced"]))
    out = [*batch, *(n for n in left if role[n] == "left"), *(n for n in right if role[n] == "right")]
    types = [dense(*(extents[n] for n in side)) for side in (left, right, out)]
    pairs = [[[side.index(n) for n in chosen] for side in (left, right)] for chosen in (batch, reduced)]
    pretty = (
        f"stablehlo.dot_general %arg0, %arg1, batching_dims = {pairs[0][0]} x {pairs[0][1]}, "
        f"contracting_dims = {pairs[1][0]} x {pairs[1][1]} : ({types[0]}, {types[1]}) -> {types[2]}"
    )
    generic = (
        f'"stablehlo.dot_general"(%arg0, %arg1) <{{dot_dimension_numbers = #stablehlo.dot<'
        f"lhs_batching_dimensions = {pairs[0][0]}, rhs_batching_dimensions = {pairs[0][1]}, "
        f"lhs_contracting_dimensions = {pairs[1][0]}, rhs_contracting_dimensions = {pairs[1][1]}>}}> "
        f": ({types[0]}, {types[1]}) -> {types[2]}"
    )
    ones = [np.ones([extents[n] for n in side]) for side in (left, right)]
    product = np.einsum(f"{''.join(left)},{''.join(right)}->{''.join(out)}", *ones)
    for text in (pretty, generic):
        (kernel,) = one_operation(tmp_path, types[:2], text, types[2])
        assert kernel.facts.matrix_flops == 2 * product.sum()
        assert kernel.facts.batch * kernel.facts.m * kernel.facts.n == product.size
        assert kernel.facts.k == product.flat[0]
        assert accessed(kernel) == ([4 * one.size for one in ones], [4 * product.size])


def test_a_grouped_convolution_of_another_layout(tmp_path: Path) -> None:
    # 4 groups of 8 -> 16 channels, kernel 3x5 on 10x12 without padding, stride 1x2: 8x4 pixels.
    text = (
        "stablehlo.convolution(%arg0, %arg1) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1], "
        "window = {stride = [1, 2], pad = [[0, 0], [0, 0]]} "
        "{batch_group_count = 1 : i64, feature_group_count = 4 : i64} "
        ": (tensor<2x32x10x12xbf16>, tensor<64x8x3x5xbf16>) -> tensor<2x64x8x4xbf16>"
    )
    (kernel,) = one_operation(
        tmp_path, ["tensor<2x32x10x12xbf16>", "tensor<64x8x3x5xbf16>"], text, "tensor<2x64x8x4xbf16>"
    )
    facts = kernel.facts
    assert contraction(facts) == (4, 2 * 32, 16, 8 * 15)
    assert (facts.op_class, facts.dtype, facts.kernel_height, facts.kernel_width) == ("convolution", "bf16", 3, 5)
    assert (facts.stride_height, facts.stride_width) == (1, 2)


def test_raw_dimension_numbers(tmp_path: Path) -> None:
    text = """"stablehlo.convolution"(%arg0, %arg1) {
      batch_group_count = 1 : i64,
      dimension_numbers = #stablehlo.conv<raw
        input_batch_dimension = 0, input_feature_dimension = 3, input_spatial_dimensions = [1, 2],
        kernel_input_feature_dimension = 3, kernel_output_feature_dimension = 2, kernel_spatial_dimensions = [0, 1],
        output_batch_dimension = 0, output_feature_dimension = 3, output_spatial_dimensions = [1, 2]>,
      feature_group_count = 1 : i64, padding = dense<2> : tensor<2x2xi64>, window_strides = dense<1> : tensor<2xi64>
    } : (tensor<10x26x26x32xi8>, tensor<3x3x7x32xi8>) -> tensor<10x28x28x7xi32>"""
    arguments = ["tensor<10x26x26x32xi8>", "tensor<3x3x7x32xi8>"]
    (kernel,) = one_operation(tmp_path, arguments, text, "tensor<10x28x28x7xi32>")
    assert contraction(kernel.facts) == (1, 10 * 28 * 28, 7, 32 * 9)
    assert (kernel.facts.stride_height, kernel.facts.dtype) == (1, "int8")


def test_a_pointwise_convolution_with_a_stride_reads_a_part_of_its_input(tmp_path: Path) -> None:
    text = (
        "stablehlo.convolution(%arg0, %arg1) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], "
        "window = {stride = [2, 2]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} "
        ": (tensor<1x8x8x4xf32>, tensor<1x1x4x6xf32>) -> tensor<1x4x4x6xf32>"
    )
    (kernel,) = one_operation(tmp_path, ["tensor<1x8x8x4xf32>", "tensor<1x1x4x6xf32>"], text, "tensor<1x4x4x6xf32>")
    assert accessed(kernel) == ([4 * 4 * 4 * 4, 4 * 4 * 6], [4 * 4 * 4 * 6])


@pytest.mark.parametrize(
    ("operation", "field", "amount"),
    [
        ("stablehlo.negate %arg0 : tensor<4x6xf32>", "elementwise", 24),
        ("stablehlo.tanh %arg0 : tensor<4x6xf32>", "transcendental", 24),
        ("stablehlo.divide %arg0, %arg0 : tensor<4x6xf32>", "divide", 24),
        ("stablehlo.clamp %arg0, %arg0, %arg0 : tensor<4x6xf32>", "elementwise", 48),
        ("chlo.erf %arg0 : tensor<4x6xf32> -> tensor<4x6xf32>", "transcendental", 24),
        ('"mhlo.add"(%arg0, %arg0) : (tensor<4x6xf32>, tensor<4x6xf32>) -> tensor<4x6xf32>', "elementwise", 24),
        ("stablehlo.reverse %arg0, dims = [0] : tensor<4x6xf32>", "moved", 24),
    ],
)
def test_operations_of_one_type(tmp_path: Path, operation: str, field: str, amount: float) -> None:
    (kernel,) = one_operation(tmp_path, ["tensor<4x6xf32>"], operation, "tensor<4x6xf32>")
    assert getattr(kernel.facts, field) == amount
    assert kernel.facts.vector_operations == (amount if field != "moved" else 0)
    assert accessed(kernel) == ([96], [96])


@pytest.mark.parametrize(
    ("operation", "result", "op_class", "dtype", "reads", "writes"),
    [
        ("convert %arg0 : (tensor<4x6xf32>) -> tensor<4x6xbf16>", "4x6xbf16", "elementwise", "bf16", 96, 48),
        ("compare LT, %arg0, %arg0 : (tensor<4x6xf32>, tensor<4x6xf32>) -> tensor<4x6xi1>", "4x6xi1", "elementwise",
         "f32", 96, 24),
        ("transpose %arg0, dims = [1, 0] : (tensor<4x6xf32>) -> tensor<6x4xf32>", "6x4xf32", "transpose", "f32",
         96, 96),
        ("slice %arg0 [1:3, 0:6:2] : (tensor<4x6xf32>) -> tensor<2x3xf32>", "2x3xf32", "copy", "f32", 24, 24),
        ("broadcast_in_dim %arg0, dims = [1, 2] : (tensor<4x6xf32>) -> tensor<5x4x6xf32>", "5x4x6xf32", "copy", "f32",
         96, 480),
    ],
)  # fmt: skip
def test_operations_of_two_types(
    tmp_path: Path, operation: str, result: str, op_class: str, dtype: str, reads: int, writes: int
) -> None:
    (kernel,) = one_operation(tmp_path, ["tensor<4x6xf32>"], f"stablehlo.{operation}", f"tensor<{result}>")
    assert (kernel.facts.op_class, kernel.facts.dtype) == (op_class, dtype)
    assert accessed(kernel) == ([reads], [writes])


@pytest.mark.parametrize(
    "operation",
    [
        "reshape %arg0 : (tensor<1x6xf32>) -> tensor<6x1xf32>",
        "transpose %arg0, dims = [1, 0] : (tensor<1x6xf32>) -> tensor<6x1xf32>",
        "broadcast_in_dim %arg0, dims = [1, 0] : (tensor<1x6xf32>) -> tensor<6x1xf32>",
        "bitcast_convert %arg0 : (tensor<1x6xf32>) -> tensor<1x6xi32>",
    ],
)
def test_views_are_free(tmp_path: Path, operation: str) -> None:
    result = operation.rpartition("-> ")[2]
    body = f"    %0 = stablehlo.{operation}\n    %1 = stablehlo.abs %0 : {result}\n    return %1 : {result}"
    (kernel,) = kernels_of(tmp_path, function("%arg0: tensor<1x6xf32>", body, result))
    assert (kernel.opcode, kernel.operands[0].kind) == ("stablehlo.abs", "input")


def test_a_reduction_in_short_and_long_form(tmp_path: Path) -> None:
    short = "stablehlo.reduce(%arg0 init: %arg1) applies stablehlo.add across dimensions = [1] : "
    long = """"stablehlo.reduce"(%arg0, %arg1) <{dimensions = array<i64: 1>}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %s = stablehlo.add %a, %b : tensor<f32>
      stablehlo.return %s : tensor<f32>
    }) : """
    types = ["tensor<4x6xf32>", "tensor<f32>"]
    for text in (short, long):
        (kernel,) = one_operation(tmp_path, types, f"{text}({', '.join(types)}) -> tensor<4xf32>", "tensor<4xf32>")
        assert (kernel.facts.op_class, kernel.facts.reduced) == ("reduction", 24)
        assert accessed(kernel) == ([96, 4], [16])


def test_a_reduction_of_two_operands_with_a_reducer(tmp_path: Path) -> None:
    body = """
    %0:2 = stablehlo.reduce(%arg0 init: %arg2), (%arg1 init: %arg3) across dimensions = [0]
      : (tensor<8xf32>, tensor<8xi32>, tensor<f32>, tensor<i32>) -> (tensor<f32>, tensor<i32>)
     reducer(%a: tensor<f32>, %b: tensor<f32>) (%c: tensor<i32>, %d: tensor<i32>)  {
      %1 = stablehlo.compare GT, %a, %b, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %2 = stablehlo.select %1, %a, %b : tensor<i1>, tensor<f32>
      %3 = stablehlo.select %1, %c, %d : tensor<i1>, tensor<i32>
      stablehlo.return %2, %3 : tensor<f32>, tensor<i32>
    }
    return %0#1 : tensor<i32>"""
    arguments = "%arg0: tensor<8xf32>, %arg1: tensor<8xi32>, %arg2: tensor<f32>, %arg3: tensor<i32>"
    (kernel,) = kernels_of(tmp_path, function(arguments, body, "tensor<i32>"))
    assert kernel.facts.reduced == 16
    assert [buffer.kind for buffer in kernel.results] == ["intermediate", "output"]


def test_gather_reads_the_rows_that_it_takes(tmp_path: Path) -> None:
    text = (
        '"stablehlo.gather"(%arg0, %arg1) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], '
        "collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 64>}> "
        ": (tensor<1000x64xf32>, tensor<5x1xi32>) -> tensor<5x64xf32>"
    )
    (kernel,) = one_operation(tmp_path, ["tensor<1000x64xf32>", "tensor<5x1xi32>"], text, "tensor<5x64xf32>")
    assert (kernel.facts.op_class, kernel.facts.moved) == ("gather", 320)
    assert accessed(kernel) == ([4 * 320, 20], [4 * 320])


def test_a_donated_cache_is_updated_in_place() -> None:
    update = next(k for k in read_mlir(DATA / "cache_update.mlir") if k.opcode == "stablehlo.dynamic_update_slice")
    # One row of 64 bf16 and the row's number; the two zeros are in the instruction.
    assert accessed(update) == ([0, 128, 4], [128])
    assert update.operands[0].alias_group == update.results[0].alias_group is not None
    assert (update.operands[0].kind, update.results[0].kind) == ("input", "output")


def test_an_argument_that_is_not_donated_is_copied(tmp_path: Path) -> None:
    text = (DATA / "cache_update.mlir").read_text().replace("{tf.aliasing_output = 0 : i32}", "")
    update = next(k for k in kernels_of(tmp_path, text) if k.opcode == "stablehlo.dynamic_update_slice")
    whole = 128 * 64 * 2
    assert accessed(update) == ([whole - 128, 128, 4], [whole])
    assert update.results[0].alias_group is None


def test_a_tensor_that_is_needed_later_is_not_updated_in_place(tmp_path: Path) -> None:
    body = """
    %0 = stablehlo.abs %arg0 : tensor<8xf32>
    %1 = stablehlo.dynamic_update_slice %0, %arg1, %arg2 : (tensor<8xf32>, tensor<2xf32>, tensor<i32>) -> tensor<8xf32>
    %2 = stablehlo.add %1, {other} : tensor<8xf32>
    return %2 : tensor<8xf32>"""
    arguments = "%arg0: tensor<8xf32>, %arg1: tensor<2xf32>, %arg2: tensor<i32>"
    later = kernels_of(tmp_path, function(arguments, body.format(other="%0"), "tensor<8xf32>"))
    assert accessed(later[1]) == ([24, 8, 4], [32])
    never = kernels_of(tmp_path, function(arguments, body.format(other="%1"), "tensor<8xf32>"))
    assert accessed(never[1]) == ([0, 8, 4], [8])


def test_repeated_numbers_stay_in_the_instruction(tmp_path: Path) -> None:
    body = """
    %c = stablehlo.constant dense<2.0> : tensor<f32>
    %0 = stablehlo.broadcast_in_dim %c, dims = [] : (tensor<f32>) -> tensor<4x6xf32>
    %1 = stablehlo.exponential %0 : tensor<4x6xf32>
    %2 = stablehlo.multiply %arg0, %1 : tensor<4x6xf32>
    return %2 : tensor<4x6xf32>"""
    (kernel,) = kernels_of(tmp_path, function("%arg0: tensor<4x6xf32>", body, "tensor<4x6xf32>"))
    assert accessed(kernel) == ([96], [96])


def test_constants_with_content_are_operands(tmp_path: Path) -> None:
    body = """
    %c = stablehlo.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
    %w = stablehlo.constant dense<1.0> : tensor<2x3xf32>
    %0 = stablehlo.dot %c, %w : (tensor<2x2xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
    return %0 : tensor<2x3xf32>"""
    (kernel,) = kernels_of(tmp_path, function("", body, "tensor<2x3xf32>"))
    assert [buffer.kind for buffer in kernel.operands] == ["constant", "constant"]
    assert contraction(kernel.facts) == (1, 2, 3, 2)


def test_a_zero_that_is_returned_is_written(tmp_path: Path) -> None:
    body = "    %c = stablehlo.constant dense<0.0> : tensor<8xf32>\n    return %c : tensor<8xf32>"
    (kernel,) = kernels_of(tmp_path, function("", body, "tensor<8xf32>"))
    assert accessed(kernel) == ([], [32])
    assert kernel.results[0].kind == "output"


def test_calls_are_inlined(tmp_path: Path) -> None:
    text = """
    func.func public @main(%arg0: tensor<4xf32>) -> tensor<4xf32> {
      %0 = call @twice(%arg0) : (tensor<4xf32>) -> tensor<4xf32>
      %1 = func.call @twice(%0) : (tensor<4xf32>) -> tensor<4xf32>
      return %1 : tensor<4xf32>
    }
    func.func private @twice(%arg0: tensor<4xf32>) -> tensor<4xf32> {
      %0 = stablehlo.add %arg0, %arg0 : tensor<4xf32>
      return %0 : tensor<4xf32>
    }"""
    first, second = kernels_of(tmp_path, text)
    assert (first.name, second.name) == ("add#0", "add#1")
    assert second.operands == first.results
    assert first.location.endswith("model.mlir:8")


@pytest.mark.parametrize(
    ("operation", "result", "amount"),
    [
        ('"stablehlo.sort"(%arg0) <{dimension = 1 : i64}> ({\n^bb0(%a: tensor<f32>, %b: tensor<f32>):\n'
         "%1 = stablehlo.compare LT, %a, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>\n"
         "stablehlo.return %1 : tensor<i1>\n}) : (tensor<8x8xf32>) -> tensor<8x8xf32>", "tensor<8x8xf32>", 64 * 3),
        ("stablehlo.cholesky %arg0, lower = true : tensor<8x8xf32>", "tensor<8x8xf32>", 512 / 3),
    ],
)  # fmt: skip
def test_other_operations_are_bounded_by_their_types(
    tmp_path: Path, operation: str, result: str, amount: float
) -> None:
    (kernel,) = one_operation(tmp_path, ["tensor<8x8xf32>"], operation, result)
    assert kernel.facts.op_class == "other"
    assert kernel.facts.elementwise == pytest.approx(amount)
