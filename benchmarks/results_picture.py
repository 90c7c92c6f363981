"""Performance profiles (Dolan and More, 2002) as a picture: how many programs a planner solves how well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from results_figures import RECORDED
from results_parts import UNSEEDED

from memstow.chart_style import GRID, INK, STYLE

#: Ratios of times from left to right, less 1; what is nearer to 1 than the first is drawn there.
TICKS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_COLUMNS, _PANEL, _LEGEND = 2, (4.9, 2.9), 0.75


@dataclass(frozen=True)
class Panel:
    """One diagram: by planner its sorted ratios to the best plans, less 1 (infinite where it has no valid plan)."""

    title: str
    excesses: Mapping[str, NDArray[np.float64]]


def draw(panels: Sequence[Panel], path: Path) -> None:
    """Write the picture; a planner has one colour in all panels. Searches are solid, all else is dashed."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot
    from matplotlib.ticker import NullLocator, PercentFormatter

    names = dict.fromkeys(name for panel in panels for name in panel.excesses if name != RECORDED)
    twenty = matplotlib.color_sequences["tab20"]
    colours = {RECORDED: INK, **dict(zip(names, cycle([*twenty[::2], *twenty[1::2]]), strict=False))}
    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    height = _PANEL[1] * rows + _LEGEND
    with matplotlib.rc_context(STYLE):
        figure, axes = pyplot.subplots(
            rows, columns, figsize=(_PANEL[0] * columns, height), squeeze=False, sharey=True, facecolor="white"
        )
        handles = {}
        for axis in axes.flat[len(panels) :]:
            axis.set_axis_off()
        for panel, axis in zip(panels, axes.flat, strict=False):
            for name, excesses in panel.excesses.items():
                across, up = steps(excesses)
                style = "--" if name in UNSEEDED or name == RECORDED else "-"
                (handles[name],) = axis.plot(across, up, style, color=colours[name], linewidth=1.5, label=name)
            axis.set_title(panel.title, loc="left")
            axis.set_xscale("log")
            axis.set_xlim(TICKS[0], TICKS[-1])
            axis.set_ylim(0.0, 1.02)
            axis.set_xticks(TICKS, [f"{1 + tick:g}" for tick in TICKS])
            axis.xaxis.set_minor_locator(NullLocator())
            axis.yaxis.set_major_formatter(PercentFormatter(1.0))
            axis.grid(color=GRID, linewidth=0.8)
        for axis in axes[:, 0]:
            axis.set_ylabel("share of the runs")
        for k in range(len(panels)):
            if k + columns >= len(panels):
                axes.flat[k].set_xlabel("at most so many times the fastest plan's time")
        figure.tight_layout(rect=(0.0, _LEGEND / height, 1.0, 1.0))
        figure.legend(handles.values(), handles.keys(), loc="lower center", ncols=6, frameon=False, fontsize=8.5)
        figure.savefig(path, format="svg", metadata={"Date": None})
        pyplot.close(figure)


def steps(excesses: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corners of the curve of a sorted sample, over the range of :data:`TICKS`: where, and the share up to there."""
    inner = np.unique(excesses[(excesses > TICKS[0]) & (excesses < TICKS[-1])])
    across = np.concatenate([[TICKS[0]], np.repeat(inner, 2), [TICKS[-1]]])
    shares = np.searchsorted(excesses, np.concatenate([[TICKS[0]], inner]), side="right") / len(excesses)
    return across, np.repeat(shares, 2)
