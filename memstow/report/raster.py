"""Plans as PNG pictures, painted by matplotlib."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..extras import require
from .picture import HEIGHT, WIDTH
from .reported import ReportedPlan
from .scene import scene_of
from .shapes import Boxes, Label, Line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Of a scene, whose pixels are a hundredth of an inch; and those of the picture.
_SCENE_DPI, _DPI = 100, 250
_POINTS = 72 / _SCENE_DPI
_ALIGN = {"start": "left", "middle": "center", "end": "right"}


def require_matplotlib() -> None:
    """See that pictures can be painted.

    Raises:
        MissingPackageError: matplotlib is not installed.
    """
    require("matplotlib", "a PNG picture (SVG needs nothing)", "report")


def picture_png(
    plans: Sequence[ReportedPlan], *, width: int = WIDTH, height: int = HEIGHT, title: str | None = None
) -> bytes:
    """Plans of one program as one picture, one below the other on one axis of time.

    ``width`` and ``height`` (each plan's) are in hundredths of an inch, at 250 dots per inch.

    Raises:
        MissingPackageError: matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    scene = scene_of(plans, width, height, title)
    figure = Figure(figsize=(scene.width / _SCENE_DPI, scene.height / _SCENE_DPI), dpi=_DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, scene.width), ylim=(scene.height, 0))
    axes.set_axis_off()
    for order, shape in enumerate(scene.shapes):
        _paint(axes, shape, order)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def _paint(axes: Axes, shape: Boxes | Line | Label, order: int) -> None:
    if isinstance(shape, Boxes):
        from matplotlib.collections import PolyCollection

        corners = [[(x, y), (x + w, y), (x + w, y + h), (x, y + h)] for x, y, w, h in shape.boxes]
        axes.add_collection(
            PolyCollection(corners, facecolors=shape.colour, alpha=shape.opacity, linewidths=0, zorder=order),
            autolim=False,
        )
    elif isinstance(shape, Line):
        xs, ys = zip(*shape.points, strict=True)
        dashes = "--" if shape.dashed else "-"
        axes.plot(xs, ys, dashes, color=shape.colour, linewidth=shape.width * _POINTS, zorder=order)
        if shape.fill_opacity:
            axes.fill(xs, ys, color=shape.colour, alpha=shape.fill_opacity, linewidth=0, zorder=order)
    else:
        axes.text(
            shape.x,
            shape.y,
            shape.text.replace("$", r"\$"),
            color=shape.colour,
            fontsize=shape.size * _POINTS,
            fontweight="bold" if shape.bold else "normal",
            ha=_ALIGN[shape.anchor],
            va="center",
            zorder=order,
        )
