"""``dot``, ``dot_general`` and ``convolution``."""

from __future__ import annotations

import re
from collections.abc import Hashable

from .attributes import attribute_integers, integers, named_integers
from .contraction import contraction
from .step import KernelStep, Step, Typed
from .syntax import Attribute, Operation, Shaped

_DIMENSIONS = re.compile(r"\s*\[([^\]]*)\]\s*x\s*\[([^\]]*)\]\s*->\s*\[([^\]]*)\]\s*")


def dot(typed: Typed) -> Step:
    """Old form without dimension numbers: the last dimension of the first operand with the first of the second."""
    rank = len(typed.type(0).shape)
    return _dot(typed, (), (), (rank - 1,), (0,))


def dot_general(typed: Typed) -> Step:
    """Batching and contracting dimensions from either form.

    Raises:
        InvalidInputError: dimension numbers that do not fit the operands.
    """
    operation = typed.operation
    numbers = operation.attributes.get("dot_dimension_numbers")
    if numbers is not None:
        names = ("lhs_batching", "rhs_batching", "lhs_contracting", "rhs_contracting")
        return _dot(typed, *(named_integers(numbers, f"{name}_dimensions") for name in names))
    return _dot(typed, *_pair(operation, "batching_dims"), *_pair(operation, "contracting_dims"))


def _pair(operation: Operation, name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    value = operation.attributes.get(name)
    if value is None:
        return (), ()
    if not isinstance(value, tuple) or len(value) != 2:
        raise operation.error(f"expected {name} = [...] x [...], found {value!r:.60}")
    return integers(value[0], operation.where), integers(value[1], operation.where)


def _dot(
    typed: Typed,
    left_batch: tuple[int, ...],
    right_batch: tuple[int, ...],
    left_reduced: tuple[int, ...],
    right_reduced: tuple[int, ...],
) -> Step:
    left, right = typed.type(0), typed.type(1)
    extents: dict[Hashable, int] = {("left", i): extent for i, extent in enumerate(left.shape)}
    names: dict[int, Hashable] = {i: ("right", i) for i in range(len(right.shape))}
    extents.update((names[i], extent) for i, extent in enumerate(right.shape))
    for i, j in (*zip(left_batch, right_batch, strict=False), *zip(left_reduced, right_reduced, strict=False)):
        if i >= len(left.shape) or j >= len(right.shape) or left.shape[i] != right.shape[j]:
            raise typed.operation.error(
                f"expected equal extents of dimensions {i} and {j}, found the shapes {left.shape} and {right.shape}"
            )
        names[j] = ("left", i)
    lefts = {("left", i) for i in range(len(left.shape))}
    rights = set(names.values())
    out = (lefts | rights) - {("left", i) for i in left_reduced}
    facts = contraction(left.dtype, lefts, rights, out, extents)
    return KernelStep(facts, typed.whole(), typed.writes)


def convolution(typed: Typed) -> Step:
    """Groups are batches; padding and the holes of a dilated input count as taps like all others.

    Raises:
        InvalidInputError: dimension numbers that do not fit the operands.
    """
    operation = typed.operation
    data, kernel, out = _layout(operation)
    image, weights, result = typed.type(0), typed.type(1), typed.result
    for letters, of in ((data, image), (kernel, weights), (out, result)):
        if len(letters) != len(of.shape):
            raise operation.error(f"expected {len(of.shape)} dimension numbers for {of.shape}, found {letters}")
    groups = 1
    for name in ("feature_group_count", "batch_group_count"):
        groups *= max((1, *attribute_integers(operation, name)))
    spatial = sorted(letter for letter in kernel if letter.isdigit())
    window = [weights.shape[kernel.index(letter)] for letter in spatial]
    pixels = [result.shape[out.index(letter)] for letter in spatial]
    extents: dict[Hashable, int] = {
        "group": groups,
        "image": result.shape[out.index("b")],
        "filter": result.shape[out.index("f")] // groups,
        "channel": weights.shape[kernel.index("i")],
        **{f"pixel{i}": extent for i, extent in enumerate(pixels)},
        **{f"tap{i}": extent for i, extent in enumerate(window)},
    }
    positions, taps = [f"pixel{i}" for i in range(len(pixels))], [f"tap{i}" for i in range(len(window))]
    facts = contraction(
        image.dtype,
        ["group", "image", "channel", *positions, *taps],
        ["group", "filter", "channel", *taps],
        ["group", "image", "filter", *positions],
        extents,
        window=window or (1,),
        strides=_of_window(operation, "stride", "window_strides"),
        dilations=_of_window(operation, "rhs_dilate", "rhs_dilation"),
    )
    touched = image.elements
    for letter, extent, taken in zip(spatial, pixels, window, strict=True):
        inside = image.shape[data.index(letter)]
        touched = touched // max(inside, 1) * min(inside, extent * taken)
    reads = ((operation.operands[0], image.bytes_of(touched)), *typed.whole(operation.operands[1:2]))
    return KernelStep(facts, reads, typed.writes)


def _of_window(operation: Operation, pretty: str, generic: str) -> tuple[int, ...]:
    """Numbers by their names in the two forms of the text."""
    window = operation.attributes.get("window")
    if isinstance(window, dict):
        return integers(window.get(pretty, ()), operation.where)
    return attribute_integers(operation, generic)


def _layout(operation: Operation) -> tuple[list[str], list[str], list[str]]:
    """Letters of the dimensions of input, kernel and output: b, f, i, o and the numbers of the spatial ones."""
    value = operation.attributes.get("dim_numbers", operation.attributes.get("dimension_numbers"))
    if isinstance(value, tuple) and len(value) == 3:
        data, kernel, out = (_letters(part) for part in value)
        return data, kernel, out
    body = value.body if isinstance(value, Shaped) else ""
    if match := _DIMENSIONS.fullmatch(body):
        data, kernel, out = ([item.strip() for item in part.split(",") if item.strip()] for part in match.groups())
        return data, kernel, out
    if body.lstrip().startswith("raw"):
        names = (
            ("input", "batch", "feature"),
            ("kernel", "input_feature", "output_feature"),
            ("output", "batch", "feature"),
        )
        data, kernel, out = (
            _raw(
                value,
                tensor,
                ((first, "i" if tensor == "kernel" else "b"), (second, "o" if tensor == "kernel" else "f")),
            )
            for tensor, first, second in names
        )
        return data, kernel, out
    raise operation.error(f"expected dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], found {value!r:.80}")


def _letters(part: Attribute) -> list[str]:
    return [str(item) for item in part] if isinstance(part, tuple) else []


def _raw(value: Attribute | None, tensor: str, named: tuple[tuple[str, str], ...]) -> list[str]:
    spatial = named_integers(value, f"{tensor}_spatial_dimensions")
    letters = [""] * (len(spatial) + len(named))
    places = [(place, str(i)) for i, place in enumerate(spatial)]
    places += [
        (place, letter) for name, letter in named for place in named_integers(value, f"{tensor}_{name}_dimension")
    ]
    for place, letter in places:
        if place < len(letters):
            letters[place] = letter
    return letters
