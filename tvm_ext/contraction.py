"""Contractions in TIR: matrix multiplications and convolutions, found and measured by their index expressions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import tvm_ffi
from tvm import tirx
from tvm.ir import Var
from tvm.ir.expr import TensorLoad
from tvm.s_tir.stmt import SBlock

from ..cost_model.kernel import OpClass
from .expressions import REDUCTION, loads, static, variables
from .index_map import distinct_values, slope


@dataclass(frozen=True)
class Window:
    """Where a kernel slides: ``index = stride * spatial + dilation * reduced`` in one dimension."""

    extent: int
    stride: int
    dilation: int = 1


@dataclass(frozen=True)
class Contraction:
    """``C += A * B`` over a reduction of two different tensors; ``extents`` are those of the block's variables."""

    first: TensorLoad
    second: TensorLoad
    extents: dict[Var, int]
    reduced: frozenset[Var]

    @property
    def flops(self) -> float:
        """Two per multiply-add."""
        return 2.0 * math.prod(self.extents.values())


@dataclass(frozen=True)
class ContractionShape:
    """Class and extents as in :class:`~memstow.cost_model.kernel.KernelFacts`."""

    op_class: OpClass
    batch: int
    m: int
    n: int
    k: int
    windows: tuple[Window, ...]


def find_contraction(block: SBlock) -> Contraction | None:
    """The contraction that a block computes, if it does."""
    reduced = frozenset(iv.var for iv in block.iter_vars if int(iv.iter_type) == REDUCTION)
    if not reduced or not isinstance(block.body, tirx.BufferStore):
        return None
    products: list[Any] = []
    tvm_ffi.structural_walk(block.body.value, [(tirx.Mul, products.append)])
    for product in products:
        sides = [loads(product.a), loads(product.b)]
        if any(len(side) != 1 for side in sides) or sides[0][0].source.same_as(sides[1][0].source):
            continue
        first, second = sides[0][0], sides[1][0]
        if variables(first.indices) & variables(second.indices) & reduced:
            extents = {iv.var: static(iv.dom.extent) for iv in block.iter_vars}
            return Contraction(first, second, extents, reduced)
    return None


def measure_contraction(contraction: Contraction) -> ContractionShape:
    """Extents of a contraction; a convolution's data is the side that a window slides over."""
    data, weights = contraction.first, contraction.second
    windows = _windows_over(data, weights, contraction)
    if not windows:
        swapped = _windows_over(weights, data, contraction)
        if swapped:
            data, weights, windows = weights, data, swapped
    in_data, in_weights = variables(data.indices), variables(weights.indices)
    batch = m = n = 1
    for variable, extent in contraction.extents.items():
        if variable in contraction.reduced:
            continue
        if variable not in in_weights:
            m *= extent
        elif variable not in in_data:
            n *= extent
        else:
            # In a grouped convolution several output channels read one group; with grouped queries it is the weights.
            columns = extent // distinct_values(data.indices, variable, extent)
            rows = extent // distinct_values(weights.indices, variable, extent)
            batch, m, n = batch * max(1, extent // (rows * columns)), m * rows, n * columns
    k = math.prod(contraction.extents[variable] for variable in contraction.reduced)
    return ContractionShape(_class_of(windows, batch, k), batch, m, n, k, windows)


def _class_of(windows: tuple[Window, ...], batch: int, k: int) -> OpClass:
    if not windows:
        return "matmul"
    pixels = math.prod(window.extent for window in windows)
    return "depthwise" if batch > 1 and k == pixels else "convolution"


def _windows_over(data: TensorLoad, weights: TensorLoad, contraction: Contraction) -> tuple[Window, ...]:
    in_weights = variables(weights.indices)
    spatial = {v for v in contraction.extents if v not in contraction.reduced and v not in in_weights}
    return find_windows(data, spatial, set(contraction.reduced) & in_weights, contraction.extents)


def find_windows(load: TensorLoad, spatial: set[Var], reduced: set[Var], extents: dict[Var, int]) -> tuple[Window, ...]:
    """Dimensions of a load over which a window slides, outermost first."""
    found = []
    for index in load.indices:
        used = variables([index])
        outer, inner = used & spatial, used & reduced
        if len(outer) == 1 and len(inner) == 1:
            (place,), (offset,) = outer, inner
            stride = slope(index, place, offset)
            if stride:
                found.append(Window(extents[offset], stride, max(1, slope(index, offset, place))))
    return tuple(found)
