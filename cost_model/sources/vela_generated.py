"""Operators of random but usual shapes, beside those of the zoo: a model that is to be priced has neither's."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping

from ..random_extent import random_extent
from .vela_operators import BINARY, UNARY, QuantisedOperator, Shape

_MAX_ELEMENTS = 1 << 23
#: Most extents of real models are multiples of a power of two.
_STEPS = (1, 1, 4, 8, 16, 16, 32, 64)
_MAX_WEIGHTS = 1 << 21


def generated_operators(program: str) -> list[QuantisedOperator]:
    """The operators of one of :data:`GENERATED`, in int8; always the same.

    Raises:
        KeyError: no such program.
    """
    make, count = GENERATED[program]
    rng = random.Random(program)
    found: dict[QuantisedOperator, None] = {}
    while len(found) < count:
        op = make(rng)
        tensors = (*op.inputs, op.output)
        if max(map(math.prod, tensors)) <= _MAX_ELEMENTS and (not op.weights or math.prod(op.weights) <= _MAX_WEIGHTS):
            found[op] = None
    return list(found)


def _extent(rng: random.Random, low: int, high: int) -> int:
    return random_extent(rng, low, high, _STEPS)


def _channels(rng: random.Random) -> int:
    return rng.choice((1, 3, 4)) if rng.random() < 0.06 else _extent(rng, 4, 1024)


def _image(rng: random.Random) -> tuple[int, int]:
    if rng.random() < 0.2:
        return 1, _extent(rng, 4, 4096)
    height = _extent(rng, 2, 224)
    return height, height if rng.random() < 0.7 else _extent(rng, 2, 224)


def _window(rng: random.Random, image: tuple[int, int]) -> tuple[int, int]:
    width = rng.choice((1, 1, 1, 2, 3, 3, 3, 4, 5, 7))
    return min(image[0], 1 if image[0] == 1 else width), min(image[1], width)


def _placed(
    rng: random.Random, image: tuple[int, int], window: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int], bool]:
    """Strides, extents of the result, and whether the input is padded so that a stride of 1 keeps its extents."""
    patches = window[1] > 1 and rng.random() < 0.1
    step = window[1] if patches and window[1] <= 3 else rng.choice((1, 1, 1, 2))
    strides = (1 if image[0] == 1 else step, step)
    same = rng.random() < 0.6
    height, width = (
        -(-extent // stride) if same else (extent - size) // stride + 1
        for extent, stride, size in zip(image, strides, window, strict=True)
    )
    return strides, (height, width), same


def _convolution(rng: random.Random) -> QuantisedOperator:
    image, inputs, outputs = _image(rng), _channels(rng), _channels(rng)
    window = _window(rng, image)
    strides, result, same = _placed(rng, image, window)
    weights = (outputs, *window, inputs)
    return QuantisedOperator(
        "CONV_2D", "int8", ((1, *image, inputs),), (1, *result, outputs), weights, window, strides, same=same
    )


def _depthwise(rng: random.Random) -> QuantisedOperator:
    image, channels = _image(rng), _extent(rng, 8, 1024)
    window = _window(rng, image)
    strides, result, same = _placed(rng, image, window)
    shape, output = (1, *image, channels), (1, *result, channels)
    return QuantisedOperator(
        "DEPTHWISE_CONV_2D", "int8", (shape,), output, (1, *window, channels), window, strides, same=same
    )


def _pooling(rng: random.Random) -> QuantisedOperator:
    image, channels = _image(rng), _extent(rng, 4, 1024)
    size = rng.choice((2, 3))
    window = (min(image[0], size), min(image[1], size))
    strides, result, same = _placed(rng, image, window)
    code = rng.choice(("MAX_POOL_2D", "AVERAGE_POOL_2D"))
    return QuantisedOperator(
        code, "int8", ((1, *image, channels),), (1, *result, channels), window=window, strides=strides, same=same
    )


def _fully_connected(rng: random.Random) -> QuantisedOperator:
    rows = 1 if rng.random() < 0.15 else _extent(rng, 2, 4096)
    k, n = _extent(rng, 8, 4096), _extent(rng, 8, 4096)
    return QuantisedOperator("FULLY_CONNECTED", "int8", ((rows, k),), (rows, n), (n, k))


def _batched(rng: random.Random) -> QuantisedOperator:
    batch, m, n, k = _extent(rng, 1, 32), _extent(rng, 1, 512), _extent(rng, 4, 512), _extent(rng, 8, 512)
    return QuantisedOperator("BATCH_MATMUL", "int8", ((batch, m, k), (batch, n, k)), (batch, m, n))


def _feature_map(rng: random.Random) -> Shape:
    if rng.random() < 0.5:
        return (1, *_image(rng), _channels(rng))
    return (1, _extent(rng, 1, 32), _extent(rng, 1, 1024), _extent(rng, 4, 4096))


def _unary(rng: random.Random) -> QuantisedOperator:
    shape = _feature_map(rng)
    return QuantisedOperator(rng.choice(sorted(UNARY)), "int8", (shape,), shape)


def _binary(rng: random.Random) -> QuantisedOperator:
    shape = _feature_map(rng)
    right = rng.choice((shape, shape, shape, (1, 1, 1, shape[3]), (*shape[:3], 1), (1, 1, *shape[2:])))
    code = rng.choice(("ADD", "ADD", "MUL", "MUL", *sorted(BINARY)))
    return QuantisedOperator(code, "int8", (shape, right), shape)


def _reduction(rng: random.Random) -> QuantisedOperator:
    shape = _feature_map(rng)
    if rng.random() < 0.4:
        return QuantisedOperator("SOFTMAX", "int8", (shape,), shape)
    axes = rng.choice(((3,), (3,), (1, 2)))
    kept = tuple(1 if axis in axes else extent for axis, extent in enumerate(shape))
    return QuantisedOperator(rng.choice(("MEAN", "SUM")), "int8", (shape,), kept, axes=axes)


def _movement(rng: random.Random) -> QuantisedOperator:
    shape = _feature_map(rng)
    code = rng.choice(("CONCATENATION", "PAD", "TRANSPOSE"))
    if code == "PAD":
        added = rng.choice(((0, 1, 1, 0), (0, 2, 2, 0), (0, 0, 0, 4), (0, 3, 3, 0)))
        padded = tuple(extent + 2 * more for extent, more in zip(shape, added, strict=True))
        return QuantisedOperator(code, "int8", (shape,), padded)
    if code == "TRANSPOSE":
        order = rng.choice(((0, 2, 1, 3), (0, 1, 3, 2), (0, 3, 1, 2), (0, 2, 3, 1)))
        return QuantisedOperator(code, "int8", (shape,), tuple(shape[axis] for axis in order), axes=order)
    axis = rng.choice((1, 2, 3, 3))
    parts = rng.choice((2, 2, 3))
    joined = tuple(extent * parts if i == axis else extent for i, extent in enumerate(shape))
    return QuantisedOperator(code, "int8", (shape,) * parts, joined, axes=(axis,))


#: Programs by name: what makes one operator, and how many there are.
GENERATED: Mapping[str, tuple[Callable[[random.Random], QuantisedOperator], int]] = {
    "generated_convolution": (_convolution, 4500),
    "generated_depthwise": (_depthwise, 5000),
    "generated_pooling": (_pooling, 1500),
    "generated_fully_connected": (_fully_connected, 4000),
    "generated_batched": (_batched, 6000),
    "generated_unary": (_unary, 6000),
    "generated_binary": (_binary, 9000),
    "generated_reduction": (_reduction, 6000),
    "generated_movement": (_movement, 6000),
}
