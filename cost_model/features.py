"""Numbers that a learned cost model sees of a kernel, a placement of its tensors and an accelerator.

:data:`FEATURES` lists them in order, with units; ``docs/cost_model.md`` has the same table. Amounts enter as
``log2(1 + x)``, so that a tree's split is a factor. Every feature that depends on the placement grows with what is in
slow memory. No price depends on the capacity of fast memory. What a model predicts is relative to
:func:`all_slow_seconds`, which no placement changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..accelerator import Accelerator
from .kernel import DTYPE_BITS, OP_CLASSES, KernelFacts, TensorFacts

#: Raised whenever a feature is added, removed or computed in another way. A trained model works with its own alone.
FEATURES_VERSION = 2

Rows = NDArray[np.float32]
#: Whether each tensor is in fast memory: shape (rows, operands + results), operands first.
Placements = NDArray[np.bool_]


@dataclass(frozen=True)
class Feature:
    """One column. ``placement``: it depends on where the tensors are, and grows with what is in slow memory."""

    name: str
    unit: str
    meaning: str
    placement: bool = False


def _log(name: str, unit: str, meaning: str) -> Feature:
    return Feature(name, f"log2(1 + {unit})", meaning)


def _fill(name: str, meaning: str) -> Feature:
    return Feature(name, "ratio", f"part that is used of {meaning}")


#: Tensors by what they are to the kernel: the first two operands, all other operands, all results.
ROLES = ("operand0", "operand1", "operands_rest", "results")
#: What hardware rounds extents up to: micro-blocks, vectors, tiles.
_INNER_QUANTA, _ROW_QUANTUM = (16, 128), 8
_COLUMN_QUANTA, _DEPTH_QUANTA, _M_QUANTA = (8, 16, 128), (8, 32, 128), (16, 64)
#: A vector register of rows and lanes; pixels of a window, rows and planes that small hardware takes at once.
_TILE_ROWS, _TILE_LANES = 8, 128
_WINDOW_QUANTUM, _PATCH = 4, 2
#: What is computed between two readings of the first operand, in columns, and of the second, in rows.
_COLUMNS_AT_ONCE, _ROWS_AT_ONCE = 128, 256
#: Bytes that a memory transfers at least.
_BURST = 128

FEATURES: tuple[Feature, ...] = (
    *(Feature(f"is_{name}", "0 or 1", f"the kernel's class is {name}") for name in OP_CLASSES),
    Feature("element_bits", "bits", "element of the type that the kernel computes in"),
    _log("matrix_flops", "operations", "two per multiply-add of a contraction"),
    _log("elementwise", "operations", "additions, multiplications, comparisons"),
    _log("multiplied", "operations", "multiplications"),
    _log("compared", "operations", "comparisons, minima, maxima, choices"),
    _log("transcendental", "operations", "exponentials, roots and their like"),
    _log("divide", "operations", "divisions"),
    _log("convert", "operations", "conversions between types"),
    _log("reduced", "elements", "read by reductions that are no contraction"),
    _log("moved", "elements", "that change place: transposes, copies, gathers"),
    _log("batch", "extent", "independent contractions"),
    _log("m", "extent", "rows of the contraction's result"),
    _log("n", "extent", "columns of the contraction's result"),
    _log("k", "extent", "reduced extent of the contraction"),
    *(_fill(f"m_fill{quantum}", f"m, rounded up to a multiple of {quantum}") for quantum in _M_QUANTA),
    _log("depth", "extent", "reduced extent for each pixel of the window"),
    *(_fill(f"n_fill{quantum}", f"n, rounded up to a multiple of {quantum}") for quantum in _COLUMN_QUANTA),
    *(_fill(f"depth_fill{quantum}", f"depth, rounded up to a multiple of {quantum}") for quantum in _DEPTH_QUANTA),
    Feature("kernel_pixels", "pixels", "height times width of a convolution's or pooling's window"),
    Feature("kernel_height", "pixels", "height of the window"),
    Feature("kernel_width", "pixels", "width of the window"),
    _fill("kernel_fill", f"the window's pixels, rounded up to a multiple of {_WINDOW_QUANTUM}"),
    Feature("stride_pixels", "pixels", "product of its strides"),
    Feature("dilation_pixels", "pixels", "product of its dilations"),
    Feature("unit_use", "ratio", "part of the matrix unit that n and k fill, rounded up to its shape"),
    _fill("unit_columns_fill", "n, rounded up to the columns of the matrix unit"),
    _fill("unit_depth_fill", "depth, rounded up to the depth of the matrix unit"),
    _log("unit_blocks", "blocks", "of the weights, each as large as the matrix unit"),
    Feature("operand0_along_k", "0 or 1", "the first operand's innermost dimension is the reduced one"),
    Feature("operand1_along_k", "0 or 1", "the second operand's innermost dimension is the reduced one"),
    *(
        feature
        for role in ROLES
        for feature in (
            _log(f"{role}_bytes", "bytes", "accessed"),
            Feature(f"{role}_bits", "bits", "element of the largest tensor"),
            _log(f"{role}_innermost", "elements", "fastest-varying dimension of the largest tensor"),
            _log(f"{role}_rows", "elements", "next dimension of the largest tensor"),
            _log(f"{role}_planes", "elements", "next dimension but one of the largest tensor"),
            _log(f"{role}_outer", "elements", "all other dimensions of the largest tensor together"),
            _log(f"{role}_tiles", "tiles", f"of {_TILE_ROWS} x {_TILE_LANES} elements that the largest tensor takes"),
            _log(f"{role}_run", "bytes", "fastest-varying dimension of the largest tensor"),
            *(
                _fill(f"{role}_fill{quantum}", f"its innermost dimension, rounded up to a multiple of {quantum}")
                for quantum in _INNER_QUANTA
            ),
            _fill(f"{role}_rows_fill", f"its rows, rounded up to a multiple of {_ROW_QUANTUM}"),
            Feature(f"{role}_accessed", "ratio", "accessed bytes over the tensors' bytes"),
        )
    ),
    Feature("operand0_ratio", "log2 of a ratio", "accessed bytes of the first operand over those of the results"),
    Feature("operand1_ratio", "log2 of a ratio", "accessed bytes of the second operand over those of the results"),
    Feature("innermost_ratio", "log2 of a ratio", "innermost dimension of the first operand over that of the results"),
    Feature("rows_ratio", "log2 of a ratio", "rows of the first operand over those of the results"),
    _fill("patch_rows_fill", f"the rows of the results, rounded up to a multiple of {_PATCH}"),
    _fill("patch_planes_fill", f"the planes of the results, rounded up to a multiple of {_PATCH}"),
    _log("element_operations", "operations", "outside of contractions, for each element of the largest result"),
    _log("element_multiplied", "operations", "multiplications for each element of the largest result"),
    _log("element_compared", "operations", "comparisons for each element of the largest result"),
    *(
        _log(f"element_{name}", unit, f"{meaning} for each element of the largest result")
        for name, unit, meaning in (
            ("transcendental", "operations", "exponentials, roots and their like"),
            ("divide", "operations", "divisions"),
            ("convert", "operations", "conversions"),
            ("reduced", "elements", "read by reductions"),
        )
    ),
    _log("tensors", "tensors", "operands and results"),
    _log("reuse", "operations per byte", "all operations over all accessed bytes"),
    _log("matrix_peak", "operations per microsecond", "of the accelerator, for the kernel's type"),
    _log("vector_peak", "operations per microsecond", "of the accelerator, for the kernel's type"),
    _log("slow_bandwidth", "bytes per microsecond", "of slow memory"),
    _log("fast_bandwidth", "bytes per microsecond", "of fast memory"),
    _log("slow_latency", "nanoseconds", "of slow memory"),
    _log("fast_latency", "nanoseconds", "of fast memory"),
    _log("overhead", "nanoseconds", "fixed time of a launch"),
    _log("compute_time", "nanoseconds", "arithmetic at the accelerator's peaks"),
    _log("all_slow_time", "nanoseconds", "roofline with everything in slow memory"),
    Feature("compute_share", "ratio", "arithmetic over the roofline with everything in slow memory"),
    Feature("matrix_time_ratio", "log2 of a ratio", "contraction, n and depth rounded up, over the same roofline"),
    Feature("vector_time_ratio", "log2 of a ratio", "operations outside of contractions over the same roofline"),
    Feature("output_time_ratio", "log2 of a ratio", "one operation for each result over the same roofline"),
    Feature("stream_time_ratio", "log2 of a ratio", "all in fast memory, operands read for each block, over the same"),
    *(Feature(f"{role}_slow", "log2(1 + bytes)", "accessed in slow memory", True) for role in ROLES),
    Feature("slow_share", "ratio", "accessed bytes in slow memory", True),
    Feature("roofline_ratio", "ratio", "roofline of the placement over that with everything in slow memory", True),
    Feature("memory_ratio", "log2 of a ratio", "time of all accesses over that of the arithmetic, at most 2^±12", True),
    Feature("slow_time_ratio", "log2 of a ratio", "accesses to slow memory over all in slow memory", True),
    Feature("reread_ratio", "log2 of a ratio", "as slow_time_ratio, operands read for each block", True),
    Feature("burst_ratio", "log2 of a ratio", f"as reread_ratio, rows rounded up to {_BURST} bytes", True),
    Feature("padded_ratio", "log2 of a ratio", "roofline with the contraction rounded up over the same", True),
)
NAMES = tuple(feature.name for feature in FEATURES)
_PLACEMENT = sum(feature.placement for feature in FEATURES)
_FEATURES_PER_ROLE = 9 + len(_INNER_QUANTA) + 1
_LARGEST_RATIO = 12.0
#: The last features, logarithms of ratios of times that depend on the placement.
_RATIOS = 5


def feature_rows(kernel: KernelFacts, accelerator: Accelerator, fast: Placements) -> Rows:
    """The features of one kernel for many placements, shape (rows, ``len(FEATURES)``)."""
    rows = np.empty((len(fast), len(FEATURES)), dtype=np.float32)
    rows[:, :-_PLACEMENT] = _static(kernel, accelerator)
    accessed, roles = _bytes_and_roles(kernel)
    slow = np.where(fast, 0.0, accessed)
    columns = [np.log2(1.0 + slow[:, roles == role].sum(axis=1)) for role in range(len(ROLES))]
    total = float(accessed.sum())
    columns.append(slow.sum(axis=1) / total if total else np.zeros(len(fast)))
    all_slow = all_slow_seconds(kernel, accelerator)
    compute, bandwidth = compute_seconds(kernel, accelerator), accelerator.slow_memory.bandwidth
    slow_seconds = slow.sum(axis=1) / bandwidth
    memory = slow_seconds + (total - slow.sum(axis=1)) / accelerator.fast_memory.bandwidth
    roofline = np.maximum(compute, memory) + accelerator.launch_overhead_seconds
    columns.append(roofline / max(all_slow, 1e-30))
    rereads = _rereads(kernel, roles)
    again = (slow * rereads).sum(axis=1) / bandwidth
    bursts = (slow * rereads * _bursts(kernel)).sum(axis=1) / bandwidth
    padded = np.maximum(memory, _matrix_seconds(kernel, accelerator))
    ratios = np.stack([memory, slow_seconds, again, bursts, padded], axis=1)
    units = np.array([compute, all_slow, all_slow, all_slow, all_slow])
    rows[:, -_PLACEMENT:-_RATIOS] = np.stack(columns, axis=1)
    rows[:, -_RATIOS:] = _log_ratios(ratios, units)
    return rows


def compute_seconds(kernel: KernelFacts, accelerator: Accelerator) -> float:
    """Arithmetic alone, at the accelerator's peaks."""
    return accelerator.compute_seconds(kernel.dtype, kernel.matrix_flops, kernel.vector_operations)


def roofline_seconds(kernel: KernelFacts, accelerator: Accelerator, fast: Placements) -> NDArray[np.float64]:
    """The analytical model's seconds of each placement, shape (rows,): see :func:`memstow.timing.roofline_seconds`."""
    accessed, _ = _bytes_and_roles(kernel)
    in_fast = np.where(fast, accessed, 0.0).sum(axis=1)
    in_slow = accessed.sum() - in_fast
    memory = in_slow / accelerator.slow_memory.bandwidth + in_fast / accelerator.fast_memory.bandwidth
    seconds: NDArray[np.float64] = np.maximum(compute_seconds(kernel, accelerator), memory)
    return seconds + accelerator.launch_overhead_seconds


def all_slow_seconds(kernel: KernelFacts, accelerator: Accelerator) -> float:
    """The analytical model's seconds with everything in slow memory: the unit of what a model predicts."""
    accessed = math.fsum(tensor.bytes_accessed for tensor in kernel.operands + kernel.results)
    seconds = max(compute_seconds(kernel, accelerator), accessed / accelerator.slow_memory.bandwidth)
    return seconds + accelerator.launch_overhead_seconds


def _bytes_and_roles(kernel: KernelFacts) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    tensors = kernel.operands + kernel.results
    accessed = np.array([tensor.bytes_accessed for tensor in tensors], dtype=np.float64)
    operands = len(kernel.operands)
    roles = [min(i, 2) if i < operands else 3 for i in range(len(tensors))]
    return accessed, np.array(roles, dtype=np.int64)


def _rereads(kernel: KernelFacts, roles: NDArray[np.int64]) -> NDArray[np.float64]:
    """How often each tensor is read if a contraction is computed block by block, and an element for each result."""
    times = np.ones(len(roles))
    if kernel.matrix_flops:
        times[roles == 0] = math.ceil(kernel.n / _COLUMNS_AT_ONCE)
        times[roles == 1] = math.ceil(kernel.m / _ROWS_AT_ONCE)
    elif kernel.op_class == "elementwise":
        for i, operand in enumerate(kernel.operands):
            times[i] = max(1.0, kernel.largest_result / max(1, math.prod(operand.shape))) if operand.shape else 1.0
    return times


def _bursts(kernel: KernelFacts) -> NDArray[np.float64]:
    """Transferred bytes over used ones if each innermost row of a tensor is transferred alone."""
    runs = (tensor.innermost * tensor.bits / 8 for tensor in kernel.operands + kernel.results)
    return np.array([_BURST / min(max(run, 1.0), _BURST) for run in runs])


def _matrix_seconds(kernel: KernelFacts, accelerator: Accelerator) -> float:
    """The contraction at the accelerator's peak, its columns and its depth rounded up to the matrix unit."""
    fills = _unit_fills(kernel, accelerator)
    return kernel.matrix_flops / accelerator.peak_flops(kernel.dtype, matrix=True) / (fills[0] * fills[1])


def _static(kernel: KernelFacts, accelerator: Accelerator) -> list[float]:
    groups = (kernel.operands[:1], kernel.operands[1:2], kernel.operands[2:], kernel.results)
    accessed = sum(tensor.bytes_accessed for tensor in kernel.operands + kernel.results)
    operations = kernel.matrix_flops + kernel.vector_operations
    pixels = kernel.kernel_height * kernel.kernel_width
    depth = kernel.k / pixels
    compute, all_slow = compute_seconds(kernel, accelerator), all_slow_seconds(kernel, accelerator)
    amounts = (
        kernel.matrix_flops,
        kernel.elementwise,
        kernel.multiplied,
        kernel.compared,
        kernel.transcendental,
        kernel.divide,
        kernel.convert,
        kernel.reduced,
        kernel.moved,
        kernel.batch,
        kernel.m,
        kernel.n,
        kernel.k,
    )
    elements = max(kernel.largest_result, 1.0)
    per_element = (
        kernel.vector_operations / elements,
        kernel.multiplied / elements,
        kernel.compared / elements,
        kernel.transcendental / elements,
        kernel.divide / elements,
        kernel.convert / elements,
        kernel.reduced / elements,
    )
    vector_peak = accelerator.peak_flops(kernel.dtype, matrix=False)
    times = (_matrix_seconds(kernel, accelerator), kernel.vector_operations / vector_peak, elements / vector_peak)
    streamed, roles = _bytes_and_roles(kernel)
    stream = float((streamed * _rereads(kernel, roles)).sum()) / accelerator.fast_memory.bandwidth
    sources, targets = (_dimensions(_largest(group)) for group in (kernel.operands[:1], kernel.results))
    numbers = (
        accelerator.peak_flops(kernel.dtype, matrix=True) / 1e6,
        accelerator.peak_flops(kernel.dtype, matrix=False) / 1e6,
        accelerator.slow_memory.bandwidth / 1e6,
        accelerator.fast_memory.bandwidth / 1e6,
        accelerator.slow_memory.latency_seconds * 1e9,
        accelerator.fast_memory.latency_seconds * 1e9,
        accelerator.launch_overhead_seconds * 1e9,
        compute * 1e9,
        all_slow * 1e9,
    )
    return [
        *(float(kernel.op_class == name) for name in OP_CLASSES),
        float(DTYPE_BITS.get(kernel.dtype, 32)),
        *(math.log2(1.0 + amount) for amount in amounts),
        *(_used(kernel.m, quantum) for quantum in _M_QUANTA),
        math.log2(1.0 + depth),
        *(_used(kernel.n, quantum) for quantum in _COLUMN_QUANTA),
        *(_used(depth, quantum) for quantum in _DEPTH_QUANTA),
        float(pixels),
        float(kernel.kernel_height),
        float(kernel.kernel_width),
        _used(pixels, _WINDOW_QUANTUM),
        float(kernel.stride_height * kernel.stride_width),
        float(kernel.dilation_height * kernel.dilation_width),
        _unit_use(kernel, accelerator),
        *_unit_fills(kernel, accelerator),
        math.log2(1.0 + _unit_blocks(kernel, accelerator)),
        *(_along_depth(kernel, group, depth) for group in groups[:2]),
        *(value for group in groups for value in _tensors(group)),
        *(_ratio_to_results(group, kernel.results) for group in groups[:2]),
        *(math.log2(source / target) for source, target in zip(sources[:2], targets[:2], strict=True)),
        *(_used(extent, _PATCH) for extent in targets[1:3]),
        *(math.log2(1.0 + amount) for amount in per_element),
        math.log2(1.0 + len(kernel.operands) + len(kernel.results)),
        math.log2(1.0 + (operations / accessed if accessed else 0.0)),
        *(math.log2(1.0 + number) for number in numbers),
        compute / all_slow if all_slow else 0.0,
        *(_log_ratio(seconds, all_slow) for seconds in (*times, stream)),
    ]


def _tensors(group: tuple[TensorFacts, ...]) -> tuple[float, ...]:
    accessed = sum(tensor.bytes_accessed for tensor in group)
    whole = sum(tensor.size_bytes for tensor in group)
    largest = _largest(group)
    if largest is None:
        return (0.0,) * _FEATURES_PER_ROLE
    innermost, rows, planes, outer = _dimensions(largest)
    tiles = math.ceil(innermost / _TILE_LANES) * math.ceil(rows / _TILE_ROWS) * planes * outer
    return (
        math.log2(1.0 + accessed),
        float(largest.bits),
        *(math.log2(1.0 + extent) for extent in (innermost, rows, planes, outer)),
        math.log2(1.0 + tiles),
        math.log2(1.0 + innermost * largest.bits / 8),
        *(_used(innermost, quantum) for quantum in _INNER_QUANTA),
        _used(rows, _ROW_QUANTUM),
        accessed / whole if whole else 0.0,
    )


def _largest(group: tuple[TensorFacts, ...]) -> TensorFacts | None:
    """The tensor that most is accessed of."""
    return max(group, key=lambda tensor: tensor.bytes_accessed, default=None)


def _dimensions(tensor: TensorFacts | None) -> tuple[int, int, int, int]:
    """Innermost dimension, rows, planes, and all others together; 1 for what there is not."""
    shape = (1, 1, 1, *(max(1, extent) for extent in tensor.shape)) if tensor else (1, 1, 1)
    return shape[-1], shape[-2], shape[-3], math.prod(shape[:-3])


def _ratio_to_results(group: tuple[TensorFacts, ...], results: tuple[TensorFacts, ...]) -> float:
    if not group:
        return -_LARGEST_RATIO
    ours, theirs = (sum(tensor.bytes_accessed for tensor in each) for each in (group, results))
    return _log_ratio(ours, theirs)


def _log_ratio(numerator: float, denominator: float) -> float:
    """``log2`` of a ratio, clipped; 0 over anything is the least."""
    if numerator <= 0:
        return -_LARGEST_RATIO
    ratio = max(numerator, 1e-30) / max(denominator, 1e-30)
    return min(max(math.log2(ratio), -_LARGEST_RATIO), _LARGEST_RATIO)


def _log_ratios(numerators: NDArray[np.float64], denominators: NDArray[np.float64]) -> NDArray[np.float64]:
    """:func:`_log_ratio` of each row and column."""
    ratio = np.maximum(numerators, 1e-30) / np.maximum(denominators, 1e-30)
    clipped = np.clip(np.log2(ratio), -_LARGEST_RATIO, _LARGEST_RATIO)
    return np.where(numerators > 0, clipped, -_LARGEST_RATIO)


def _used(extent: float, quantum: int) -> float:
    """Part of the extent rounded up that is used."""
    return extent / (math.ceil(extent / quantum) * quantum)


def _unit_fills(kernel: KernelFacts, accelerator: Accelerator) -> tuple[float, float]:
    """Used part of n and of the depth, rounded up to the matrix unit; 1 where there is no unit or no contraction."""
    unit = accelerator.matrix_unit
    if unit is None or not kernel.matrix_flops:
        return 1.0, 1.0
    depth = max(kernel.k / (kernel.kernel_height * kernel.kernel_width), 1.0)
    return _used(kernel.n, unit.columns), _used(depth, unit.depth)


def _unit_blocks(kernel: KernelFacts, accelerator: Accelerator) -> float:
    """Blocks of the weights, each as large as the matrix unit; 0 where there is no unit or no contraction."""
    unit = accelerator.matrix_unit
    if unit is None or not kernel.matrix_flops:
        return 0.0
    return float(kernel.batch * math.ceil(kernel.k / unit.depth) * math.ceil(kernel.n / unit.columns))


def _along_depth(kernel: KernelFacts, group: tuple[TensorFacts, ...], depth: float) -> float:
    """Whether the innermost dimension of a contraction's operand is the reduced one."""
    return float(bool(group and kernel.matrix_flops) and group[0].innermost == depth)


def _unit_use(kernel: KernelFacts, accelerator: Accelerator) -> float:
    """1 where the accelerator has no matrix unit of a known shape, or the kernel no contraction."""
    unit = accelerator.matrix_unit
    if unit is None or not kernel.matrix_flops:
        return 1.0
    used = 1.0
    for extent, lanes in ((kernel.k, unit.depth), (kernel.n, unit.columns)):
        used *= _used(extent, lanes)
    return used
