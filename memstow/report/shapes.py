"""What a static picture consists of: shapes in pixels, y downwards, painted in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .boxes import Box


@dataclass(frozen=True)
class Boxes:
    """Rectangles of one colour. ``title`` is shown by what can show it when one points there."""

    boxes: Sequence[Box]
    colour: str
    opacity: float = 1.0
    title: str = ""


@dataclass(frozen=True)
class Line:
    """A line through points; dashed, or filled down to its first point's height, where that is said."""

    points: Sequence[tuple[float, float]]
    colour: str
    width: float = 1.0
    dashed: bool = False
    fill_opacity: float = 0.0


@dataclass(frozen=True)
class Label:
    """Text with the middle of its height at ``y``."""

    x: float
    y: float
    text: str
    colour: str
    anchor: Literal["start", "middle", "end"] = "start"
    size: float = 11.0
    bold: bool = False


@dataclass(frozen=True)
class Scene:
    """A whole picture."""

    width: int
    height: int
    title: str
    shapes: Sequence[Boxes | Line | Label]
