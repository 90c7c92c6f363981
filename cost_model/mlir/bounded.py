"""Operations whose work their types bound, without a formula of their own: most are of class ``other``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from ..kernel import KernelFacts
from .attributes import attribute_integers
from .step import KernelStep, Step, Typed


def _other(typed: Typed, *, elementwise: float = 0.0, transcendental: float = 0.0) -> Step:
    dtype = typed.result.dtype if not typed.inputs else typed.inputs[0].dtype
    facts = KernelFacts(op_class="other", dtype=dtype, elementwise=elementwise, transcendental=transcendental)
    return KernelStep(facts, typed.whole(), typed.writes)


def _sort(typed: Typed) -> Step:
    """A comparison of every element in each of the ``log2(n)`` rounds of a merge sort."""
    source = typed.type(0)
    axis = attribute_integers(typed.operation, "dimension") or (-1,)
    extent = source.shape[axis[0]] if source.shape else 1
    return _other(typed, elementwise=float(source.elements * math.ceil(math.log2(max(extent, 2)))))


def _top_k(typed: Typed) -> Step:
    """A heap of k for every row."""
    source = typed.type(0)
    kept = typed.result.shape[-1] if typed.result.shape else 1
    return _other(typed, elementwise=float(source.elements * math.ceil(math.log2(kept + 1))))


def _fft(typed: Typed) -> Step:
    """``5 n log2(n)`` real operations for a transform of n points."""
    source = typed.type(0) if typed.type(0).elements > typed.result.elements else typed.result
    points = math.prod(attribute_integers(typed.operation, "length", "fft_length")) or 1
    return _other(typed, elementwise=5.0 * source.elements * math.log2(max(points, 2)))


def _cholesky(typed: Typed) -> Step:
    """A third of ``n^3`` for a matrix of order n, and a root for each row."""
    n = typed.result.shape[-1]
    matrices = typed.result.elements // max(n * n, 1)
    return _other(typed, elementwise=matrices * n**3 / 3.0, transcendental=float(matrices * n))


def _triangular_solve(typed: Typed) -> Step:
    """``n`` operations for each element of the right-hand sides."""
    return _other(typed, elementwise=float(typed.type(1).elements * typed.type(0).shape[-1]))


def _random(typed: Typed) -> Step:
    """Some thirty integer operations for each word of a counter-based generator."""
    words = sum(result.size_bytes / 4 for result in typed.results)
    return _other(typed, elementwise=30.0 * words)


def _batch_norm_inference(typed: Typed) -> Step:
    """A difference, two products and a sum for each element, a root for each feature."""
    facts = KernelFacts(
        op_class="elementwise",
        dtype=typed.result.dtype,
        elementwise=4.0 * typed.result.elements,
        transcendental=float(typed.type(1).elements),
    )
    return KernelStep(facts, typed.whole(), typed.writes)


def _batch_norm_training(typed: Typed) -> Step:
    """Mean and variance of each feature, then as in inference; its gradient does half as much again."""
    backward = typed.operation.short_name == "batch_norm_grad"
    elements = float(typed.type(0).elements)
    facts = KernelFacts(
        op_class="reduction",
        dtype=typed.result.dtype,
        reduced=2 * elements,
        elementwise=(8 if backward else 5) * elements,
        transcendental=float(typed.type(1).elements),
    )
    return KernelStep(facts, typed.whole(), typed.writes)


BOUNDED: Mapping[str, Callable[[Typed], Step]] = {
    "batch_norm_grad": _batch_norm_training,
    "batch_norm_inference": _batch_norm_inference,
    "batch_norm_training": _batch_norm_training,
    "cholesky": _cholesky,
    "fft": _fft,
    "rng": _random,
    "rng_bit_generator": _random,
    "sort": _sort,
    "top_k": _top_k,
    "triangular_solve": _triangular_solve,
}
