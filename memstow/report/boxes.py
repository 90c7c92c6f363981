"""Rectangles of a picture, and fewer of them where they are too small to be told apart."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

#: ``(x, y, width, height)`` in pixels, y downwards.
Box = tuple[float, float, float, float]
_GRIDS = (1, 2, 4, 8, 16)


def merge_boxes(boxes: Sequence[Box], limit: int) -> list[Box]:
    """At most about ``limit`` boxes that cover the same: the smallest are joined on a grid, as coarse as it takes.

    Boxes of a pixel or more in both directions stay as they are while the limit allows it.
    """
    merged = list(boxes)
    for grid in _GRIDS:
        merged = _merge(boxes, grid)
        if len(merged) <= limit:
            break
    return merged


def _merge(boxes: Iterable[Box], grid: int) -> list[Box]:
    large: list[Box] = []
    rows: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for x, y, width, height in boxes:
        if width >= grid and height >= grid:
            large.append((x, y, width, height))
            continue
        left, right = _cells(x, width, grid)
        for row in range(*_cells(y, height, grid)):
            rows[row].append((left, right))
    return large + _stacked({row: _union(spans) for row, spans in rows.items()}, grid)


def _cells(start: float, length: float, grid: int) -> tuple[int, int]:
    first = math.floor(start / grid)
    return first, max(first + 1, math.ceil((start + length) / grid))


def _union(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for left, right in sorted(spans):
        if joined and left <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(right, joined[-1][1]))
        else:
            joined.append((left, right))
    return joined


def _stacked(rows: dict[int, list[tuple[int, int]]], grid: int) -> list[Box]:
    """Equal spans of rows that follow each other, as one box."""
    boxes: list[Box] = []
    open_since: dict[tuple[int, int], int] = {}

    def close(spans: Iterable[tuple[int, int]], end: int) -> None:
        for left, right in spans:
            top = open_since.pop((left, right))
            boxes.append((left * grid, top * grid, (right - left) * grid, (end - top) * grid))

    last = None
    for row in sorted(rows):
        if last is not None and row != last + 1:
            close(list(open_since), last + 1)
        spans = set(rows[row])
        close([span for span in open_since if span not in spans], row)
        for span in spans:
            open_since.setdefault(span, row)
        last = row
    if last is not None:
        close(list(open_since), last + 1)
    return boxes
