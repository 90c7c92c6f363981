"""Contractions: extents ``batch x m x n x k`` from which dimensions the two operands and the result have in common."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import TypeVar

from ..kernel import KernelFacts, OpClass

Loop = TypeVar("Loop", bound=Hashable)


def contraction(
    dtype: str,
    left: Collection[Loop],
    right: Collection[Loop],
    out: Collection[Loop],
    extents: Mapping[Loop, int],
    *,
    window: Sequence[int] = (),
    strides: Sequence[int] = (),
    dilations: Sequence[int] = (),
) -> KernelFacts:
    """Facts of ``out[...] += left[...] * right[...]``.

    Args:
        dtype: that the operands are multiplied in.
        left: dimensions of the first operand.
        right: dimensions of the second, the weights.
        out: dimensions of the result; all others are reduced over.
        extents: of every dimension.
        window: extents of a convolution's kernel, empty for a matrix product.
        strides: of the window.
        dilations: of the window.

    Example:
        >>> extents = {"i": 2, "j": 3, "k": 4}
        >>> contraction("f32", "ik", "kj", "ij", extents).matrix_flops  # 2 * 2 * 3 * 4
        48.0
    """
    shared = set(left) & set(right) & set(out)
    columns = (set(right) & set(out)) - shared
    rows = set(out) - shared - columns
    reduced = (set(left) | set(right)) - set(out)
    batch, m, n, k = (math.prod(extents[dim] for dim in dims) for dims in (shared, rows, columns, reduced))
    height, width = pixels(window)
    down, across = pixels(strides)
    apart_down, apart_across = pixels(dilations)
    op_class: OpClass = "convolution" if window else "matmul"
    if window and batch > 1 and k == height * width:
        op_class = "depthwise"
    return KernelFacts(
        op_class=op_class,
        dtype=dtype,
        matrix_flops=2.0 * batch * m * n * k,
        batch=max(batch, 1),
        m=max(m, 1),
        n=max(n, 1),
        k=max(k, 1),
        kernel_height=height,
        kernel_width=width,
        stride_height=down,
        stride_width=across,
        dilation_height=apart_down,
        dilation_width=apart_across,
    )


def pixels(extents: Sequence[int]) -> tuple[int, int]:
    """Height and width of a window: the innermost extent is the width, all others together the height."""
    if not extents:
        return 1, 1
    return max(1, math.prod(extents[:-1])), max(1, extents[-1])


def pooling(
    dtype: str, result_elements: int, window: Sequence[int], strides: Sequence[int], results: int = 1
) -> KernelFacts:
    """Facts of a reduction over windows: every result's element reads a window."""
    moving = [i for i, extent in enumerate(window) if extent > 1 or (i < len(strides) and strides[i] > 1)]
    height, width = pixels([window[i] for i in moving])
    down, across = pixels([strides[i] for i in moving if i < len(strides)])
    return KernelFacts(
        op_class="pooling",
        dtype=dtype,
        reduced=float(result_elements * math.prod(window) * results),
        kernel_height=height,
        kernel_width=width,
        stride_height=down,
        stride_width=across,
    )
