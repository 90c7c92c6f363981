"""TIR kernels as a cost model sees them: :class:`~memstow.cost_model.kernel.KernelFacts`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from tvm import tirx

from ..cost_model.kernel import KernelFacts, OpClass, TensorFacts
from .contraction import ContractionShape, Window, find_contraction, find_windows, measure_contraction
from .expressions import loads
from .kernel import KernelFootprint, dtype_key
from .kernel_blocks import Block, Movement, read_blocks
from .lowered_function import Step, TensorValue, split_arguments
from .operations import count_operations

ARITHMETIC = ("elementwise", "transcendental", "divide", "convert")
_PARTS = ("multiplied", "compared")


def step_facts(step: Step, tensors: Sequence[TensorValue], work: KernelFacts | None = None) -> KernelFacts:
    """Facts of one kernel call, its tensors in the order of the instruction's operands and results.

    Args:
        step: of a lowered function.
        tensors: of that function.
        work: what :func:`kernel_work` says of the kernel, where known already.
    """
    if work is None:
        work = kernel_work(step.kernel, step.footprint) if step.kernel and step.footprint else EXTERNAL
    operands, results = split_arguments(step)
    written = [_tensor(tensors[a.tensor], a.written_bytes) for a in results]
    if step.returned is not None:
        returned = tensors[step.returned]
        written.append(_tensor(returned, returned.size_bytes))
    read = tuple(_tensor(tensors[a.tensor], a.read_bytes) for a in operands)
    return work.model_copy(update={"operands": read, "results": tuple(written)})


#: An external function: nothing is known of what it computes.
EXTERNAL = KernelFacts(op_class="other", dtype="f32")


def kernel_work(func: tirx.PrimFunc, footprint: KernelFootprint) -> KernelFacts:
    """What an unscheduled kernel with static shapes computes, without its tensors."""
    blocks = read_blocks(func)
    counts: Counter[str] = Counter()
    main: tuple[float, ContractionShape] | None = None
    pooling: tuple[Window, ...] = ()
    for block in blocks:
        contraction = find_contraction(block.node) if block.reduced else None
        if contraction is not None and (main is None or contraction.flops > main[0]):
            main = contraction.flops, measure_contraction(contraction)
        if block.reduced and contraction is None:
            counts["reduced"] += max(store.trips for store in block.stores)
            pooling = pooling or _pooling_windows(block)
        _count_arithmetic(block, counts, updates=2 if contraction else int(bool(block.reduced)))
    in_order = _count_moved(func, blocks, counts)
    shape = main[1] if main else None
    op_class = shape.op_class if shape else _class_without_contraction(blocks, footprint, counts, pooling)
    if op_class == "copy" and not in_order:
        op_class = "transpose"
    if op_class == "copy" and any(loads(store.node.value) for block in blocks for store in block.stores):
        counts["moved"] = _written_elements(func, blocks)
    amounts = {name: float(counts[name]) for name in (*ARITHMETIC, *_PARTS, "reduced", "moved")}
    extents = {name: getattr(shape, name) for name in ("batch", "m", "n", "k")} if shape else {}
    window = _window_fields(shape.windows if shape else pooling)
    bare = KernelFacts(op_class=op_class, dtype=footprint.dtype, matrix_flops=footprint.matrix_flops)
    return bare.model_copy(update={**amounts, **extents, **window})


def _tensor(tensor: TensorValue, accessed: int) -> TensorFacts:
    return TensorFacts(
        size_bytes=tensor.size_bytes, bytes_accessed=accessed, dtype=dtype_key(tensor.dtype), shape=tensor.shape
    )


def _count_arithmetic(block: Block, counts: Counter[str], *, updates: int) -> None:
    """``updates``: elementwise operations of a reduction's own step, which are counted elsewhere."""
    for store in block.stores:
        found = count_operations(store.node.value)
        counts["elementwise"] += store.trips * max(0, found.elementwise - updates)
        counts["multiplied"] += store.trips * max(0, found.multiplied - (updates == 2))
        for name in (*ARITHMETIC[1:], "compared"):
            counts[name] += store.trips * getattr(found, name)
        if found.is_indirect or _is_scatter(store.node):
            counts["moved"] += store.trips
            counts["indirect"] += store.trips


def _is_scatter(store: tirx.BufferStore) -> bool:
    return any(loads(index) for index in store.indices)


def _count_moved(func: tirx.PrimFunc, blocks: list[Block], counts: Counter[str]) -> bool:
    """Count the elements of results that are written in another order than that of their sources."""
    movement = Movement(blocks)
    parameters = set(func.params)
    in_order = True
    for block in blocks:
        spatial = not block.reduced and len(block.stores) == 1 and not counts["indirect"]
        if spatial and block.stores[0].buffer in parameters and not movement.is_in_order(block):
            counts["moved"] += block.stores[0].trips
            in_order = False
    return in_order


def _written_elements(func: tirx.PrimFunc, blocks: list[Block]) -> int:
    parameters = set(func.params)
    return sum(store.trips for block in blocks for store in block.stores if store.buffer in parameters)


def _class_without_contraction(
    blocks: list[Block],
    footprint: KernelFootprint,
    counts: Counter[str],
    pooling: tuple[Window, ...],
) -> OpClass:
    if footprint.opaque or not blocks:
        return "other"
    if pooling:
        return "pooling"
    if counts["reduced"]:
        return "reduction"
    if counts["indirect"]:
        return "gather"
    return "elementwise" if any(counts[name] for name in ARITHMETIC) else "copy"


def _pooling_windows(block: Block) -> tuple[Window, ...]:
    spatial = {variable for variable in block.extents if variable not in block.reduced}
    for store in block.stores:
        for load in loads(store.node.value):
            windows = find_windows(load, spatial, block.reduced, block.extents)
            if windows:
                return windows
    return ()


def _window_fields(windows: tuple[Window, ...]) -> dict[str, int]:
    """The innermost dimension is the width; all others are the height."""
    if not windows:
        return {}
    return {
        "kernel_height": math.prod(window.extent for window in windows[:-1]),
        "kernel_width": windows[-1].extent,
        "stride_height": math.prod(window.stride for window in windows[:-1]),
        "stride_width": windows[-1].stride,
        "dilation_height": math.prod(window.dilation for window in windows[:-1]),
        "dilation_width": windows[-1].dilation,
    }
