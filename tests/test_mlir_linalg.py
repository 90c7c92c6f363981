from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memstow.cost_model.kernel import KernelFacts
from memstow.cost_model.mlir import MlirKernel, read_mlir

from .mlir_text import DATA, accessed, function, kernels_of


def named(folder: Path, operation: str, inputs: list[str], out: str) -> tuple[MlirKernel, ...]:
    """Kernels of a named operation that accumulates onto zeros."""
    arguments = ", ".join(f"%arg{i}: {text}" for i, text in enumerate(inputs))
    names = ", ".join(f"%arg{i}" for i in range(len(inputs)))
    body = f"""
    %zero = arith.constant 0.0 : f32
    %empty = tensor.empty() : {out}
    %init = linalg.fill ins(%zero : f32) outs(%empty : {out}) -> {out}
    %r = linalg.{operation} ins({names} : {", ".join(inputs)}) outs(%init : {out}) -> {out}
    return %r : {out}"""
    return kernels_of(folder, function(arguments, body, out))


def contraction(facts: KernelFacts) -> tuple[int, int, int, int]:
    return facts.batch, facts.m, facts.n, facts.k


def test_the_same_network_has_the_same_contractions_as_in_stablehlo() -> None:
    """IREE's lowering of the StableHLO text, which pads, transposes and broadcasts in its own way."""
    found, expected = (
        [k.facts for k in read_mlir(DATA / name) if k.facts.matrix_flops or k.facts.op_class == "pooling"]
        for name in ("cnn_linalg.mlir", "cnn.mlir")
    )
    dropped = {"operands", "results"}
    assert [f.model_dump(exclude=dropped) for f in found] == [f.model_dump(exclude=dropped) for f in expected]


@pytest.mark.parametrize(
    ("operation", "inputs", "out", "expected"),
    [
        ("matmul", ["3x5xf32", "5x7xf32"], "3x7xf32", (1, 3, 7, 5)),
        ("matmul_transpose_b", ["3x5xf32", "7x5xf32"], "3x7xf32", (1, 3, 7, 5)),
        ("batch_matmul", ["2x3x5xf32", "2x5x7xf32"], "2x3x7xf32", (2, 3, 7, 5)),
        ("batch_reduce_matmul", ["2x3x5xf32", "2x5x7xf32"], "3x7xf32", (1, 3, 7, 10)),
        ("matvec", ["3x5xf32", "5xf32"], "3xf32", (1, 3, 1, 5)),
        ("vecmat", ["5xf32", "5x7xf32"], "7xf32", (1, 1, 7, 5)),
        ("dot", ["5xf32", "5xf32"], "f32", (1, 1, 1, 5)),
        ("mmt4d", ["2x3x8x4xf32", "5x3x16x4xf32"], "2x5x8x16xf32", (1, 16, 80, 12)),
        ("conv_2d_nhwc_hwcf", ["1x6x7x3xf32", "2x3x3x8xf32"], "1x5x5x8xf32", (1, 25, 8, 18)),
        ("conv_2d_nchw_fchw", ["2x3x6x7xf32", "8x3x2x3xf32"], "2x8x5x5xf32", (1, 50, 8, 18)),
        ("conv_2d_ngchw_fgchw", ["1x4x3x6x7xf32", "8x4x3x2x3xf32"], "1x4x8x5x5xf32", (4, 25, 8, 18)),
        ("conv_2d", ["6x7xf32", "2x3xf32"], "5x5xf32", (1, 25, 1, 6)),
        ("conv_1d_nwc_wcf", ["2x9x3xf32", "4x3x8xf32"], "2x6x8xf32", (1, 12, 8, 12)),
        ("conv_3d_ndhwc_dhwcf", ["1x4x4x4x2xf32", "3x3x3x2x6xf32"], "1x2x2x2x6xf32", (1, 8, 6, 54)),
        ("depthwise_conv_2d_nhwc_hwc", ["1x6x7x16xf32", "2x3x16xf32"], "1x5x5x16xf32", (16, 25, 1, 6)),
        ("depthwise_conv_2d_nhwc_hwcm", ["1x6x7x16xf32", "2x3x16x2xf32"], "1x5x5x16x2xf32", (16, 25, 2, 6)),
        ("depthwise_conv_2d_nchw_chw", ["1x16x6x7xf32", "16x2x3xf32"], "1x16x5x5xf32", (16, 25, 1, 6)),
    ],
)
def test_named_contractions(
    tmp_path: Path, operation: str, inputs: list[str], out: str, expected: tuple[int, int, int, int]
) -> None:
    (kernel,) = named(tmp_path, operation, [f"tensor<{text}>" for text in inputs], f"tensor<{out}>")
    assert contraction(kernel.facts) == expected
    assert kernel.facts.matrix_flops == 2 * np.prod(expected)
    classes = {"conv": "convolution", "depthwise": "depthwise"}
    assert kernel.facts.op_class == classes.get(operation.partition("_")[0], "matmul")
    assert len(kernel.operands) == 2  # the zeros are where the accumulation begins, not data


def test_a_matmul_with_maps_of_its_own(tmp_path: Path) -> None:
    maps = ", ".join(f"affine_map<(m, n, k) -> ({dims})>" for dims in ("m, k", "n, k", "m, n"))
    operation = f"matmul indexing_maps = [{maps}]"
    (kernel,) = named(tmp_path, operation, ["tensor<3x5xf32>", "tensor<7x5xf32>"], "tensor<3x7xf32>")
    assert contraction(kernel.facts) == (1, 3, 7, 5)


def test_strides_and_dilations(tmp_path: Path) -> None:
    operation = "conv_2d_nhwc_hwcf {dilations = dense<2> : tensor<2xi64>, strides = dense<[1, 3]> : tensor<2xi64>}"
    inputs = ["tensor<1x9x13x3xf32>", "tensor<3x2x3x8xf32>"]
    (kernel,) = named(tmp_path, operation, inputs, "tensor<1x5x4x8xf32>")
    assert contraction(kernel.facts) == (1, 20, 8, 18)
    facts = kernel.facts
    assert (facts.kernel_height, facts.kernel_width, facts.stride_height, facts.stride_width) == (3, 2, 1, 3)


def test_pooling_reads_no_window(tmp_path: Path) -> None:
    operation = "pooling_nhwc_max {dilations = dense<1> : vector<2xi64>, strides = dense<2> : vector<2xi64>}"
    inputs = ["tensor<1x8x8x16xf32>", "tensor<2x3xf32>"]
    (kernel,) = named(tmp_path, operation, inputs, "tensor<1x4x3x16xf32>")
    assert (kernel.facts.op_class, kernel.facts.reduced) == ("pooling", 4 * 3 * 16 * 6)
    assert (kernel.facts.kernel_height, kernel.facts.kernel_width, kernel.facts.stride_width) == (2, 3, 2)
    assert len(kernel.operands) == 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_generic_contraction_counts_as_numpy_multiplies(tmp_path: Path, data: st.DataObject) -> None:
    loops = data.draw(st.integers(1, 5))
    extents = [data.draw(st.integers(1, 4)) for _ in range(loops)]
    kinds = [data.draw(st.sampled_from(["batch", "left", "right", "reduced"])) for _ in range(loops - 1)] + ["reduced"]
    sides = [
        data.draw(st.permutations([i for i in range(loops) if kinds[i] in chosen]))
        for chosen in (("batch", "left", "reduced"), ("batch", "right", "reduced"), ("batch", "left", "right"))
    ]
    dims = ", ".join(f"d{i}" for i in range(loops))
    maps = ", ".join(f"affine_map<({dims}) -> ({', '.join(f'd{i}' for i in side)})>" for side in sides)
    iterators = ", ".join(f'"{"reduction" if kind == "reduced" else "parallel"}"' for kind in kinds)
    left, right, out = (f"tensor<{''.join(f'{extents[i]}x' for i in side)}f32>" for side in sides)
    body = f"""
    %zero = arith.constant 0.0 : f32
    %empty = tensor.empty() : {out}
    %init = linalg.fill ins(%zero : f32) outs(%empty : {out}) -> {out}
    %r = linalg.generic {{indexing_maps = [{maps}], iterator_types = [{iterators}]}}
      ins(%a, %b : {left}, {right}) outs(%init : {out}) {{
    ^bb0(%x: f32, %y: f32, %z: f32):
      %p = arith.mulf %x, %y : f32
      %s = arith.addf %z, %p : f32
      linalg.yield %s : f32
    }} -> {out}
    return %r : {out}"""
    (kernel,) = kernels_of(tmp_path, function(f"%a: {left}, %b: {right}", body, out))
    letters = ["".join("abcdef"[i] for i in side) for side in sides]
    ones = [np.ones([extents[i] for i in side]) for side in sides[:2]]
    product = np.einsum(f"{letters[0]},{letters[1]}->{letters[2]}", *ones)
    assert kernel.facts.matrix_flops == 2 * product.sum()
    assert kernel.facts.k == product.flat[0]
    assert kernel.facts.batch * kernel.facts.m * kernel.facts.n == product.size
    assert accessed(kernel) == ([4 * one.size for one in ones], [4 * product.size])


def generic(folder: Path, maps: list[str], iterators: str, body: str, out: str = "tensor<4x6xf32>") -> MlirKernel:
    """The kernel of a generic operation on %a: tensor<4x6xf32> with two loops."""
    kinds = ", ".join(f'"{ {"p": "parallel", "r": "reduction"}[letter] }"' for letter in iterators)
    text = f"""
    %e = tensor.empty() : {out}
    %two = arith.constant 2.0 : f32
    %r = linalg.generic {{indexing_maps = [{", ".join(f"affine_map<(i, j) -> ({m})>" for m in maps)}],
                         iterator_types = [{kinds}]}} ins(%a : tensor<4x6xf32>) outs(%e : {out}) {{
    ^bb0(%x: f32, %y: f32):
      {body}
    }} -> {out}
    return %r : {out}"""
    (kernel,) = kernels_of(folder, function("%a: tensor<4x6xf32>", text, out))
    return kernel


def test_elementwise_generic(tmp_path: Path) -> None:
    body = (
        "%0 = math.exp %x : f32\n%1 = arith.divf %0, %two : f32\n%2 = arith.mulf %1, %two : f32\nlinalg.yield %2 : f32"
    )
    facts = generic(tmp_path, ["i, j", "i, j"], "pp", body).facts
    assert (facts.op_class, facts.transcendental, facts.divide, facts.elementwise) == ("elementwise", 24, 24, 24)


def test_what_a_body_does_not_yield_costs_nothing(tmp_path: Path) -> None:
    body = "%0 = math.exp %x : f32\n%1 = arith.addf %x, %two : f32\nlinalg.yield %1 : f32"
    facts = generic(tmp_path, ["i, j", "i, j"], "pp", body).facts
    assert (facts.transcendental, facts.elementwise) == (0, 24)


def test_transposing_generic(tmp_path: Path) -> None:
    kernel = generic(tmp_path, ["j, i", "i, j"], "pp", "linalg.yield %x : f32", "tensor<6x4xf32>")
    assert (kernel.facts.op_class, kernel.facts.moved) == ("transpose", 24)


def test_reducing_generic_counts_the_work_beside_the_sum(tmp_path: Path) -> None:
    body = "%0 = math.exp %x : f32\n%1 = arith.addf %y, %0 : f32\nlinalg.yield %1 : f32"
    kernel = generic(tmp_path, ["i, j", "i"], "pr", body, "tensor<4xf32>")
    facts = kernel.facts
    assert (facts.op_class, facts.reduced, facts.transcendental, facts.elementwise) == ("reduction", 24, 24, 0)
    assert accessed(kernel) == ([96], [16])


def test_a_generic_that_extracts_elements_is_a_gather(tmp_path: Path) -> None:
    text = """
    %bound = arith.constant 1000 : index
    %e = tensor.empty() : tensor<1x5x64xf32>
    %r = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (0, b)>, affine_map<(a, b, c) -> (a, b, c)>],
                         iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%ids : tensor<1x5xi64>) outs(%e : tensor<1x5x64xf32>) {
    ^bb0(%in: i64, %out: f32):
      %0 = arith.index_cast %in : i64 to index
      %1 = linalg.index 2 : index
      %2 = arith.cmpi slt, %0, %bound : index
      cf.assert %2, "index must be smaller than dim size"
      %3 = tensor.extract %table[%0, %1] : tensor<1000x64xf32>
      linalg.yield %3 : f32
    } -> tensor<1x5x64xf32>
    return %r : tensor<1x5x64xf32>"""
    arguments = "%ids: tensor<1x5xi64>, %table: tensor<1000x64xf32>"
    (kernel,) = kernels_of(tmp_path, function(arguments, text, "tensor<1x5x64xf32>"))
    assert (kernel.facts.op_class, kernel.facts.moved, kernel.facts.vector_operations) == ("gather", 320, 0)
    assert accessed(kernel) == ([40, 4 * 320], [4 * 320])


def test_an_accumulator_with_content_is_an_operand_in_whose_place_the_result_goes(tmp_path: Path) -> None:
    text = """
    %0 = math.exp %c : tensor<3x7xf32>
    %1 = linalg.matmul ins(%a, %b : tensor<3x5xf32>, tensor<5x7xf32>) outs(%0 : tensor<3x7xf32>) -> tensor<3x7xf32>
    return %1 : tensor<3x7xf32>"""
    arguments = "%a: tensor<3x5xf32>, %b: tensor<5x7xf32>, %c: tensor<3x7xf32>"
    _, kernel = kernels_of(tmp_path, function(arguments, text, "tensor<3x7xf32>"))
    assert accessed(kernel) == ([60, 140, 84], [84])
    assert kernel.operands[2].alias_group == kernel.results[0].alias_group is not None


@pytest.mark.parametrize(
    ("operation", "op_class", "field", "amount"),
    [
        ("linalg.map { arith.addf } ins(%a, %b : T, T) outs(%e : T)", "elementwise", "elementwise", 24),
        ("linalg.map ins(%a : T) outs(%e : T)\n (%x: f32, %o: f32) {\n"
         "%0 = math.tanh %x : f32\n linalg.yield %0 : f32\n}",
         "elementwise", "transcendental", 24),
        ("linalg.exp ins(%a : T) outs(%e : T) -> T", "elementwise", "transcendental", 24),
        ("linalg.div ins(%a, %b : T, T) outs(%e : T) -> T", "elementwise", "divide", 24),
        ("linalg.elementwise <exp> ins(%a : T) outs(%e : T) -> T", "elementwise", "transcendental", 24),
        ("linalg.elementwise kind=#linalg.elementwise_kind<add> ins(%a, %b : T, T) outs(%e : T) -> T", "elementwise",
         "elementwise", 24),
        ("linalg.copy ins(%a : T) outs(%e : T) -> T", "copy", "moved", 24),
        ("arith.maximumf %a, %b : T", "elementwise", "elementwise", 24),
        ("linalg.softmax dimension(1) ins(%a : T) outs(%e : T) -> T", "reduction", "reduced", 48),
    ],
)  # fmt: skip
def test_elementwise_forms(tmp_path: Path, operation: str, op_class: str, field: str, amount: float) -> None:
    text = f"    %e = tensor.empty() : T\n    %r = {operation}\n    return %r : T".replace("T", "tensor<4x6xf32>")
    arguments = "%a: tensor<4x6xf32>, %b: tensor<4x6xf32>"
    (kernel,) = kernels_of(tmp_path, function(arguments, text, "tensor<4x6xf32>"))
    assert kernel.facts.op_class == op_class
    assert getattr(kernel.facts, field) == amount


@pytest.mark.parametrize(
    ("operation", "op_class", "field"),
    [
        ("linalg.reduce { arith.addf } ins(%a : tensor<4x6xf32>) outs(%e : T) dimensions = [1]", "reduction",
         "reduced"),
        ("linalg.reduce ins(%a : tensor<4x6xf32>) outs(%e : T) dimensions = [1] (%i: f32, %o: f32) {\n"
         "%0 = arith.addf %o, %i : f32\nlinalg.yield %0 : f32\n}", "reduction", "reduced"),
    ],
)  # fmt: skip
def test_named_reductions(tmp_path: Path, operation: str, op_class: str, field: str) -> None:
    text = f"    %e = tensor.empty() : T\n    %r = {operation}\n    return %r : T".replace("T", "tensor<4xf32>")
    (kernel,) = kernels_of(tmp_path, function("%a: tensor<4x6xf32>", text, "tensor<4xf32>"))
    assert (kernel.facts.op_class, getattr(kernel.facts, field)) == (op_class, 24)


def test_named_moves(tmp_path: Path) -> None:
    text = """
    %e = tensor.empty() : tensor<6x4xf32>
    %0 = linalg.transpose ins(%a : tensor<4x6xf32>) outs(%e : tensor<6x4xf32>) permutation = [1, 0]
    %f = tensor.empty() : tensor<6x3x4xf32>
    %1 = linalg.broadcast ins(%0 : tensor<6x4xf32>) outs(%f : tensor<6x3x4xf32>) dimensions = [1]
    %2 = tensor.extract_slice %1[0, 0, 0] [6, 2, 4] [1, 1, 1] : tensor<6x3x4xf32> to tensor<6x2x4xf32>
    %3 = tensor.expand_shape %2 [[0], [1, 2], [3]] output_shape [6, 1, 2, 4]
      : tensor<6x2x4xf32> into tensor<6x1x2x4xf32>
    %z = arith.constant 0.0 : f32
    %4 = tensor.pad %3 low[0, 0, 0, 1] high[0, 0, 0, 1] {
    ^bb0(%i: index, %j: index, %k: index, %l: index):
      tensor.yield %z : f32
    } : tensor<6x1x2x4xf32> to tensor<6x1x2x6xf32>
    return %4 : tensor<6x1x2x6xf32>"""
    kernels = kernels_of(tmp_path, function("%a: tensor<4x6xf32>", text, "tensor<6x1x2x6xf32>"))
    assert [k.facts.op_class for k in kernels] == ["transpose", "copy", "copy", "copy"]
    assert [accessed(k) for k in kernels] == [([96], [96]), ([96], [288]), ([192], [192]), ([192], [288])]


def test_insert_slice_updates_in_place(tmp_path: Path) -> None:
    text = """
    %0 = math.exp %b : tensor<4x6xf32>
    %1 = tensor.insert_slice %a into %0[1, 0] [1, 6] [1, 1] : tensor<1x6xf32> into tensor<4x6xf32>
    return %1 : tensor<4x6xf32>"""
    arguments = "%a: tensor<1x6xf32>, %b: tensor<4x6xf32>"
    _, kernel = kernels_of(tmp_path, function(arguments, text, "tensor<4x6xf32>"))
    assert accessed(kernel) == ([0, 24], [24])


def test_a_fill_that_is_data_is_a_kernel(tmp_path: Path) -> None:
    text = """
    %z = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<4x6xf32>
    %0 = linalg.fill ins(%z : f32) outs(%e : tensor<4x6xf32>) -> tensor<4x6xf32>
    %1 = tensor.insert_slice %a into %0[1, 0] [1, 6] [1, 1] : tensor<1x6xf32> into tensor<4x6xf32>
    return %1 : tensor<4x6xf32>"""
    fill, insert = kernels_of(tmp_path, function("%a: tensor<1x6xf32>", text, "tensor<4x6xf32>"))
    assert accessed(fill) == ([], [96])
    assert accessed(insert) == ([0, 24], [24])
