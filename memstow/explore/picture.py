"""The picture of an exploration: for every model its times over the capacity, and how far the plans can be from best.

The first axis (the capacity, where it is varied) runs from left to right; every combination of the others is a curve
on the left and a row of the heat map on the right.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..chart_style import FAINT, GRID, INK, STYLE
from ..extras import require
from ..figures import time_unit
from .parameters import PARAMETERS
from .results import ExploreResults, Point

#: Inches of one model's row, and of what is around all of them.
_WIDTH, _ROW, _AROUND = 11.0, 3.1, 0.9


@dataclass(frozen=True)
class View:
    """The grid in two dimensions: ``across`` has the first axis' values, ``rows`` the combinations of the others."""

    results: ExploreResults
    first: str
    others: tuple[str, ...]

    @property
    def across(self) -> tuple[float, ...]:
        """Values from left to right."""
        return self.results.axes[self.first]

    @cached_property
    def rows(self) -> tuple[tuple[float, ...], ...]:
        """Combinations from the slowest to the fastest end of the axes."""
        return tuple(itertools.product(*(self.results.axes[name] for name in self.others)))

    def row_of(self, point: Point) -> tuple[float, ...]:
        """The combination that a point belongs to."""
        return tuple(point.values[name] for name in self.others)

    def label(self, row: tuple[float, ...]) -> str:
        """A combination in words."""
        return ", ".join(PARAMETERS[n].quantity.show(v) for n, v in zip(self.others, row, strict=True))

    def ticks(self) -> list[str]:
        """The first axis' values in words."""
        return [PARAMETERS[self.first].quantity.show(value) for value in self.across]


def view_of(results: ExploreResults) -> View:
    """The capacity first where it is varied, else what was given first."""
    names = list(results.axes)
    first = "capacity" if "capacity" in names else names[0]
    return View(results, first, tuple(name for name in names if name != first))


def draw(results: ExploreResults, paths: Sequence[Path]) -> None:
    """Write the picture; the ending of each path decides the format (svg, png, pdf).

    Raises:
        MissingPackageError: matplotlib is not installed.
    """
    matplotlib = require("matplotlib", "the picture", "report")
    figures = require("matplotlib.figure", "the picture", "report")
    view = view_of(results)
    models = [model for model in results.fronts if results.of(model)]
    if not models:
        return
    with matplotlib.rc_context(STYLE):
        figure = figures.Figure(figsize=(_WIDTH, _ROW * len(models) + _AROUND), layout="constrained")
        axes = figure.subplots(len(models), 2, squeeze=False, width_ratios=(1.25, 1.0))
        colours = _colours(matplotlib, len(view.rows))
        worst = max((p.gap_ratio or 0.0 for model in models for p in results.of(model)), default=0.0)
        for (left, right), model in zip(axes, models, strict=True):
            _curves(left, view, model, colours)
            _heat_map(right, view, model, max(worst, 0.01))
        for axis in axes[-1]:
            axis.set_xlabel(PARAMETERS[view.first].meaning)
        _legend(figure, axes[0][0], view)
        figure.suptitle(f"{_title(results)}\n", x=0.01, ha="left", fontsize=12, fontweight="bold")
        for path in paths:
            figure.savefig(path, dpi=160, metadata={"Date": None} if path.suffix == ".svg" else None)


def _title(results: ExploreResults) -> str:
    settings = results.settings
    return f"Variants of {settings.base.name}, planned by {settings.planner}"


def _colours(matplotlib: Any, count: int) -> list[Any]:
    """Dark for the slow end to light for the fast end of the other axes, all of them legible on white."""
    ramp = matplotlib.colormaps["viridis"]
    return [ramp(0.05 + 0.78 * k / max(1, count - 1)) for k in range(count)]


def _curves(axis: Any, view: View, model: str, colours: Sequence[Any]) -> None:
    points = view.results.of(model)
    on_front = {point.key for point in view.results.front_of(model)}
    scale, unit = time_unit(max(point.planned_seconds or 0.0 for point in points))
    for row, colour in zip(view.rows, colours, strict=True):
        here = [(view.across.index(p.values[view.first]), p) for p in points if view.row_of(p) == row]
        bounds = [(p.lower_bound_seconds or 0.0) * scale for _, p in here]
        axis.plot([x for x, _ in here], bounds, ":", color=colour, linewidth=1.0, zorder=2)
        times = [(p.planned_seconds or 0.0) * scale for _, p in here]
        axis.plot([x for x, _ in here], times, "-", color=colour, linewidth=1.8, zorder=3, label=view.label(row))
        for (x, point), time in zip(here, times, strict=True):
            _mark(axis, x, time, colour, is_filled=point.key in on_front)
    axis.set_yscale("log")
    _plain_ticks(axis)
    axis.set_xticks(range(len(view.across)), view.ticks())
    axis.set_title(model, loc="left", fontweight="bold")
    axis.set_ylabel(f"time, {unit}")
    axis.grid(axis="y", which="both", color=GRID, linewidth=0.7)
    axis.set_axisbelow(True)


def _mark(axis: Any, x: float, y: float, colour: Any, *, is_filled: bool) -> None:
    """A filled circle for a variant on the front, a small open one for any other."""
    size, face, edge = (6.5, colour, "white") if is_filled else (4.0, "white", colour)
    axis.plot(x, y, "o", markersize=size, color=face, markeredgecolor=edge, markeredgewidth=1.2, zorder=4)


def _plain_ticks(axis: Any) -> None:
    """Numbers such as 2 and 0.5 on a logarithmic axis, in the place of powers."""
    ticker = require("matplotlib.ticker", "the picture", "report")
    low, high = axis.get_ylim()
    within_a_decade = high / low < 12
    locator = ticker.MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]) if within_a_decade else ticker.LogLocator(10, (1, 2, 5))
    axis.yaxis.set_major_locator(locator)
    axis.yaxis.set_minor_locator(ticker.NullLocator())
    axis.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:.3g}"))


def _heat_map(axis: Any, view: View, model: str, worst: float) -> None:
    """Gaps in percent, written into the cells."""
    points = {(point.values[view.first], view.row_of(point)): point for point in view.results.of(model)}
    gaps = [[_gap(points.get((value, row))) for value in view.across] for row in view.rows]
    axis.imshow(gaps, aspect="auto", origin="lower", cmap="Oranges", vmin=0.0, vmax=100 * worst * 1.25)
    for (y, row), (x, value) in itertools.product(enumerate(view.rows), enumerate(view.across)):
        if (value, row) in points:
            ink = "white" if gaps[y][x] > 70 * worst else INK
            axis.text(x, y, f"{gaps[y][x]:.1f}", ha="center", va="center", fontsize=7.5, color=ink)
    axis.set_xticks(range(len(view.across)), view.ticks())
    axis.set_yticks(range(len(view.rows)), [view.label(row) for row in view.rows])
    axis.set_title(f"{model}: gap to the proven bound, %", loc="left", color=FAINT)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)


def _gap(point: Point | None) -> float:
    return float("nan") if point is None or point.gap_ratio is None else 100 * point.gap_ratio


def _legend(figure: Any, axis: Any, view: View) -> None:
    lines = require("matplotlib.lines", "the picture", "report")
    marks = [
        lines.Line2D([], [], color=FAINT, linewidth=1.8, label="time of the plan"),
        lines.Line2D([], [], color=FAINT, linewidth=1.0, linestyle=":", label="proven bound"),
        lines.Line2D([], [], color=FAINT, marker="o", linestyle="", label="on the front: none cheaper is as fast"),
    ]
    curves = axis.get_legend_handles_labels()[0] if view.others else []
    figure.legend(
        handles=[*curves, *marks],
        loc="outside lower left",
        ncols=min(len(curves) + 3, 6),
        frameon=False,
        fontsize=8,
        title=" and ".join(PARAMETERS[name].meaning for name in view.others) or None,
        title_fontsize=8,
        alignment="left",
    )
