"""Named linalg operations as loops and maps: their names spell their dimensions."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from .affine import AffineMap, letters_map
from .scalar_ops import Body
from .structured import PRODUCT
from .syntax import Operation

_POOLED = Body(Counter(), Counter({"elementwise": 1}), None, frozenset({0, 2}), (), indexed=False)
#: Loops, dimensions of both operands and of the result; capitals are the outer dimensions of tiles.
_PRODUCTS = {
    "dot": ("k", "k", "k", ""),
    "matvec": ("mk", "mk", "k", "m"),
    "vecmat": ("nk", "k", "kn", "n"),
    "matmul": ("mnk", "mk", "kn", "mn"),
    "matmul_transpose_a": ("mnk", "km", "kn", "mn"),
    "matmul_transpose_b": ("mnk", "mk", "nk", "mn"),
    "mmt4d": ("MNKmnk", "MKmk", "NKnk", "MNmn"),
    "batch_matvec": ("bmk", "bmk", "bk", "bm"),
    "batch_vecmat": ("bnk", "bk", "bkn", "bn"),
    "batch_matmul": ("bmnk", "bmk", "bkn", "bmn"),
    "batch_matmul_transpose_a": ("bmnk", "bkm", "bkn", "bmn"),
    "batch_matmul_transpose_b": ("bmnk", "bmk", "bnk", "bmn"),
    "batch_reduce_matmul": ("bmnk", "bmk", "bkn", "mn"),
    "batch_mmt4d": ("bMNKmnk", "bMKmk", "bNKnk", "bMNmn"),
}
_CONVOLUTION = re.compile(r"(depthwise_)?conv_(\d)d(?:_([a-z]+)_([a-z]+?))?(_q)?")
_POOLING = re.compile(r"pooling_([a-z]+)_(?:sum|max|max_unsigned|min|min_unsigned)")
_SPATIAL = {"d", "h", "w"}


@dataclass(frozen=True)
class Named:
    """Maps of two inputs and a destination, the loops that reduce, and the body."""

    maps: list[AffineMap]
    reductions: frozenset[int]
    body: Body


def named_structure(operation: Operation, strides: tuple[int, ...], dilations: tuple[int, ...]) -> Named | None:
    """Structure of a matrix product, convolution or pooling; ``None`` if the name is of none."""
    name = operation.short_name.removeprefix("quantized_")
    if name in _PRODUCTS:
        loops, left, right, out = _PRODUCTS[name]
        maps = [letters_map(loops, dims) for dims in (left, right, out)]
        return Named(maps, frozenset(range(len(loops))) - maps[2].used, PRODUCT)
    if match := _CONVOLUTION.fullmatch(name):
        depthwise, rank, data, kernel, _ = match.groups()
        if data is None:
            data = kernel = "dhw"[3 - int(rank) :]
        return _windowed(data, kernel, bool(depthwise), strides, dilations, PRODUCT)
    if match := _POOLING.fullmatch(name):
        window = "".join(letter for letter in match[1] if letter in _SPATIAL)
        return _windowed(match[1], window, True, strides, dilations, _POOLED)
    return None


def _windowed(
    data: str, kernel: str, depthwise: bool, strides: tuple[int, ...], dilations: tuple[int, ...], body: Body
) -> Named:
    """Maps from layouts such as ``nhwc`` and ``hwcf``; a spatial letter of the kernel is a loop of its own (capital).

    The result has the layout of the data, with the filters f in the place of the channels c; the filters m of each
    channel of a depthwise convolution come last.
    """
    spatial = [letter for letter in data if letter in _SPATIAL]
    channels = "c" if depthwise else "f"
    out = [channels if letter == "c" else letter for letter in data] + (["m"] if "m" in kernel else [])
    taps = [letter.upper() if letter in _SPATIAL else letter for letter in kernel]
    loops = list(dict.fromkeys([*out, *taps, *(letter for letter in data if letter not in _SPATIAL)]))
    place = {letter: i for i, letter in enumerate(loops)}

    def moving(letter: str) -> dict[int, int]:
        if letter not in _SPATIAL:
            return {place[letter]: 1}
        at = spatial.index(letter)
        stride = strides[at] if at < len(strides) else 1
        dilation = dilations[at] if at < len(dilations) else 1
        return {place[letter]: stride, place[letter.upper()]: dilation}

    maps = [
        AffineMap(len(loops), tuple(moving(letter) for letter in data)),
        AffineMap(len(loops), tuple({place[letter]: 1} for letter in taps)),
        AffineMap(len(loops), tuple({place[letter]: 1} for letter in out)),
    ]
    return Named(maps, frozenset(range(len(loops))) - maps[2].used, body)
