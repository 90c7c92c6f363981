"""Scheduled kernels against numpy, and what the pass promises about the kernels that it cannot schedule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tvm
from numpy.lib.stride_tricks import sliding_window_view
from tvm import relax, s_tir, te, tirx, topi
from tvm.script import tirx as T
from tvm.target import Target
from tvm_ffi import structural_walk

from memstow.errors import InvalidInputError
from memstow.tvm_ext.cpu_schedule import CpuTarget, ScheduleForCPU, host_target, schedule_kernel, schedule_pass
from memstow.tvm_ext.cpu_schedule.analysis import accesses, block_iters, root_blocks, strides
from memstow.tvm_ext.cpu_schedule.gemm import schedule_contraction
from memstow.tvm_ext.cpu_schedule.reduction import vector_width
from memstow.tvm_ext.cpu_schedule.tiling import Tile, choose_row_chunks, choose_tile

TARGET = host_target(cores=2)
CPU = CpuTarget.of(TARGET)
EIGHT_LANES = Target({"kind": "llvm", "mtriple": "x86_64-linux-gnu", "mcpu": "haswell", "num-cores": 2})
TOLERANCE = 1e-5  # of the largest element; float32 sums of at most a few hundred terms


def placeholder(*shape: int, dtype: str = "float32", name: str = "x", index: str = "int64") -> te.Tensor:
    # LegalizeOps makes kernels with 64-bit indices; a Python int would give 32-bit ones.
    return te.placeholder([tirx.IntImm(index, extent) for extent in shape], dtype=dtype, name=name)


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def kernel(*tensors: te.Tensor) -> tirx.PrimFunc:
    return te.create_prim_func(list(tensors))


def schedule(func: tirx.PrimFunc) -> tirx.PrimFunc:
    return ScheduleForCPU(TARGET)(tvm.IRModule({"main": func}))["main"]


def run(func: tirx.PrimFunc, inputs: list[np.ndarray], outputs: list[np.ndarray]) -> list[np.ndarray]:
    module = tvm.compile(tvm.IRModule({"main": func.with_attr("global_symbol", "main")}), TARGET)
    # Results start as NaN or garbage, so that an element that is not written shows.
    results = [np.full_like(x, np.nan if np.issubdtype(x.dtype, np.floating) else 77) for x in outputs]
    arguments = [tvm.runtime.tensor(x) for x in (*inputs, *results)]
    module["main"](*arguments)
    return [x.numpy() for x in arguments[len(inputs) :]]


def loop_kinds(func: tirx.PrimFunc) -> set[int]:
    kinds: set[int] = set()
    structural_walk(func.body, [(tirx.For, lambda loop: kinds.add(int(loop.kind)))])
    return kinds


def is_vectorised(func: tirx.PrimFunc) -> bool:
    return int(tirx.ForKind.VECTORIZED) in loop_kinds(func)


def is_parallel(func: tirx.PrimFunc) -> bool:
    return int(tirx.ForKind.PARALLEL) in loop_kinds(func)


def check(func: tirx.PrimFunc, inputs: list[np.ndarray], *expected: np.ndarray) -> tirx.PrimFunc:
    """Schedule, compile and run ``func``; compare its results; return the scheduled kernel."""
    scheduled = schedule(func)
    for got, want in zip(run(scheduled, inputs, list(expected)), expected, strict=True):
        scale = max(float(np.abs(want).max()), 1e-30)
        assert np.abs(got.astype(np.float64) - want).max() <= TOLERANCE * scale
    return scheduled


def loop_order(func: tirx.PrimFunc) -> list[str]:
    names: list[str] = []
    structural_walk(func.body, [(tirx.For, lambda loop: names.append(loop.loop_var.name))], order="pre")
    return names


def is_contraction(func: tirx.PrimFunc) -> bool:
    return schedule_contraction(func, CPU) is not None


@pytest.mark.parametrize(
    ("rows", "columns", "depth"),
    [(64, 64, 32), (12, 16, 8), (7, 33, 5), (49, 50, 19), (1, 64, 32), (3, 8, 16), (100, 1, 16), (1, 37, 24)],
)
def test_matmul(rows: int, columns: int, depth: int) -> None:
    a, b = placeholder(rows, depth, name="a"), placeholder(depth, columns, name="b")
    x, y = random(rows, depth), random(depth, columns, seed=1)
    check(kernel(a, b, topi.matmul(a, b)), [x, y], x @ y)


@pytest.mark.parametrize(
    ("rows", "columns", "depth"), [(64, 48, 32), (7, 33, 5), (16, 100, 24), (1, 64, 96), (1, 37, 50), (1, 10, 33)]
)
def test_matmul_with_transposed_weight_and_epilogue(rows: int, columns: int, depth: int) -> None:
    a, w, bias = placeholder(rows, depth, name="a"), placeholder(columns, depth, name="w"), placeholder(columns)
    product = topi.matmul(a, w, transp_b=True)
    x, weight, c = random(rows, depth), random(columns, depth, seed=1), random(columns, seed=2)
    func = kernel(a, w, bias, topi.nn.relu(topi.add(product, bias)))
    check(func, [x, weight, c], np.maximum(x @ weight.T + c, 0))


def test_matvec_is_vectorised_along_the_rows_of_the_weight() -> None:
    a, w = placeholder(1, 96, name="a"), placeholder(40, 96, name="w")
    x, weight = random(1, 96), random(40, 96, seed=1)
    func = kernel(a, w, topi.matmul(a, w, transp_b=True))
    assert not is_contraction(func)
    assert is_vectorised(check(func, [x, weight], x @ weight.T))


@pytest.mark.parametrize(("batch", "rows", "columns", "depth"), [(3, 16, 16, 8), (4, 13, 29, 11), (5, 1, 32, 16)])
def test_batched_matmul(batch: int, rows: int, columns: int, depth: int) -> None:
    a, b = placeholder(batch, rows, depth, name="a"), placeholder(batch, depth, columns, name="b")
    x, y = random(batch, rows, depth), random(batch, depth, columns, seed=1)
    scheduled = check(kernel(a, b, topi.nn.batch_matmul(a, b, transpose_b=False)), [x, y], x @ y)
    assert is_vectorised(scheduled)


@pytest.mark.parametrize("index", ["int32", "int64"])
def test_strides_are_found_with_indices_of_either_width(index: str) -> None:
    data = placeholder(4, 6, 8, index=index, name="data")
    func = kernel(data, topi.sum(data, axis=1))
    sch = s_tir.Schedule(func)
    (block,) = root_blocks(sch)
    iters = block_iters(sch, block)
    assert iters is not None
    # Iterators (i, j, k summed over): data[i, k, j] of shape (4, 6, 8) has strides 48, 1, 8; the result 8, 1, 0.
    found = {tuple(strides(buffer, indices, iters) or ()) for buffer, indices in accesses(sch, block)}
    assert found == {(48, 1, 8), (8, 1, 0)}


def test_matvec_of_a_width_without_divisors_runs_along_memory() -> None:
    a, b = placeholder(15, 1, 64, name="a"), placeholder(15, 64, 257, name="b")
    x, y = random(15, 1, 64), random(15, 64, 257, seed=1)
    scheduled = check(kernel(a, b, topi.nn.batch_matmul(a, b, transpose_b=False)), [x, y], x @ y)
    assert loop_order(scheduled)[-2:] == ["k", "j"]


def test_matmul_whose_operand_is_computed_in_the_kernel() -> None:
    a, b = placeholder(24, 20, name="a"), placeholder(20, 32, name="b")
    x, y = random(24, 20), random(20, 32, seed=1)
    func = kernel(a, b, topi.matmul(topi.exp(a), topi.multiply(b, 2.0)))
    check(func, [x, y], np.exp(x) @ (2 * y))


def test_matmul_in_mixed_precision_keeps_the_type_of_the_sum() -> None:
    a, b = placeholder(9, 24, dtype="float16", name="a"), placeholder(24, 32, dtype="float16", name="b")
    x, y = random(9, 24).astype(np.float16), random(24, 32, seed=1).astype(np.float16)
    k = te.reduce_axis((0, 24), name="k")
    product = te.compute(
        (9, 32), lambda i, j: te.sum(a[i, k].astype("float32") * b[k, j].astype("float32"), axis=k), name="product"
    )
    check(kernel(a, b, product), [x, y], x.astype(np.float32) @ y.astype(np.float32))


def test_large_matmul_is_a_parallel_vectorised_contraction() -> None:
    a, b = placeholder(32, 64, name="a"), placeholder(64, 64, name="b")
    func = kernel(a, b, topi.matmul(a, b))
    assert is_contraction(func)
    scheduled = schedule(func)
    assert is_vectorised(scheduled) and is_parallel(scheduled)


def convolve(x: np.ndarray, w: np.ndarray, stride: int, padding: int, dilation: int, groups: int) -> np.ndarray:
    """Reference convolution, NC... and OI..., of one or two spatial axes."""
    axes = tuple(range(2, x.ndim))
    x = np.pad(x, [(0, 0), (0, 0), *[(padding, padding)] * len(axes)])
    kernel_extents = [dilation * (extent - 1) + 1 for extent in w.shape[2:]]
    windows = sliding_window_view(x, kernel_extents, axis=axes)
    step = (slice(None),) * 2 + (slice(None, None, stride),) * len(axes) + (slice(None, None, dilation),) * len(axes)
    windows = windows[step]
    letters, taps = ("hw", "yx") if len(axes) == 2 else ("h", "y")
    parts = []
    for part, weight in zip(np.split(windows, groups, axis=1), np.split(w, groups, axis=0), strict=True):
        parts.append(np.einsum(f"nc{letters}{taps},oc{taps}->no{letters}", part, weight))
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize(
    ("channels", "filters", "size", "taps", "stride", "padding", "dilation", "groups"),
    [
        (8, 16, 8, 1, 1, 0, 1, 1),
        (5, 7, 9, 3, 1, 1, 1, 1),
        (3, 16, 16, 7, 2, 3, 1, 1),
        (6, 8, 10, 3, 2, 1, 2, 1),
        (8, 12, 7, 3, 1, 1, 1, 4),
        (16, 16, 14, 3, 1, 1, 1, 16),
        (9, 9, 11, 3, 2, 1, 1, 9),
        (8, 8, 16, 7, 1, 3, 1, 8),
    ],
)
def test_conv2d(
    channels: int, filters: int, size: int, taps: int, stride: int, padding: int, dilation: int, groups: int
) -> None:
    data = placeholder(1, channels, size, size, name="data")
    weight = placeholder(filters, channels // groups, taps, taps, name="weight")
    if groups == 1:
        result = topi.nn.conv2d_nchw(data, weight, stride, padding, dilation)
    else:
        result = topi.nn.group_conv2d_nchw(data, weight, stride, padding, dilation, groups)
    x, w = random(1, channels, size, size), random(filters, channels // groups, taps, taps, seed=1)
    func = kernel(data, weight, result)
    check(func, [x, w], convolve(x, w, stride, padding, dilation, groups))
    # Rows of six elements are too short for the widest machines' vectors: one of eight lanes, whatever runs this.
    assert is_vectorised(ScheduleForCPU(EIGHT_LANES)(tvm.IRModule({"main": func}))["main"])


def test_conv2d_of_a_batch_with_bias_and_residual() -> None:
    data, weight = placeholder(2, 4, 6, 6, name="data"), placeholder(8, 4, 3, 3, name="weight")
    bias, residual = placeholder(8, 1, 1, name="bias"), placeholder(2, 8, 6, 6, name="residual")
    result = topi.nn.relu(topi.add(topi.add(topi.nn.conv2d_nchw(data, weight, 1, 1, 1), bias), residual))
    x, w, b, r = random(2, 4, 6, 6), random(8, 4, 3, 3, seed=1), random(8, 1, 1, seed=2), random(2, 8, 6, 6, seed=3)
    func = kernel(data, weight, bias, residual, result)
    check(func, [x, w, b, r], np.maximum(convolve(x, w, 1, 1, 1, 1) + b + r, 0))


@pytest.mark.parametrize(("samples", "dilation", "padding"), [(40, 4, 0), (33, 8, 8), (64, 1, 1)])
def test_dilated_conv1d(samples: int, dilation: int, padding: int) -> None:
    data, weight = placeholder(1, 8, samples, name="data"), placeholder(16, 8, 2, name="weight")
    x, w = random(1, 8, samples), random(16, 8, 2, seed=1)
    result = topi.nn.conv1d_ncw(data, weight, 1, padding, dilation)
    check(kernel(data, weight, result), [x, w], convolve(x, w, 1, padding, dilation, 1))


@pytest.mark.parametrize("size", [4, 7])
def test_transposed_conv2d(size: int) -> None:
    data, weight = placeholder(1, 6, size, size, name="data"), placeholder(6, 5, 2, 2, name="weight")
    x, w = random(1, 6, size, size), random(6, 5, 2, 2, seed=1)
    result = topi.nn.conv2d_transpose_nchw(data, weight, (2, 2), (0, 0, 0, 0), "float32", (0, 0))
    # Kernel and stride are equal: every input pixel gives one 2 x 2 patch of the output.
    patches = np.einsum("nchw,coyx->nohywx", x, w)
    check(kernel(data, weight, result), [x, w], patches.reshape(1, 5, 2 * size, 2 * size))


@pytest.mark.parametrize(("kind", "size", "padding"), [("max", 16, 0), ("max", 9, 1), ("avg", 16, 0)])
def test_pooling(kind: str, size: int, padding: int) -> None:
    data = placeholder(1, 5, size, size, name="data")
    x = random(1, 5, size, size)
    result = topi.nn.pool2d(data, [3, 3], [2, 2], [1, 1], [padding] * 4, kind)
    border = [(0, 0), (0, 0), (padding, padding), (padding, padding)]
    windows = sliding_window_view(np.pad(x, border, constant_values=-np.inf), (3, 3), axis=(2, 3))[:, :, ::2, ::2]
    reduced = windows.max(axis=(-2, -1)) if kind == "max" else windows.mean(axis=(-2, -1))
    check(kernel(data, result), [x], np.ascontiguousarray(reduced))


@pytest.mark.parametrize("axes", [(2,), (0,), (1,), (0, 1), (1, 2), (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("shape", [(6, 10, 64), (5, 7, 13)])
def test_reductions_over_any_axes(shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    data = placeholder(*shape, name="data")
    x = random(*shape)
    check(kernel(data, topi.sum(data, axis=axes)), [x], np.asarray(x.sum(axis=axes)))
    check(kernel(data, topi.max(data, axis=axes, keepdims=True)), [x], x.max(axis=axes, keepdims=True))


def test_sums_along_and_across_memory_are_vectorised_and_parallel() -> None:
    data = placeholder(64, 512, name="data")
    for axis in (0, 1):
        scheduled = schedule(kernel(data, topi.sum(data, axis=axis)))
        assert is_vectorised(scheduled) and is_parallel(scheduled)


def test_maximum_of_negative_numbers_starts_from_the_smallest_number() -> None:
    data = placeholder(4, 64, name="data")
    x = -1 - np.abs(random(4, 64))
    check(kernel(data, topi.max(data, axis=1)), [x], x.max(axis=1))


def test_integer_sum_is_exact() -> None:
    data = placeholder(3, 64, dtype="int32", name="data")
    x = np.random.default_rng(0).integers(-(2**20), 2**20, (3, 64), dtype=np.int32)
    scheduled = schedule(kernel(data, topi.sum(data, axis=1)))
    want = x.sum(axis=1, dtype=np.int32)
    np.testing.assert_array_equal(run(scheduled, [x], [want])[0], want)


@pytest.mark.parametrize("columns", [64, 37])
def test_argmax_finds_the_first_of_equal_maxima(columns: int) -> None:
    data = placeholder(6, columns, name="data")
    x = np.random.default_rng(0).integers(0, 4, (6, columns)).astype(np.float32)
    want = x.argmax(axis=1)
    scheduled = schedule(kernel(data, topi.argmax(data, axis=1, select_last_index=False)))
    np.testing.assert_array_equal(run(scheduled, [x], [want])[0], want)


@pytest.mark.parametrize("shape", [(2, 16, 64), (3, 5, 29), (4, 1)])
def test_softmax(shape: tuple[int, ...]) -> None:
    data = placeholder(*shape, name="data")
    x = random(*shape)
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    want = exponentials / exponentials.sum(axis=-1, keepdims=True)
    check(kernel(data, topi.nn.softmax(data, axis=-1)), [x], want)


@pytest.mark.parametrize("width", [64, 33])
def test_layer_norm(width: int) -> None:
    data, gamma, beta = placeholder(12, width, name="data"), placeholder(width, name="g"), placeholder(width, name="b")
    x, g, b = random(12, width), random(width, seed=1), random(width, seed=2)
    want = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5) * g + b
    check(kernel(data, gamma, beta, topi.nn.layer_norm(data, gamma, beta, [1], 1e-5)), [x, g, b], want)


def test_transpose() -> None:
    data = placeholder(6, 32, 48, name="data")
    x = random(6, 32, 48)
    scheduled = check(kernel(data, topi.transpose(data, (0, 2, 1))), [x], np.ascontiguousarray(x.transpose(0, 2, 1)))
    assert is_vectorised(scheduled)


def test_concatenation_and_split() -> None:
    a, b = placeholder(8, 5, 16, name="a"), placeholder(8, 3, 16, name="b")
    x, y = random(8, 5, 16), random(8, 3, 16, seed=1)
    check(kernel(a, b, topi.concatenate((a, b), axis=1)), [x, y], np.concatenate((x, y), axis=1))
    first, second = topi.split(a, [2], axis=1)
    check(kernel(a, first, second), [x], x[:, :2].copy(), x[:, 2:].copy())


def test_gather_of_rows() -> None:
    table, indices = placeholder(50, 24, name="table"), placeholder(9, dtype="int64", name="indices")
    x, rows = random(50, 24), np.random.default_rng(0).integers(0, 50, 9)
    check(kernel(table, indices, topi.take(table, indices, axis=0)), [x, rows], x[rows])


def test_broadcast_elementwise_is_parallel_and_vectorised() -> None:
    data, bias = placeholder(64, 17, 16, name="data"), placeholder(17, 1, name="bias")
    x, b = random(64, 17, 16), random(17, 1, seed=1)
    scheduled = check(kernel(data, bias, topi.tanh(topi.add(data, bias))), [x, b], np.tanh(x + b))
    assert is_vectorised(scheduled) and is_parallel(scheduled)


def test_boolean_results() -> None:
    a, b = placeholder(40, 64, name="a"), placeholder(64, name="b")
    x, y = random(40, 64), random(64, seed=1)
    scheduled = schedule(kernel(a, b, topi.less(a, b)))
    assert is_vectorised(scheduled)
    np.testing.assert_array_equal(run(scheduled, [x, y], [x < y])[0], x < y)


def test_scalar_kernel() -> None:
    data = te.placeholder((), name="data")
    x = np.asarray(2.5, dtype=np.float32)
    check(kernel(data, topi.multiply(data, 2.0)), [x], np.asarray(5.0, dtype=np.float32))


def scatter_kernel() -> tirx.PrimFunc:
    x, i, u = relax.Var("x", relax.TensorType((10, 4), "float32")), None, None
    i = relax.Var("i", relax.TensorType((3, 4), "int64"))
    u = relax.Var("u", relax.TensorType((3, 4), "float32"))
    builder = relax.BlockBuilder()
    with builder.function("main", [x, i, u]):
        builder.emit_func_output(builder.emit(relax.op.scatter_elements(x, i, u, axis=0)))
    mod = relax.transform.LegalizeOps()(builder.get())
    return next(func for func in mod.functions.values() if isinstance(func, tirx.PrimFunc))


def test_a_kernel_that_no_rule_fits_is_left_as_it_is() -> None:
    func = scatter_kernel()
    scheduled = schedule(func)
    tvm.ir.assert_structural_equal(scheduled, func)
    x, i, u = random(10, 4), np.array([[0] * 4, [9] * 4, [5] * 4]), random(3, 4, seed=1)
    want = x.copy()
    want[[0, 9, 5]] = u
    np.testing.assert_array_equal(run(scheduled, [x, i, u], [want])[0], want)


@T.prim_func(private=True, s_tir=True)
def histogram(keys: T.Buffer((2, 512), "int32"), counts: T.Buffer((8,), "int32")):
    for i in range(8):
        with T.sblock("clear"):
            v = T.axis.spatial(8, i)
            counts[v] = 0
    for i, j in T.grid(2, 512):
        with T.sblock("count"):
            v_i = T.axis.opaque(2, i)
            v_j = T.axis.opaque(512, j)
            counts[keys[v_i, v_j]] = counts[keys[v_i, v_j]] + 1


def test_a_write_that_depends_on_data_stays_sequential() -> None:
    keys = np.random.default_rng(0).integers(0, 8, (2, 512), dtype=np.int32)
    want = np.bincount(keys.ravel(), minlength=8).astype(np.int32)
    scheduled = schedule(histogram)
    assert not is_parallel(scheduled)
    np.testing.assert_array_equal(run(scheduled, [keys], [want])[0], want)


@T.prim_func(private=True, s_tir=True)
def prefix_sum(x: T.Buffer((4, 512), "float32"), y: T.Buffer((4, 512), "float32")):
    for i, j in T.grid(4, 512):
        with T.sblock("step"):
            v_i = T.axis.scan(4, i)
            v_j = T.axis.spatial(512, j)
            y[v_i, v_j] = T.if_then_else(v_i == 0, x[v_i, v_j], y[T.max(v_i - 1, 0), v_j] + x[v_i, v_j])


def test_a_scan_stays_sequential() -> None:
    x = random(4, 512)
    scheduled = check(prefix_sum, [x], np.cumsum(x, axis=0))
    assert loop_kinds(scheduled) == {int(tirx.ForKind.SERIAL)}


@pytest.mark.parametrize("rows", [1, 6, 13])
def test_dynamic_shapes_stay_correct(rows: int) -> None:
    n = te.var("n", "int64")
    a, w = te.placeholder((n, tirx.IntImm("int64", 32)), name="a"), placeholder(32, 16, name="w")
    x, weight = random(rows, 32), random(32, 16, seed=1)
    scheduled = check(kernel(a, w, topi.nn.relu(topi.matmul(a, w))), [x, weight], np.maximum(x @ weight, 0))
    assert is_parallel(scheduled)
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    want = exponentials / exponentials.sum(axis=-1, keepdims=True)
    check(kernel(a, topi.nn.softmax(a, axis=-1)), [x], want)


def test_a_rule_that_raises_does_not_stop_the_compilation(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_func: Any, _cpu: CpuTarget) -> Any:
        raise RuntimeError("broken rule")

    monkeypatch.setattr(schedule_pass, "RULES", (broken, schedule_pass.schedule_blocks))
    a, b = placeholder(8, 16, name="a"), placeholder(16, 32, name="b")
    func = kernel(a, b, topi.matmul(a, b))
    x, y = random(8, 16), random(16, 32, seed=1)
    check(func, [x, y], x @ y)
    monkeypatch.setattr(schedule_pass, "RULES", (broken,))
    tvm.ir.assert_structural_equal(schedule(func), func)


def test_parameters_and_attributes_are_kept() -> None:
    a, b = placeholder(32, 24, name="a"), placeholder(40, 24, name="b")
    func = kernel(a, b, topi.matmul(a, b, transp_b=True)).with_attrs({"op_pattern": 4, "global_symbol": "product"})
    scheduled = schedule(func)
    assert [param.name for param in scheduled.params] == [param.name for param in func.params]
    for new, old in zip(scheduled.params, func.params, strict=True):
        tvm.ir.assert_structural_equal(new.ty, old.ty, map_free_vars=True)
    attributes = dict(scheduled.attrs.items())
    assert attributes.pop("tirx.is_scheduled")
    assert attributes == dict(func.attrs.items())


def test_a_scheduled_kernel_is_not_scheduled_again() -> None:
    a = placeholder(64, 32, name="a")
    once = schedule(kernel(a, topi.exp(a)))
    assert schedule(once).same_as(once)


def test_the_schedule_is_deterministic() -> None:
    def build() -> tirx.PrimFunc:
        data, weight = placeholder(1, 6, 9, 9, name="data"), placeholder(10, 6, 3, 3, name="weight")
        return schedule(kernel(data, weight, topi.nn.relu(topi.nn.conv2d_nchw(data, weight, 1, 1, 1))))

    tvm.ir.assert_structural_equal(build(), build())
    assert build().script() == build().script()


def test_the_target_in_scope_is_used_and_its_absence_is_an_error() -> None:
    a = placeholder(64, 512, name="a")
    mod = tvm.IRModule({"main": kernel(a, topi.exp(a))})
    with TARGET:
        scheduled = ScheduleForCPU()(mod)
    tvm.ir.assert_structural_equal(scheduled["main"], schedule(mod["main"]))
    with pytest.raises(InvalidInputError, match="expected a target, found none"):
        ScheduleForCPU()(mod)


def test_relax_module_runs_after_scheduling() -> None:
    x, w = relax.Var("x", relax.TensorType((5, 24), "float32")), relax.Var("w", relax.TensorType((24, 40), "float32"))
    builder = relax.BlockBuilder()
    with builder.function("main", [x, w]):
        with builder.dataflow():
            result = builder.emit_output(builder.emit(relax.op.nn.softmax(builder.emit(relax.op.matmul(x, w)))))
        builder.emit_func_output(result)
    lower = relax.transform
    passes = [
        lower.LegalizeOps(),
        lower.AnnotateTIROpPattern(),
        lower.FuseOps(),
        lower.FuseTIR(),
        ScheduleForCPU(TARGET),
    ]
    machine = relax.VirtualMachine(tvm.compile(tvm.transform.Sequential(passes)(builder.get()), TARGET), tvm.cpu())
    a, b = random(5, 24), random(24, 40, seed=1)
    got = machine["main"](tvm.runtime.tensor(a), tvm.runtime.tensor(b)).numpy()
    exponentials = np.exp(a @ b - (a @ b).max(axis=-1, keepdims=True))
    np.testing.assert_allclose(got, exponentials / exponentials.sum(axis=-1, keepdims=True), rtol=1e-4, atol=1e-6)


def test_host_target_names_the_cores() -> None:
    assert CpuTarget.of(host_target(cores=3)).cores == 3
    assert TARGET.kind.name == "llvm"


@pytest.mark.parametrize(
    ("mcpu", "lanes", "registers"), [("x86-64", 4, 16), ("haswell", 8, 16), ("skylake-avx512", 16, 32)]
)
def test_vector_registers_of_a_target(mcpu: str, lanes: int, registers: int) -> None:
    cpu = CpuTarget.of(tvm.target.Target({"kind": "llvm", "mtriple": "x86_64-linux-gnu", "mcpu": mcpu}))
    assert (cpu.lanes("float32"), cpu.vector_registers) == (lanes, registers)
    assert cpu.lanes("float64") == lanes // 2


def test_vector_width_divides_the_extent() -> None:
    # 4, 2 and 1 registers of 8; then multiples of 4 (28 = 4 * 7), any divisor up to 16 (14, 7); primes have none.
    widths = {64: 32, 48: 16, 24: 8, 28: 28, 14: 14, 7: 7, 197: 1}
    assert {extent: vector_width(extent, 8) for extent in widths} == widths


def test_tile_fits_the_registers_and_prefers_divisors() -> None:
    cpu = CpuTarget(vector_bits=256, vector_registers=16, cores=2)
    # 6 rows of 2 vectors: 12 accumulators, 2 loads of B, 1 broadcast: 15 of 16 registers.
    assert choose_tile(96, 768, 8, cpu) == Tile(6, 16)
    assert choose_tile(1, 768, 8, cpu).rows == 1


def test_row_chunks_balance_the_cores() -> None:
    # 1 column tile, 12 row tiles, 2 cores: 2 chunks of 6 row tiles; 8 column tiles need no chunks.
    assert choose_row_chunks(1, 12, 2) == 2
    assert choose_row_chunks(8, 12, 2) == 1


def test_schedule_kernel_returns_the_kernel_if_it_has_no_rule() -> None:
    assert schedule_kernel(scatter := scatter_kernel(), CPU).same_as(scatter)
